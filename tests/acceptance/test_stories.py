"""One test a story, over gRPC, against a daemon of its own that tells a desk.

Where each story stands, and what tells it in more detail:

- A question is answered, and the next one finds its evidence again: here.  More of it:
  `tests/engine/test_recalling.py`.
- An action is validated, fails twice, goes to a human and comes back solved: here.  The steps one
  by one: `tests/engine/test_handoffs.py`, `clients/python/tests/test_desk.py`.
- The model is down, for one who waits on the line and one who does not: here, with the desk.  With
  the daemon killed in the middle, over the Python client, and as an example to be run:
  `clients/python/tests/test_deferrals.py`.
- An account comes back after ten days: `test_accounts.py`.  Here: the desk is told who it is.
- Erasure: of an account `test_accounts.py`, of one conversation and all that stands beside it here.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from contextd.v1 import account_service_pb2 as accounts
from contextd.v1 import account_service_pb2_grpc
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as context
from contextd.v1 import deferral_service_pb2 as deferral
from contextd.v1 import handoff_service_pb2 as handoffs
from contextd.v1 import session_service_pb2 as sessions
from tests.acceptance.caller import Conversation, bot, refused, said, tool, user
from tests.acceptance.desks import PATIENCE, Place, files_left_with, files_with, place

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANTED = "PLANTED-S-5530917"
NOTE = "Refunded 89.00 EUR by hand, reference FX-2201."
REFUNDS = common.Evidence(
    key="kb-12",
    source="help centre",
    title="Refunds",
    snippet="A refund reaches a card within five working days, a bank account within two.",
    score=0.9,
)


@pytest.fixture(scope="module", params=["memory:", ""], ids=["memory", "sqlite"])
def here(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A daemon of these stories' own, over each store."""
    with place(tmp_path_factory.mktemp("stories"), request.param) as made:
        yield made


def calling(name: str, call: str, **arguments: object) -> common.Turn:
    """Call a tool."""
    made = common.ToolCall(id=call, name=name, arguments_json=json.dumps(arguments))
    return bot(tool_calls=[made], turn_id=f"calls-{call}")


def failing(call: str) -> tuple[common.Turn, common.Turn, common.Turn]:
    """Try to refund, in vain, and tell so: as a result, and as an action."""
    action = common.Action(name="issue_refund", status="failed", detail="LEDGER_LOCKED")
    return (
        calling("issue_refund", call, order_id="W-4417", amount="89.00"),
        tool(call, '{"error": "LEDGER_LOCKED"}'),
        bot("The refund did not go through.", actions=[action], turn_id=f"tells-{call}"),
    )


def human(text: str) -> common.Turn:
    """Say something as Ana, of the desk."""
    return common.Turn(role="ROLE_HUMAN_AGENT", author="Ana", text=text)


def test_a_question_is_answered_and_the_next_one_reuses_its_evidence(here: Place) -> None:
    """The evidence is kept by its key with the message that brought it; nobody is told."""
    talk = here.talk()
    asked = talk.build(
        "How long does a refund to my card take?",
        system_prompt="Be brief.",
        evidence=[REFUNDS],
        record_message=True,
        request_id="q1",
    )
    assert (asked.turn_type, asked.route) == (
        context.TURN_TYPE_INFO_QUESTION,
        context.ROUTE_ANSWER,
    )
    assert "within five working days" in said(asked, "EVIDENCE")
    assert not asked.escalation.recommended

    answer = bot("It reaches your card within five working days.", turn_id="a1")
    first = talk.record(answer, request_id="a1")
    assert talk.record(answer, request_id="a1").replayed
    again = talk.build(
        "And a refund to a bank account, how long does that take?",
        system_prompt="Be brief.",
        record_message=True,
        request_id="q2",
    )
    assert "a bank account within two" in said(again, "EVIDENCE")
    assert answer.text in said(again, "VERBATIM")
    assert again.stable_prefix.message_count >= asked.stable_prefix.message_count
    assert again.revision > first.revision
    assert [turn.text for turn in talk.turns()][1] == answer.text
    assert not said(talk.build("Thank you!"), "EVIDENCE")

    talk.close("SESSION_OUTCOME_RESOLVED")
    assert here.told(talk, 0) == []


