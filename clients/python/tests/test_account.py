"""Accounts through the client: in memory, and against a real daemon."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contextd_client import (
    Budget,
    ContextdClient,
    Deadlines,
    Fact,
    FactType,
    InvalidRequest,
    Reason,
    RequestIdReused,
    RevisionConflict,
    SectionKind,
    Unavailable,
)
from contextd_client.sync import ContextdClient as SyncClient
from contextd_client.testing import FakeContextd

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

PATIENT = Deadlines(build=20, record=20, escalate=20)
BUDGET = Budget("gpt-4o", 4_000, 500)
LANGUAGE = Fact("language", "German", FactType.PREFERENCE, source="crm")


ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def daemon() -> Iterator[str]:
    """The address of a daemon whose store is in memory."""
    where = ["--listen", "127.0.0.1:0", "--ops", "", "--store", "memory:", "--json"]
    command = [sys.executable, "-m", "contextd", "serve", *where]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["addresses"][0])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture(params=["daemon", "fake"])
def client(request: pytest.FixtureRequest, runner: asyncio.Runner) -> Iterator[ContextdClient]:
    """A client of the daemon and one of the fake: both must keep the same promises."""
    tenant = request.node.name
    if request.param == "fake":
        yield FakeContextd(tenant=tenant)
        return
    target = request.getfixturevalue("daemon")
    found = ContextdClient(target, tenant=tenant, deadlines=PATIENT)
    yield found
    runner.run(found.aclose())


def test_facts_are_set_removed_and_replaced(client: ContextdClient, runner: asyncio.Runner) -> None:
    """A change does what it says, once, at the revision expected."""

    async def main() -> None:
        account = client.account("olena")
        assert (await account.get()).facts == ()
        first = await account.update(LANGUAGE, Fact("plan", "pro"), request_id="r")
        assert (first["language"], first.revision, first.replayed) == ("German", 1, False)
        assert (await account.update(LANGUAGE, Fact("plan", "pro"), request_id="r")).replayed
        with pytest.raises(RequestIdReused):
            await account.update(LANGUAGE, request_id="r")
        after = await account.update(Fact("region", "EU"), remove=["plan"])
        assert [fact.key for fact in after.facts] == ["language", "region"]
        with pytest.raises(KeyError):
            after["plan"]
        with pytest.raises(RevisionConflict) as caught:
            await account.update(LANGUAGE, expected_revision=1)
        assert caught.value.current_revision == 2
        assert [f.key for f in (await account.update(LANGUAGE, replace=True)).facts] == ["language"]

    runner.run(main())


def test_what_expired_and_what_is_wrong(client: ContextdClient, runner: asyncio.Runner) -> None:
    """An expired fact is not known; a bad request names its field."""

    async def main() -> None:
        account = client.account("olena")
        past = datetime.now(UTC) - timedelta(days=1)
        known = await account.update(LANGUAGE, Fact("old", "x", expires_at=past))
        assert [fact.key for fact in known.facts] == ["language"]
        with pytest.raises(InvalidRequest) as caught:
            await client.account("").get()
        assert caught.value.field == "account_id"

    runner.run(main())


def test_forgetting_removes_conversations(client: ContextdClient, runner: asyncio.Runner) -> None:
    """The account and its conversations are gone, others stay, and it may be called again."""

    async def main() -> None:
        account = client.account("olena")
        await account.update(LANGUAGE)
        first = client.session("c-1", account="olena")
        await first.record(user="hello", assistant="hi")
        await first.escalate(Reason.USER_REQUEST)
        await client.session("c-2").record(user="hello")
        assert [c.conversation_id for c in (await account.get()).conversations] == ["c-1"]
        counts = await account.forget()
        assert (counts["account_facts"], counts["sessions"], counts["turns"]) == (1, 1, 2)
        assert not any((await account.forget()).values())
        assert await client.handoffs().list() == []
        assert (await account.get()).conversations == ()

    runner.run(main())


def test_a_daemon_tells_what_it_knows(daemon: str, runner: asyncio.Runner) -> None:
    """Facts, a repeat contact and candidates come back as values."""

    async def main() -> None:
        async with ContextdClient(daemon, tenant="t", deadlines=PATIENT) as client:
            await client.account("olena").update(LANGUAGE)
            first = client.session("c-1", account="olena", budget=BUDGET)
            await first.record(
                user="My coffee machine leaks. I am on the Pro plan.", assistant="Oh."
            )
            second = client.session("c-2", account="olena", budget=BUDGET)
            context = await second.build("The coffee machine leaks again.")
            assert context.messages[0].section is SectionKind.ACCOUNT
            assert context.repeat_contact is not None
            assert context.repeat_contact.conversation_id == "c-1"
            assert context.sections[1].conversation_ids == ("c-1",)
            known = await client.account("olena").get(candidates=True)
            assert known.conversations[0].recap.startswith("My coffee machine")
            assert [(c.key, c.value) for c in known.candidates] == [("plan", "Pro")]

    runner.run(main())


def test_unavailable_is_tried_again(runner: asyncio.Runner) -> None:
    """As for any other call; and without an event loop it is the same."""
    fake = FakeContextd(tenant="t")
    fake.fail(Unavailable("away"))
    assert runner.run(fake.account("olena").update(LANGUAGE)).revision == 1
    with SyncClient(FakeContextd(tenant="t")) as client:
        account = client.account("olena")
        assert account.update(LANGUAGE)["language"] == "German"
        assert account.get().revision == 1
        assert account.forget()["account_facts"] == 1
