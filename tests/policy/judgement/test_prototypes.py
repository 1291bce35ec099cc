"""What prototypes say of a message, and how that joins the vote of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.model import TurnType
from contextd.policy.judgement.prototypes import (
    A_PROFILE,
    UNLIKE,
    Like,
    Likeness,
    Prototypes,
    sentences,
)
from contextd.policy.judgement.routing import route, wants_retrieval
from contextd.policy.rules import RoutingRules, Rules, TurnTypeTexts
from tests.policy.talks import STATES, TEXTS, bot, session, user

if TYPE_CHECKING:
    from contextd.policy.state import SessionState

RULES = Rules()
MARK = RULES.routing.scope_mark
INFO, ACTION, ISSUE = TurnType.INFO_QUESTION, TurnType.ACTION_REQUEST, TurnType.ACCOUNT_ISSUE
UNSUPPORTED, ESCALATION = TurnType.UNSUPPORTED, TurnType.ESCALATION_CANDIDATE
SILENT = "blue curtains, size forty-two, gold edges"
"""No rule has a word for it."""


def alike(inside: float | None = None, **to: float) -> Like:
    """Every text is as like the types as this says."""
    found = Likeness({TurnType[name]: each for name, each in to.items()}, inside)
    return lambda _: found


def own(number: int, kind: str = "info_question") -> TurnTypeTexts:
    """So many sentences of a tenant."""
    return TurnTypeTexts(**{kind: tuple(f"What about thing {at}?" for at in range(number))})


def made(texts: TurnTypeTexts, *vectors: list[float]) -> Prototypes:
    """The prototypes, every one with the same vector but the last ones with these."""
    known = sentences(texts)
    rows = np.zeros((len(known), 4), np.float32)
    rows[:, 0] = 1
    if vectors:
        rows[-len(vectors) :] = vectors
    return Prototypes.of(known, rows)


def test_each_type_has_sentences_but_what_nobody_can_know() -> None:
    """What a product does not do is known to its tenant alone."""
    kinds = {each.kind for each in sentences(TurnTypeTexts())}
    assert kinds == set(TurnType) - {UNSUPPORTED}
    texts = [each.text for each in sentences(TurnTypeTexts())]
    assert len(set(texts)) == len(texts) > 100


def test_a_message_is_as_like_a_type_as_its_three_nearest_sentences() -> None:
    """One that is the same by accident decides nothing by itself."""
    near = [[0, 1, 0, 0], [0, 0.6, 0.8, 0], [0, 0, 0.8, 0.6]]
    prototypes = made(own(4, "unsupported"), [1, 0, 0, 0], *near)  # type: ignore[arg-type]
    # The unsupported ones stand before those of escalation_candidate, so give all a vector.
    found = prototypes.likeness(np.array([0, 1, 0, 0], np.float32))
    assert found.to[ESCALATION] == pytest.approx((1 + 0.6 + 0) / 3)
    assert found.to[INFO] == pytest.approx(0)


def test_fewer_sentences_than_three_are_all_held_against_it() -> None:
    """A tenant may name a single thing that it does not do."""
    known = [each for each in sentences(own(1, "unsupported")) if each.own]
    prototypes = Prototypes.of(known, np.array([[0.6, 0.8]], np.float32))
    assert prototypes.likeness(np.array([1, 0], np.float32)).to == {UNSUPPORTED: pytest.approx(0.6)}


def test_a_text_of_unknown_words_is_like_nothing() -> None:
    """Its vector is all zeros."""
    assert made(TurnTypeTexts()).likeness(np.zeros(4, np.float32)) is UNLIKE


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (TurnTypeTexts(), False),
        (own(A_PROFILE - 1), False),
        (own(A_PROFILE), True),
        (own(A_PROFILE, "unsupported"), False),
    ],
)
def test_only_enough_own_sentences_tell_what_a_product_does(
    texts: TurnTypeTexts, told: bool
) -> None:
    """Neither the shipped ones, nor a few, nor those of what it does not do."""
    found = made(texts).likeness(np.array([1, 0, 0, 0], np.float32))
    assert (found.inside is not None) is told


def test_likeness_decides_where_no_rule_speaks() -> None:
    """With little confidence: it is no more than a resemblance."""
    guess = route(SILENT, session(), RULES)
    found = route(SILENT, session(), RULES, alike(INFO_QUESTION=0.2, ACCOUNT_ISSUE=0.6))
    assert (guess.turn_type, found.turn_type) == (INFO, ISSUE)
    assert 0.2 < found.confidence <= 0.5


def test_likeness_confirms_and_contradicts_the_rules() -> None:
    """The further a type leads, the surer it is."""
    text = "Please cancel my order"
    same = route(text, session(), RULES, alike(ACTION_REQUEST=0.8, INFO_QUESTION=0.2))
    other = route(text, session(), RULES, alike(ACTION_REQUEST=0.3, INFO_QUESTION=0.4))
    assert same.turn_type is other.turn_type is ACTION
    assert same.confidence > other.confidence
    overruled = alike(ACTION_REQUEST=0.0, ACCOUNT_ISSUE=0.9)
    assert route(text, session(), RULES, overruled).turn_type is ISSUE


def test_a_type_without_sentences_is_neither_helped_nor_hindered() -> None:
    """Jokes stay unsupported, whatever else they are like; silence never becomes it."""
    like = alike(INFO_QUESTION=0.3, ACTION_REQUEST=0.5)
    assert route("Tell me a joke", session(), RULES, like).turn_type is UNSUPPORTED
    assert route(SILENT, session(), RULES, like).turn_type is ACTION


def test_prototypes_can_be_switched_off() -> None:
    """Then it is as without them."""
    off = Rules(routing=RoutingRules(prototype_weight=0))
    like = alike(ACCOUNT_ISSUE=0.9)
    assert route(SILENT, session(), off, like) == route(SILENT, session(), off)


def test_an_own_phrase_stands_whatever_a_message_is_like() -> None:
    """Nor is it outside of the product: its tenant has named it."""
    phrases = TurnTypeTexts(action_request=("fetch the machine",))
    rules = Rules(routing=RoutingRules(phrases=phrases))
    text = "Can somebody fetch the machine that is broken?"
    like = alike(inside=0.0, ACCOUNT_ISSUE=0.9, ACTION_REQUEST=0.1)
    assert route(text, session(), RULES, like).turn_type is UNSUPPORTED
    found = route(text, session(), rules, like)
    assert found == route(text, session(), rules)
    assert found.turn_type is ACTION


def test_without_a_profile_nothing_far_is_declined() -> None:
    """A message like no sentence at all is one that we know nothing of."""
    found = route(SILENT, session(), RULES, alike(INFO_QUESTION=-0.1, ACCOUNT_ISSUE=-0.2))
    assert found.turn_type is not UNSUPPORTED


def test_the_further_outside_the_surer_it_is_declined() -> None:
    """And the further inside, the surer it is what it is; the order is never turned round."""
    at = [MARK - 0.35, MARK - 0.25, MARK - 0.1, MARK - 0.02, MARK + 0.02, MARK + 0.1, MARK + 0.3]
    found = [route(SILENT, session(), RULES, alike(each, ACTION_REQUEST=0.6)) for each in at]
    assert [each.turn_type for each in found] == [UNSUPPORTED] * 4 + [ACTION] * 3
    strange = [each.confidence * (1 if each.turn_type is UNSUPPORTED else -1) for each in found]
    assert strange == sorted(strange, reverse=True)
    assert not wants_retrieval(found[0])
    assert wants_retrieval(found[3])


@pytest.mark.parametrize("inside", [0.0, -0.3])
def test_a_mark_of_nothing_declines_nothing(inside: float) -> None:
    """Also where a message is the contrary of all that the product does."""
    off = Rules(routing=RoutingRules(scope_mark=0))
    like = alike(inside, ACTION_REQUEST=0.6)
    assert route(SILENT, session(), off, like).turn_type is ACTION


@pytest.mark.parametrize(
    "text",
    [
        "I want to talk to a human",
        "Hello, I have a question",
        "good morning, can you help me with something?",
        "thanks!",
    ],
)
def test_what_fits_any_product_is_not_declined(text: str) -> None:
    """Asking for a human, opening a talk, thanks."""
    like = alike(0.0, INFO_QUESTION=0.1, ESCALATION_CANDIDATE=0.1)
    assert route(text, session(), RULES, like).turn_type is not UNSUPPORTED


def test_an_answer_to_a_question_is_not_declined() -> None:
    """It is about what was asked, however far its words are from what the product does."""
    talk = session(user("My parcel is lost"), bot("What was in it, please?"))
    like = alike(0.0, INFO_QUESTION=0.1)
    told = "A porcelain elephant painted in Lisbon with golden tusks"
    assert route(told, talk, RULES, like).turn_type is not UNSUPPORTED
    assert route(told, session(), RULES, like).turn_type is UNSUPPORTED


def test_a_short_message_under_way_is_not_declined() -> None:
    """It leans on what was said ("And the second one?"); a new subject in full does not."""
    talk = session(user("Two parcels are lost"), bot("I am sorry to hear that."))
    like = alike(0.0, INFO_QUESTION=0.1)
    assert route("And what of the second elephant?", talk, RULES, like).turn_type is INFO
    strange = "Which museum shows the oldest porcelain elephants?"
    assert route(strange, talk, RULES, like).turn_type is UNSUPPORTED


def test_a_short_answer_inherits_whatever_it_is_like() -> None:
    """Follow-ups go before resemblance; the request is read by rules and likeness together."""
    talk = session(user("Please cancel my order"), bot("What is the order number?"))
    order, number = Likeness({ACTION: 0.6, ISSUE: 0.2}), Likeness({ACTION: 0.1, ISSUE: 0.7})
    found = route("W-1207", talk, RULES, lambda said: number if said == "W-1207" else order)
    assert found == route("W-1207", talk, RULES)
    assert found.turn_type is ACTION


COSINES = st.floats(-1, 1)
LIKENESSES = st.builds(
    Likeness,
    st.dictionaries(st.sampled_from(TurnType), COSINES),
    st.none() | COSINES,
)


@settings(max_examples=80)
@given(TEXTS, STATES, LIKENESSES, st.floats(0, 10), st.floats(0, 1))
def test_any_text_has_a_kind_whatever_it_is_like(
    text: str, state: SessionState, found: Likeness, weight: float, mark: float
) -> None:
    """Never an error, always the same answer, in steps of .05 between .2 and .95."""
    rules = Rules(routing=RoutingRules(prototype_weight=weight, scope_mark=mark))
    routing = route(text, state, rules, lambda _: found)
    assert routing == route(text, state, rules, lambda _: found)
    assert 0.2 <= routing.confidence <= 0.95
    assert round(routing.confidence * 20) == pytest.approx(routing.confidence * 20)


@settings(max_examples=80)
@given(TEXTS, STATES)
def test_knowing_nothing_is_the_rules_alone(text: str, state: SessionState) -> None:
    """As when the vectors are not there."""
    assert route(text, state, RULES, lambda _: UNLIKE) == route(text, state, RULES)
