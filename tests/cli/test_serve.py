from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contextd.cli.conversations import read, turn_from_json
from tests.cli.conftest import served

if TYPE_CHECKING:
    from tests.cli.conftest import Run, Served

SAMPLE = Path(__file__).parents[1] / "data/two_sessions.jsonl"


def replayed(run: Run, daemon: Served) -> str:
    """Play the sample against *daemon* and return the tenant it was recorded under."""
    answer = run("replay", SAMPLE, "--target", daemon.target, "--quiet")
    assert answer.returncode == 0, answer.stderr
    return str(answer.stderr.split("tenant ")[1].split(" ")[0])


def test_a_daemon_that_serves_is_healthy(run: Run, daemon: Served) -> None:
    """The probe says SERVING, over gRPC and over HTTP."""
    answer = run("health", "--target", daemon.target, "--json")
    assert (answer.returncode, json.loads(answer.stdout)["status"]) == (0, "SERVING")
    with urllib.request.urlopen(f"http://{daemon.ops}/readyz", timeout=5) as reply:
        assert reply.status == 200


def test_an_unknown_service_is_not_healthy(run: Run, daemon: Served) -> None:
    """A probe that asks for a service which does not exist fails."""
    answer = run("health", "--target", daemon.target, "--service", "nothing.v1.Nothing")
    assert (answer.returncode, answer.stdout) == (1, "NOT_FOUND\n")


def test_sessions_can_be_listed_shown_exported_and_deleted(run: Run, daemon: Served) -> None:
    """What was replayed comes out again as it went in, until it is deleted."""
    tenant = replayed(run, daemon)
    here = ("--tenant", tenant, "--target", daemon.target)
    listed = [
        json.loads(line) for line in run("session", "list", *here, "--json").stdout.splitlines()
    ]
    assert [each["conversation_id"] for each in listed] == ["allotment", "tram-card"]
    shown = json.loads(run("session", "show", "tram-card", *here, "--json").stdout)
    assert (shown["turn_count"], shown["tier"]) == ("7", "TIER_VERBATIM")

    exported = run("session", "export", "--turns", "tram-card", *here).stdout.splitlines()
    turns = [turn_from_json(json.loads(line)) for line in exported]
    given = next(each for each in read(SAMPLE) if each.session_id == "tram-card").turns
    assert [turn.text for turn in turns if turn] == [turn.text for turn in given]
    assert [turn.turn_id for turn in turns if turn] == [turn.turn_id for turn in given]

    refused = run("session", "delete", "tram-card", *here, typed="n\n")
    assert refused.returncode == 1
    deleted = run("session", "delete", "tram-card", *here, "--yes", "--json")
    assert json.loads(deleted.stdout)["deleted"]["turns"] == 7
    gone = run("session", "show", "tram-card", *here)
    assert gone.returncode == 1
    assert "SESSION_NOT_FOUND" in gone.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_daemon_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end it with exit 0, and its store can be opened again."""
    with served("--store", f"sqlite:///{tmp_path}/state.db") as daemon:
        assert daemon.stop(number) == 0


def test_with_json_the_whole_log_is_json(tmp_path: Path) -> None:
    """Whatever collects the log meets no line that it cannot read, at a stop neither."""
    log = tmp_path / "log"
    with served("--store", "memory:", log=log) as daemon:
        assert daemon.stop() == 0
    lines = log.read_text(encoding="utf-8").splitlines()
    assert ["finishing the running calls" in json.loads(line)["message"] for line in lines] == [
        True
    ]


def test_a_taken_address_is_an_error_with_a_reason(run: Run, daemon: Served) -> None:
    """A second daemon on the same port does not start, and says why."""
    answer = run("serve", "--listen", daemon.target, "--ops", "", "--store", "memory:")
    assert answer.returncode == 2
    assert answer.stderr == f"contextd: cannot listen on {daemon.target}: Address already in use\n"


def test_a_daemon_can_serve_on_a_socket_alone(run: Run, tmp_path: Path) -> None:
    """Without TCP the commands reach it as unix:/PATH."""
    path = tmp_path / "contextd.sock"
    arguments = ("--listen", "", "--socket", str(path), "--store", "memory:")
    with served(*arguments) as daemon:
        assert daemon.target == f"unix:{path}"
        assert run("health", "--target", daemon.target).returncode == 0
