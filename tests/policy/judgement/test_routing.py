from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from contextd.model import Route, Routing, TurnType
from contextd.policy.judgement.routing import route, wants_retrieval
from contextd.policy.rules import RoutingRules, Rules, TurnTypeTexts
from tests.policy.talks import STATES, TEXTS, bot, session, user

if TYPE_CHECKING:
    from contextd.policy.state import SessionState

RULES = Rules()
INFO, ACTION, ISSUE = TurnType.INFO_QUESTION, TurnType.ACTION_REQUEST, TurnType.ACCOUNT_ISSUE
UNSUPPORTED, ESCALATION = TurnType.UNSUPPORTED, TurnType.ESCALATION_CANDIDATE


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("What are your opening hours?", INFO),
        ("how much does shipping to Norway cost", INFO),
        ("Tell me about the premium plan", INFO),
        ("Do you accept gift cards?", INFO),
        ("Please cancel my order", ACTION),
        ("I'd like to book a table for two tonight", ACTION),
        ("Can you change the address of my delivery?", ACTION),
        ("I want to transfer 200 to my savings", ACTION),
        ("My card was declined at the shop", ISSUE),
        ("the app doesn't work since yesterday", ISSUE),
        ("I was charged twice for the same ticket", ISSUE),
        ("my parcel still hasn't arrived", ISSUE),
        ("Tell me a joke", UNSUPPORTED),
        ("what's the weather in Oslo", UNSUPPORTED),
        ("set an alarm for seven", UNSUPPORTED),
        ("I want to talk to a human", ESCALATION),
        ("My card does not work, put me through to an agent", ESCALATION),
    ],
)
def test_the_kind_of_a_message(text: str, kind: TurnType) -> None:
    """Plain messages of each kind are told apart, with more than a guess."""
    routing = route(text, session(), RULES)
    assert routing.turn_type is kind
    assert routing.confidence >= 0.4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What are your opening hours?", Route.ANSWER),
        ("Please cancel my order", Route.ACT),
        ("My card was declined at the shop", Route.ANSWER),
        ("Tell me a joke", Route.DECLINE),
        ("I want to talk to a human", Route.ESCALATE),
    ],
)
def test_each_kind_has_its_route(text: str, expected: Route) -> None:
    """The advice follows from the kind."""
    assert route(text, session(), RULES).route is expected


def test_no_rule_is_no_confidence() -> None:
    """Where no rule speaks the answer says that it is a guess, and looks things up."""
    routing = route("blue, size forty-two", session(), RULES)
    assert routing.confidence == 0.2
    assert wants_retrieval(routing)


@pytest.mark.parametrize(
    "text", ["yes, do that", "Yes please!", "go ahead", "sure", "the first one"]
)
def test_agreeing_to_a_proposal_is_a_request(text: str) -> None:
    """A short yes takes its meaning from what the assistant has just proposed."""
    talk = session(user("The lamp is broken"), bot("Shall I send you a new one?"))
    routing = route(text, talk, RULES)
    assert (routing.turn_type, routing.route) == (ACTION, Route.ACT)
    assert not routing.acknowledgement
    assert wants_retrieval(routing)


@pytest.mark.parametrize("text", ["yes", "thanks a lot!", "ok", "Great, thank you. Bye!", "Hi"])
def test_pleasantries_ask_for_nothing(text: str) -> None:
    """With no proposal before it there is nothing to look up."""
    talk = session(user("The lamp is broken"), bot("I am sorry to hear that."))
    routing = route(text, talk, RULES)
    assert routing.acknowledgement
    assert not wants_retrieval(routing)


@pytest.mark.parametrize("text", ["thanks, but where is my refund?", "ok?", "no, the other card"])
def test_thanks_with_more_to_it_is_no_pleasantry(text: str) -> None:
    """One word that says something is enough to look things up."""
    assert wants_retrieval(route(text, session(), RULES))


def test_an_answer_to_a_question_keeps_the_kind() -> None:
    """Giving the order number goes on with the request that needed it."""
    talk = session(user("Please cancel my order"), bot("What is the order number?"))
    routing = route("W-1207", talk, RULES)
    assert routing.turn_type is ACTION
    assert 0.2 < routing.confidence < 0.6


def test_a_new_request_is_not_taken_for_an_answer() -> None:
    """What says its own kind is not overruled by the turn before."""
    talk = session(user("Please cancel my order"), bot("What is the order number?"))
    assert route("My card was stolen", talk, RULES).turn_type is ISSUE


def test_only_what_is_surely_unsupported_skips_the_search() -> None:
    """Declining for sure needs no old turns; a doubt does."""
    sure = Routing(UNSUPPORTED, 0.75, Route.DECLINE)
    assert not wants_retrieval(sure)
    assert wants_retrieval(Routing(UNSUPPORTED, 0.65, Route.DECLINE))


@settings(max_examples=60)
@given(TEXTS, STATES)
def test_any_text_has_a_kind(text: str, state: SessionState) -> None:
    """Never an error, always the same answer, in steps of .05 between .2 and .95."""
    routing = route(text, state, RULES)
    assert routing == route(text, state, RULES)
    assert 0.2 <= routing.confidence <= 0.95
    assert round(routing.confidence * 20) == pytest.approx(routing.confidence * 20)


OWN = Rules(
    routing=RoutingRules(
        phrases=TurnTypeTexts(
            account_issue=("Meter is dead", "no readings"),
            action_request=("top me up",),
            unsupported=("solar panels",),
            escalation_candidate=("bureau of complaints",),
        )
    )
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The METER  is dead", ISSUE),
        ("There are no readings in the app", ISSUE),
        ("top me up", ACTION),
        ("What do solar panels cost?", UNSUPPORTED),
        ("Where is the bureau of complaints?", ESCALATION),
    ],
)
def test_a_tenants_own_phrases_vote(text: str, kind: TurnType) -> None:
    """They are found in either case and outvote what common words say."""
    assert route(text, session(), RULES).turn_type is not kind
    found = route(text, session(), OWN)
    assert found.turn_type is kind
    assert found.confidence >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "I don't want solar panels, what does the meter cost?",
        "What is a solarpanels?",
        "How much is no readingsroom?",
    ],
)
def test_own_phrases_are_whole_words_that_are_not_negated(text: str) -> None:
    """Else the message is what it is without them."""
    assert route(text, session(), OWN) == route(text, session(), RULES)


def test_the_vote_of_own_phrases_can_be_weakened() -> None:
    """With no strength they decide nothing."""
    none = replace(OWN, routing=replace(OWN.routing, phrase_strength=0.0))
    text = "What do solar panels cost?"
    assert route(text, session(), none) == route(text, session(), RULES)


def test_a_short_answer_takes_the_kind_of_an_own_phrase() -> None:
    """The question before it is read by the same rules."""
    talk = session(user("Top me up"), bot("By which card?"))
    assert route("the blue one", talk, OWN).turn_type is ACTION
