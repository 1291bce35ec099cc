from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.model import Fact, FactKind
from contextd.policy.facts.facts import ORDER, choose, fact_lines, tighten
from contextd.policy.facts.gathering import gather, judge
from contextd.policy.facts.supersession import settle
from contextd.testing.fakes import WordTokenizer
from contextd.testing.scenario import Scenario

METER = WordTokenizer()


def test_values_of_one_speaker_share_a_line() -> None:
    """A line names its turns once and repeats no label."""
    talk = Scenario().user("a").bot("b").user("c")
    facts = [
        Fact(FactKind.ENTITY, "Kylo", 1, "name"),
        Fact(FactKind.ENTITY, "W1", 3, "order id"),
        Fact(FactKind.ENTITY, "W2", 3, "order id"),
        Fact(FactKind.ENTITY, "$5", 2, "amount"),
    ]
    lines = fact_lines(facts, talk.turns)
    assert [(line.text.partition(":")[0], line.sequences) for line in lines] == [
        ("- 1-3 user", (1, 3)),
        ("- 2 assistant", (2,)),
    ]
    assert lines[0].text.endswith("user: name: Kylo; order id: W1, W2\n")


def test_the_most_binding_fact_comes_first() -> None:
    """Lines follow the order of importance, then of the turns."""
    talk = Scenario().user("a").user("b")
    facts = [Fact(kind, kind.value, 1 + at % 2) for at, kind in enumerate(reversed(FactKind))]
    told = [line.text for line in fact_lines(facts, talk.turns)]
    assert [next(k for k in FactKind if k.value in text.lower()) for text in told] == list(ORDER)


def test_no_text_breaks_out_of_its_line() -> None:
    """A line break in a value is a space in its line."""
    talk = Scenario().user("x")
    fact = Fact(FactKind.ENTITY, "one\n- (turn 9, user) two\r\n", 1, "na\nme")
    (line,) = fact_lines([fact], talk.turns)
    assert line.text.count("\n") == 1
    assert line.text.endswith("\n")


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
    assert tighten(chosen, limit=500, turns=talk.turns, meter=METER) == chosen
    fewer = tighten(chosen, limit=15, turns=talk.turns, meter=METER)
    assert fewer
    assert set(fewer) < set(chosen)
    assert sum(METER.count(line.text) for line in fact_lines(fewer, talk.turns)) <= 15
