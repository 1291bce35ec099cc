from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from contextd_client import (
    Budget,
    BudgetTooSmall,
    ContextdClient,
    ContextdError,
    DeadlineExceeded,
    Format,
    InvalidRequest,
    Overloaded,
    Reason,
    RequestIdReused,
    RevisionConflict,
    Role,
    SectionKind,
    SessionNotFound,
    ToolCall,
    Turn,
    Unavailable,
    Usage,
)
from contextd_client.testing import FakeContextd

if TYPE_CHECKING:
    from collections.abc import Coroutine

ROOM = Budget("gpt-4o", 60, 10)


def run(work: Coroutine[object, object, None]) -> None:
    """Run a scenario without gRPC."""
    asyncio.run(work)


def texts(turns: tuple[Turn, ...]) -> list[tuple[str, str]]:
    """What was said, by whom."""
    return [(turn.role.value, turn.text) for turn in turns]


def test_an_exchange_is_recorded_at_once() -> None:
    """Message, tool turns and answer arrive in order, in one write."""

    async def scenario() -> None:
        fake = FakeContextd()
        session = fake.session("chat", budget=ROOM)
        async with session.turn("Where is W1?") as exchange:
            assert exchange.context.messages[-1].text == "Where is W1?"
            exchange.add(
                Turn(Role.ASSISTANT, tool_calls=(ToolCall("c1", "track"),)),
                Turn(Role.TOOL, "in Riga", tool_call_id="c1"),
            )
            exchange.answer("Never mind")
            exchange.answer("In Riga.", usage=Usage(output_tokens=3))
        assert exchange.recorded is not None
        assert exchange.recorded.revision == 2
        assert texts(fake.turns("chat")) == [
            ("user", "Where is W1?"),
            ("assistant", ""),
            ("tool", "in Riga"),
            ("assistant", "In Riga."),
        ]
        assert fake.turns("chat")[3].usage == Usage(output_tokens=3)

    run(scenario())


def test_a_failing_block_keeps_what_was_said_and_done() -> None:
    """The answer nobody saw is left out, the customer's words and the refund are not."""

    async def scenario() -> None:
        fake = FakeContextd()
        refund = Turn(Role.ASSISTANT, tool_calls=(ToolCall("c1", "refund"),))
        done = Turn(Role.TOOL, "ok", tool_call_id="c1")

        async def reply() -> None:
            async with fake.session("chat", budget=ROOM).turn("Refund me") as exchange:
                exchange.add(refund, done)
                exchange.answer("Done")
                raise ValueError("model away")

        with pytest.raises(ValueError, match="model away"):
            await reply()
        assert texts(fake.turns("chat")) == [
            ("user", "Refund me"),
            ("assistant", ""),
            ("tool", "ok"),
        ]

    run(scenario())


def test_a_cancelled_block_is_recorded_too() -> None:
    """A customer who hangs up has still said it."""

    async def scenario() -> None:
        fake = FakeContextd()
        inside = asyncio.Event()

        async def reply() -> None:
            async with fake.session("chat", budget=ROOM).turn("Hello?"):
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.ensure_future(reply())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert texts(fake.turns("chat")) == [("user", "Hello?")]

    run(scenario())


def test_two_failures_are_both_told() -> None:
    """The block's own error is raised, with a note that nothing was recorded."""

    async def scenario() -> None:
        fake = FakeContextd()

        async def reply() -> None:
            async with fake.session("chat", budget=ROOM).turn("Hi"):
                fake.fail(Overloaded("busy"))
                raise ValueError("boom")

        with pytest.raises(ValueError, match="boom") as caught:
            await reply()
        assert caught.value.__notes__ == ["and the exchange could not be recorded: busy"]

    run(scenario())


def test_a_write_never_fails_open() -> None:
    """`record` says that it failed, whatever the client's mood."""

    async def scenario() -> None:
        fake = FakeContextd(fail_open=True)
        fake.fail(*[Unavailable()] * 3)
        with pytest.raises(Unavailable):
            await fake.session("chat").record(user="Hi")

    run(scenario())


