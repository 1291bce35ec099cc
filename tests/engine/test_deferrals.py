from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contextd.errors import (
    DeferralNotFound,
    FieldViolation,
    HumanInControl,
    LeaseLost,
    RequestIdReused,
    SessionNotFound,
    StoreUnavailable,
)
from contextd.events import HandoffClaimed
from contextd.model import (
    ChannelMode,
    CompleteRequest,
    DeferralState,
    DeferRequest,
    Ending,
    HandoffState,
    Queue,
    Reason,
    Role,
)
from contextd.policy.rules import RetriesRules, RetryRules, Rules
from contextd.ports import Commit
from contextd.stores.memory import MemoryStore
from tests.engine.kit import KEY, Engine, bot, record_request, run, user

if TYPE_CHECKING:
    from contextd.model import LeasedTurn

RETRIES = RetryRules(max_attempts=3, first_delay_seconds=10, factor=3, max_delay_seconds=50)
MESSAGE = user("Where is my parcel?", "u1")


def engine(store: MemoryStore | None = None) -> Engine:
    """Return an engine that tries three times."""
    rules = Rules(retries=RetriesRules(deferrals=RETRIES))
    return Engine(store or MemoryStore(), rules)


def put_aside(request_id: str = "", **rest: Any) -> DeferRequest:
    """Ask for the message to be put aside until the model is back."""
    values: dict[str, Any] = {"message": MESSAGE, "channel_mode": ChannelMode.ASYNC} | rest
    return DeferRequest(KEY, "", request_id=request_id, digest=repr(values), **values)


def through(lent: LeasedTurn, ending: Ending = Ending.DONE, **rest: Any) -> CompleteRequest:
    """Say that work on *lent* has ended."""
    return CompleteRequest(
        lent.key, "", lent.deferral_id, lent.token, ending, digest=repr(rest), **rest
    )


async def the_only_one(made: Engine) -> LeasedTurn:
    """Lease what is due, which is one message."""
    (lent,) = await made.deferrals.lease(KEY.tenant_id, 10, 60)
    return lent


def test_a_message_waits_and_is_answered() -> None:
    """It is recorded, due after the first delay, lent once, answered, and gone."""

    async def main() -> None:
        made = engine()
        deferred = await made.defer(put_aside("d"))
        assert deferred.due_at == made.clock.now + 10_000_000
        assert not await made.deferrals.lease(KEY.tenant_id, 10, 60)
        made.clock.advance(10)
        assert not await made.deferrals.lease("another tenant", 10, 60)
        lent = await the_only_one(made)
        assert (lent.message.text, lent.attempt) == (MESSAGE.text, 1)
        assert not await made.deferrals.lease(KEY.tenant_id, 10, 60)
        done = await made.deferrals.complete(through(lent, turns=(bot("On its way."),)))

        assert done.state is DeferralState.DONE
        state = (await made.sessions.refresh(made.sessions.get(KEY))).state
        assert [turn.role for turn in state.turns] == [Role.USER, Role.ASSISTANT]
        assert not state.deferred
        made.clock.advance(10_000)
        assert not await made.deferrals.lease(KEY.tenant_id, 10, 60)

    run(main())


def test_a_retry_changes_nothing() -> None:
    """Each call gets its first answer again, by its id, or by its lease where it has none."""

    async def main() -> None:
        store = MemoryStore()
        made = engine(store)
        first = await made.defer(put_aside("d"))
        again = await engine(store).defer(put_aside("d"))
        assert replace(again, replayed=False) == first
        assert again.replayed
        with pytest.raises(RequestIdReused):
            await made.defer(put_aside("d", note="another body"))

        made.clock.advance(10)
        lent = await the_only_one(made)
        answer = through(lent, turns=(bot("On its way."),))
        done = await made.deferrals.complete(answer)
        same = await made.deferrals.complete(answer)
        assert (same.revision, same.replayed) == (done.revision, True)
        with pytest.raises(RequestIdReused):
            await made.deferrals.complete(replace(answer, digest="another body"))
        state = (await made.sessions.refresh(made.sessions.get(KEY))).state
        assert len(state.turns) == 2

    run(main())


