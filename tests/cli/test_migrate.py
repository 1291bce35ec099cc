from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.stores import named
from tests.cli.conftest import served
from tests.servers.postgres import postgres_server

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SAMPLE = Path(__file__).parents[1] / "data/two_sessions.jsonl"


def test_the_command(run: Run) -> None:
    """It says what there is to do, does it, and then finds nothing to do."""
    url = postgres_server().url(postgres_server().new_name())
    newest = len(named.titles("postgres"))
    dry = run("migrate", "--store", url, "--dry-run")
    assert dry.returncode == 0
    assert "schema version 0; to do: 0001_sessions, " in dry.stdout
    told = json.loads(run("migrate", "--store", url, "--json").stdout)
    assert (told["before"], told["after"]) == (0, newest)
    assert told["steps"] == list(named.titles("postgres"))
    again = run("migrate", "--store", url)
    assert f"schema version {newest}, which is the newest" in again.stdout
    other = run("migrate", "--store", "memory:")
    assert other.returncode == 2
    assert "postgresql:" in other.stderr


def test_two_daemons_on_one_database(run: Run) -> None:
    """What one of them has taken the other serves, and deletes; both begin on nothing."""
    url = postgres_server().url(postgres_server().new_name())
    with served("--store", url) as one, served("--store", url) as two:
        replayed = run("replay", SAMPLE, "--target", one.target, "--quiet")
        assert replayed.returncode == 0, replayed.stderr
        tenant = ("--tenant", replayed.stderr.split("tenant ")[1].split(" ")[0])
        here, there = (*tenant, "--target", one.target), (*tenant, "--target", two.target)
        assert "tram-card" in run("session", "list", *there).stdout
        gone = run("session", "delete", "tram-card", "--yes", *there)
        assert gone.returncode == 0, gone.stderr
        left = run("session", "list", *here).stdout
        assert left
        assert "tram-card" not in left
        assert one.stop() == two.stop() == 0
