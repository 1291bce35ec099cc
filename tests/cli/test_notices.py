"""What a desk was not told, from a terminal, against a daemon whose receiver comes and goes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import served
from tests.cli.test_handoffs import raised
from tests.couriers.receiver import desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Run, Served
    from tests.couriers.receiver import Desk

WAIT_SECONDS = 60.0


@pytest.fixture(scope="module")
def receiver() -> Iterator[Desk]:
    """A desk that wants nothing."""
    with desk(410) as found:
        yield found


@pytest.fixture(scope="module")
def daemon(receiver: Desk, tmp_path_factory: pytest.TempPathFactory, run: Run) -> Iterator[Served]:
    """A daemon that tells the desk."""
    folder: Path = tmp_path_factory.mktemp("notices")
    secret, config = folder / "secret", folder / "contextd.toml"
    secret.write_text(run("webhooks", "secret").stdout, encoding="utf-8")
    config.write_text(
        f'[webhooks]\nurl = "{receiver.url}"\nsecret_file = "{secret}"\n', encoding="utf-8"
    )
    with served("--store", "memory:", "--config", str(config)) as running:
        yield running


def listed(run: Run, *there: str) -> list[dict[str, object]]:
    """Return the notices that were given up."""
    return [
        json.loads(line)
        for line in run("handoffs", "notices", *there, "--json").stdout.splitlines()
    ]


def test_a_notice_that_was_given_up_is_seen_and_sent_again(
    run: Run, daemon: Served, receiver: Desk
) -> None:
    """Listed with its error, sent again one by one or all at once, and taken in the end."""
    there = ("--tenant", "desk", "--target", daemon.target)
    assert "no notice was given up" in run("handoffs", "notices", *there).stderr
    handoff = raised(daemon.target, "desk")
    receiver.wait_for(1)
    ends = time.monotonic() + WAIT_SECONDS
    while not (found := listed(run, *there)):
        assert time.monotonic() < ends
    (notice,) = found
    assert (notice["handoff_id"], notice["last_error"]) == (handoff, "HTTP 410")
    shown = run("handoffs", "notices", *there).stdout
    assert "HTTP 410" in shown
    assert "chat-1" in shown

    stranger = run("handoffs", "resend", notice["notice_id"], "--tenant", "other", *there[2:])
    assert (stranger.returncode, "not there" in stranger.stderr) == (1, True)
    receiver.answers[:] = [200]
    assert "1 sent again" in run("handoffs", "resend", notice["notice_id"], *there).stdout
    receiver.wait_for(2)
    (first, _), (second, _) = receiver.received
    assert first["webhook-id"] == second["webhook-id"] == notice["notice_id"]
    assert listed(run, *there) == []
    assert run("handoffs", "resend", *there).returncode == 2
    assert "0 sent again" in run("handoffs", "resend", "--all", *there).stdout