def test_a_recorded_message_need_not_be_sent_again() -> None:
    """Without a message it is the newest one of the user; without any there is none."""

    async def main() -> None:
        made = engine()
        with pytest.raises(FieldViolation, match="message"):
            await made.defer(put_aside(message=None))
        await made.record(record_request(MESSAGE, bot("One moment, please.")))
        await made.defer(put_aside(message=None, not_before=made.clock.now))
        assert (await the_only_one(made)).message.turn_id == "u1"

    run(main())


def test_what_fails_is_tried_later_and_then_given_to_a_human() -> None:
    """Delays grow up to the longest; after the last attempt a handoff is raised."""

    async def main() -> None:
        made = engine()
        await made.defer(put_aside())
        for wait, attempt, error in ((10, 1, ""), (10, 2, "down 1")):
            made.clock.advance(wait)
            lent = await the_only_one(made)
            assert (lent.attempt, lent.last_error) == (attempt, error)
            failed = through(lent, Ending.RETRY, error=f"down {attempt}")
            waits = await made.deferrals.complete(failed)
            assert waits.state is DeferralState.WAITING
            assert waits.due_at == made.clock.now + round(10e6 * 3 ** (attempt - 1))
            assert await made.deferrals.complete(failed) == waits  # a retry of the same
        made.clock.advance(30)
        failed = through(await the_only_one(made), Ending.RETRY, error="down 3")
        dead = await made.deferrals.complete(failed)

        assert dead.state is DeferralState.DEAD
        state = (await made.sessions.refresh(made.sessions.get(KEY))).state
        (handoff,) = state.handoffs
        assert (handoff.handoff_id, handoff.reason) == (dead.handoff_id, Reason.MODEL_UNAVAILABLE)
        assert (handoff.note, handoff.channel_mode) == ("down 3", ChannelMode.ASYNC)
        assert state.handoff_state is HandoffState.WAITING_HUMAN
        again = await made.deferrals.complete(failed)
        assert again == replace(dead, replayed=True)
        with pytest.raises(RequestIdReused):
            await made.deferrals.complete(replace(failed, digest="another body"))
        with pytest.raises(DeferralNotFound):
            await made.deferrals.complete(replace(failed, token="another lease"))

    run(main())


def test_a_late_worker_counts_until_somebody_else_has_the_message() -> None:
    """A lease that ran out still ends the work; one that was given away does not."""

    async def main() -> None:
        made = engine()
        await made.defer(put_aside())
        made.clock.advance(10)
        first = await the_only_one(made)
        made.clock.advance(61)
        second = await the_only_one(made)
        for ending in Ending:
            with pytest.raises(LeaseLost):
                await made.deferrals.complete(through(first, ending))
        made.clock.advance(61)
        late = await made.deferrals.complete(through(second, turns=(bot("Here."),)))
        assert late.state is DeferralState.DONE
        state = (await made.sessions.refresh(made.sessions.get(KEY))).state
        assert [turn.text for turn in state.turns] == [MESSAGE.text, "Here."]

    run(main())


def test_what_nobody_completes_is_given_to_a_human() -> None:
    """A message that kills its workers is lent as often as it may be tried, and no more."""

    async def main() -> None:
        made = engine()
        await made.defer(put_aside())
        made.clock.advance(10)
        for _ in range(RETRIES.max_attempts):
            await the_only_one(made)
            made.clock.advance(61)
        assert not await made.deferrals.lease(KEY.tenant_id, 10, 60)
        state = (await made.sessions.refresh(made.sessions.get(KEY))).state
        assert state.handoff_state is HandoffState.WAITING_HUMAN
        assert not state.deferred
        made.clock.advance(10_000)
        assert not await made.deferrals.lease(KEY.tenant_id, 10, 60)

    run(main())


