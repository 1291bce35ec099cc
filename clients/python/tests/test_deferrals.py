"""The model is down: the whole path, over gRPC, with the daemon killed in the middle."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contextd_client import (
    Budget,
    ChannelMode,
    ContextdClient,
    Deadlines,
    DeferralNotFound,
    DeferralState,
    HandoffOutcome,
    HandoffState,
    HandoffStatus,
    HumanInControl,
    InvalidRequest,
    LeaseLost,
    NoWebhook,
    Reason,
    RequestIdReused,
    Role,
    Turn,
)
from contextd_client.sync import ContextdClient as SyncClient
from contextd_client.testing import FakeContextd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd_client import Deferrals, LeasedTurn

ROOT = Path(__file__).parents[3]
EXAMPLE = Path(__file__).parents[1] / "examples" / "when_the_model_is_down.py"
PATIENT = Deadlines(build=20, record=20, escalate=20, desk=20)
ROOM = Budget("gpt-4o", 4_096, 256)
AT_ONCE = datetime(2020, 1, 1, tzinfo=UTC)


@contextmanager
def daemon(folder: Path) -> Iterator[str]:
    """Give the address of a daemon over a file in *folder*, and kill it in the end."""
    where = ["--listen", "127.0.0.1:0", "--ops", "", "--store", f"sqlite:///{folder}/c.db"]
    command = [sys.executable, "-m", "contextd", "serve", *where, "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield str(json.loads(process.stdout.readline())["addresses"][0])
        finally:
            process.kill()


async def leased(waiting: Deferrals) -> Sequence[LeasedTurn]:
    """Return what is due, as soon as something is."""
    async with asyncio.timeout(30):
        while True:
            if due := await waiting.lease():
                return due
            await asyncio.sleep(0.05)


def test_an_outage(tmp_path: Path) -> None:
    """Who waits is answered after the outage, also of the daemon; who cannot has a human."""

    async def before(target: str) -> None:
        async with ContextdClient(target, tenant="acme", deadlines=PATIENT) as client:
            waiting = client.deferrals()
            mail = await waiting.defer("mail", "Where is my parcel?", not_before=AT_ONCE)
            assert mail.handoff is None
            line = await waiting.defer(
                "line", "Hello?", channel_mode=ChannelMode.SYNC, note="model down"
            )
            assert line.handoff is not None
            assert line.handoff.reason is Reason.MODEL_UNAVAILABLE
            assert line.handoff.open_question.text == "Hello?"
            (entry,) = await client.handoffs().list()
            assert entry.status is HandoffStatus.WAITING
            (work,) = await waiting.lease(seconds=1)
            assert (work.conversation, work.message.text) == ("mail", "Where is my parcel?")

    async def after(target: str) -> None:
        async with ContextdClient(target, tenant="acme", deadlines=PATIENT) as client:
            waiting, session = client.deferrals(), client.session("mail", budget=ROOM)
            (work,) = await leased(waiting)  # the lease of the worker that died runs out
            assert work.attempt == 2
            answer = Turn(Role.ASSISTANT, "It leaves today.")
            done = await waiting.done(work, answer)
            again = await waiting.done(work, answer)
            assert (done.state, done.replayed) == (DeferralState.DONE, False)
            assert (again.revision, again.replayed) == (done.revision, True)
            context = await session.build(None)
            assert [m.text for m in context.messages].count("It leaves today.") == 1
            assert not await waiting.lease()

    with daemon(tmp_path) as target:
        asyncio.run(before(target))
    with daemon(tmp_path) as target:
        asyncio.run(after(target))


def test_a_human_takes_it_meanwhile(tmp_path: Path) -> None:
    """The bot's answer is refused then; what failed for good is with a human."""

    async def scene(target: str) -> None:
        async with ContextdClient(target, tenant="acme", deadlines=PATIENT) as client:
            waiting, desk = client.deferrals(), client.handoffs()
            await waiting.defer("c", "Where is my parcel?", not_before=AT_ONCE)
            (work,) = await waiting.lease()
            dead = await waiting.fail(work, "the prompt is refused")
            assert dead.state is DeferralState.DEAD
            assert (await waiting.fail(work, "the prompt is refused")).handoff_id == dead.handoff_id
            with pytest.raises(RequestIdReused):
                await waiting.fail(work, "again")

            await waiting.defer("c", "Anybody there?", not_before=AT_ONCE)
            (work,) = await waiting.lease()
            await desk.claim(dead.handoff_id, "Ann")
            with pytest.raises(HumanInControl):
                await waiting.done(work, Turn(Role.ASSISTANT, "Here I am."))
            with pytest.raises(HumanInControl):
                await waiting.defer("c", "And now?")
            ended = await waiting.done(work)
            assert ended.state is DeferralState.DONE
            context = await client.session("c", budget=ROOM).build(None)
            assert context.handoff_state is HandoffState.HUMAN

    with daemon(tmp_path) as target:
        asyncio.run(scene(target))


