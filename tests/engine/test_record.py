from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.errors import (
    AccountMismatch,
    DeadlineExceeded,
    DurabilityMissed,
    FieldViolation,
    RequestIdReused,
    RevisionConflict,
    StoreUnavailable,
)
from contextd.model import Budget, Durability, RecordRequest, Tier
from contextd.stores.memory import MemoryStore
from contextd.testing.faults import FlakyStore, SlowStore, StoreWrapper
from tests.engine.kit import KEY, Engine, bot, build_request, record_request, run, user

if TYPE_CHECKING:
    from contextd.model import SessionKey
    from contextd.ports import Appended, Commit, Store


def test_turns_get_dense_sequences_and_counts() -> None:
    """Sequences go on from call to call, and each turn is counted."""

    async def main() -> None:
        engine = Engine()
        first = await engine.record(record_request(user("one two three"), bot("four")))
        second = await engine.record(record_request(user("five six")))

        assert (first.first_sequence, second.first_sequence) == (1, 3)
        assert (first.token_counts, second.token_counts) == ((3, 1), (2,))
        assert second.revision > first.revision

    run(main())


def test_retry_gets_the_first_answer() -> None:
    """A retry gets the same answer again, also after the session moved on and a restart."""

    async def main() -> None:
        store = MemoryStore()
        engine = Engine(store)
        request = record_request(user("hello"), request_id="r1")
        first = await engine.record(request)
        await engine.chat(3)
        again = await engine.record(request)
        restarted = await Engine(store).record(request)

        assert again.replayed
        assert restarted.replayed
        for retry in (again, restarted):
            assert retry.revision == first.revision
            assert retry.turn_ids == first.turn_ids
            assert retry.pressure == first.pressure
            assert retry.escalation == first.escalation
        view = await engine.inspection.get_session(KEY)
        assert view.turn_count == 7

    run(main())


def test_same_id_with_another_body_is_refused() -> None:
    """A request id stands for one content, and the first write stays as it was."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("hello"), request_id="r1"))
        with pytest.raises(RequestIdReused):
            await engine.record(record_request(user("other"), request_id="r1"))
        assert (await engine.inspection.get_session(KEY)).turn_count == 1

    run(main())


def test_expected_revision_is_enforced() -> None:
    """A caller who states a revision gets a conflict when the session is elsewhere."""

    async def main() -> None:
        engine = Engine()
        first = await engine.record(record_request(user("a"), expected_revision=0))
        with pytest.raises(RevisionConflict) as caught:
            await engine.record(record_request(user("b"), expected_revision=0))
        await engine.record(record_request(user("c"), expected_revision=first.revision))

        assert caught.value.current == first.revision
        assert (await engine.inspection.get_session(KEY)).turn_count == 2

    run(main())


def test_two_engines_on_one_store_keep_one_order() -> None:
    """Writers in two processes interleave, and each turn is there once in one order."""

    async def main() -> None:
        store = SlowStore(MemoryStore())
        engines = [Engine(store), Engine(store)]

        async def write(engine: Engine, name: str) -> None:
            for number in range(20):
                turn = user(f"{name} {number}", turn_id=f"{name}-{number}")
                await engine.record(record_request(turn, request_id=f"{name}-{number}"))

        await asyncio.gather(write(engines[0], "a"), write(engines[1], "b"))
        seen = [await engine.inspection.list_turns(KEY, 0, 100) for engine in engines]

        assert [turn.turn_id for turn in seen[0]] == [turn.turn_id for turn in seen[1]]
        assert [turn.sequence for turn in seen[0]] == list(range(1, 41))
        assert len({turn.turn_id for turn in seen[0]}) == 40

    run(main())


def test_a_caller_that_hangs_up_loses_nothing() -> None:
    """Cancelling the call leaves the turn written or not, and a retry settles it."""

    async def main(steps: int) -> int:
        engine = Engine(SlowStore(MemoryStore()))
        request = record_request(user("hello", "t1"), request_id="r1")
        call = asyncio.ensure_future(engine.record(request))
        for _ in range(steps):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await engine.accepted.drain()
        await engine.record(request)
        return len(await engine.inspection.list_turns(KEY, 0, 10))

    assert {run(main(steps)) for steps in range(25)} == {1}


class StandingStore(StoreWrapper):
    """Says when an append has begun, and lets it stand until `going`."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.begun, self.going = asyncio.Event(), asyncio.Event()

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append when told to go on."""
        self.begun.set()
        await self.going.wait()
        return await self.inner.append(key, commit)


def test_a_write_that_has_begun_is_finished_without_its_caller() -> None:
    """A caller that hangs up in the middle of the write leaves it written, with no retry."""

    async def main() -> None:
        store = StandingStore(MemoryStore())
        engine = Engine(store)
        call = asyncio.ensure_future(engine.record(record_request(user("hello", "t1"))))
        await store.begun.wait()
        call.cancel()
        await asyncio.wait([call])
        store.going.set()
        await engine.accepted.drain()
        assert len(await engine.inspection.list_turns(KEY, 0, 10)) == 1

    run(main())


def test_a_failed_write_is_not_in_memory() -> None:
    """What the store refused is neither counted nor seen, and can be tried again."""

    async def main() -> None:
        store = FlakyStore(MemoryStore())
        engine = Engine(store)
        await engine.record(record_request(user("one")))
        store.refuse = 1
        with pytest.raises(StoreUnavailable):
            await engine.record(record_request(user("two"), request_id="r2"))
        again = await engine.record(record_request(user("two"), request_id="r2"))

        assert again.first_sequence == 2

    run(main())


def test_no_time_left_writes_nothing() -> None:
    """A deadline that has passed is refused before the store is asked to write."""

    async def main() -> None:
        engine = Engine()
        with pytest.raises(DeadlineExceeded):
            await engine.record(record_request(user("late")), 0.0)
        assert not await engine.store.read(KEY)

    run(main())


def test_a_session_belongs_to_one_account() -> None:
    """An account may be linked later, and then no other account may use the session."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("anonymous")))
        await engine.record(RecordRequest(KEY, "ann", (user("it is me"),)))
        with pytest.raises(AccountMismatch):
            await engine.record(RecordRequest(KEY, "bob", (user("me too"),)))

        view = await engine.inspection.get_session(KEY)
        assert (view.account_id, view.turn_count) == ("ann", 2)

    run(main())


