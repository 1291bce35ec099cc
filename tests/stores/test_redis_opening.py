"""What a store URL for Redis may say, and what is refused when a store is opened."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING

import pytest

from contextd.errors import ConfigInvalid, ContextdError, StoreTooNew, StoreUnavailable
from contextd.model import Durability, SessionKey
from contextd.ports import Commit
from contextd.stores import open_store
from contextd.stores.redis import open_hot
from contextd.stores.redis.address import Address, parse
from contextd.testing.samples import RECORDS
from tests.servers.binaries import free_ports, needed
from tests.servers.redis import SAFE, redis_cluster, redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.redis import RedisServer


def opened(url: str) -> Durability:
    """Open, close, and say what the store promises."""

    async def once() -> Durability:
        store = await open_store(url)
        await store.aclose()
        return store.durability

    return asyncio.run(once())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all that leaves it as it was."""
    with redis_server(tmp_path_factory.mktemp("redis")) as found:
        yield found


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://host", Address("", (("host", 6379),))),
        ("redis://:p%40ss@host:1/2", Address("", (("host", 1),), None, "p@ss", database=2)),
        ("rediss://user:word@[::1]:7", Address("", (("::1", 7),), "user", "word", tls=True)),
        ("rediss://h?ca=/ca.pem", Address("", (("h", 6379),), tls=True, ca="/ca.pem")),
        (
            "redis+sentinel://a,b:7/main/3?prefix=x",
            Address("sentinel", (("a", 26379), ("b", 7)), master="main", database=3, prefix="x"),
        ),
        (
            "redis+cluster://a:1,b?shards=8&timeout_ms=100",
            Address("cluster", (("a", 1), ("b", 6379)), shards=8, timeout_ms=100),
        ),
        ("redis://h?durability=fsync", Address("", (("h", 6379),), durability="fsync")),
    ],
)
def test_urls(url: str, address: Address) -> None:
    """Every form is taken apart rightly."""
    assert parse(url) == address


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis://", "no host"),
        ("redis://a,b", "redis\\+sentinel"),
        ("redis://h/x", "no database"),
        ("redis://h/0/1", "no database"),
        ("redis://h#x", "#x"),
        ("redis+sentinel://h", "no master"),
        ("redis+cluster://h/1", "no database but 0"),
        ("redis://h?colour=red", "colour"),
        ("redis://h?prefix=a{b}", "prefix"),
        ("redis://h?shards=0", "shards"),
        ("redis://h?shards=1000", "shards"),
        ("redis://h?timeout_ms=9", "timeout_ms"),
        ("redis://h?durability=disk", "durability"),
    ],
)
def test_what_is_no_url(url: str, says: str) -> None:
    """The error names what is wrong."""
    with pytest.raises(ConfigInvalid, match=says):
        opened(url)


def test_what_the_server_gives(server: RedisServer, tmp_path: Path) -> None:
    """A server that syncs each write gives the disk, another one its memory."""
    assert opened(server.url) is Durability.DISK
    assert opened(f"{server.url}?durability=memory") is Durability.MEMORY
    with redis_server(tmp_path / "unsynced", "--appendonly", "no") as unsynced:
        assert opened(unsynced.url) is Durability.MEMORY
        with pytest.raises(ConfigInvalid, match="appendfsync always"):
            opened(f"{unsynced.url}?durability=fsync")


def refused(server: RedisServer, error: type[ContextdError], says: str, url: str = "") -> None:
    """See that opening fails so."""
    with pytest.raises(error, match=says) as refusal:
        opened(url or server.url)
    assert str(server.port) in str(refusal.value)


def test_passwords(server: RedisServer) -> None:
    """A missing or a wrong one is refused with words; it is never shown."""
    server.say("CONFIG", "SET", "requirepass", "open sesame")
    try:
        refused(server, StoreUnavailable, "password")
        wrong = server.url.replace("//", "//:secret@")
        refused(server, StoreUnavailable, "password", wrong)
        with pytest.raises(StoreUnavailable) as refusal:
            opened(wrong)
        assert "secret" not in str(refusal.value)
        assert opened(server.url.replace("//", "//:open%20sesame@")) is Durability.DISK
    finally:
        server.say("-a", "open sesame", "CONFIG", "SET", "requirepass", "")


