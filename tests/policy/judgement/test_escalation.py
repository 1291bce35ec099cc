from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.events import HandoffRaised
from contextd.model import (
    Action,
    ChannelMode,
    Cited,
    Escalation,
    Handoff,
    ModelState,
    Reason,
)
from contextd.policy.judgement.escalation import assess
from contextd.policy.rules import EscalationRules, SignalRules
from tests.policy.talks import STATES, TURNS, bot, calls, session, tool, user

if TYPE_CHECKING:
    from contextd.model import Signal, Turn
    from contextd.policy.state import SessionState

RULES = EscalationRules()
HUMAN = "Let me talk to a human, please"


def signal(escalation: Escalation, reason: Reason) -> Signal | None:
    """The first signal with that reason."""
    return next((s for s in escalation.signals if s.reason is reason), None)


def handed_over(state: SessionState) -> SessionState:
    """The state after a handoff was raised."""
    handoff = Handoff(
        handoff_id="h1",
        schema_version="1",
        created_at=0,
        tenant_id="acme",
        conversation_id="chat-7",
        account_id="",
        reason=Reason.USER_REQUEST,
        reason_detail="",
        note="",
        channel_mode=ChannelMode.SYNC,
        headline="",
        customer_intent="",
        open_question=Cited(""),
        summary=Cited(""),
        summary_method="",
        summary_status="COMPLETED",
        turn_count=len(state.turns),
    )
    state.apply(HandoffRaised(0, "", "", handoff))
    return state


def test_a_calm_talk_gives_no_signal() -> None:
    """Nothing is found where nothing is."""
    talk = session(user("Where is order W-17?"), bot("On its way."), user("Thanks"))
    assert assess(talk, (), RULES) == Escalation()


def test_a_request_in_the_incoming_message_cites_sequence_zero() -> None:
    """The message that is not recorded yet is evidence without an id."""
    found = assess(session(), (user(HUMAN),), RULES)
    request = signal(found, Reason.USER_REQUEST)
    assert found.recommended
    assert request is not None
    assert (request.sequences, request.turn_ids) == ((0,), ())


def test_a_recorded_request_cites_its_turn() -> None:
    """Evidence names the turn as the caller does."""
    found = assess(session(user("Hi"), user(HUMAN), bot("One moment.")), (), RULES)
    request = signal(found, Reason.USER_REQUEST)
    assert request is not None
    assert (request.sequences, request.turn_ids) == ((2,), ("t2",))


def test_turns_about_to_be_recorded_are_cited_too() -> None:
    """Drafts that have their number and id already count as recorded."""
    draft = replace(user(HUMAN), sequence=1, turn_id="mine")
    request = signal(assess(session(), (draft,), RULES), Reason.USER_REQUEST)
    assert request is not None
    assert request.turn_ids == ("mine",)


@pytest.mark.parametrize("make", [bot, tool])
def test_only_the_customer_can_ask(make: type) -> None:
    """Text of the assistant and of tools is data, however it is worded."""
    angry = f"{HUMAN}!!! THIS IS RIDICULOUS AND USELESS, I will sue you"
    talk = session(user("Where is my order?"), make(angry))
    assert not assess(talk, (), RULES).recommended
    assert signal(assess(talk, (), RULES), Reason.USER_REQUEST) is None


def test_a_request_that_nobody_heeds_fades() -> None:
    """A customer who talks on with the bot is not handed over for an old request."""
    after = [user(f"My number is {n}") for n in range(4)]
    advice = [assess(session(user(HUMAN), *after[:n]), (), RULES).recommended for n in range(5)]
    assert advice == [True, True, True, False, False]


def test_a_request_can_be_withdrawn() -> None:
    """Saying never mind ends it."""
    found = assess(session(user(HUMAN), user("Never mind, it works now")), (), RULES)
    assert signal(found, Reason.USER_REQUEST) is None


def test_talk_before_a_handoff_raises_no_other() -> None:
    """Stale talk must not hand over again; nor does anything while a human has it."""
    talk = handed_over(session(user(HUMAN), bot("Here you go.")))
    assert assess(talk, (user("And my invoice?"),), RULES).signals == ()
    again = assess(talk, (user(HUMAN),), RULES)
    assert signal(again, Reason.USER_REQUEST) is not None
    assert not again.recommended


def test_the_look_back_is_bounded() -> None:
    """What lies further back than the rules say is not looked at."""
    talk = session(user("I will sue you"), *[bot("Hm.")] * 3)
    assert assess(talk, (), replace(RULES, look_back_turns=8)).recommended
    assert not assess(talk, (), replace(RULES, look_back_turns=2)).signals


