"""Every store passes the same suite."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, cast

import apsw
import pytest

from contextd.stores import SCHEMES, codec, open_store
from contextd.stores.memory import MemoryStore
from contextd.stores.postgres import PostgresStore
from contextd.stores.postgres.target import parsed
from contextd.stores.sqlite import SqliteStore
from contextd.testing.contracts import SharedStoreContract, StoreContract
from contextd.testing.harness import StoreHarness
from tests.servers.pooler import pooler
from tests.servers.postgres import postgres_server
from tests.stores.faulty_disk import FaultyDisk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Store


class TestMemoryStore(StoreContract):
    exceptions: ClassVar[Mapping[str, str]] = {
        "test_reopen": "memory ends with the process, and the store claims no more",
        "test_ready_while_hung": "there is no backend that could hang",
        "test_broken_backend": "there is no backend that could fail",
    }

    async def open(self) -> Store:
        """Open an empty one."""
        return MemoryStore()

    async def raw(self, store: Store, key: SessionKey) -> Sequence[Record]:
        """Look into the dicts."""
        logs = cast("MemoryStore", store)._logs
        return logs[key].records if key in logs else ()


class TestSqliteStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path) -> None:
        self.path = tmp_path / "sessions.db"
        self.disk = FaultyDisk()

    async def open(self) -> Store:
        """Open the file on a disk that can fail."""
        return await SqliteStore.open(self.path, vfs=self.disk.name)

    async def reopen(self, store: Store) -> Store:
        """Open the same file again."""
        await store.aclose()
        return await self.open()

    async def raw(self, store: Store, key: SessionKey) -> Sequence[Record]:
        """Read the rows through a connection of our own."""
        connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        rows = connection.execute(
            "SELECT position & 0xffffff, body FROM records JOIN sessions ON id = position >> 24 "
            "WHERE tenant = ? AND conversation = ? ORDER BY position",
            (key.tenant_id.encode(), key.conversation_id.encode()),
        ).fetchall()
        connection.close()
        assert [revision for revision, _ in rows] == list(range(1, len(rows) + 1))
        return [codec.decode(body) for _, body in rows if isinstance(body, bytes)]

    @asynccontextmanager
    async def hung(self, store: Store) -> AsyncIterator[None]:
        """Let syncs hang."""
        self.disk.going.clear()
        try:
            yield
        finally:
            self.disk.going.set()

    @asynccontextmanager
    async def broken(self, store: Store) -> AsyncIterator[None]:
        """Let syncs fail."""
        self.disk.failures["sync"] = apsw.SQLITE_IOERR_FSYNC
        try:
            yield
        finally:
            self.disk.failures.clear()


class OnPostgres(StoreHarness):
    async def open(self) -> Store:
        """Open a schema that the test before has left, without its rows."""
        await postgres_server().wipe("conformance")
        return await PostgresStore.open(parsed(postgres_server().url("conformance")))

    async def reopen(self, store: Store) -> Store:
        """Open the same schema again."""
        await store.aclose()
        return await open_store(postgres_server().url("conformance"))

    async def raw(self, store: Store, key: SessionKey) -> Sequence[Record]:
        """Read the rows through a connection of our own."""
        connection = await postgres_server().connect()
        rows = await connection.fetch(
            "SELECT records.revision, body FROM conformance.records "
            "JOIN conformance.sessions ON id = session "
            "WHERE tenant = $1 AND conversation = $2 ORDER BY records.revision",
            key.tenant_id.encode(),
            key.conversation_id.encode(),
        )
        await connection.close()
        assert [revision for revision, _ in rows] == list(range(1, len(rows) + 1))
        return [codec.decode(body) for _, body in rows]

    @asynccontextmanager
    async def hung(self, store: Store) -> AsyncIterator[None]:
        """Let the server stand still."""
        with postgres_server().frozen():
            yield

    @asynccontextmanager
    async def broken(self, store: Store) -> AsyncIterator[None]:
        """Let the server crash, and start again at the end."""
        with postgres_server().stopped():
            yield


class TestPostgresStore(OnPostgres, StoreContract):
    """The suite of all stores."""


class TestPostgresShared(OnPostgres, SharedStoreContract):
    async def another(self, store: Store) -> Store:
        """Open the same schema beside it."""
        return await open_store(postgres_server().url("conformance"))


class TestPostgresPooled(TestPostgresShared):
    """Through a pooler in transaction mode, beside one without."""

    async def open(self) -> Store:
        """Open the schema through the pooler."""
        await postgres_server().wipe("conformance")
        return await open_store(pooler().url("conformance"))


APART = ("redis", "redis+cluster", "redis+sentinel", "rediss")
"""Those that need servers have a file of their own; `rediss` is `redis` over TLS."""


APART = ("redis", "redis+cluster", "redis+sentinel", "rediss")
"""Those that need servers have a file of their own; `rediss` is `redis` over TLS."""


def test_every_store_has_its_class() -> None:
    """A store that `open_store` offers is under the suite."""
    suites = {name for name, each in globals().items() if _is_suite(each)}
    modules = {
        module.rpartition(".")[2] for scheme, module in SCHEMES.items() if scheme not in APART
    }
    assert suites >= {f"Test{module.capitalize()}Store" for module in modules}


def _is_suite(each: object) -> bool:
    return isinstance(each, type) and issubclass(each, StoreContract) and each is not StoreContract