def test_of_two_workers_one_answers(tmp_path: Path) -> None:
    """The one whose lease ran out is told, and nothing of its answer is recorded."""

    async def scene(target: str) -> None:
        async with ContextdClient(target, tenant="acme", deadlines=PATIENT) as client:
            waiting = client.deferrals()
            await waiting.defer("c", "Where is my parcel?", not_before=AT_ONCE)
            (slow,) = await waiting.lease(seconds=1)
            due = await leased(waiting)
            with pytest.raises(LeaseLost):
                await waiting.done(slow, Turn(Role.ASSISTANT, "Too late."))
            await waiting.done(due[0], Turn(Role.ASSISTANT, "In time."))
            context = await client.session("c", budget=ROOM).build(None)
            assert [message.text for message in context.messages][-1] == "In time."

    with daemon(tmp_path) as target:
        asyncio.run(scene(target))


def test_the_example_runs(tmp_path: Path) -> None:
    """It says what it claims to show."""
    with daemon(tmp_path) as target:
        shown = subprocess.run(
            [sys.executable, EXAMPLE],
            env={
                "CONTEXTD_TARGET": target,
                "PYTHONPATH": f"{ROOT}:{ROOT / 'clients/python/src'}",
                "PATH": "",
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    assert "with a human" in shown.stdout
    assert "try 1 failed" in shown.stdout
    assert "try 2: done" in shown.stdout


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A daemon for all tests that need not kill it."""
    with daemon(tmp_path_factory.mktemp("deferrals")) as address:
        yield address


@pytest.fixture(params=["daemon", "fake"])
def client(request: pytest.FixtureRequest, runner: asyncio.Runner) -> Iterator[ContextdClient]:
    """A client of the daemon and one of the fake: both must keep the same promises."""
    tenant = request.node.name
    if request.param == "fake":
        yield FakeContextd(tenant=tenant)
        return
    found = ContextdClient(request.getfixturevalue("target"), tenant=tenant, deadlines=PATIENT)
    yield found
    runner.run(found.aclose())


def test_what_waits_is_answered_once(client: ContextdClient, runner: asyncio.Runner) -> None:
    """Each call gets its first answer again; another body under the same id is an error."""

    async def main() -> None:
        waiting = client.deferrals()
        first = await waiting.defer("c", "Where is it?", not_before=AT_ONCE, request_id="d")
        again = await waiting.defer("c", "Where is it?", not_before=AT_ONCE, request_id="d")
        assert (again.deferral_id, again.revision) == (first.deferral_id, first.revision)
        assert (first.replayed, again.replayed) == (False, True)
        with pytest.raises(RequestIdReused):
            await waiting.defer("c", "Anything else?", not_before=AT_ONCE, request_id="d")

        (work,) = await waiting.lease()
        assert (work.message.text, work.attempt, work.tenant) == ("Where is it?", 1, client.tenant)
        assert not await waiting.lease()
        answer = Turn(Role.ASSISTANT, "On its way.")
        done = await waiting.done(work, answer)
        assert (done.state, done.replayed) == (DeferralState.DONE, False)
        assert (await waiting.done(work, answer)).replayed
        with pytest.raises(RequestIdReused):
            await waiting.done(work, Turn(Role.ASSISTANT, "Lost."))
        context = await client.session("c", budget=ROOM).build(None)
        assert [message.text for message in context.messages] == ["Where is it?", "On its way."]

    runner.run(main())


def test_what_fails_waits_or_goes_to_a_human(
    client: ContextdClient, runner: asyncio.Runner
) -> None:
    """Later, then never; what another worker has, has ended or was deleted is refused."""

    async def main() -> None:
        waiting, session = client.deferrals(), client.session("c", account="olena")
        with pytest.raises(InvalidRequest) as caught:
            await waiting.defer("c", None)
        assert caught.value.field == "message"
        await session.record(user="Hello?")
        await waiting.defer("c", None, not_before=AT_ONCE)
        (work,) = await waiting.lease()
        assert (work.account, work.message.text) == ("olena", "Hello?")
        later = await waiting.retry(work, "busy")
        assert (later.state, later.due_at is not None) == (DeferralState.WAITING, True)
        assert not await waiting.lease()
        with pytest.raises(LeaseLost):
            await waiting.fail(replace(work, lease_token="another"), "no")

        dead = await waiting.fail(work, "no")
        assert (dead.state, dead.replayed) == (DeferralState.DEAD, False)
        again = await waiting.fail(work, "no")
        assert (again.handoff_id, again.replayed) == (dead.handoff_id, True)
        (entry,) = await client.handoffs().list()
        assert (entry.handoff_id, entry.reason) == (dead.handoff_id, Reason.MODEL_UNAVAILABLE)

        await waiting.defer("c", "And now?", not_before=AT_ONCE)
        (work,) = await waiting.lease()
        await client.handoffs().claim(dead.handoff_id, "Ann")
        with pytest.raises(HumanInControl):
            await waiting.done(work, Turn(Role.ASSISTANT, "Here I am."))
        for mode in ChannelMode:
            with pytest.raises(HumanInControl):
                await waiting.defer("c", "Anybody?", channel_mode=mode)
        assert (await waiting.done(work)).state is DeferralState.DONE
        assert await client.account("olena").forget()
        with pytest.raises(DeferralNotFound):
            await waiting.done(replace(work, lease_token="another"))

    runner.run(main())


def test_what_was_given_up_may_go_back_to_the_bot(
    client: ContextdClient, runner: asyncio.Runner
) -> None:
    """Put aside again, and its handoff resolved, it is answered as if nothing had been."""

    async def main() -> None:
        waiting, desk = client.deferrals(), client.handoffs()
        await waiting.defer("c", "Where is it?", not_before=AT_ONCE)
        (work,) = await waiting.lease()
        dead = await waiting.fail(work, "down for hours")
        await waiting.defer("c", None, not_before=AT_ONCE)
        ended = await desk.resolve(dead.handoff_id, HandoffOutcome.NOT_NEEDED)
        assert ended.handoff_state is HandoffState.BOT
        (work,) = await waiting.lease()
        assert (work.message.text, work.attempt) == ("Where is it?", 1)
        await waiting.done(work, Turn(Role.ASSISTANT, "Here."))
        assert await desk.list() == []

    runner.run(main())


def test_a_customer_on_the_line_has_a_human_at_once(
    client: ContextdClient, runner: asyncio.Runner
) -> None:
    """The handoff says what was asked; nothing waits."""

    async def main() -> None:
        waiting = client.deferrals()
        line = await waiting.defer("c", "Hello?", channel_mode=ChannelMode.SYNC, note="down")
        assert line.handoff is not None
        assert line.handoff.open_question.text == "Hello?"
        assert (line.deferral_id, line.due_at, line.handoff.note) == ("", None, "down")
        assert not await waiting.lease()

    runner.run(main())


def test_time_goes_by_in_the_fake(runner: asyncio.Runner) -> None:
    """So that a test of a worker need not wait until something is due, or is given up."""

    async def main() -> None:
        fake = FakeContextd()
        waiting = fake.deferrals()
        await waiting.defer("c", "Where is it?")
        assert not await waiting.lease()
        for attempt in range(1, 8):
            fake.pass_time(600)
            (work,) = await waiting.lease()
            assert work.attempt == attempt
            await waiting.retry(work, f"down {attempt}")
        fake.pass_time(600)
        (lost,) = await waiting.lease(seconds=60)
        assert lost.last_error == "down 7"
        fake.pass_time(61)
        assert not await waiting.lease()  # the ninth lease is nobody's
        (handoff,) = fake.raised("c")
        assert handoff.reason is Reason.MODEL_UNAVAILABLE

    runner.run(main())


def test_without_an_event_loop_it_is_the_same() -> None:
    """Every step of a worker."""
    with SyncClient(FakeContextd()) as client:
        waiting = client.deferrals()
        waiting.defer("c", "Where is it?", not_before=AT_ONCE)
        (work,) = waiting.lease()
        assert waiting.retry(work, "busy").state is DeferralState.WAITING
        assert waiting.done(work, Turn(Role.ASSISTANT, "Here.")).state is DeferralState.DONE
        assert client.handoffs().notices() == []
        with pytest.raises(NoWebhook):
            client.handoffs().resend("h:1")
