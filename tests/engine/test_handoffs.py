"""The life of a handoff, over the reference store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from contextd.errors import (
    HandoffEnded,
    HandoffNotFound,
    HandoffTaken,
    HandoffUnclaimed,
    HumanInControl,
    RequestIdReused,
    SessionNotFound,
    SessionOver,
)
from contextd.model import (
    Desk,
    HandoffOutcome,
    HandoffState,
    HandoffStatus,
    SessionOutcome,
)
from contextd.stores.memory import MemoryStore
from tests.engine.kit import (
    KEY,
    Engine,
    bot,
    build_request,
    claim_request,
    close_request,
    escalate_request,
    human,
    record_request,
    resolve_request,
    run,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

EVERY = tuple(HandoffStatus)


async def raised(engine: Engine) -> str:
    """Begin a conversation and hand it over; return the id of the handoff."""
    await engine.record(record_request(user("My order W123 is broken. I want a human.")))
    return (await engine.escalate(escalate_request())).handoff.handoff_id


async def revision(engine: Engine) -> int:
    """Return how many records there are."""
    return len(await engine.store.read(KEY))


async def refused(engine: Engine, call: Awaitable[object], kind: type[Exception]) -> Exception:
    """Return why *call* was refused; nothing may have been recorded."""
    before = await revision(engine)
    with pytest.raises(kind) as caught:
        await call
    assert await revision(engine) == before
    return caught.value


def test_a_conversation_goes_to_a_human_and_back() -> None:
    """Raised, claimed, resolved: log, inbox and answers say the same at each step."""

    async def main() -> None:
        engine = Engine()
        handoff = await raised(engine)
        waiting = await engine.handoffs.list(KEY.tenant_id, EVERY, 0, 10)
        claimed = await engine.handoffs.claim(claim_request(handoff))
        with_human = await engine.build(build_request("hello?"))
        resolved = await engine.handoffs.resolve(resolve_request(handoff, note="Label sent."))
        with_bot = await engine.build(build_request("hello?"))
        opened = await engine.handoffs.get(KEY.tenant_id, handoff, Desk.MARKDOWN)

        assert [each.status for each in waiting] == [HandoffStatus.WAITING]
        assert (claimed.entry.status, claimed.entry.agent) == (HandoffStatus.CLAIMED, "ana")
        assert claimed.handoff.turn_count == 1
        assert with_human.handoff_state is HandoffState.HUMAN
        assert resolved.handoff_state is HandoffState.BOT
        assert with_bot.handoff_state is HandoffState.BOT
        assert (opened.entry.status, opened.entry.outcome) == (
            HandoffStatus.RESOLVED,
            HandoffOutcome.SOLVED,
        )
        assert opened.note == "Label sent."
        assert "W123" in opened.rendered
        assert claimed.revision < resolved.revision == await revision(engine)

    run(main())


def test_of_many_who_claim_at_once_one_gets_it() -> None:
    """Also when they come through daemons of their own."""

    async def main() -> None:
        store = MemoryStore()
        engines = [Engine(store), Engine(store)]
        handoff = await raised(engines[0])
        agents = [f"agent-{at}" for at in range(20)]
        answers = await asyncio.gather(
            *(
                engines[at % 2].handoffs.claim(claim_request(handoff, agent))
                for at, agent in enumerate(agents)
            ),
            return_exceptions=True,
        )
        won = [each for each in answers if not isinstance(each, BaseException)]
        lost = [each for each in answers if isinstance(each, BaseException)]

        assert len(won) == 1
        assert all(isinstance(each, HandoffTaken) for each in lost)
        entry = await store.inbox.handoff(KEY.tenant_id, handoff)
        assert entry is not None
        assert {each.metadata["claimed_by"] for each in lost if isinstance(each, HandoffTaken)} == {
            entry.agent
        }

    run(main())


def test_a_claim_is_idempotent_and_may_take_over() -> None:
    """The same person may ask again; another one only on purpose."""

    async def main() -> None:
        engine = Engine()
        handoff = await raised(engine)
        first = await engine.handoffs.claim(claim_request(handoff, request_id="c1"))
        again = await engine.handoffs.claim(claim_request(handoff, request_id="c1"))
        same = await engine.handoffs.claim(claim_request(handoff))
        await refused(engine, engine.handoffs.claim(claim_request(handoff, "bo")), HandoffTaken)
        taken = await engine.handoffs.claim(claim_request(handoff, "bo", take_over=True))
        by_ana = resolve_request(handoff, agent="ana")
        await refused(engine, engine.handoffs.resolve(by_ana), HandoffTaken)
        late = await engine.handoffs.claim(claim_request(handoff, request_id="c1"))

        assert (first.replayed, again.replayed, same.replayed) == (False, True, True)
        assert again.revision == first.revision == late.revision
        assert (taken.entry.agent, taken.replayed) == ("bo", False)
        assert late.entry.agent == "bo"

    run(main())


def test_resolving_is_exactly_once() -> None:
    """A retry gets the first answer; another request finds that it has ended."""

    async def main() -> None:
        engine = Engine()
        handoff = await raised(engine)
        await engine.handoffs.claim(claim_request(handoff))
        request = resolve_request(handoff, request_id="r1", closes=True)
        first = await engine.handoffs.resolve(request)
        again = await engine.handoffs.resolve(request)
        for call in (
            engine.handoffs.resolve(resolve_request(handoff)),
            engine.handoffs.claim(claim_request(handoff)),
        ):
            await refused(engine, call, HandoffEnded)
        other = resolve_request(handoff, HandoffOutcome.UNSOLVED, request_id="r1")
        await refused(engine, engine.handoffs.resolve(other), RequestIdReused)
        claim = claim_request(handoff, request_id="r1")
        await refused(engine, engine.handoffs.claim(claim), RequestIdReused)

        assert (first.replayed, again.replayed) == (False, True)
        assert (first.revision, first.handoff_state) == (again.revision, again.handoff_state)
        assert first.handoff_state is HandoffState.CLOSED

    run(main())


@pytest.mark.parametrize("outcome", list(HandoffOutcome))
def test_what_nobody_has_claimed_ends_only_where_nobody_was_needed(
    outcome: HandoffOutcome,
) -> None:
    """Nobody can have solved, or failed to solve, what nobody has had."""

    async def main() -> None:
        engine = Engine()
        handoff = await raised(engine)
        call = engine.handoffs.resolve(resolve_request(handoff, outcome))
        if outcome in {HandoffOutcome.SOLVED, HandoffOutcome.UNSOLVED}:
            await refused(engine, call, HandoffUnclaimed)
        else:
            assert (await call).entry.outcome is outcome

    run(main())


def test_a_handoff_of_another_tenant_does_not_exist() -> None:
    """Its id is worth nothing to others; neither is one of a session that was deleted."""

    async def main() -> None:
        engine = Engine()
        handoff = await raised(engine)
        other: Any = "evil"
        with pytest.raises(HandoffNotFound):
            await engine.handoffs.get(other, handoff)
        await engine.inspection.delete_session(KEY)
        with pytest.raises(HandoffNotFound):
            await engine.handoffs.claim(claim_request(handoff))

    run(main())


def test_while_a_human_has_it_the_assistant_is_silent() -> None:
    """A request with a turn of the assistant's leaves nothing behind, the other turns neither."""

    async def main() -> None:
        engine = Engine()
        handoff = await raised(engine)
        while_waiting = await engine.record(record_request(bot("A colleague will come.")))
        await engine.handoffs.claim(claim_request(handoff))
        both = record_request(user("Hello?"), bot("Hi!"), request_id="r1")
        await refused(engine, engine.record(both), HumanInControl)
        said = await engine.record(record_request(user("Hello?"), human("Hello, I am Ana.")))
        draft = build_request("And now?", record_message=True)
        assisted = await engine.build(draft)
        await refused(engine, engine.escalate(escalate_request()), HumanInControl)
        await refused(engine, engine.close(close_request()), HumanInControl)
        await engine.handoffs.resolve(resolve_request(handoff))
        after = await engine.record(both)

        assert while_waiting.first_sequence == 2
        assert said.first_sequence == 3
        assert assisted.handoff_state is HandoffState.HUMAN
        assert (after.replayed, after.first_sequence) == (False, 6)

    run(main())