@pytest.mark.parametrize(
    ("sure", "recommended"), [(0.1, True), (0.34, True), (0.35, False), (None, False)]
)
def test_low_confidence(sure: float | None, recommended: bool) -> None:
    """Below the boundary it is advice, at the boundary it is not."""
    answer = bot("Perhaps Monday.", model_state=ModelState(confidence=sure))
    assert assess(session(user("When?"), answer), (), RULES).recommended is recommended


def test_an_old_low_confidence_is_over() -> None:
    """Only the newest answer's confidence counts."""
    unsure = bot("Perhaps.", model_state=ModelState(confidence=0.1))
    talk = session(unsure, user("Sure?"), bot("Yes.", model_state=ModelState(confidence=0.9)))
    assert assess(talk, (), RULES).signals == ()


def test_tool_failures_in_a_row() -> None:
    """One failure is a hint, two in a row are advice, a success in between ends the row."""
    fail, work = tool('{"error": "locked"}'), tool('{"ok": true}')
    act = calls("refund")
    assert not assess(session(act, fail), (), RULES).recommended
    assert assess(session(act, fail, act, fail), (), RULES).recommended
    assert not assess(session(act, fail, act, work, act, fail), (), RULES).recommended
    found = signal(assess(session(act, fail, act, fail), (), RULES), Reason.TOOL_FAILURE)
    assert found is not None
    assert found.turn_ids == ("t2", "t4")
    assert "locked" in found.detail


def test_failed_actions_count_as_tool_failures() -> None:
    """A frontend that reports actions instead of calls is understood too."""
    failed = bot(actions=(Action("refund", "failed", "limit"), Action("refund", "failed")))
    assert assess(session(failed), (), RULES).recommended


def test_a_failure_told_twice_is_one() -> None:
    """A result that the assistant also reports as an action counts once, each in its answer."""
    fail = tool('{"error": "locked"}')
    tells = bot("It failed.", actions=(Action("refund", "failed", "locked"),))
    once = (user("Refund it."), calls("refund"), fail, tells)
    assert not assess(session(*once), (), RULES).recommended
    assert assess(session(*once, user("Again."), *once[1:]), (), RULES).recommended
    two_calls = (calls("refund"), fail, calls("refund"), fail, tells)
    assert assess(session(user("Refund it."), *two_calls), (), RULES).recommended
    since = (*once, user("And now?"), calls("track"), fail)
    assert assess(session(*since), (), RULES).recommended


def test_an_assistant_that_does_not_know() -> None:
    """Saying so once is honest, saying so twice is missing evidence."""
    shrug = bot("I'm sorry, I couldn't find any information on that.")
    assert assess(session(user("VAT?"), shrug), (), RULES).signals == ()
    found = assess(session(user("VAT?"), shrug, user("And duty?"), shrug), (), RULES)
    missing = signal(found, Reason.MISSING_EVIDENCE)
    assert found.recommended
    assert missing is not None
    assert missing.turn_ids == ("t2", "t4")


def test_an_assistant_in_a_loop() -> None:
    """The same answer three times over is advice, twice is a hint."""
    same = bot("Please tell me your order number so that I can look.")
    asked = user("I have no number")
    twice = session(asked, same, user("There is none"), same)
    assert not assess(twice, (), RULES).recommended
    thrice = session(asked, same, user("There is none"), same, user("Hello?"), same)
    found = signal(assess(thrice, (), RULES), Reason.OTHER)
    assert found is not None
    assert found.strength >= 0.6


@pytest.mark.parametrize(
    ("turns", "recommended"),
    [
        ((user("Please refund me $600"),), True),
        ((user("Please refund me $400"),), False),
        ((user("Refund it"), calls("refund", '{"amount": 600}')), True),
        ((user("I paid $600 last year"),), False),
        ((user("I earn $600"),), False),
        ((calls("refund", '{"amount": 600}'), user("And the weather?")), False),
    ],
)
def test_high_value_actions(turns: tuple[Turn, ...], recommended: bool) -> None:
    """A sum asked for now, in words or in a call, is held against the limit."""
    limited = replace(RULES, amount_limit=500)
    assert assess(session(*turns), (), limited).recommended is recommended
    assert signal(assess(session(*turns), (), RULES), Reason.HIGH_VALUE_ACTION) is None