@pytest.mark.parametrize("cause", [Unavailable("away"), DeadlineExceeded("late")])
def test_an_open_client_goes_on_without_contextd(
    cause: ContextdError, caplog: pytest.LogCaptureFixture
) -> None:
    """The newest turns of this session stand in, said to be degraded, and it is logged."""

    async def scenario() -> None:
        fake = FakeContextd(fail_open=True)
        session = fake.session("chat", budget=ROOM, system="Be kind.")
        await session.record(user="Hi", assistant="Hello")
        fake.fail(*[cause] * 3)
        context = await session.build("And now?")
        assert context.degraded
        assert [(m.role.value, m.text, m.section) for m in context.messages] == [
            ("system", "Be kind.", SectionKind.SYSTEM),
            ("user", "Hi", SectionKind.VERBATIM),
            ("assistant", "Hello", SectionKind.VERBATIM),
            ("user", "And now?", SectionKind.MESSAGE),
        ]
        assert context.degradations[0].code == "CONTEXTD_UNAVAILABLE"
        assert context.body == {}

    with caplog.at_level(logging.WARNING, "contextd_client"):
        run(scenario())
    assert str(cause) in caplog.text


def test_a_closed_client_raises() -> None:
    """Without `fail_open` the caller decides."""

    async def scenario() -> None:
        fake = FakeContextd()
        fake.fail(*[Unavailable()] * 3)
        with pytest.raises(Unavailable):
            await fake.session("chat", budget=ROOM).build("Hi")

    run(scenario())


def test_other_errors_are_no_reason_to_go_on() -> None:
    """A request that is wrong stays wrong without contextd."""

    async def scenario() -> None:
        fake = FakeContextd(fail_open=True)
        with pytest.raises(BudgetTooSmall) as caught:
            await fake.session("chat", budget=Budget("", 3, 1)).build("one two three four")
        assert caught.value.required_tokens == 4

    run(scenario())


@pytest.mark.parametrize("form", [Format.OPENAI_CHAT, Format.ANTHROPIC_MESSAGES])
def test_a_fallback_has_a_body_too(form: Format) -> None:
    """The caller sends it as it would any other; halves of tool pairs are left out."""

    async def scenario() -> None:
        fake = FakeContextd(fail_open=True)
        fake.fail(*[Unavailable()] * 3)
        history = [
            Turn(Role.ASSISTANT, "Welcome!"),
            Turn(Role.USER, "Track W1"),
            Turn(Role.ASSISTANT, "", tool_calls=(ToolCall("c1", "track"),)),
            Turn(Role.TOOL, "in Riga", tool_call_id="c1"),
            Turn(Role.HUMAN_AGENT, "It is in Riga."),
        ]
        session = fake.session("chat", budget=ROOM, system="Be kind.")
        body = (await session.build("Thanks", history=history, form=form)).body
        talk = [
            {"role": "user", "content": "Track W1"},
            {"role": "assistant", "content": "It is in Riga."},
            {"role": "user", "content": "Thanks"},
        ]
        if form is Format.OPENAI_CHAT:
            system = [{"role": "system", "content": "Be kind."}]
            assert body == {
                "model": "gpt-4o",
                "messages": system + talk,
                "max_completion_tokens": 10,
            }
        else:
            assert body == {
                "model": "gpt-4o",
                "max_tokens": 10,
                "system": "Be kind.",
                "messages": talk,
            }

    run(scenario())


def test_a_fallback_stays_within_an_estimate() -> None:
    """Old turns go first; the message stays."""

    async def scenario() -> None:
        fake = FakeContextd(fail_open=True)
        fake.fail(*[Unavailable()] * 3)
        history = [Turn(Role.USER, f"{n} " + "x" * 50) for n in range(10)]
        context = await fake.session("chat", budget=ROOM).build("Now", history=history)
        assert [m.text[:1] for m in context.messages] == ["8", "9", "N"]

    run(scenario())


def test_an_open_exchange_can_be_recorded_later() -> None:
    """Leaving does not fail; the exchange still has all it needs to be recorded once."""

    async def scenario() -> None:
        fake = FakeContextd(fail_open=True)
        session = fake.session("chat", budget=ROOM)
        async with session.turn("Hi") as exchange:
            exchange.answer("Hello")
            fake.fail(*[Unavailable()] * 3)
        assert exchange.recorded is None
        for _ in range(2):
            await session.record(*exchange.turns, request_id=exchange.request_id)
        assert texts(fake.turns("chat")) == [("user", "Hi"), ("assistant", "Hello")]

    run(scenario())


