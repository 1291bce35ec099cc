from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contextd.stores import named
from tests.servers.postgres import postgres_server

if TYPE_CHECKING:
    from tests.cli.conftest import Run


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
