"""The client against the daemon itself, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contextd_client import (
    ArchiveInvalid,
    Budget,
    BudgetTooSmall,
    ContextdClient,
    Deadlines,
    Durability,
    Format,
    InvalidRequest,
    Reason,
    RequestIdReused,
    RevisionConflict,
    Role,
    SectionKind,
    SessionExists,
    SessionNotFound,
    Tier,
    ToolCall,
    Turn,
)
from contextd_client.testing import FakeContextd

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
EXAMPLE = Path(__file__).parents[1] / "examples" / "support_chat.py"
PATIENT = Deadlines(build=20, record=20, escalate=20)
ROOM = Budget("gpt-4o", 4_096, 256)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a daemon with an empty store."""
    store = tmp_path_factory.mktemp("store") / "contextd.sqlite"
    where = ["--listen", "127.0.0.1:0", "--ops", "", "--store", f"sqlite:///{store}", "--json"]
    command = [sys.executable, "-m", "contextd", "serve", *where]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["addresses"][0])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.fixture(params=["daemon", "fake"])
def connect(request: pytest.FixtureRequest) -> Callable[[], ContextdClient]:
    """A client of the daemon and one of the fake: both must keep the same promises."""
    if request.param == "fake":
        return lambda: FakeContextd(tenant="acme")
    target = request.getfixturevalue("daemon")
    return lambda: ContextdClient(target, tenant="acme", deadlines=PATIENT)


def test_a_conversation(runner: asyncio.Runner, connect: Callable[[], ContextdClient]) -> None:
    """An exchange with a tool is recorded whole, and the next context holds it."""

    async def scenario() -> None:
        async with connect() as client:
            session = client.session("talk", account="olena", budget=ROOM, system="Be kind.")
            async with session.turn("Where is W-4417?") as exchange:
                exchange.add(
                    Turn(Role.ASSISTANT, tool_calls=(ToolCall("c1", "track"),)),
                    Turn(Role.TOOL, '{"place": "Riga"}', tool_call_id="c1"),
                )
                exchange.answer("It is in Riga.")
            recorded = exchange.recorded
            assert recorded is not None
            assert (recorded.revision, recorded.first_sequence) == (2, 1)
            assert len(recorded.turn_ids) == len(set(recorded.turn_ids)) == 4
            context = await session.build("Thanks! And when will it come?")
            kinds = [message.section for message in context.messages]
            assert kinds[0] is SectionKind.SYSTEM
            assert kinds[-1] is SectionKind.MESSAGE
            assert [m.text for m in context.messages].count("It is in Riga.") == 1
            assert context.tier is Tier.VERBATIM
            assert 0 < context.token_count <= context.input_budget_tokens == 3_840
            assert not context.degraded

    runner.run(scenario())


def test_a_conversation_moves(
    runner: asyncio.Runner, connect: Callable[[], ContextdClient]
) -> None:
    """It comes back as it was and goes on; again is no error, another one is."""

    async def scenario() -> None:
        async with connect() as client:
            session = client.session("moves", account="olena", budget=ROOM)
            await session.record(user="Hello?", assistant="Hi!", request_id="r")
            lines = await session.export()
            assert lines.startswith(b'{"contextd_session"')
            assert (await client.import_session(lines)).already_there
            there = await client.import_session(lines, tenant="beta")
            assert (there.conversation, there.turns, there.already_there) == ("moves", 2, False)
            moved = client.session("moves", tenant="beta", budget=ROOM)
            assert await moved.export() == lines
            assert (await moved.record(user="And now?")).first_sequence == 3
            await client.session("other").record(user="Something else")
            other = (await client.session("other").export()).replace(b"other", b"moves", 1)
            with pytest.raises(SessionExists):
                await client.import_session(other)
            with pytest.raises(ArchiveInvalid) as refused:
                await client.import_session(lines[:-4], tenant="gamma")
            assert refused.value.line > 1
            with pytest.raises(SessionNotFound):
                await client.session("moves", tenant="gamma").export()

    runner.run(scenario())


