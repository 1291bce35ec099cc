"""Random steps of a desk, callers and a bot: log and inbox agree, nothing forbidden is there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.errors import ContextdError
from contextd.events import (
    HandoffClaimed,
    HandoffRaised,
    HandoffResolved,
    SessionClosed,
    TurnsRecorded,
)
from contextd.model import HandoffOutcome, HandoffStatus, Role, SessionOutcome
from contextd.policy.state import replay
from contextd.stores.memory import MemoryStore
from contextd.testing.fakes import SequentialIds
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
    user,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from contextd.events import Record

STEPS = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(["user", "bot", "human", "both"])),
    st.tuples(st.just("build"), st.booleans()),
    st.tuples(st.just("escalate")),
    st.tuples(st.just("claim"), st.integers(0, 3), st.sampled_from(["ana", "bo"]), st.booleans()),
    st.tuples(
        st.just("resolve"),
        st.integers(0, 3),
        st.sampled_from(HandoffOutcome),
        st.sampled_from(["", "ana", "bo"]),
        st.booleans(),
    ),
    st.tuples(st.just("close"), st.sampled_from(SessionOutcome)),
)
DRAFTS = {
    "user": (user("I want a human."),),
    "bot": (bot("One moment."),),
    "human": (human("Hello."),),
    "both": (user("Hm?"), bot("Hi.")),
}


@dataclass
class Expected:
    """What the records say, by rules written down a second time."""

    status: dict[str, HandoffStatus] = field(default_factory=dict)
    agent: dict[str, str] = field(default_factory=dict)
    closed: bool = False

    @property
    def open(self) -> str:
        """The handoff that has not ended, "" for none."""
        living = {HandoffStatus.WAITING, HandoffStatus.CLAIMED}
        return next((each for each, status in self.status.items() if status in living), "")

    @property
    def has(self) -> str:
        """Who has the conversation."""
        return self.agent.get(self.open, "") if self.open else ""

    def follow(self, record: Record) -> None:
        """Take in a record, and insist that it was allowed."""
        match record:
            case TurnsRecorded(turns=turns):
                assert not self.closed
                assert not (self.has and any(turn.role is Role.ASSISTANT for turn in turns))
            case HandoffRaised(handoff=handoff):
                assert not self.closed
                assert not self.has
                if self.open:
                    self.status[self.open] = HandoffStatus.SUPERSEDED
                self.status[handoff.handoff_id] = HandoffStatus.WAITING
            case HandoffClaimed(handoff_id=handoff_id, agent=agent):
                assert handoff_id == self.open
                assert agent != self.has
                self.status[handoff_id], self.agent[handoff_id] = HandoffStatus.CLAIMED, agent
            case HandoffResolved(handoff_id=handoff_id):
                assert handoff_id == self.open
                nobody = {HandoffOutcome.NOT_NEEDED, HandoffOutcome.CUSTOMER_LEFT}
                assert self.has or record.outcome in nobody
                self.agent[handoff_id] = record.agent or self.has
                self.status[handoff_id] = HandoffStatus.RESOLVED
                self.closed = record.closes
            case SessionClosed():
                assert not self.open
                assert not self.closed
                self.closed = True
            case _:
                pass


async def act(engine: Engine, step: tuple[Any, ...], number: int) -> None:
    """Try a step under an id of its own; it may be refused, and may be repeated."""
    handoffs = [
        each.handoff_id
        for each in await engine.handoffs.list(KEY.tenant_id, tuple(HandoffStatus), 0, 99)
    ]
    name, *rest = step
    request_id = f"r{number}"

    def call() -> Awaitable[object]:
        if name == "say":
            drafts = DRAFTS[rest[0]]
            return engine.record(record_request(*drafts, request_id=request_id))
        if name == "build":
            return engine.build(build_request("Hello?", request_id, record_message=rest[0]))
        if name == "escalate":
            return engine.escalate(escalate_request(request_id))
        if name == "close":
            return engine.close(close_request(rest[0], request_id=request_id))
        handoff = handoffs[rest[0] % len(handoffs)] if handoffs else "none"
        if name == "claim":
            claim = claim_request(handoff, rest[1], take_over=rest[2], request_id=request_id)
            return engine.handoffs.claim(claim)
        resolve = resolve_request(
            handoff, rest[1], agent=rest[2], closes=rest[3], request_id=request_id
        )
        return engine.handoffs.resolve(resolve)

    before = await engine.store.read(KEY)
    try:
        await call()
    except ContextdError:
        assert await engine.store.read(KEY) == before
        return
    after = await engine.store.read(KEY)
    again: Any = await call()
    assert getattr(again, "replayed", True) or name == "build"
    assert await engine.store.read(KEY) == after


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=8, max_size=30), st.data())
def test_log_and_inbox_agree_whatever_is_tried(
    steps: Sequence[tuple[Any, ...]], data: st.DataObject
) -> None:
    """Also when two daemons take turns, and each step is tried twice."""

    async def main() -> None:
        store = MemoryStore()
        engines = [Engine(store, new_id=SequentialIds(name)) for name in ("a-", "b-")]
        await engines[0].record(record_request(user("My order is late.")))
        for number, step in enumerate(steps):
            await act(engines[data.draw(st.integers(0, 1))], step, number)
            records = await store.read(KEY)
            expected = Expected()
            for record in records:
                expected.follow(record)
            entries = await store.inbox.handoffs(KEY.tenant_id, tuple(HandoffStatus), 0, 99)
            owner = replay(KEY, records).owner
            assert {each.handoff_id: each.status for each in entries} == expected.status
            assert {each.handoff_id: each.agent for each in entries if each.agent} == {
                handoff: agent for handoff, agent in expected.agent.items() if agent
            }
            assert owner.handoff_id == ("" if expected.closed else expected.open)
            assert owner.agent == ("" if expected.closed else expected.has)

    asyncio.run(main())
