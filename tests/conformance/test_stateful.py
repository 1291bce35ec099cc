"""Random sequences of calls mean the same to every store as to the model."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import settings

from contextd.stores import open_store
from contextd.stores.memory import MemoryStore
from contextd.stores.sqlite import SqliteStore
from contextd.testing.stateful import StoreMachine
from tests.servers.postgres import postgres_server

if TYPE_CHECKING:
    from contextd.ports import Store


class MemoryMachine(StoreMachine):
    async def open(self) -> Store:
        """Open an empty one."""
        return MemoryStore()


class SqliteMachine(StoreMachine):
    reopens = True

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        super().__init__()

    async def open(self) -> Store:
        """Open the file of this run."""
        return await SqliteStore.open(Path(self._folder.name) / "sessions.db")

    def teardown(self) -> None:
        """Remove the file of this run."""
        super().teardown()
        self._folder.cleanup()


class PostgresMachine(StoreMachine):
    reopens = True
    in_order = False

    def __init__(self) -> None:
        self._empty = False
        super().__init__()

    async def open(self) -> Store:
        """Open the schema of these runs, without rows when a run begins."""
        if not self._empty:
            await postgres_server().wipe("stateful")
            self._empty = True
        return await open_store(postgres_server().url("stateful", prepare="yes"))


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)

TestSqliteMachine = SqliteMachine.TestCase
TestSqliteMachine.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)

TestPostgresMachine = PostgresMachine.TestCase
TestPostgresMachine.settings = settings(max_examples=5, stateful_step_count=30, deadline=None)
