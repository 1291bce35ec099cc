"""What desks, agents and watchers can get wrong: a defined result, nothing lost.

What else can go wrong around handoffs, and where it is tried:

- A policy that does not parse, or contradicts itself: `tests/config/test_policy_file.py`, and while
  a daemon serves `test_policy.py`.
- A lease that ends while the worker works: `clients/python/tests/test_deferrals.py` and
  `tests/engine/test_deferrals.py`.
- Facts beyond their bounds: `test_accounts.py`.
- Each way in which a receiver may fail, one by one: `tests/couriers/test_webhook.py`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import grpc
import pytest

from contextd.v1 import common_pb2 as common
from contextd.v1 import handoff_service_pb2 as handoffs
from contextd.v1 import session_service_pb2 as sessions
from contextd.v1 import session_service_pb2_grpc
from tests.acceptance.caller import Conversation, Refusal, bot, refused, user
from tests.acceptance.desks import OTHER, PATIENCE, STALL_SECONDS, Place, place, posts, wait_until
from tests.couriers.receiver import CUT, HANG, TWICE

if TYPE_CHECKING:
    from collections.abc import Iterator

FAILED = grpc.StatusCode.FAILED_PRECONDITION
MISBEHAVIOUR = (HANG, 307, 500, CUT, TWICE)
LARGE = "word " * 20_000
NARROW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_536))
"""A connection on which little comes that nobody reads."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A daemon of these tests' own."""
    with place(tmp_path_factory.mktemp("desk"), "") as made:
        yield made


def raised(talk: Conversation) -> str:
    """Let a conversation wait for a human; return the handoff."""
    talk.record(user("My lamp broke, I want a human."))
    return str(talk.escalate(reason="ESCALATION_REASON_USER_REQUEST").handoff.handoff_id)


def test_a_desk_that_misbehaves_is_told_in_the_end_and_holds_up_no_other(here: Place) -> None:
    """It hangs, redirects, fails, hangs up, answers twice: the same notice, to nobody else."""
    here.desk.answers[:] = [*MISBEHAVIOUR, 200]
    talk, other = here.talk(), here.talk(OTHER)
    raised(talk)
    raised(other)
    here.told(other, 1)
    here.told(talk, 1)
    wait_until(lambda: len(posts(here.desk, talk)) >= len(MISBEHAVIOUR))
    next_one = here.talk()
    raised(next_one)
    here.told(next_one, 1)

    brought = posts(here.desk, talk)
    assert len(brought) == len(MISBEHAVIOUR)  # the answer that came twice took it
    assert len({(headers["webhook-id"], body) for headers, body in brought}) == 1
    assert not posts(here.other, talk)
    assert not posts(here.desk, other)


def test_a_step_that_cannot_be_is_refused_and_leaves_no_trace(here: Place) -> None:
    """Of a handoff nobody has, that somebody has, that has ended, that is another tenant's."""
    talk = here.talk()
    handoff = raised(talk)

    def claim(agent: str = "ana", tenant: str = "t") -> None:
        request = handoffs.ClaimHandoffRequest(tenant_id=tenant, handoff_id=handoff, agent=agent)
        here.handoffs.ClaimHandoff(request, timeout=30)

    def resolve(agent: str = "", tenant: str = "t") -> None:
        request = handoffs.ResolveHandoffRequest(
            tenant_id=tenant,
            handoff_id=handoff,
            outcome=common.HANDOFF_OUTCOME_SOLVED,
            agent=agent,
        )
        here.handoffs.ResolveHandoff(request, timeout=30)

    def unchanged(call: object, *arguments: str) -> Refusal:
        before = talk.show().revision
        refusal = refused(lambda: call(*arguments))  # type: ignore[operator]
        assert talk.show().revision == before
        return refusal

    nobody_has = unchanged(resolve)
    assert (nobody_has.code, nobody_has.reason) == (FAILED, "HANDOFF_UNCLAIMED")
    for step in (claim, resolve):
        stranger = unchanged(step, "ana", OTHER)
        assert (stranger.code, stranger.reason) == (grpc.StatusCode.NOT_FOUND, "HANDOFF_NOT_FOUND")

    claim()
    for step in (claim, resolve):
        taken = unchanged(step, "bo")
        assert (taken.code, taken.reason) == (FAILED, "HANDOFF_CLAIMED")
        assert taken.metadata["claimed_by"] == "ana"

    resolve()
    for step in (claim, resolve):
        ended = unchanged(step)
        assert (ended.code, ended.reason) == (FAILED, "HANDOFF_ENDED")
    told = here.told(talk, 3)
    assert [each["type"].removeprefix("handoff.") for each in told] == [
        "raised",
        "claimed",
        "resolved",
    ]


def test_a_watcher_that_stops_reading_is_ended_and_loses_nothing(here: Place) -> None:
    """Others are served meanwhile; from the last revision it has read it hears the rest."""
    talk = here.talk()
    for number in range(12):
        talk.record(user(f"{number} {LARGE}"), bot("I see."))
    heard: list[sessions.WatchSessionResponse] = []
    with grpc.insecure_channel(here.daemon.target, options=NARROW) as channel:
        watch = session_service_pb2_grpc.SessionServiceStub(channel).WatchSession(
            sessions.WatchSessionRequest(session=talk.ref), timeout=PATIENCE
        )
        heard.append(next(watch))
        time.sleep(3 * STALL_SECONDS)
        here.talk().record(user("Is anybody served?"))
        ended = refused(lambda: heard.extend(watch))
    assert (ended.code, ended.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "WATCHER_TOO_SLOW",
    )
    newest = talk.show().revision
    rest = talk.sessions.WatchSession(
        sessions.WatchSessionRequest(session=talk.ref, after_revision=heard[-1].revision),
        timeout=PATIENCE,
    )
    while heard[-1].revision < newest:
        heard.append(next(rest))
    rest.cancel()
    assert [each.revision for each in heard] == list(range(1, newest + 1))
    said = [turn.text for each in heard for turn in each.turns if turn.role == common.ROLE_USER]
    assert said == [f"{number} {LARGE}" for number in range(12)]