def test_an_action_fails_twice_and_a_human_sees_it_through(here: Place) -> None:
    """Recorded, handed over, claimed, solved, given back, closed; the desk hears each step."""
    talk = here.talk()
    raised = fails_twice(here, talk)
    claimed(here, talk, raised.handoff.handoff_id)
    given_back(here, talk, raised.handoff.handoff_id)

    closed = talk.close("SESSION_OUTCOME_RESOLVED", rating=5, request_id="end")
    assert talk.close("SESSION_OUTCOME_RESOLVED", rating=5, request_id="end").replayed
    shown = talk.show()
    assert (shown.outcome, shown.rating) == (sessions.SESSION_OUTCOME_RESOLVED, 5)
    assert (shown.handoff_state, shown.revision) == (common.HANDOFF_STATE_CLOSED, closed.revision)
    assert refused(lambda: talk.record(user("One more thing."))).reason == "SESSION_CLOSED"

    told = here.told(talk, 3)
    assert [each["type"] for each in told] == [
        "handoff.raised",
        "handoff.claimed",
        "handoff.resolved",
    ]
    assert told[0]["data"]["handoff"]["open_question"]["text"] == raised.handoff.open_question.text
    assert told[1]["data"]["agent"] == "ana"
    assert (told[2]["data"]["outcome"], told[2]["data"]["note"]) == ("solved", NOTE)
    entry = entries(here, talk, "HANDOFF_STATUS_RESOLVED")
    assert [(each.outcome, each.agent) for each in entry] == [
        (common.HANDOFF_OUTCOME_SOLVED, "ana")
    ]


def fails_twice(here: Place, talk: Conversation) -> context.EscalateResponse:
    """Bring the action to the point where a human is asked for."""
    asked = talk.build(
        "Please refund the 89 euros for order W-4417.", record_message=True, request_id="m1"
    )
    assert (asked.turn_type, asked.route) == (
        context.TURN_TYPE_ACTION_REQUEST,
        context.ROUTE_ACT,
    )
    talk.record(
        calling("get_order", "c1", order_id="W-4417"),
        tool("c1", '{"order_id": "W-4417", "status": "delivered", "total": "89.00"}'),
        bot(
            "Your order can be refunded.",
            actions=[{"name": "validate_refund", "status": "succeeded", "detail": "below 100 EUR"}],
        ),
        user("Good, please go on."),
    )
    first = talk.record(*failing("c2"))
    assert not first.escalation.recommended
    second = talk.record(user("Please try again."), *failing("c3"), user("And now?"))
    signals = {each.reason: each for each in second.escalation.signals}
    assert second.escalation.recommended
    failure = signals[common.ESCALATION_REASON_TOOL_FAILURE]
    assert list(failure.turn_ids) == ["tells-c2", "tells-c3"]

    talk.record(user("This is ridiculous, let me talk to a human!"))
    wanted: dict[str, Any] = {
        "reason": "ESCALATION_REASON_TOOL_FAILURE",
        "channel_mode": "CHANNEL_MODE_SYNC",
        "request_id": "e1",
    }
    raised = talk.escalate(**wanted)
    assert talk.escalate(**wanted).handoff.handoff_id == raised.handoff.handoff_id
    tried = [(each.name, each.status) for each in raised.handoff.attempted_actions]
    assert ("validate_refund", "succeeded") in tried
    assert ("issue_refund", "failed") in tried
    assert "W-4417" in raised.markdown
    assert "tool" in raised.handoff.reason_detail
    (waiting,) = entries(here, talk)
    assert (waiting.handoff_id, waiting.status) == (
        raised.handoff.handoff_id,
        handoffs.HANDOFF_STATUS_WAITING,
    )
    return raised


