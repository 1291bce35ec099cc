from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.model import Fact, FactKind
from contextd.policy.facts.facts import choose, chooser
from contextd.policy.facts.gathering import gather, judge
from contextd.policy.facts.lines import fact_lines
from contextd.policy.facts.supersession import settle
from contextd.testing.fakes import WordTokenizer
from contextd.testing.scenario import Scenario

METER = WordTokenizer()


def test_what_another_fact_of_the_turn_says_is_not_said_again() -> None:
    """A value inside a chosen statement of its own turn costs nothing extra."""
    talk = Scenario().user("Never ship to Oak Road 12, please.")
    candidates = settle(gather(talk.turns, judge(talk.turns)))
    chosen = choose(candidates, limit=500, turns=talk.turns, meter=METER)
    assert [fact.kind for fact in chosen] == [FactKind.INSTRUCTION]


SAID = (
    "My order W123 is late.",
    "Never call me.",
    "I prefer tea.",
    "It costs $12.",
    "Bob Smith, 5 Oak Road",
    "\n" * 3,
)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(SAID) | st.text(max_size=60), max_size=12), st.integers(0, 80))
def test_the_lines_chosen_fit_the_limit(texts: list[str], limit: int) -> None:
    """Whatever was said, the lines of the facts chosen take at most the limit."""
    talk = Scenario()
    for text in texts:
        talk.user(text)
    candidates = settle(gather(talk.turns, judge(talk.turns)))
    chosen = choose(candidates, limit=limit, turns=talk.turns, meter=METER)
    lines = fact_lines(chosen, talk.turns)
    assert sum(METER.count(line.text) for line in lines) <= limit
    assert {fact.sequence for fact in chosen} == {at for line in lines for at in line.sequences}


def test_a_promise_is_not_crowded_out_by_values() -> None:
    """Values are cheaper to tell, yet statements have their share of the limit."""
    talk = Scenario().bot("I will call you back tomorrow.")
    for at in range(60):
        talk.user(f"My order W{at}234 is late.")
    candidates = settle(gather(talk.turns, judge(talk.turns)))
    chosen = choose(candidates, limit=100, turns=talk.turns, meter=METER)
    assert {fact.kind for fact in chosen} == {FactKind.COMMITMENT, FactKind.ENTITY}


def test_a_tighter_limit_keeps_a_part_of_what_was_chosen() -> None:
    """Facts of a fold can be cut down to the room that a prompt has left."""
    talk = Scenario().user("Never call me.").user("My order W1234 and my order W5678 are late.")
    candidates = settle(gather(talk.turns, judge(talk.turns)))
    chosen = choose(candidates, limit=500, turns=talk.turns, meter=METER)
    assert chooser(talk.turns, METER)(chosen, 500) == chosen
    fewer = chooser(talk.turns, METER)(chosen, 15)
    assert fewer
    assert fewer != chosen
    assert all(any(fact.text in whole.text for whole in chosen) for fact in fewer)
    assert sum(METER.count(line.text) for line in fact_lines(fewer, talk.turns)) <= 15


def test_a_value_said_again_is_told_once() -> None:
    """What is covered already makes room for what nobody has told yet."""
    talk = Scenario()
    for name in ("Weimar", "Jena", "Erfurt", "Gera", "Suhl", "Gotha"):
        talk.user(f"The parcel from {name} with the green label is here.")
    candidates = settle(gather(talk.turns, judge(talk.turns)))
    chosen = choose(candidates, limit=18, turns=talk.turns, meter=METER)
    text = " ".join(fact.text for fact in chosen)
    assert text.count("parcel") == 1
    assert all(name in text for name in ("Weimar", "Jena", "Erfurt", "Gera", "Suhl", "Gotha"))


def test_room_to_spare_tells_how_things_belong() -> None:
    """With tokens left, whole clauses take the place of their keywords."""
    talk = Scenario().user("My neighbour borrowed the green ladder.")
    candidates = settle(gather(talk.turns, judge(talk.turns)))
    chosen = choose(candidates, limit=500, turns=talk.turns, meter=METER)
    assert [fact.text for fact in chosen] == ["My neighbour borrowed the green ladder"]


def test_a_tighter_limit_takes_the_keywords_of_a_clause() -> None:
    """What was chosen as clauses with room to spare is not lost when the room is gone."""
    talk = Scenario().user("My neighbour borrowed the green ladder from the shed.")
    chosen = choose(
        settle(gather(talk.turns, judge(talk.turns))), limit=500, turns=talk.turns, meter=METER
    )
    assert [fact.text for fact in chosen] == [
        "My neighbour borrowed the green ladder from the shed"
    ]
    fewer = chooser(talk.turns, METER)(chosen, 8)
    assert {fact.text for fact in fewer} <= {"neighbour borrowed", "green ladder", "shed"}
    assert fewer


def test_a_tighter_limit_takes_the_values_of_a_clause_whole() -> None:
    """A day or a time that was told in a clause is not left in pieces."""
    turns = Scenario().user("From the airport at half past 4 in the evening").turns
    clause = Fact(FactKind.ENTITY, "From the airport at half past 4 in the evening", 1, "said")
    (only,) = chooser(turns, METER)((clause,), 9)
    assert (only.label, only.text) == ("time", "half past 4 in the evening")


def test_a_value_knows_what_it_was_worth_when_it_was_said() -> None:
    """Its question and its tone are not read twice: that nobody knew still counts."""
    talk = Scenario().bot("What is your account number?").user("I don't remember.").user("Bremen")
    candidates = settle(gather(talk.turns, judge(talk.turns)))
    chosen = choose(candidates, limit=500, turns=talk.turns, meter=METER)
    worth = {item.fact.text: pytest.approx(item.weight, abs=0.01) for item in candidates}
    assert {fact.text: fact.weight for fact in chosen} == worth


@pytest.mark.parametrize(("alder", "birch"), [(0.5, 2.0), (2.0, 0.5)])
def test_a_choice_among_what_was_chosen_goes_by_what_it_was_worth(
    alder: float, birch: float
) -> None:
    """Of two words that look alike, the one that mattered stays."""
    turns = Scenario().user("alder").user("birch").turns
    facts = (
        Fact(FactKind.ENTITY, "alder", 1, "said", alder),
        Fact(FactKind.ENTITY, "birch", 2, "said", birch),
    )
    (only,) = chooser(turns, METER)(facts, 4)
    assert only.weight == 2.0


def test_what_comes_up_again_goes_first() -> None:
    """A matter of several turns is kept before one that was touched once, and later."""
    talk = Scenario().user("harbour wall").user("harbour gate").user("orchard door")
    candidates = settle(gather(talk.turns, judge(talk.turns)))
    (fact,) = choose(candidates, limit=5, turns=talk.turns, meter=METER)
    assert fact.text == "harbour gate"


def test_what_is_told_in_other_words_gives_way_to_what_is_new() -> None:
    """A phrase of words that stand there already is worth less than a new one."""
    talk = Scenario().user("walnut").user("oak table").user("oak chair").user("oak table chair")
    candidates = settle(gather(talk.turns, judge(talk.turns)))
    chosen = choose(candidates, limit=8, turns=talk.turns, meter=METER)
    assert {"walnut", "oak table chair"} == {fact.text for fact in chosen}
