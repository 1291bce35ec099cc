"""A turn is recorded in one round trip where nobody else writes, and rightly where somebody does.

Here takes itself to be alone in every one of these, and is not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.engine.sessions import ALONE
from contextd.errors import HumanInControl, RevisionConflict
from contextd.stores.memory import MemoryStore
from contextd.testing.faults import StoreWrapper
from tests.engine.kit import (
    KEY,
    Engine,
    bot,
    build_request,
    claim_request,
    escalate_request,
    record_request,
    resolve_request,
    run,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import Record
    from contextd.model import SessionKey


class Counting(StoreWrapper):
    """Counts the reads of sessions."""

    reads = 0

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Count it."""
        self.reads += 1
        return await self.inner.read(key, after, limit, incarnation)


async def alone() -> tuple[Engine, Engine]:
    """Return an engine that takes itself to be alone with a session, and another one."""
    store = MemoryStore()
    here, there = Engine(Counting(store)), Engine(store)
    await here.record(record_request(user("Hello?"), bot("Hello!"), request_id="first"))
    for _ in range(ALONE):
        await here.build(build_request("And?"))
    assert here.sessions.get(KEY).alone
    return here, there


async def turns(engine: Engine) -> list[str]:
    """Return the texts of the session."""
    return [each.text for each in await engine.inspection.list_turns(KEY, 0, 100)]


def reads(engine: Engine) -> int:
    """Return how often its store was read."""
    store = engine.store
    assert isinstance(store, Counting)
    return store.reads


def test_who_is_alone_does_not_read() -> None:
    """The store takes the turn at the revision at which it was decided."""

    async def main() -> None:
        here, _ = await alone()
        before = reads(here)
        for number in range(3):
            recorded = await here.record(record_request(user(f"More {number}?")))
            assert recorded.first_sequence == 3 + number
        assert reads(here) == before
        await here.record(record_request(user("And?"), expected_revision=5))
        assert reads(here) == before + 1

    run(main())


def test_who_was_alone_comes_after_the_other() -> None:
    """One refused write, then a look; until it has been quiet for a while everything looks."""

    async def main() -> None:
        here, there = await alone()
        await there.record(record_request(bot("Of the other.")))
        recorded = await here.record(record_request(user("After it.")))
        assert recorded.first_sequence == 4
        assert await turns(there) == ["Hello?", "Hello!", "Of the other.", "After it."]
        assert not here.sessions.get(KEY).alone

    run(main())


def test_who_reads_of_another_is_not_alone() -> None:
    """Then a look comes before every write, for most guesses would be wrong."""

    async def main() -> None:
        here, there = await alone()
        await there.record(record_request(bot("Of the other.")))
        await here.build(build_request("And?"))
        assert not here.sessions.get(KEY).alone
        here, there = await alone()
        await there.inspection.delete_session(KEY)
        await here.build(build_request("And?"))
        assert not here.sessions.get(KEY).alone

    run(main())


def test_a_retry_of_what_another_recorded_is_answered() -> None:
    """Its request id is in the store, and not in this memory."""

    async def main() -> None:
        here, there = await alone()
        request = record_request(user("Once."), request_id="once")
        first = await there.record(request)
        again = await here.record(request)
        assert again.replayed
        assert again.turn_ids == first.turn_ids

    run(main())


def test_no_answer_is_given_of_a_session_that_another_has_ended() -> None:
    """A request id that is known here belongs to what was deleted: it is recorded anew."""

    async def main() -> None:
        here, there = await alone()
        await there.inspection.delete_session(KEY)
        await there.chat(2)
        first = record_request(user("Hello?"), bot("Hello!"), request_id="first")
        recorded = await here.record(first)
        assert not recorded.replayed
        assert recorded.first_sequence == 5

    run(main())


def test_nothing_is_refused_for_what_is_no_more() -> None:
    """Here a person has the conversation; he gave it back, and that was told elsewhere."""

    async def main() -> None:
        here, there = await alone()
        raised = await here.escalate(escalate_request())
        handoff = raised.handoff.handoff_id
        await here.handoffs.claim(claim_request(handoff))
        hot = here.sessions.get(KEY)
        with pytest.raises(HumanInControl):
            await here.record(record_request(bot("It is me.")))
        await there.handoffs.resolve(resolve_request(handoff))
        hot.quiet = ALONE
        await here.record(record_request(bot("It is me.")))
        assert (await turns(there))[-1] == "It is me."

    run(main())


def test_nothing_is_taken_that_is_refused_by_now() -> None:
    """Elsewhere a person has taken the conversation over."""

    async def main() -> None:
        here, there = await alone()
        raised = await there.escalate(escalate_request())
        await there.handoffs.claim(claim_request(raised.handoff.handoff_id))
        with pytest.raises(HumanInControl):
            await here.record(record_request(bot("It is me.")))
        with pytest.raises(RevisionConflict):
            await here.record(replace(record_request(user("I?")), expected_revision=1))

    run(main())