def test_a_user_with_few_rights(server: RedisServer) -> None:
    """What docs/stores.md names is enough; without CONFIG GET no more than memory is claimed."""
    rules = ["on", ">word", "~mine:*", "+@all", "-@dangerous", "+info", "+config|get", "+cluster"]
    url = server.url.replace("//", "//few:word@") + "?prefix=mine"
    server.say("ACL", "SETUSER", "few", *rules)
    try:
        assert asyncio.run(_used(url)) is Durability.DISK
        refused(server, StoreUnavailable, "does not allow", url.replace("mine", "theirs"))
        server.say("ACL", "SETUSER", "few", "-config|get")
        assert asyncio.run(_used(url)) is Durability.MEMORY
    finally:
        server.say("ACL", "DELUSER", "few")


async def _used(url: str) -> Durability:
    store = await open_store(url)
    try:
        key = SessionKey("tenant", "conversation")
        await store.append(key, Commit(RECORDS, 0))
        assert tuple(await store.read(key)) == RECORDS
        await store.delete(key)
        assert await store.ready() is True
    finally:
        await store.aclose()
    return store.durability


def test_what_a_server_may_not_be(server: RedisServer) -> None:
    """A database that is not there, keys that are dropped, a replica, no server, no cluster."""
    refused(server, ConfigInvalid, "no database 99", server.url.replace("/0", "/99"))
    refused(server, ConfigInvalid, "no cluster", server.url.replace("redis", "redis+cluster"))
    server.say("CONFIG", "SET", "maxmemory", "1gb")
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        refused(server, ConfigInvalid, "noeviction")
    finally:
        server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
        server.say("CONFIG", "SET", "maxmemory", "0")
    (port,) = free_ports(1)
    server.say("REPLICAOF", "127.0.0.1", str(port))
    try:
        refused(server, StoreUnavailable, "name its master")
    finally:
        server.say("REPLICAOF", "NO", "ONE")
    with pytest.raises(StoreUnavailable, match=f"does not answer.*{port}"):
        opened(f"redis://127.0.0.1:{port}")


def test_a_cluster_by_the_wrong_name(tmp_path: Path) -> None:
    """A server of a cluster is not taken for one that is alone."""
    with redis_cluster(tmp_path) as servers:
        refused(servers[0], ConfigInvalid, "redis\\+cluster://")


def test_layouts(server: RedisServer) -> None:
    """The number of shards is fixed when a store is made; a newer layout is not touched."""
    opened(f"{server.url}?prefix=sized&shards=8")
    assert opened(f"{server.url}?prefix=sized") is Durability.DISK
    with pytest.raises(ConfigInvalid, match="has 8"):
        opened(f"{server.url}?prefix=sized&shards=9")
    server.say("SET", "newer:layout", "2:8")
    with pytest.raises(StoreTooNew, match="layout 2"):
        opened(f"{server.url}?prefix=newer")
    server.say("SET", "foreign:layout", "what?")
    with pytest.raises(StoreUnavailable, match="foreign:layout"):
        opened(f"{server.url}?prefix=foreign")


def test_a_store_that_needs_its_archive(server: RedisServer) -> None:
    """What was made to stand before an archive is not served without it, nor the other way."""

    async def test() -> None:
        url = f"{server.url}?prefix=before"
        await (await open_hot(url)).aclose()
        await (await open_hot(url)).aclose()
        with pytest.raises(ConfigInvalid, match="needs its archive"):
            await open_store(url)
        with pytest.raises(ConfigInvalid, match="is whole"):
            await open_hot(f"{server.url}?prefix=sized")

    opened(f"{server.url}?prefix=sized&shards=8")
    asyncio.run(test())


def test_tls(tmp_path: Path) -> None:
    """`rediss://` checks the server by the certificates that are named."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = f"{needed('openssl')} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make.split(), *names, *files], check=True, capture_output=True)
    (port,) = free_ports(1)
    tls = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    with redis_server(tmp_path / "tls", *SAFE, *tls, "--tls-auth-clients", "no"):
        url = f"rediss://127.0.0.1:{port}"
        assert opened(f"{url}?ca={certificate}") is Durability.DISK
        with pytest.raises(StoreUnavailable, match="certificate"):
            opened(url)
        with pytest.raises(StoreUnavailable):
            opened(url.replace("rediss", "redis"))