def claimed(here: Place, talk: Conversation, handoff_id: str) -> None:
    """Let Ana take it; from then on the assistant is silent."""
    claim = handoffs.ClaimHandoffRequest(
        tenant_id=talk.ref.tenant_id, handoff_id=handoff_id, agent="ana", request_id="c"
    )
    assert here.handoffs.ClaimHandoff(claim, timeout=30).entry.agent == "ana"
    if here.durable:
        here.restart()
    before = talk.show().revision
    refusal = refused(lambda: talk.record(bot("I am still here!")))
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "HUMAN_IN_CONTROL",
    )
    assert refused(lambda: talk.escalate(request_id="e2")).reason == "HUMAN_IN_CONTROL"
    assert talk.show().revision == before

    talk.record(human("Hello, Ana here. I have refunded it by hand."), user("Thank you, Ana!"))
    assert [(turn.role, turn.author) for turn in talk.turns()][-2:] == [
        (common.ROLE_HUMAN_AGENT, "Ana"),
        (common.ROLE_USER, ""),
    ]
    draft = talk.build("When will it be there?")
    assert draft.handoff_state == common.HANDOFF_STATE_HUMAN
    assert not draft.escalation.recommended


def given_back(here: Place, talk: Conversation, handoff_id: str) -> None:
    """Let Ana give it back with a note; old calls for a human hand over no more."""
    end = handoffs.ResolveHandoffRequest(
        tenant_id=talk.ref.tenant_id,
        handoff_id=handoff_id,
        outcome=common.HANDOFF_OUTCOME_SOLVED,
        note=NOTE,
        request_id="r",
    )
    solved = here.handoffs.ResolveHandoff(end, timeout=30)
    assert solved.handoff_state == common.HANDOFF_STATE_BOT
    assert here.handoffs.ResolveHandoff(end, timeout=30).replayed
    built = talk.build("When will the money be there?", record_message=True, request_id="m2")
    assert NOTE in said(built, "PINNED")
    assert built.handoff_state == common.HANDOFF_STATE_BOT
    assert built.route == context.ROUTE_ANSWER
    assert not built.escalation.recommended
    assert not built.escalation.signals
    talk.record(bot("It was sent by hand today and takes two days."))
    assert not entries(here, talk)


def test_the_model_is_down(here: Place) -> None:
    """On the line: a human within the call, who is told why.  By mail: answered afterwards."""
    line, mail = here.talk(), here.talk()
    wanted = deferral.DeferTurnRequest(
        session=line.ref,
        message=user("Hello? My parcel W-9 is lost!"),
        channel_mode="CHANNEL_MODE_SYNC",
        note="503 from the model",
        request_id="d1",
    )
    handed = here.deferrals.DeferTurn(wanted, timeout=30)
    assert handed.handoff.reason == common.ESCALATION_REASON_MODEL_UNAVAILABLE
    assert handed.handoff.open_question.text == wanted.message.text
    assert not handed.deferral_id
    assert line.show().handoff_state == common.HANDOFF_STATE_WAITING_HUMAN
    (told,) = here.told(line, 1)
    assert told["data"]["reason"] == "model_unavailable"
    assert told["data"]["handoff"]["note"] == wanted.note

    late = deferral.DeferTurnRequest(
        session=mail.ref, message=user("Where is my parcel?"), channel_mode="CHANNEL_MODE_ASYNC"
    )
    waiting = here.deferrals.DeferTurn(late, timeout=30)
    assert not waiting.HasField("handoff")
    first = leased(here, waiting.deferral_id)
    still = complete(here, first, "DEFERRAL_OUTCOME_RETRY", error="503 again")
    assert still.state == deferral.DEFERRAL_STATE_WAITING
    second = leased(here, waiting.deferral_id)
    assert (second.attempt, second.last_error) == (2, "503 again")
    assert mail.build(None).messages[-1].text == late.message.text
    for replayed in (False, True):
        done = complete(here, second, "DEFERRAL_OUTCOME_DONE", turns=[bot("It leaves today.")])
        assert (done.state, done.replayed) == (deferral.DEFERRAL_STATE_DONE, replayed)
    assert [turn.text for turn in mail.turns()] == [late.message.text, "It leaves today."]
    assert here.told(mail, 0) == []