def test_writes_are_exactly_once(
    runner: asyncio.Runner, connect: Callable[[], ContextdClient]
) -> None:
    """A replay gets the first answer, another body under its id and a stale revision do not."""

    async def scenario() -> None:
        async with connect() as client:
            session = client.session("once", account="olena")
            once = await session.record(user="Hello?", request_id="r", expected_revision=0)
            again = await session.record(user="Hello?", request_id="r", expected_revision=0)
            assert (once.revision, once.replayed) == (2, False)
            assert (again.revision, again.replayed) == (2, True)
            assert again.turn_ids == once.turn_ids
            with pytest.raises(RequestIdReused):
                await session.record(user="Other", request_id="r")
            with pytest.raises(RevisionConflict) as conflict:
                await session.record(user="Late", expected_revision=1)
            assert conflict.value.current_revision == 2

    runner.run(scenario())


def test_refusals(runner: asyncio.Runner, connect: Callable[[], ContextdClient]) -> None:
    """What cannot be served is refused with the same errors, reasons and fields."""

    async def scenario() -> None:
        async with connect() as client:
            session = client.session("refusals", account="olena")
            with pytest.raises(SessionNotFound):
                await session.escalate(Reason.OTHER)
            with pytest.raises(BudgetTooSmall) as small:
                await session.build("word " * 900, budget=Budget("gpt-4o", 3, 1))
            assert small.value.required_tokens > 2
            with pytest.raises(InvalidRequest) as nobody:
                await client.session("").record(user="x")
            assert nobody.value.field == "session.conversation_id"
            with pytest.raises(InvalidRequest) as nothing:
                await session.record()
            assert nothing.value.field == "turns"
            await session.record(user="Hello?")
            with pytest.raises(InvalidRequest) as other:
                await client.session("refusals", account="bob").record(user="x")
            assert other.value.reason == "ACCOUNT_MISMATCH"

    runner.run(scenario())


def test_a_handoff_is_raised_once(
    runner: asyncio.Runner, connect: Callable[[], ContextdClient]
) -> None:
    """A retry gets the same handoff again."""

    async def scenario() -> None:
        async with connect() as client:
            session = client.session("handoff", account="olena")
            await session.record(user="My lamp is broken", assistant="I am sorry.")
            first = await session.escalate(Reason.USER_REQUEST, note="Twice", request_id="h")
            again = await session.escalate(Reason.USER_REQUEST, note="Twice", request_id="h")
            assert first.handoff == again.handoff
            assert (first.replayed, again.replayed) == (False, True)
            assert first.handoff.note == "Twice"
            assert first.handoff.turn_count == 2
            assert first.handoff.open_question.text == "My lamp is broken"
            assert first.markdown.startswith("# ")

    runner.run(scenario())


def test_what_only_the_daemon_knows(runner: asyncio.Runner, daemon: str) -> None:
    """Durable writes, provider bodies, routes and advice come through the typed results."""

    async def scenario() -> None:
        async with ContextdClient(daemon, tenant="acme", deadlines=PATIENT) as client:
            session = client.session("advice", budget=ROOM)
            recorded = await session.record(user="This is ridiculous, I told you three times!!!")
            assert recorded.durability is Durability.DISK
            built = await session.build(
                "Let me talk to a human", form=Format.OPENAI_CHAT, explain=True
            )
            assert built.escalation.recommended
            assert built.escalation.reasons[0] is Reason.USER_REQUEST
            assert built.route == "escalate"
            assert built.body["messages"][-1] == {
                "role": "user",
                "content": "Let me talk to a human",
            }
            assert built.token_count_exact
            assert len(built.stable_prefix_sha256) == 64
            assert built.explanation
            raised = await session.escalate(Reason.USER_REQUEST)
            handed = raised.handoff
            assert handed.created_at is not None
            assert handed.last_turns[0].role is Role.USER
            assert handed.signals
            hashes = {recorded.policy_hash, built.policy_hash, raised.policy_hash}
            assert len(hashes) == 1
            assert len(hashes.pop()) == 16

    runner.run(scenario())


def test_the_example_runs(daemon: str) -> None:
    """What the README shows works, on a loop of its own."""
    paths = os.pathsep.join([str(EXAMPLE.parents[1] / "src"), str(ROOT)])
    environment = {**os.environ, "CONTEXTD_TARGET": daemon, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, EXAMPLE], env=environment, capture_output=True, text=True, check=True
    )
    assert "→ escalate" in done.stdout
    assert "# Asks for a human: My order W-4417 came broken." in done.stdout
    assert done.stderr == ""
