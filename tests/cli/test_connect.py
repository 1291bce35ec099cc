"""`contextd check --connect`: what it says, and that nothing is asked without it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.servers import probed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

    Run = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def redis() -> Iterator[int]:
    """A server that deletes sessions when it is full."""
    settings = ("maxmemory 64mb", "maxmemory-policy allkeys-lru", "appendonly yes")
    with probed.redis_server(*settings, password="hunter-2") as port:
        yield port


def config(tmp_path: Path, url: str) -> Path:
    """Write a configuration that names this store."""
    path = tmp_path / "contextd.toml"
    path.write_text(f'[store]\nurl = "{url}"\n', encoding="utf-8")
    return path


def test_without_connect_nobody_is_asked(run: Run, tmp_path: Path) -> None:
    """Not one connection comes, not even to be closed again; with it one does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        path = config(tmp_path, f"redis://127.0.0.1:{server.getsockname()[1]}")
        answer = run("check", "--config", path, "--json")
        assert (answer.returncode, "stores" in json.loads(answer.stdout)) == (0, False)
        with pytest.raises(BlockingIOError):
            server.accept()
        asked = run("check", "--config", path, "--json", "--connect", "--timeout", "0.2")
        server.accept()[0].close()
    assert asked.returncode == 2
    assert json.loads(asked.stdout)["stores"]["store.url"]["findings"][0]["setting"] == "connection"


def test_a_dangerous_server_is_not_acceptable(run: Run, tmp_path: Path, redis: int) -> None:
    """Exit 2, every finding with what may happen and what to do, and no password."""
    path = config(tmp_path, f"redis://:hunter-2@127.0.0.1:{redis}")
    answer = run("check", "--config", path, "--connect", "--json")
    told = json.loads(answer.stdout)
    found = told["stores"]["store.url"]["findings"][0]
    assert (answer.returncode, told["ok"]) == (2, False)
    assert "maxmemory-policy is allkeys-lru" in told["problems"][0]
    assert (found["level"], found["setting"]) == ("error", "maxmemory-policy")
    assert found["value"] == "allkeys-lru"
    assert "noeviction" in found["remedy"]
    table = run("check", "--config", path, "--connect")
    assert table.returncode == 2
    assert "maxmemory-policy" in table.stdout
    for said in (answer, table):
        assert "hunter-2" not in said.stdout + said.stderr


def test_warnings_fail_only_when_strict(run: Run, tmp_path: Path, redis: int) -> None:
    """As those of the configuration itself do."""
    for setting in (("maxmemory-policy", "noeviction"), ("appendonly", "no")):
        probed.told(redis, "CONFIG", "SET", *setting, password="hunter-2")
    path = config(tmp_path, f"redis://:hunter-2@127.0.0.1:{redis}")
    answer = run("check", "--config", path, "--connect", "--json")
    told = json.loads(answer.stdout)
    assert (answer.returncode, told["ok"], told["problems"]) == (0, True, [])
    assert [each for each in told["warnings"] if "appendonly is no" in each]
    strict = run("check", "--config", path, "--connect", "--strict")
    assert (strict.returncode, "appendonly" in strict.stdout) == (1, True)


def test_a_file_is_looked_at_too(run: Run, tmp_path: Path) -> None:
    """There is no server; its place may be as dangerous."""
    path = config(tmp_path, f"sqlite:///{tmp_path}")
    answer = run("check", "--config", path, "--connect", "--json")
    assert answer.returncode == 2
    assert json.loads(answer.stdout)["stores"]["store.url"]["kind"] == "sqlite"
