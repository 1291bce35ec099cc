"""What the PostgreSQL store does beyond the suites: order, durability, failures, URLs."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contextd.errors import ConfigInvalid, ContextdError, StoreUnavailable
from contextd.events import AccountUpdated
from contextd.model import AccountKey, Durability, SessionKey
from contextd.ports import Commit
from contextd.stores import open_store
from contextd.stores.postgres import PostgresStore
from contextd.stores.postgres.store import _written
from contextd.stores.postgres.target import parsed
from contextd.testing.samples import RECORDS, handoff_of
from tests.servers.binaries import free_port
from tests.servers.pooler import pooler
from tests.servers.postgres import PASSWORD, START_SECONDS, USER, postgres_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

KEY = SessionKey("tenant", "conversation")
OTHER = SessionKey("tenant", "other")
ACCOUNT = AccountKey("tenant", "account")


@asynccontextmanager
async def opened(url: str = "", **options: float) -> AsyncIterator[PostgresStore]:
    """Open *url*, or the schema of this file without its rows."""
    if not url:
        await postgres_server().wipe("more")
    store = await open_store(url or postgres_server().url("more", "postgres", **options))
    assert isinstance(store, PostgresStore)
    try:
        yield store
    finally:
        await store.aclose()


async def refused(url: str) -> str:
    """Open what cannot be opened, and return what is said, which shows no password."""
    with pytest.raises(ContextdError) as refusal:
        async with opened(url):
            pass
    chain: list[BaseException] = [refusal.value]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    assert not [each for each in chain if PASSWORD in repr(each) or "wrong-9wq4" in repr(each)]
    assert isinstance(refusal.value, StoreUnavailable)
    return str(refusal.value)


@asynccontextmanager
async def transaction() -> AsyncIterator[Any]:
    """A transaction of somebody else, that commits at the end."""
    connection = await postgres_server().connect()
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


def promise(store: PostgresStore) -> Durability:
    """Return what it promises now; it may change."""
    return store.durability


@contextmanager
def told(setting: str, value: str) -> Iterator[None]:
    """Let the server have a setting."""
    postgres_server().sql(f"ALTER SYSTEM SET {setting} = '{value}'")
    postgres_server().sql("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        postgres_server().sql(f"ALTER SYSTEM RESET {setting}")
        postgres_server().sql("SELECT pg_reload_conf()")


# ── order and locks ──


def test_a_change_waits_for_the_one_before_it() -> None:
    """Who has a position that nobody can see yet lets no later one be seen before it."""

    async def run() -> None:
        async with opened() as store:
            async with transaction() as other:
                values = _written(OTHER, Commit((handoff_of("first"),), 0))
                await other.fetch(store._connections.sql["append"], *values)
                later = asyncio.create_task(store.append(KEY, Commit((handoff_of("later"),), 0)))
                await asyncio.wait([later], timeout=0.3)
                assert not later.done()
                assert not await store.inbox.handoff_changes("tenant")
            await later
            changes = await store.inbox.handoff_changes("tenant")
            assert [each.handoff_id for each in changes] == ["first", "later"]
            assert changes[0].position < changes[1].position

    asyncio.run(run())


def test_sessions_do_not_wait_for_each_other() -> None:
    """While one session is written to, all others are, those of the same tenant, too."""

    async def run() -> None:
        async with opened() as store:
            await store.append(KEY, Commit(RECORDS[:1], 0))
            async with transaction() as other:
                values = _written(KEY, Commit((handoff_of("one"), *RECORDS[1:3]), 1))
                await other.fetch(store._connections.sql["append"], *values)
                await asyncio.wait_for(store.append(OTHER, Commit(RECORDS[1:3], 0)), 3)
                await asyncio.wait_for(store.put_vectors(KEY, "space", {1: b"one"}), 3)
                assert len(await asyncio.wait_for(store.read(KEY), 3)) == 1
            assert len(await store.read(KEY)) == 4

    asyncio.run(run())


def test_an_account_is_not_deleted_under_a_change() -> None:
    """A change that has looked and not yet written is waited for: no log begins in its middle."""

    async def run() -> None:
        async with opened() as store:
            for at in range(2):
                await store.accounts.append_account(ACCOUNT, AccountUpdated(at, "", "", ()), at)
            async with transaction() as other:
                # What stands here, unseen, lets the change wait between its look and its write.
                await other.execute(
                    "INSERT INTO more.accounts VALUES "
                    "('tenant', 'account', 3, 'unseen', NULL, NULL, '')"
                )
                update = AccountUpdated(9, "", "", ())
                change = asyncio.create_task(store.accounts.append_account(ACCOUNT, update, 2))
                await asyncio.wait([change], timeout=0.3)
                deletion = asyncio.create_task(store.accounts.delete_account(ACCOUNT))
                await asyncio.wait([change, deletion], timeout=0.3)
                assert not change.done()
                await other.execute("DELETE FROM more.accounts WHERE body = 'unseen'")
            assert (await change).revision == 3
            assert await deletion == {"account_updates": 3}
            assert not await store.accounts.read_account(ACCOUNT)

    asyncio.run(run())


def test_statements_take_bounded_time() -> None:
    """Who waits too long is told so; what it wanted has happened whole or not at all."""

    async def run() -> None:
        async with opened(statement_timeout=0.4) as store:
            await store.append(KEY, Commit(RECORDS[:1], 0))
            commit = Commit(RECORDS[1:3], 1, "request", "digest")
            async with transaction() as other:
                await other.execute("SELECT 1 FROM more.sessions FOR UPDATE")
                began = time.monotonic()
                with pytest.raises(StoreUnavailable, match="statement_timeout"):
                    await store.append(KEY, commit)
                assert time.monotonic() - began < 3
            assert (await store.append(KEY, commit)).revision == 3
            assert tuple(await store.read(KEY)) == RECORDS[:3]

    asyncio.run(run())


def test_ready_does_not_wait_behind_the_work() -> None:
    """A daemon all of whose connections are busy is not taken for one without a server."""

    async def run() -> None:
        async with opened(pool_size=1) as store:
            await store.append(KEY, Commit(RECORDS[:1], 0))
            async with transaction() as other:
                await other.execute("SELECT 1 FROM more.sessions FOR UPDATE")
                waiting = asyncio.create_task(store.append(KEY, Commit(RECORDS[:1], 1)))
                await asyncio.wait([waiting], timeout=0.2)
                assert await store.ready() or await store.ready()  # the first one connects
                assert not waiting.done()
            await waiting

    asyncio.run(run())


# ── durability ──


def test_who_turned_waiting_for_the_disk_off_did_not_mean_us() -> None:
    """What is acknowledged outlives a crash, also of a role whose commits wait for no disk."""
    name = postgres_server().new_name()
    postgres_server().sql(f"CREATE ROLE {name} SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
    postgres_server().sql(f"ALTER ROLE {name} SET synchronous_commit = off")
    url = postgres_server().url("more").replace(f"//{USER}:", f"//{name}:")

    async def run() -> None:
        async with opened() as store, opened(url) as hasty:
            assert hasty.durability is Durability.DISK
            await store.append(OTHER, Commit(RECORDS[:1], 0))
            for revision in range(2):
                await hasty.append(KEY, Commit(RECORDS[:1], revision))
                with postgres_server().stopped():
                    pass
                assert len(await hasty.read(KEY)) == revision + 1

    with told("wal_writer_delay", "10s"):
        asyncio.run(run())


def test_a_server_that_does_not_sync(caplog: pytest.LogCaptureFixture) -> None:
    """It is used, but promises no more than it keeps, and says so in the log."""

    async def run() -> None:
        async with opened() as store:
            assert promise(store) is Durability.DISK
            with told("fsync", "off"):
                for _ in range(50):
                    assert await store.ready() is True
                    if promise(store) is Durability.MEMORY:
                        break
                    await asyncio.sleep(0.1)
                async with opened() as again:
                    assert again.durability is Durability.MEMORY
        assert "fsync or full_page_writes off" in caplog.text

    asyncio.run(run())


# ── failures ──


def test_what_cannot_be_opened_says_why() -> None:
    """Wrong password, wrong user, wrong database, nobody there; none of it shows a password."""
    server = postgres_server()
    right = server.url("more")
    nobody = free_port()
    for url, words in (
        (right.replace(PASSWORD, "wrong-9wq4"), "refuses the password"),
        (right.replace(f"//{USER}:", "//somebody:"), "refuses the password"),
        (server.url(database="nothing"), "no such database"),
        (right.replace(f":{server.port}/", f":{nobody}/"), "cannot be reached: Connect call"),
        (right.replace("127.0.0.1", "nowhere.invalid"), "cannot be reached"),
        (right + "&sslmode=require", "speaks no TLS"),
    ):
        said = asyncio.run(refused(url))
        assert re.search(words, said), said
        assert said.startswith("PostgreSQL at "), said


def test_too_many_connections() -> None:
    """It says what to do, and serves again once there are fewer."""
    name = postgres_server().new_name()
    postgres_server().sql(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT 1")
    url = postgres_server().url("more").replace(f"//{USER}:", f"//{name}:")

    async def run() -> None:
        async with opened():  # the schema
            pass
        postgres_server().sql(f"GRANT USAGE ON SCHEMA more TO {name}")
        postgres_server().sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA more TO {name}")
        async with opened(url):
            assert "lower pool_size" in await refused(url)
        async with opened(url):
            pass

    asyncio.run(run())


def test_a_server_that_stands_still() -> None:
    """Opening gives up in time; `ready` says no in time; afterwards all goes on."""

    async def run() -> None:
        async with opened(connect_timeout=0.5) as store:
            with postgres_server().frozen():
                began = time.monotonic()
                url = postgres_server().url("more", connect_timeout=0.5)
                assert "no answer in time" in await refused(url)
                assert time.monotonic() - began < 5
                began = time.monotonic()
                assert await store.ready() is False
                assert time.monotonic() - began < 1
            assert (await store.append(KEY, Commit(RECORDS, 0))).revision == len(RECORDS)
            assert await store.ready() is True

    asyncio.run(run())


def test_a_server_that_starts_again() -> None:
    """Those who have it open need do nothing: their next read finds it, and so does a write."""

    async def run() -> None:
        async with opened() as store:
            await store.append(KEY, Commit(RECORDS[:1], 0))
            for revision in (1, 2):
                with postgres_server().stopped():
                    assert await store.ready() is False
                    with pytest.raises(StoreUnavailable, match="cannot be reached"):
                        await store.append(KEY, Commit(RECORDS[:1], revision))
                if revision == 1:
                    assert len(await store.read(KEY)) == 1
                assert (await store.append(KEY, Commit(RECORDS[:1], revision))).revision > revision

    asyncio.run(run())


def test_a_database_that_became_read_only() -> None:
    """As a primary after a failover: every call says so, until it can be written to again."""
    name = postgres_server().new_name()
    postgres_server().sql(f"CREATE DATABASE {name}")
    url = postgres_server().url(database=name)

    def set_to(value: str) -> None:
        postgres_server().sql(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}")
        postgres_server().sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
        )

    async def run() -> None:
        async with opened(url) as store:
            await store.append(KEY, Commit(RECORDS[:1], 0))
            set_to("on")
            for _ in range(2):
                with pytest.raises(StoreUnavailable, match=r"read-only|lost"):
                    await store.append(KEY, Commit(RECORDS[:1], 1))
            with pytest.raises(StoreUnavailable, match="read-only: a replica or standby"):
                await store.append(KEY, Commit(RECORDS[:1], 1))
            assert await store.ready() is False
            assert "read-only" in await refused(url)
            set_to("off")
            for _ in range(2):
                await store.ready()
            assert (await store.append(KEY, Commit(RECORDS[:1], 1))).revision == 2

    asyncio.run(run())


@contextmanager
def standby() -> Iterator[int]:
    """A standby of the server; its port."""
    server, port = postgres_server(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="contextd-standby-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    words = f"host=127.0.0.1 port={server.port} user={USER} password={PASSWORD}"
    data = str(folder / "data")
    copying = server.popen("pg_basebackup", "-d", words, "-D", data, "-R", "-c", "fast")
    assert copying.wait(START_SECONDS) == 0
    running = server.popen("postgres", "-D", data, "-p", str(port))
    try:
        yield port
    finally:
        running.send_signal(signal.SIGQUIT)
        running.wait(START_SECONDS)
        shutil.rmtree(folder)


def test_a_standby() -> None:
    """It is refused with what it is; named beside the primary, the primary is taken."""
    server = postgres_server()
    url = server.url("more")

    async def run(port: int) -> None:
        said = ""
        for _ in range(100):
            said = await refused(url.replace(f":{server.port}/", f":{port}/"))
            if "cannot be reached" not in said and "starting up" not in said:
                break
            await asyncio.sleep(0.1)
        assert "read-only: a replica or standby" in said
        both = url.replace("127.0.0.1", f"127.0.0.1:{port},127.0.0.1")
        async with opened(both) as store:
            await store.append(KEY, Commit(RECORDS[:1], len(await store.read(KEY))))

    with standby() as port:
        asyncio.run(run(port))


def test_first_start_through_a_pooler() -> None:
    """A pooler in transaction mode is no hindrance, not even to migrations."""
    name = postgres_server().new_name()

    async def run() -> None:
        async with opened(pooler().url(name)) as store:
            assert (await store.append(KEY, Commit(RECORDS, 0))).revision == len(RECORDS)
            assert tuple(await store.read(KEY)) == RECORDS

    asyncio.run(run())


# ── URLs ──


def test_what_a_url_says() -> None:
    """Its parts are read as libpq reads them; a password may hold anything, and is not shown."""
    found = parsed(
        "postgresql://us%40er:p%40ss%2F%3Aword@one:5433,[::1]/db%20name"
        "?schema=ours&pool_size=3&connect_timeout=0.5&migrate=no&prepare=yes&sslmode=verify-full"
    )
    assert (found.user, found.password, found.database) == ("us@er", "p@ss/:word", "db name")
    assert (found.hosts, found.ports) == (("one", "::1"), (5433, 5432))
    assert (found.schema, found.pool_size, found.connect_seconds) == ("ours", 3, 0.5)
    assert (found.migrate, found.prepare) == (False, True)
    assert dict(found.tls) == {"sslmode": "verify-full"}
    assert "p@ss" not in repr(found) + found.named
    plain = parsed("postgresql://host/")
    assert (plain.user, plain.password, plain.database, plain.schema) == (None,) * 3 + ("contextd",)
    assert parsed("postgresql:///db?host=/run/postgresql").hosts == ("/run/postgresql",)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:",
        "postgresql://",
        "postgresql:///db",
        "postgresql://user:pass-7fk2@host:port/db",
        "postgresql://user:pass-7fk2@host/db/more",
        "postgresql://user:pass-7fk2@host/db#part",
        "postgresql://user:pass-7fk2@host/db?unknown=1",
        "postgresql://user:pass-7fk2@host/db?schema=a.b",
        'postgresql://user:pass-7fk2@host/db?schema="',
        "postgresql://user:pass-7fk2@host/db?schema=pg_catalog",
        "postgresql://user:pass-7fk2@host/db?pool_size=0",
        "postgresql://user:pass-7fk2@host/db?connect_timeout=nan",
        "postgresql://user:pass-7fk2@host/db?migrate=maybe",
    ],
)
def test_what_is_no_url(url: str) -> None:
    """It is refused before anything is reached, and no password is shown."""
    with pytest.raises(ConfigInvalid) as refusal:
        parsed(url)
    assert "pass-7fk2" not in str(refusal.value)
