"""What the Redis store does when its server fails in the middle of the work."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

import pytest

from contextd.errors import RevisionConflict, SessionReplaced, StoreCorrupt, StoreUnavailable
from contextd.events import SessionOpened
from contextd.model import Durability, SessionKey
from contextd.ports import Commit
from contextd.stores import open_store
from contextd.stores.redis.keys import Layout, pair
from contextd.stores.redis.opening import SHARDS
from contextd.testing.samples import RECORDS
from tests.servers.redis import redis_cluster, redis_sentinel, redis_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator
    from pathlib import Path

    from contextd.ports import Store
    from tests.servers.redis import RedisServer

KEY = SessionKey("tenant", "conversation")
NAMES = count(1)
PATIENT = "timeout_ms=2000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all that leaves it as it was."""
    with redis_server(tmp_path_factory.mktemp("redis")) as found:
        yield found


@asynccontextmanager
async def opened(
    url: str, options: str = PATIENT, prefix: str = ""
) -> AsyncIterator[tuple[Store, Layout]]:
    """Open a store of its own, and say how it lies."""
    layout = Layout(prefix or f"faults-{next(NAMES)}", SHARDS)
    store = await open_store(f"{url}?prefix={layout.prefix}&{options}")
    try:
        yield store, layout
    finally:
        await store.aclose()


def run(test: Coroutine[object, object, None]) -> None:
    """Run it on a loop of its own."""
    asyncio.run(test)


def of(layout: Layout, kind: str) -> str:
    """Return the key of one kind that the session has."""
    root = layout.root(layout.shard(KEY.tenant_id))
    return (root + kind.encode() + b":" + pair(KEY.tenant_id, KEY.conversation_id)).decode()


def quoted(key: str) -> str:
    """Return a key so that a Lua string in quotes is it."""
    return "".join(f"\\{ord(each):03d}" for each in key)


def evaluated(server: RedisServer, command: str, key: str, *args: str) -> None:
    """Run a command on a key that no command line could hold, and see that it went well."""
    rest = "".join(f", '{each}'" for each in args)
    said = server.say("EVAL", f"redis.call('{command}', '{quoted(key)}'{rest}) return 'done'", "0")
    assert said.strip() == b"done", said


def test_memory_that_is_used_up(server: RedisServer) -> None:
    """Nothing is half written, reads and deletions go on, and it says what is wrong."""

    async def test() -> None:
        async with opened(server.url) as (store, _):
            await store.append(KEY, Commit(RECORDS[:2], 0))
            server.say("CONFIG", "SET", "maxmemory", "1")
            try:
                with pytest.raises(StoreUnavailable, match="maxmemory"):
                    await store.append(KEY, Commit(RECORDS[2:], 2, "request", "digest"))
                assert await store.ready() is False
                assert tuple(await store.read(KEY)) == RECORDS[:2]
                assert (await store.delete(KEY))["records"] == 2
            finally:
                server.say("CONFIG", "SET", "maxmemory", "0")
            assert await store.ready() is True
            assert not (await store.append(KEY, Commit(RECORDS, 0, "request", "digest"))).replayed

    run(test())


@pytest.mark.parametrize("lost", ["flushed", "restarted"])
def test_a_server_without_the_scripts(server: RedisServer, lost: str) -> None:
    """They are sent again, and the call is made once."""

    async def test() -> None:
        async with opened(server.url) as (store, _):
            await store.append(KEY, Commit(RECORDS[:1], 0))
            if lost == "flushed":
                assert server.say("SCRIPT", "FLUSH").strip() == b"OK"
            else:
                with server.down():
                    pass
            commits = [(KEY, Commit(RECORDS[at : at + 1], at)) for at in range(1, 4)]
            await asyncio.gather(*(store.append(*each) for each in commits))
            assert tuple(await store.read(KEY)) == RECORDS[:4]

    run(test())


def test_an_answer_that_was_lost(server: RedisServer) -> None:
    """A call whose answer came too late is made again, and what it wrote stands once."""

    async def test() -> None:
        async with opened(server.url, "timeout_ms=100") as (store, _):
            for at in range(4):
                with server.stopped():
                    append = asyncio.create_task(
                        store.append(KEY, Commit(RECORDS[at : at + 1], at))
                    )
                    await asyncio.sleep(0.15)
                appended = await append
                assert (appended.revision, appended.replayed) == (at + 1, False)
            assert tuple(await store.read(KEY)) == RECORDS[:4]

    run(test())


def test_a_server_that_is_gone_is_left_alone(server: RedisServer) -> None:
    """The first call tries; those after it are refused at once, until `ready` finds it back."""

    async def test() -> None:
        async with opened(server.url) as (store, _):
            with server.down():
                with pytest.raises(StoreUnavailable, match="does not answer") as first:
                    await store.read(KEY)
                with pytest.raises(StoreUnavailable, match="left alone") as second:
                    await store.append(KEY, Commit(RECORDS, 0))
                assert second.value.__cause__ is first.value.__cause__ is not None
            assert await store.ready() is True
            assert (await store.append(KEY, Commit(RECORDS, 0))).revision == len(RECORDS)

    run(test())


@pytest.mark.parametrize(
    ("kind", "command", "args"),
    [("r", "LPOP", ()), ("r", "LSET", ("1", "junk")), ("r", "DEL", ()), ("s", "DEL", ())],
    ids=["a record is missing", "a record is damaged", "the log is gone", "its head is gone"],
)
def test_damage(server: RedisServer, kind: str, command: str, args: tuple[str, ...]) -> None:
    """What is not as it was written is never read as something else."""

    async def test() -> None:
        async with opened(server.url) as (store, layout):
            await store.append(KEY, Commit(RECORDS[:3], 0))
            evaluated(server, command, of(layout, kind), *args)
            with pytest.raises(StoreCorrupt):
                await store.read(KEY)
            if command != "LSET":
                with pytest.raises(StoreCorrupt):
                    await store.append(KEY, Commit(RECORDS[3:], 0 if kind == "s" else 3))

    run(test())