def test_a_race_between_a_claim_and_an_answer_is_decided_in_the_log() -> None:
    """Whoever is second meets what the first has done, also through another daemon."""

    async def main() -> None:
        for _ in range(10):
            store = MemoryStore()
            desk, bots = Engine(store), Engine(store)
            handoff = await raised(desk)
            answers = await asyncio.gather(
                desk.handoffs.claim(claim_request(handoff)),
                *(bots.record(record_request(bot(f"Answer {at}"))) for at in range(4)),
                return_exceptions=True,
            )
            records = await store.read(KEY)
            kinds = [type(record).__name__ for record in records]
            claimed = kinds.index("HandoffClaimed")
            assert "TurnsRecorded" not in kinds[claimed:]
            assert all(
                isinstance(each, HumanInControl)
                for each in answers
                if isinstance(each, BaseException)
            )

    run(main())


def test_a_newer_handoff_takes_the_place_of_one_that_waits() -> None:
    """The old one can neither be claimed nor resolved any more."""

    async def main() -> None:
        engine = Engine()
        first = await raised(engine)
        second = (await engine.escalate(escalate_request())).handoff.handoff_id
        entries = await engine.handoffs.list(KEY.tenant_id, EVERY, 0, 10)
        await refused(engine, engine.handoffs.claim(claim_request(first)), HandoffEnded)
        await engine.handoffs.claim(claim_request(second))

        assert [(each.handoff_id, each.status) for each in entries] == [
            (first, HandoffStatus.SUPERSEDED),
            (second, HandoffStatus.WAITING),
        ]

    run(main())