def test_who_comes_back_is_known_to_the_desk(here: Place) -> None:
    """What was confirmed of the account is in the notice, and nothing of another account."""
    stub = account_service_pb2_grpc.AccountServiceStub(here.channel)
    fact = accounts.AccountFact(
        key="language", value="German", type="ACCOUNT_FACT_TYPE_PREFERENCE", source="crm"
    )
    change = accounts.UpdateAccountRequest(tenant_id="t", account_id="olena", facts=[fact])
    stub.UpdateAccount(change, timeout=30)
    for name, known in (("olena", True), ("somebody", False)):
        talk = here.talk()
        talk.ref.account_id = name
        talk.record(user("My coffee machine still leaks."))
        talk.escalate(reason="ESCALATION_REASON_OTHER")
        (told,) = here.told(talk, 1)
        assert told["data"]["account_id"] == name
        assert ("German" in json.dumps(told["data"]["handoff"]["account_facts"])) is known


def test_a_deleted_conversation_leaves_nothing(here: Place) -> None:
    """Turns, handoffs, what waits for the model and for a desk: gone from every file."""
    talk, other = here.talk(), here.talk()
    talk.build(
        f"My lamp {PLANTED} flickers.",
        evidence=[common.Evidence(key="kb", snippet=PLANTED)],
        record_message=True,
        request_id=PLANTED,
    )
    talk.record(bot(f"I will send {PLANTED} by Friday.", author=PLANTED), user("A human, please!"))
    other.record(user("Another lamp."))
    raised = talk.escalate(note=PLANTED, request_id=f"e-{PLANTED}").handoff.handoff_id
    here.told(talk, 1)
    put_aside = deferral.DeferTurnRequest(
        session=talk.ref,
        message=user(f"And {PLANTED}?"),
        channel_mode="CHANNEL_MODE_ASYNC",
        note=PLANTED,
    )
    here.deferrals.DeferTurn(put_aside, timeout=30)
    assert bool(files_with(here.daemon.folder, PLANTED)) is here.durable

    counts = talk.delete()
    assert counts["turns"] == 4
    assert counts["handoffs"] == 1
    assert counts["jobs"] >= 1
    assert not any(talk.delete().values())
    assert refused(talk.show).reason == "SESSION_NOT_FOUND"
    get = handoffs.GetHandoffRequest(tenant_id="t", handoff_id=raised)
    assert refused(lambda: here.handoffs.GetHandoff(get, timeout=30)).reason == "HANDOFF_NOT_FOUND"
    assert not entries(here, talk, "HANDOFF_STATUS_WAITING", "HANDOFF_STATUS_RESOLVED")
    assert files_left_with(here.daemon.folder, PLANTED) == []
    assert len(other.turns()) == 1


def entries(here: Place, talk: Conversation, *statuses: str) -> list[handoffs.HandoffEntry]:
    """Return the handoffs of a conversation that the inbox shows."""
    request = handoffs.ListHandoffsRequest(tenant_id=talk.ref.tenant_id, statuses=statuses)
    listed = here.handoffs.ListHandoffs(request, timeout=30).handoffs
    return [each for each in listed if each.session.conversation_id == talk.ref.conversation_id]


def leased(here: Place, deferral_id: str) -> deferral.LeasedTurn:
    """Return a message that waits, as soon as it is due."""
    ends = time.monotonic() + PATIENCE
    request = deferral.LeaseDeferredTurnsRequest(tenant_id="t")
    while True:
        for each in here.deferrals.LeaseDeferredTurns(request, timeout=30).turns:
            if each.deferral_id == deferral_id:
                return each
        assert time.monotonic() < ends
        time.sleep(0.05)


def complete(
    here: Place, work: deferral.LeasedTurn, outcome: str, **rest: Any
) -> deferral.CompleteDeferredTurnResponse:
    """Say how a message ended."""
    request = deferral.CompleteDeferredTurnRequest(
        session=work.session,
        deferral_id=work.deferral_id,
        lease_token=work.lease_token,
        outcome=outcome,
        **rest,
    )
    return here.deferrals.CompleteDeferredTurn(request, timeout=30)