def test_a_budget_is_needed() -> None:
    """Neither the session nor the call names one: the field is said."""

    async def scenario() -> None:
        with pytest.raises(InvalidRequest) as caught:
            await FakeContextd().session("chat").build("Hi")
        assert caught.value.field == "budget"

    run(scenario())


def test_the_environment_says_where_and_who() -> None:
    """Unset means the default; an empty target does too."""
    client = ContextdClient.from_env(
        {"CONTEXTD_TARGET": "", "CONTEXTD_TENANT": "acme", "CONTEXTD_FAIL_OPEN": "Yes"}
    )
    session = client.session("chat")
    assert (session.tenant, session.wire.fail_open) == ("acme", True)
    assert client.session("chat", tenant="other").tenant == "other"
    assert not ContextdClient.from_env({}).session("chat").wire.fail_open


def test_the_fake_keeps_the_daemons_promises() -> None:
    """Revisions, replays, budgets, errors and their fields are as the real thing has them."""

    async def scenario() -> None:
        fake = FakeContextd(tenant="acme")
        session = fake.session("chat", account="olena", budget=ROOM)
        with pytest.raises(SessionNotFound):
            await session.escalate(Reason.OTHER)
        first = await session.record(user="one two", request_id="r1", expected_revision=0)
        again = await session.record(user="one two", request_id="r1", expected_revision=0)
        assert (first.revision, first.token_counts, first.replayed) == (2, (2,), False)
        assert (again.revision, again.turn_ids, again.replayed) == (2, first.turn_ids, True)
        with pytest.raises(RequestIdReused):
            await session.record(user="another", request_id="r1")
        with pytest.raises(RevisionConflict) as conflict:
            await session.record(user="x", expected_revision=1)
        assert conflict.value.current_revision == 2
        with pytest.raises(InvalidRequest) as empty:
            await session.record()
        assert empty.value.field == "turns"
        with pytest.raises(InvalidRequest) as nameless:
            await fake.session("").record(user="x")
        assert nameless.value.field == "session.conversation_id"
        with pytest.raises(InvalidRequest):
            await fake.session("chat", account="bob").record(user="x")
        assert fake.session("other") is not session
        assert fake.turns("other") == ()

    run(scenario())


def test_the_fake_builds_within_the_budget() -> None:
    """The newest turns that fit, in order, with the words counted."""

    async def scenario() -> None:
        fake = FakeContextd()
        session = fake.session("chat", budget=Budget("", 10), system="be kind")
        for number in range(5):
            await session.record(user=f"turn {number} three")
        context = await session.build("and now")
        told = [message.text for message in context.messages]
        assert told == ["be kind", "turn 3 three", "turn 4 three", "and now"]
        assert context.token_count == 10
        assert context.pressure == pytest.approx(1.9)

    run(scenario())


def test_the_fake_records_a_built_message_once() -> None:
    """A retry of the same build gives the same context and writes nothing."""

    async def scenario() -> None:
        fake = FakeContextd()
        session = fake.session("chat", budget=ROOM)
        first = await session.build("Hi", record=True, request_id="r1")
        again = await session.build("Hi", record=True, request_id="r1")
        assert first.messages == again.messages
        assert (first.replayed, again.replayed) == (False, True)
        assert (first.revision, again.revision) == (2, 2)
        dry = await session.build("Ho", record=True, dry_run=True)
        assert dry.revision == 2
        assert texts(fake.turns("chat")) == [("user", "Hi")]

    run(scenario())


def test_the_fake_hands_over() -> None:
    """The handoff holds the last question and can be looked at; a retry gives the same."""

    async def scenario() -> None:
        fake = FakeContextd()
        session = fake.session("chat")
        await session.record(user="Where is W1?", assistant="I do not know.")
        first = await session.escalate(Reason.MISSING_EVIDENCE, note="W1", request_id="h")
        again = await session.escalate(Reason.MISSING_EVIDENCE, note="W1", request_id="h")
        assert first.handoff == again.handoff
        assert (first.replayed, again.replayed) == (False, True)
        assert first.handoff.open_question.text == "Where is W1?"
        assert first.handoff.reason is Reason.MISSING_EVIDENCE
        assert fake.raised("chat") == (first.handoff,)

    run(scenario())
