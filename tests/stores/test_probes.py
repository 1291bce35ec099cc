"""`contextd check --connect` against real servers that are set up badly."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from typing import TYPE_CHECKING

import apsw
import asyncpg
import pytest

from contextd.stores.probes import Surroundings, look_at
from contextd.stores.sqlite import SqliteStore
from tests.servers import probed
from tests.servers.binaries import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contextd.stores.probes import Looked

PATIENT = 5.0


def looked(url: str, *, seconds: float = PATIENT, ahead: float = 0.0, sidecars: int = 1) -> Looked:
    """Look at *url* from a machine whose clock is *ahead*."""
    around = Surroundings(seconds, lambda: time.time() + ahead, sidecars)
    return asyncio.run(look_at(url, around))


def found(url: str, **around: float) -> set[str]:
    """Return "level setting" of what is wrong with *url*, but for how fast this machine is."""
    looks = looked(url, **around)  # type: ignore[arg-type] # numbers, whole where they must be
    told = [each for each in looks.findings if each.setting not in {"ping", "round trip"}]
    return {f"{each.level} {each.setting}" for each in told}


@pytest.fixture(scope="module")
def redis() -> Iterator[int]:
    """A server as the distribution sets it up, but for a policy that deletes sessions."""
    settings = ("maxmemory 64mb", "maxmemory-policy allkeys-lru", "repl-diskless-sync-delay 0")
    with probed.redis_server(*settings) as port:
        yield port


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[int]]:
    """Three masters; nobody serves the last slots."""
    with probed.redis_cluster("appendonly yes", covered=16_000) as ports:
        yield ports


@pytest.fixture(scope="module")
def postgres() -> Iterator[int]:
    """A server that forgets what it acknowledged."""
    with probed.postgres_server(
        fsync="off", full_page_writes="off", synchronous_commit="off", max_connections="20"
    ) as port:
        yield port


def of(port: int, *, name: str = "postgres", user: str = "contextd", query: str = "") -> str:
    """Return a store URL."""
    return f"postgresql://{user}:secret@127.0.0.1:{port}/{name}{query}"


def sql(port: int, *statements: str, name: str = "postgres") -> None:
    """Run *statements* as the superuser."""

    async def run() -> None:
        connection = await asyncpg.connect(of(port, name=name))
        for each in statements:
            await connection.execute(each)
        await connection.close()

    asyncio.run(run())


def test_redis_that_evicts(redis: int) -> None:
    """What was set is found, with what was read."""
    url = f"redis://127.0.0.1:{redis}"
    looks = looked(url)
    assert found(url) == {"error maxmemory-policy", "warning appendonly"}
    (read,) = looks.read.values()
    assert read["maxmemory"] == 64 << 20
    assert read["version"] >= (7,)  # type: ignore[operator] # a tuple of numbers
    assert 0 < read["ping_ms"] < 5_000  # type: ignore[operator] # a number


def test_redis_against_what_the_url_asks_for(redis: int) -> None:
    """A durability that this server can never reach is an error."""
    url = f"redis://127.0.0.1:{redis}"
    assert "error appendonly" in found(f"{url}?durability=fsync")
    assert "error databases" in found(f"{url}/99")
    assert "error redis_mode" in found(f"redis+cluster://127.0.0.1:{redis}")
    assert found("redis+cluster://127.0.0.1:1/2") == {"error url"}
    assert found("postgresql://h/d?pool=2") == {"error url"}


def test_redis_with_another_clock(redis: int) -> None:
    """A clock that is a minute off is told, in its direction."""
    (told,) = [
        e for e in looked(f"redis://127.0.0.1:{redis}", ahead=60).findings if e.setting == "time"
    ]
    assert told.value == "-60.0 s"


def test_a_replica_and_its_master(redis: int) -> None:
    """The replica is read-only; its master goes on without it."""
    with probed.redis_server(f"replicaof 127.0.0.1 {redis}") as port:
        linked = lambda: "master_link_status:up" in probed.told(port, "INFO", "replication")  # noqa: E731 - once
        probed.until(linked, "the replica does not follow")
        assert "error role" in found(f"redis://127.0.0.1:{port}")
        assert "warning min-replicas-to-write" in found(f"redis://127.0.0.1:{redis}")


def test_passwords_of_redis() -> None:
    """None, the wrong one, the right one; what may not be read is said."""
    with probed.redis_server(password="right") as port:
        at = f"127.0.0.1:{port}"
        assert found(f"redis://{at}") == {"error password"}
        assert found(f"redis://:wrong@{at}") == {"error password"}
        assert "error password" not in found(f"redis://:right@{at}")
        assert "wrong" not in str(looked(f"redis://:wrong@{at}"))
        user = ("ACL", "SETUSER", "plain", "on", ">word", "~*", "+@all", "-config", "-acl")
        probed.told(port, *user, password="right")
        assert "warning config" in found(f"redis://plain:word@{at}")
        probed.told(port, "ACL", "SETUSER", "less", "on", ">word", "~*", "+ping", password="right")
        assert found(f"redis://less:word@{at}") == {"error acl"}


def test_a_redis_open_to_all() -> None:
    """No password, no protection, every address."""
    with probed.redis_server("protected-mode no", "bind 0.0.0.0", "timeout 10") as port:
        told = found(f"redis://127.0.0.1:{port}")
    assert {"warning requirepass", "warning timeout"} <= told


def test_nobody_there() -> None:
    """A port that nobody listens on, and a server that never says a word."""
    port = free_port()
    assert found(f"redis://127.0.0.1:{port}") == {"error connection"}
    assert found(f"redis+cluster://127.0.0.1:{port}") == {"error connection"}
    assert found(f"redis+sentinel://127.0.0.1:{port}/main") == {"error connection"}
    assert found(of(port)) == {"error connection"}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = silent.getsockname()[1]
        began = time.monotonic()
        assert found(f"redis://127.0.0.1:{at}", seconds=0.2) == {"error connection"}
        assert found(of(at), seconds=0.2) == {"error connection"}
        assert time.monotonic() - began < PATIENT


def test_a_cluster_with_a_hole(cluster: list[int]) -> None:
    """Any seed that answers will do; each node is asked, what all share is told once."""
    nobody = free_port()
    looks = looked(f"redis+cluster://127.0.0.1:{nobody},127.0.0.1:{cluster[1]}")
    told = {f"{each.level} {each.setting}": each for each in looks.findings}
    holes = {"error cluster_state", "error cluster_slots_ok", "warning replicas"}
    assert {*holes, "warning maxmemory"} <= set(told)
    assert told["error cluster_slots_ok"].value == "16000 of 16384"
    assert told["warning maxmemory"].server.count("127.0.0.1:") == 3
    assert len(looks.read) == 4
    assert "error redis_mode" in found(f"redis://127.0.0.1:{cluster[0]}")


def test_a_sentinel(redis: int) -> None:
    """It knows its master; the master is looked at, too."""
    with probed.redis_server(f"sentinel monitor main 127.0.0.1 {redis} 2", sentinel=True) as port:
        told = found(f"redis+sentinel://127.0.0.1:{port}/main")
        assert {"error quorum", "warning sentinels", "error maxmemory-policy"} <= told
        assert found(f"redis+sentinel://127.0.0.1:{port}/other") == {"error master"}
        assert found(f"redis://127.0.0.1:{port}") >= {"error redis_mode"}


def test_postgres_that_forgets(postgres: int) -> None:
    """What was set is found, with what was read."""
    told = found(of(postgres))
    assert told == {
        "error fsync",
        "error full_page_writes",
        "error synchronous_commit",
        "warning data_checksums",
        "warning idle_in_transaction_session_timeout",
    }
    (read,) = looked(of(postgres)).read.values()
    assert read["max_connections"] == 20
    assert read["pooled"] is False
    assert "error schema_version" in found(of(postgres, query="?migrate=no"))
    assert "error max_connections" in found(of(postgres), sidecars=2)
    assert "error max_connections" not in found(of(postgres, query="?pool_size=5"), sidecars=3)
    assert "warning clock_timestamp" in found(of(postgres), ahead=-60)


def test_postgres_that_lets_nobody_in(postgres: int) -> None:
    """A wrong password, a wrong database, and no secret in what is told."""
    wrong = f"postgresql://contextd:wrong@127.0.0.1:{postgres}/postgres"
    assert found(wrong) == {"error password"}
    assert "wrong" not in str(looked(wrong))
    assert found(of(postgres, name="nowhere")) == {"error database"}


def test_a_role_that_may_not(postgres: int) -> None:
    """It may neither make a schema nor, later, use ours; its limits are its own."""
    sql(
        postgres,
        "CREATE ROLE plain LOGIN PASSWORD 'secret'",
        "ALTER ROLE plain SET default_transaction_read_only = on",
        "ALTER ROLE plain SET statement_timeout = '300ms'",
        "ALTER ROLE plain SET idle_in_transaction_session_timeout = '100ms'",
    )
    told = found(of(postgres, user="plain"))
    assert {"error privileges", "error default_transaction_read_only"} <= told
    assert {"warning statement_timeout", "warning idle_in_transaction_session_timeout"} <= told


def test_an_encoding_and_a_schema(postgres: int) -> None:
    """A database that is not UTF-8; tables of a version that a role may not read."""
    sql(
        postgres,
        "CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'",
        "CREATE ROLE reader LOGIN PASSWORD 'secret'",
    )
    assert "error server_encoding" in found(of(postgres, name="old"))
    sql(
        postgres,
        "CREATE SCHEMA other",
        "CREATE TABLE other.schema_versions (version integer PRIMARY KEY)",
        "INSERT INTO other.schema_versions VALUES (1), (7)",
        "GRANT USAGE ON SCHEMA other TO reader",
        name="old",
    )
    odd = "?schema=other"
    (read,) = looked(of(postgres, name="old", query=odd)).read.values()
    assert read["schema"] == 7
    assert "error privileges" in found(of(postgres, name="old", user="reader", query=odd))


@pytest.mark.parametrize(("mode", "shared"), [("transaction", True), ("session", False)])
def test_a_pooler(postgres: int, mode: str, shared: bool) -> None:
    """It is seen, and whether a session outlives its transaction."""
    with probed.pgbouncer(postgres, mode) as port:
        (read,) = looked(of(port)).read.values()
        assert (read["pooled"], read["per_transaction"]) == (True, shared)
        assert ("error pooler" in found(of(port, query="?prepare=yes"))) is shared


def test_files(tmp_path: Path, runner: asyncio.Runner) -> None:
    """One that is not there, ours, one from the future, one that is something else."""
    path = tmp_path / "sessions.db"
    url = f"sqlite:///{path}"
    assert not [each for each in found(url) if each.startswith("error")]
    runner.run(runner.run(SqliteStore.open(path)).aclose())
    (read,) = looked(url).read.values()
    assert read["schema"] == read["newest"]
    assert "warning mode" not in found(url)
    path.chmod(0o644)
    assert "warning mode" in found(url)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 99)
    connection.close()
    assert "error user_version" in found(url)
    path.write_text("dear diary")
    assert "error format" in found(url)
    assert "error access" in found(f"sqlite:///{tmp_path}")
    assert looked("memory:").findings == ()
    looked(f"sqlite:///{tmp_path}/not/there.db")
    assert not (tmp_path / "not").exists(), "looking makes nothing"


def test_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said."""
    monkeypatch.delitem(sys.modules, "contextd.stores.probes.postgres_server", raising=False)
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    (told,) = looked("postgresql://h/d").findings
    assert told.setting == "driver"
    assert "contextd[serve,postgres]" in told.remedy