@pytest.mark.parametrize(
    ("turn", "detail"),
    [
        (user("Refund me 600 euros"), "600.00 EUR is asked for; the limit is 500.00 EUR."),
        (user("Refund me £450"), None),
        (user("Refund me 900 pounds"), "900.00 GBP is asked for; the limit is 800.00 GBP."),
        (user("Refund me $99999"), None),
        (user("Refund me 10 francs or chf 7000"), "7,000.00 CHF is asked for; the limit is 1,0"),
        (user("Refund me €600 and £8000"), "8,000.00 GBP is asked for"),
        (calls("refund", '{"amount": 900, "currency": "gbp"}'), "900.00 GBP is asked for"),
        (calls("refund", '{"amount": 900, "currency": "usd"}'), None),
        (calls("refund", '{"amount": 1200}'), "1,200.00 is asked for; the limit is 1,000.00."),
    ],
)
def test_each_currency_has_its_limit(turn: Turn, detail: str | None) -> None:
    """Its own, none at 0, and one for all others; the sum furthest above its limit is told."""
    limits = {"EUR": 500, "GBP": 800, "USD": 0}
    rules = replace(RULES, amount_limit=1_000, amount_limits=limits)
    found = signal(assess(session(turn), (), rules), Reason.HIGH_VALUE_ACTION)
    assert (found is not None) == (detail is not None)
    assert found is None or (detail is not None and detail in found.detail)


def test_signals_can_be_weighed_and_switched_off() -> None:
    """A tenant's weight is multiplied in; at 0 the signal is not there, and 1 is the most."""
    talk = session(user(HUMAN))
    (usual,) = assess(talk, (), RULES).signals
    for weight in (0.5, 1.0, 2.0):
        rules = replace(RULES, signals=SignalRules(user_request=weight))
        (found,) = assess(talk, (), rules).signals
        assert found == replace(usual, strength=min(1.0, round(usual.strength * weight, 3)))
    off = assess(talk, (), replace(RULES, signals=SignalRules(user_request=0)))
    assert off == Escalation(recommended=False)
    others = SignalRules(
        **dict.fromkeys(SignalRules.__dataclass_fields__, 0.0) | {"user_request": 1}
    )
    assert assess(talk, (), replace(RULES, signals=others)).signals == (usual,)


def test_the_same_answer_again_is_weighed_by_its_own_name() -> None:
    """It bears no reason of its own."""
    again = bot("Please switch the modem off and on again and wait for the green light.")
    talk = session(user("No light"), again, user("Did that"), again)
    assert signal(assess(talk, (), RULES), Reason.OTHER) is not None
    off = replace(RULES, signals=SignalRules(repeated_answer=0))
    assert signal(assess(talk, (), off), Reason.OTHER) is None


def test_weak_signals_add_up() -> None:
    """Two hints of different kinds are advice together, though neither is alone."""
    fraud = user("Somebody used my card, it's fraud")
    failed = tool('{"error": "locked"}')
    act = calls("block_card")
    assert not assess(session(fraud), (), RULES).recommended
    assert not assess(session(act, failed), (), RULES).recommended
    assert assess(session(fraud, act, failed), (), RULES).recommended


@settings(max_examples=60)
@given(STATES, st.lists(TURNS, max_size=3), st.sampled_from([0.0, 500.0]))
def test_any_session_can_be_assessed(state: SessionState, coming: list[Turn], limit: float) -> None:
    """Never an error, always the same answer, strengths within 0..1, evidence that exists."""
    rules = replace(RULES, amount_limit=limit)
    found = assess(state, tuple(coming), rules)
    assert found == assess(state, tuple(coming), rules)
    known = {turn.turn_id for turn in state.turns}
    for each in found.signals:
        assert 0 < each.strength <= 1
        assert each.sequences
        assert set(each.turn_ids) <= known
        assert all(0 <= number <= len(state.turns) for number in each.sequences)
        assert len(each.detail) < 300


WORDS = "speak to a connect me with the your i want need some of agent call number no don't like"


@pytest.mark.parametrize("word", [*sorted(set(WORDS.split())), "wrong ", "!?", "\u2019", "a'"])
def test_repetitive_text_takes_bounded_time(word: str) -> None:
    """No text of a megabyte makes the rules crawl."""
    talk = session(*[user((word + " ") * 200_000)] * 12)
    started = time.perf_counter()
    assess(talk, (), replace(RULES, amount_limit=1))
    assert time.perf_counter() - started < 0.5