def test_a_turn_id_is_taken_once() -> None:
    """A turn id that is there already names the field in the error."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("a", "t1")))
        with pytest.raises(FieldViolation) as caught:
            await engine.record(record_request(user("b", "t2"), user("c", "t1")))
        assert caught.value.field == "turns[1].turn_id"

    run(main())


def test_a_stronger_durability_than_the_store_has_is_refused() -> None:
    """The memory store never claims to be on disk."""

    async def main() -> None:
        with pytest.raises(FieldViolation):
            await Engine().record(record_request(user("a"), durability=Durability.DISK))

    run(main())


def test_the_tier_rises_with_pressure() -> None:
    """RecordTurn tells how the session stands against the newest budget seen."""

    async def main() -> None:
        engine = Engine()
        await engine.build(build_request("hi", budget=Budget("", 300, 0)))
        answers = []
        for number in range(12):
            turn = user(" ".join(f"w{number}{at}" for at in range(25)))
            answers.append(await engine.record(record_request(turn)))

        pressures = [answer.pressure for answer in answers]
        assert pressures == sorted(pressures)
        assert answers[0].tier is Tier.VERBATIM
        assert answers[-1].tier is Tier.NOTICE

    run(main())


def test_a_lost_acknowledgement_is_healed_by_the_request_id() -> None:
    """When the write succeeded but its answer was lost, a retry finds the first write."""

    async def main() -> None:
        store = FlakyStore(MemoryStore())
        engine = Engine(store)
        store.lose_acks = 1
        with pytest.raises(StoreUnavailable):
            await engine.record(record_request(user("one"), request_id="r1"))
        again = await engine.record(record_request(user("one"), request_id="r1"))

        assert again.replayed
        assert (await engine.inspection.get_session(KEY)).turn_count == 1

    run(main())


class Replicating(StoreWrapper):
    """A store that waits for replicas, sometimes in vain: `reached` is what comes of it."""

    reached = Durability.REPLICATED

    @property
    def durability(self) -> Durability:
        """At best."""
        return Durability.REPLICATED

    async def append(self, key: SessionKey, commit: Commit) -> Appended:
        """Append, and say what was reached."""
        return replace(await self.inner.append(key, commit), durability=self.reached)


def test_the_durability_that_was_reached_is_told() -> None:
    """An answer never says more than was reached; a retry asks again."""

    async def main() -> None:
        store = Replicating(MemoryStore())
        engine = Engine(store)
        request = record_request(user("one"), request_id="r1")
        assert (await engine.record(request)).durability is Durability.REPLICATED
        store.reached = Durability.DISK
        assert (await engine.record(request)).durability is Durability.DISK
        assert (await engine.record(record_request(user("two")))).durability is Durability.DISK

    run(main())


def test_a_durability_that_was_asked_for_and_missed() -> None:
    """It is an error, though the turns are there; a retry waits anew and writes nothing."""

    async def main() -> None:
        store = Replicating(MemoryStore())
        store.reached = Durability.DISK
        engine = Engine(store)
        request = record_request(user("one"), request_id="r1", durability=Durability.REPLICATED)
        for _ in range(2):
            with pytest.raises(DurabilityMissed) as missed:
                await engine.record(request)
            assert missed.value.metadata["reached"] == "DISK"
        assert (await engine.inspection.get_session(KEY)).turn_count == 1
        store.reached = Durability.REPLICATED
        recorded = await engine.record(request)
        assert (recorded.replayed, recorded.durability) == (True, Durability.REPLICATED)
        assert (await engine.inspection.get_session(KEY)).turn_count == 1

    run(main())