def test_a_customer_on_the_line_is_with_a_human_at_once() -> None:
    """The message is recorded and the handoff holds it; a retry gives the same one."""

    async def main() -> None:
        store = MemoryStore()
        made = engine(store)
        asked = put_aside("d", channel_mode=ChannelMode.SYNC, note="the model is down")
        deferred = await made.defer(asked)
        again = await engine(store).defer(asked)

        assert deferred.escalated is not None
        assert deferred.deferral_id == ""
        handoff = deferred.escalated.handoff
        assert (handoff.reason, handoff.note) == (Reason.MODEL_UNAVAILABLE, "the model is down")
        assert handoff.open_question.text == MESSAGE.text
        assert again.replayed
        assert again.escalated is not None
        assert again.escalated.handoff == handoff
        state = (await made.sessions.refresh(made.sessions.get(KEY))).state
        assert (len(state.turns), len(state.handoffs)) == (1, 1)
        assert not await store.work.jobs(Queue.DEFERRAL, KEY.tenant_id, dead=False)
        with pytest.raises(SessionNotFound):
            await engine().defer(put_aside(message=None, channel_mode=ChannelMode.SYNC))

    run(main())


def test_while_a_human_has_it_nothing_is_put_aside_or_answered() -> None:
    """What waits then is ended when it comes up; an answer that is under way is refused."""

    async def main() -> None:
        store = MemoryStore()
        made = engine(store)
        await made.defer(put_aside())
        made.clock.advance(10)
        lent = await the_only_one(made)
        raised = (
            await made.defer(put_aside(message=None, channel_mode=ChannelMode.SYNC))
        ).escalated
        assert raised is not None
        claim = HandoffClaimed(made.clock.now, "", "", raised.handoff.handoff_id, "Ann")
        await store.append(KEY, Commit((claim,), raised.revision))

        with pytest.raises(HumanInControl):
            await made.defer(put_aside(message=None))
        for mode in ChannelMode:
            with pytest.raises(HumanInControl):
                await made.defer(put_aside(message=user("And now?"), channel_mode=mode))
        state = (await made.sessions.refresh(made.sessions.get(KEY))).state
        assert [turn.text for turn in state.turns] == [MESSAGE.text]
        with pytest.raises(HumanInControl):
            await made.deferrals.complete(through(lent, turns=(bot("Too late."),)))
        made.clock.advance(61)
        assert not await made.deferrals.lease(KEY.tenant_id, 10, 60)
        assert not (await made.sessions.refresh(made.sessions.get(KEY))).state.deferred
        assert not await store.work.jobs(Queue.DEFERRAL, KEY.tenant_id, dead=False)

    run(main())


def test_giving_up_that_is_cut_short_begins_again() -> None:
    """When the end cannot be written, the next worker finds the same handoff."""

    class Faulty(MemoryStore):
        failing = False

        async def append(self, key: Any, commit: Commit) -> Any:
            if self.failing and commit.lease is not None:
                raise StoreUnavailable
            return await super().append(key, commit)

    async def main() -> None:
        store = Faulty()
        made = engine(store)
        await made.defer(put_aside())
        made.clock.advance(10)
        lent = await the_only_one(made)
        store.failing = True
        with pytest.raises(StoreUnavailable):
            await made.deferrals.complete(through(lent, Ending.FAILED, error="no"))
        store.failing = False
        made.clock.advance(61)
        second = await the_only_one(made)
        dead = await made.deferrals.complete(through(second, Ending.FAILED, error="no"))
        state = (await made.sessions.refresh(made.sessions.get(KEY))).state
        assert [each.handoff_id for each in state.handoffs] == [dead.handoff_id]
        assert not state.deferred

    run(main())


def test_a_deleted_session_takes_what_waits_with_it() -> None:
    """Nothing of it is lent any more, and a worker is told."""

    async def main() -> None:
        made = engine()
        await made.defer(put_aside())
        made.clock.advance(10)
        lent = await the_only_one(made)
        erased = await made.inspection.delete_session(KEY)
        assert erased.counts["jobs"] == 1
        for ending in Ending:
            with pytest.raises(DeferralNotFound):
                await made.deferrals.complete(through(lent, ending))
        made.clock.advance(61)
        assert not await made.deferrals.lease(KEY.tenant_id, 10, 60)

    run(main())