def test_a_shard_that_moves(tmp_path: Path) -> None:
    """While its slot moves a session is not served at all; then it is served from where it is."""

    async def test() -> None:
        with redis_cluster(tmp_path) as servers:
            url = f"redis+cluster://127.0.0.1:{servers[0].port}"
            async with opened(url) as (store, layout):
                await store.append(KEY, Commit(RECORDS[:2], 0))
                move = Moving(servers, layout)
                move.begin()
                with pytest.raises(StoreUnavailable, match="moving"):
                    await store.read(KEY)
                with pytest.raises(StoreUnavailable, match="moving"):
                    await store.append(KEY, Commit(RECORDS[2:], 2))
                move.end()
                assert tuple(await store.read(KEY)) == RECORDS[:2]
                await store.append(KEY, Commit(RECORDS[2:], 2))
                assert tuple(await store.read(KEY)) == RECORDS

    run(test())


class Moving:
    """One slot on its way from a server to another, with half of its keys."""

    def __init__(self, servers: list[RedisServer], layout: Layout) -> None:
        """Find who has the shard of the session."""
        root = layout.root(layout.shard(KEY.tenant_id)).decode()
        self.slot = servers[0].say("CLUSTER", "KEYSLOT", root).decode().strip()
        self.servers = sorted(servers, key=lambda each: not int(self._held(each)))

    def _held(self, server: RedisServer) -> bytes:
        return server.say("CLUSTER", "COUNTKEYSINSLOT", self.slot)

    def begin(self) -> None:
        """Announce it on both sides."""
        there, here = self.servers[:2]
        ids = [each.say("CLUSTER", "MYID").decode().strip() for each in (there, here)]
        here.say("CLUSTER", "SETSLOT", self.slot, "IMPORTING", ids[0])
        there.say("CLUSTER", "SETSLOT", self.slot, "MIGRATING", ids[1])

    def end(self) -> None:
        """Let it be somewhere else, with all of its keys."""
        there, here = self.servers[:2]
        name = here.say("CLUSTER", "MYID").decode().strip()
        move = (
            "local keys = redis.call('CLUSTER', 'GETKEYSINSLOT', ARGV[1], 1000) "
            "return redis.call('MIGRATE', ARGV[2], ARGV[3], '', 0, 5000, 'KEYS', unpack(keys))"
        )
        said = there.say("EVAL", move, "0", self.slot, "127.0.0.1", str(here.port))
        assert said.strip() == b"OK", said
        for each in (here, there, *self.servers[2:]):
            each.say("CLUSTER", "SETSLOT", self.slot, "NODE", name)


def test_a_failover(tmp_path: Path) -> None:
    """Sentinel chooses another master; the store goes on there, with all that was replicated."""

    async def test() -> None:
        with redis_sentinel(tmp_path, patience_ms=300) as (servers, sentinel):
            url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main"
            async with opened(url, f"{PATIENT}&durability=replicas:1") as (store, _):
                first = Commit(RECORDS[:2], 0, "first", "digest")
                while (await store.append(KEY, first)).durability is not Durability.REPLICATED:
                    pass
                servers[0].kill()
                commit = Commit(RECORDS[2:], 2, "second", "digest")
                while True:
                    try:
                        await store.append(KEY, commit)
                    except StoreUnavailable:
                        await asyncio.sleep(0.1)
                        continue
                    break
                assert tuple(await store.read(KEY)) == RECORDS
                assert await store.ready() is True

    run(test())


def test_a_log_that_lost_its_end(server: RedisServer) -> None:
    """Who has seen more of a session than a failover has left reads it anew."""

    async def whole() -> None:
        async with opened(server.url) as (store, layout):
            begun = (SessionOpened(1, "", "one"), *RECORDS[1:3])
            await store.append(KEY, Commit(begun, 0))
            evaluated(server, "RPOP", of(layout, "r"))
            evaluated(server, "HSET", of(layout, "s"), "revision", "2")
            async with opened(server.url, prefix=layout.prefix) as (forgetful, _):
                for each in (store, forgetful):
                    with pytest.raises(SessionReplaced):
                        await each.read(KEY, 3, incarnation="one")
            assert tuple(await store.read(KEY, 0, incarnation="one")) == begun[:2]
            assert not await store.read(KEY, 2, incarnation="one")

    run(whole())


def test_a_log_that_got_another_end(server: RedisServer) -> None:
    """A failover lost the end of a log, which then grew as long again: who saw it notices."""

    async def whole() -> None:
        async with opened(server.url) as (store, layout):
            begun = (SessionOpened(1, "", "one"), *RECORDS[1:3])
            await store.append(KEY, Commit(begun, 0))
            evaluated(server, "RPOP", of(layout, "r"))
            evaluated(server, "HSET", of(layout, "s"), "revision", "2")
            async with opened(server.url, prefix=layout.prefix) as (other, _):
                await other.append(KEY, Commit(RECORDS[4:5], 2, incarnation="one"))
            with pytest.raises(RevisionConflict):
                await store.append(KEY, Commit(RECORDS[3:4], 3, incarnation="one"))
            with pytest.raises(SessionReplaced):
                await store.read(KEY, 3, incarnation="one")
            found = tuple(await store.read(KEY, 0, incarnation="one"))
            assert found == (*begun[:2], RECORDS[4])
            await store.append(KEY, Commit(RECORDS[3:4], 3, incarnation="one"))

    run(whole())
