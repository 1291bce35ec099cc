from __future__ import annotations

import pytest

from contextd.policy.reading.orders import ordered, standing
from contextd.policy.reading.sentences import LONGEST
from contextd.policy.reading.statements import heard

FOR_GOOD = [
    "Always tell me the weight when I ask about parcels.",
    "Please never ship on a Sunday.",
    "And always round the figures, please.",
    "Whenever I ask for a route, add the toll.",
    "Name the source when I ask about studies.",
    "If I mention Aunt Vera, speak of her kindly.",
    "From now on use metric units.",
    "Going forward, only one option at a time.",
    "I want you to always spell out the month.",
    "Could you always put the total first?",
    "Use the short form until I say otherwise.",
    "Call me Captain.",
    "Please address me as Dr. Weiss.",
    "My pronouns are they and them.",
    "Reply in Portuguese.",
    "Keep your answers under fifty words.",
    "Format all dates as day, month, year.",
    "I am new here, so always explain the jargon.",
    "Before we go on: please write to me by letter only.",
    "You may contact us only by e-mail.",
    "I sleep by day, so never phone me.",
]
FOR_ONCE = [
    "Please don't wake the neighbours.",
    "Only contact me by post.",
    "Make sure to ring twice.",
    "Please keep in mind that the lift is broken.",
    "Don't sign anything without my approval.",
]
NO_ORDER = [
    "I never got the parcel.",
    "It always rains when I ask for sun.",
    "Always up for a walk.",
    "Always running around in the garden.",
    "You never know.",
    "Every time I ask about it, they laugh.",
    "When I ask for help, nobody comes.",
    "I will make sure to water the plants.",
    "I'll close the shed and make sure to water the plants.",
    "I think we should keep in mind the weather.",
    "They have to call me and ask.",
    "Is it sold by mail only?",
    "You never call me back.",
    "They do not ring us before they come.",
    "You wrote to me by e-mail yesterday.",
    "We answered in the order of arrival.",
    "The rest of us will go there in future, I think.",
    "Never ever.",
    "What should I always remember?",
]


@pytest.mark.parametrize("text", FOR_GOOD)
def test_an_order_for_good_is_known_by_its_wording(text: str) -> None:
    """What holds for later, whatever is talked about then, is told apart."""
    assert standing(heard(text))
    assert ordered(heard(text))


@pytest.mark.parametrize("text", FOR_ONCE)
def test_an_order_for_once_is_an_order_but_holds_for_its_matter_only(text: str) -> None:
    """It binds, and gives way to what holds for good."""
    assert ordered(heard(text))
    assert not standing(heard(text))


@pytest.mark.parametrize("text", NO_ORDER)
def test_what_is_told_or_planned_is_no_order(text: str) -> None:
    """The same words in a tale, a plan of one's own or a question order nothing."""
    assert not ordered(heard(text))


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece", ["always ", "when i ask ", "please and ", "you should make sure ", "a, ", "i ", "so, "]
)
def test_a_hostile_sentence_takes_bounded_time(piece: str) -> None:
    """No repetition of a cue makes the patterns run away."""
    text = (piece * LONGEST)[:LONGEST]
    for _ in range(50):
        ordered(text)