def test_a_closed_conversation_takes_nothing_more() -> None:
    """No turns, no handoffs, no second end; how it ended is shown."""

    async def main() -> None:
        engine = Engine()
        with pytest.raises(SessionNotFound):
            await engine.close(close_request())
        await engine.record(record_request(user("hi")))
        request = close_request(SessionOutcome.ABANDONED, rating=2, request_id="x1")
        closed = await engine.close(request)
        again = await engine.close(request)
        for call in (
            engine.record(record_request(user("one more thing"))),
            engine.build(build_request("one more thing", record_message=True)),
            engine.escalate(escalate_request()),
            engine.close(close_request()),
        ):
            await refused(engine, call, SessionOver)
        built = await engine.build(build_request("just looking"))
        view = await engine.inspection.get_session(KEY)

        assert (closed.replayed, again.replayed) == (False, True)
        assert again.revision == closed.revision
        assert built.handoff_state is HandoffState.CLOSED
        assert (view.outcome, view.rating) == (SessionOutcome.ABANDONED, 2)
        assert view.opened_at

    run(main())


def test_closing_ends_a_handoff_that_waits() -> None:
    """Nobody finds it in the inbox any more."""

    async def main() -> None:
        engine = Engine()
        handoff = await raised(engine)
        request = close_request(SessionOutcome.ABANDONED, request_id="x1")
        await engine.close(request)
        again = await engine.close(request)
        entry = await engine.store.inbox.handoff(KEY.tenant_id, handoff)

        assert again.replayed
        assert entry is not None
        assert (entry.status, entry.outcome, entry.agent) == (
            HandoffStatus.RESOLVED,
            HandoffOutcome.CUSTOMER_LEFT,
            "",
        )

    run(main())


def test_the_next_human_learns_what_the_last_one_did() -> None:
    """The note, and what that human said was done, are in the next handoff."""

    async def main() -> None:
        engine = Engine()
        handoff = await raised(engine)
        await engine.handoffs.claim(claim_request(handoff))
        await engine.record(
            record_request(human("I have refunded your order W123.", "h1"), user("Thanks!"))
        )
        await engine.handoffs.resolve(resolve_request(handoff, note="Refunded in full."))
        await engine.record(record_request(user("Where is my refund? I want a human.")))
        second = await engine.escalate(escalate_request())
        (before,) = second.handoff.earlier

        assert (before.handoff_id, before.agent) == (handoff, "ana")
        assert before.note == "Refunded in full."
        assert [each.turn_ids for each in before.said] == [("h1",)]
        assert "Refunded in full" in second.markdown
        assert "A colleague has had this before" in second.markdown

    run(main())
