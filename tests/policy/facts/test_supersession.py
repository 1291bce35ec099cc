from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contextd.model import FactKind
from contextd.policy.facts.gathering import gather, judge
from contextd.policy.facts.supersession import current, outdated, settle, states_old
from contextd.policy.facts.wording import normal
from contextd.testing.scenario import Scenario

if TYPE_CHECKING:
    from contextd.model import Fact


def standing(talk: Scenario) -> list[Fact]:
    """Return the facts that still hold."""
    return [item.fact for item in settle(gather(talk.turns, judge(talk.turns)))]


def entities(talk: Scenario) -> list[str]:
    """Return the values that still hold."""
    return [fact.text for fact in standing(talk) if fact.kind is FactKind.ENTITY]


CORRECTIONS = {
    "same label": ("Book it for 8 pm.", "Actually, make it 6 pm.", "8 pm", "6 pm"),
    "instead of": (
        "A ride to BrewLab.",
        "Can I change it to Forbes Street instead of BrewLab?",
        "BrewLab",
        "Forbes Street",
    ),
    "not but": ("My order is W1111.", "It's not W1111 but W2222.", "W1111", "W2222"),
    "meant": ("My mail is a@x.org.", "Sorry, I meant b@x.org, not a@x.org.", "a@x.org", "b@x.org"),
    "not at the end": (
        "A cab to Elm Court.",
        "Change of address: pick me up at Mill Lane not Elm Court.",
        "Elm Court",
        "Mill Lane",
    ),
    "from to": (
        "The order is for May 3rd.",
        "Change the date from May 3rd to May 5th.",
        "May 3rd",
        "May 5th",
    ),
}


@pytest.mark.parametrize("name", CORRECTIONS)
def test_a_corrected_value_is_gone_and_its_correction_stays(name: str) -> None:
    """The old value is no entity any more; the new one is stated."""
    first, correction, old, new = CORRECTIONS[name]
    talk = Scenario().user(first).bot("Noted.").user(correction)
    assert old in " ".join(entities(Scenario().user(first)))
    assert all(normal(text) != normal(old) for text in entities(talk))
    assert any(new in fact.text for fact in standing(talk))


def test_a_value_said_twice_counts_once_with_the_newest_turn() -> None:
    """Repetition adds weight, not lines."""
    talk = Scenario().user("Order W1234 is late.").bot("I see W1234.").user("Yes, order W1234!")
    found = [fact for fact in standing(talk) if fact.text == "W1234"]
    assert [(fact.sequence, fact.label) for fact in found] == [(3, "order id")]


def test_a_newer_state_of_a_record_replaces_the_older() -> None:
    """A tool's newest word on an order holds; other orders keep theirs."""
    talk = Scenario()
    for order, state in (("W1111", "pending"), ("W2222", "pending"), ("W1111", "cancelled")):
        talk.tool("c", f'{{"order_id": "{order}", "status": "{state}"}}')
    states = {fact.label: fact.text for fact in standing(talk) if "status" in fact.label}
    assert states == {"status of W1111": "cancelled", "status of W2222": "pending"}


def test_small_numbers_are_told_apart_by_their_label() -> None:
    """Two guests are not two nights."""
    talk = Scenario().bot("For how many people?").user("2").bot("What size?").user("2")
    assert [fact.label for fact in standing(talk) if fact.text == "2"] == ["people", "size"]


def test_what_was_said_before_a_correction_is_outdated_and_not_after() -> None:
    """Only older words can be corrected."""
    talk = Scenario().user("Send it to Oak Road.").user("Sorry, I meant Elm Road, not Oak Road.")
    old = outdated(talk.turns, judge(talk.turns))
    assert old == ((2, "oak road"),)
    assert states_old("Send it to Oak Road.", 1, old)
    assert not states_old("Send it to Oak Road.", 3, old)
    assert not states_old("Send it to Elm Road.", 1, old)


def test_an_added_value_takes_none_back() -> None:
    """An "actually" with "also" asks for more, not for something else."""
    talk = Scenario().user("Check order W1111.").user("Actually, please also check order W2222.")
    assert {"W1111", "W2222"} <= set(entities(talk))


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("Sorry, the order is 55812, not 55821.", "Sorry, the order is 55812."),
        ("Please change the date from Monday to Friday.", "Please change the date to Friday."),
        ("Tea instead of coffee, please.", "Tea, please."),
        ("It's not blue but red.", "It's red."),
        ("I cannot come on Friday.", "I cannot come on Friday."),
    ],
)
def test_a_correction_without_what_it_takes_back(text: str, now: str) -> None:
    """What holds is left, in its own words."""
    assert current(text) == now


def test_a_change_of_plans_varies_what_has_the_same_head() -> None:
    """Oak shelves give way to pine shelves, an oak floor does not."""
    talk = Scenario().user("We look for oak shelves on an oak floor.").bot("None left.")
    assert {"oak shelves", "oak floor"} <= set(entities(talk))
    held = entities(talk.user("How about the pine shelves?"))
    assert "oak shelves" not in held
    assert {"pine shelves", "oak floor"} <= set(held)


def test_what_is_added_varies_nothing() -> None:
    """Asking for pine shelves, too, leaves the oak shelves standing."""
    talk = Scenario().user("We look for oak shelves on the wall.").bot("Fine.")
    assert "oak shelves" in entities(talk.user("Could we also try the pine shelves?"))


def test_plans_are_varied_only_while_they_are_fresh() -> None:
    """What was said long ago is another matter."""
    talk = Scenario().user("We look for oak shelves on the wall.")
    for _ in range(8):
        talk.bot("Go on.").user("Thank you.")
    assert "oak shelves" in entities(talk.user("How about the pine shelves?"))
