"""Connections to one database: how many, how long they may take, how they end."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

import asyncpg

from contextd.errors import Overloaded, StoreClosed, StoreUnavailable
from contextd.stores import named
from contextd.stores.postgres.failures import DRIVER, IN_TURN, LOST, WORDS, translated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence

    from contextd.stores.postgres.target import Target

READY_SECONDS = 0.5
"""How long the server may take to say that it is there."""

CLOSE_SECONDS = 2.0
"""How long connections may take to end in order."""

TRIES = 5
"""How often what was rolled back for the sake of others is done, at most."""

OLDEST_SERVER = 130_000

Result = TypeVar("Result")


class Connection(asyncpg.Connection):  # type: ignore[misc]  # it has no types
    """One whose state needs no reset: we leave none in it, and it would take a round trip."""

    def get_reset_query(self) -> str:
        """Return nothing to do."""
        return ""


def statements(schema: str) -> Mapping[str, str]:
    """Return all statements by name, for tables in *schema*."""
    return {name: of_schema(sql, schema) for name, sql in named.queries("postgres").items()}


def of_schema(sql: str, schema: str) -> str:
    """Return *sql* for tables in *schema*; in the files it is called "contextd"."""
    return re.sub(r"\bcontextd\b", f'"{schema}"', sql)


def _pool(target: Target, size: int, *, idle: int = 1) -> asyncpg.Pool:
    """Return a pool that is not open yet, of *size* connections at most and *idle* at least."""
    return asyncpg.create_pool(
        target.dsn,
        host=list(target.hosts),
        port=list(target.ports),
        user=target.user,
        password=target.password,
        database=target.database,
        min_size=idle,
        max_size=size,
        max_inactive_connection_lifetime=60.0,
        timeout=target.connect_seconds,
        command_timeout=target.statement_seconds,
        statement_cache_size=100 if target.prepare else 0,
        target_session_attrs="read-write",
        connection_class=Connection,
    )


class Connections:
    """A bounded pool, and the work that is under way on it.

    Work that has begun is finished also when its caller gives up, so nobody needs to ask the
    server to cancel it, and nothing of it is in doubt for longer than a statement may take.  What
    has not begun by then is dropped.
    """

    def __init__(self, target: Target, pool: asyncpg.Pool, max_pending: int) -> None:
        """Use *pool*; *max_pending* bounds what is under way or waits."""
        self.target = target
        self.sql = statements(target.schema)
        self.synced = False
        self._pool = pool
        self._aside = _pool(target, 1, idle=0)  # `ready` does not wait behind the work
        self._max_pending = max_pending
        self._running: set[asyncio.Task[Any]] = set()
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()
        self._probe: asyncio.Task[bool] | None = None
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, target: Target, max_pending: int) -> Connections:
        """Connect once, to a server that can be written to.

        Raises:
            StoreUnavailable: that is not possible; it says why.
        """
        pool = _pool(target, target.pool_size)
        try:
            await pool
        except (asyncpg.ClientConfigurationError, ValueError) as error:
            raise StoreUnavailable(f"{target.named}: {error}") from error
        except DRIVER as error:
            raise translated(error, target) from error
        found = cls(target, pool, max_pending)
        try:
            await found._aside
            await found.look()
        except BaseException:
            await found.aclose()
            raise
        return found

    def must_be_open(self) -> None:
        """Raise StoreClosed if `aclose` was called."""
        if self._closing is not None:
            raise StoreClosed

    async def rows(self, name: str, *values: object) -> Sequence[Any]:
        """Run a statement that only reads, once more if the connection was lost, for all rows."""
        try:
            return await self.run(lambda connection: connection.fetch(self.sql[name], *values))
        except StoreUnavailable as error:
            if not isinstance(error.__cause__, LOST):
                raise
        return await self.run(lambda connection: connection.fetch(self.sql[name], *values))

    async def write(
        self, name: str, *values: object, turn: Hashable | None = None
    ) -> Sequence[Any]:
        """Run a statement that changes rows, for what it returns; *turn* as in `run`."""
        return await self.run(lambda connection: connection.fetch(self.sql[name], *values), turn)

    async def run(
        self, work: Callable[[Any], Awaitable[Result]], turn: Hashable | None = None
    ) -> Result:
        """Do *work* on a connection, after all other work of the same *turn* that came before.

        Raises:
            StoreUnavailable, StoreClosed: nothing may be assumed.
            Overloaded: too much is waiting.
        """
        self.must_be_open()
        if len(self._running) >= self._max_pending:
            raise Overloaded("too much is waiting for PostgreSQL")
        begun = asyncio.Event()
        before = self._turns.setdefault(turn, asyncio.Lock()) if turn else asyncio.Lock()
        task = self._begin(self._in_turn(work, before, begun))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not begun.is_set():
                task.cancel()
            raise

    def _begin(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _in_turn(
        self, work: Callable[[Any], Awaitable[Result]], before: asyncio.Lock, begun: asyncio.Event
    ) -> Result:
        async with before:
            return await self._do(work, begun)

    async def _do(self, work: Callable[[Any], Awaitable[Result]], begun: asyncio.Event) -> Result:
        for left in reversed(range(TRIES)):
            try:
                async with self._pool.acquire(timeout=self.target.statement_seconds) as connection:
                    begun.set()
                    return await work(connection)
            except IN_TURN as error:
                if not left:
                    raise translated(error, self.target) from error
            except DRIVER as error:
                if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
                    await self._pool.expire_connections()
                raise translated(error, self.target) from error
        raise AssertionError  # the last try returns or raises

    async def look(self) -> None:
        """See that the server can be written to, and how safe that is.

        Raises:
            StoreUnavailable: it cannot.
        """
        found = await self.run(lambda connection: connection.fetchrow(self.sql["look"]))
        self._judge(found)

    def _judge(self, found: Any) -> None:  # noqa: ANN401 - the driver has no types
        if found["version"] < OLDEST_SERVER:
            raise StoreUnavailable(f"{self.target.named}: it is older than PostgreSQL 13")
        if found["read_only"]:
            raise StoreUnavailable(f"{self.target.named}: {WORDS['25006']}")
        self.synced = found["synced"]

    async def ready(self) -> bool:
        """Say whether the server answers within half a second and can be written to."""
        if self._closing is not None:
            return False
        if self._probe is None or self._probe.done():
            self._probe = self._begin(self._probed())
        done, _ = await asyncio.wait([self._probe], timeout=READY_SECONDS)
        return bool(done) and self._probe.result()

    async def _probed(self) -> bool:
        with suppress(StoreUnavailable, *DRIVER):
            async with self._aside.acquire(timeout=self.target.statement_seconds) as connection:
                self._judge(await connection.fetchrow(self.sql["look"]))
                return True
        return False

    async def aclose(self) -> None:
        """Finish what was accepted, close every connection."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        while self._running:
            await asyncio.wait(self._running)
        for pool in (self._pool, self._aside):
            try:
                await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
            except DRIVER:
                pool.terminate()
