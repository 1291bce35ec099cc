from __future__ import annotations

from contextd.model import Fact, FactKind
from contextd.policy.facts.lines import ORDER, fact_lines
from contextd.testing.scenario import Scenario


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


def test_a_value_that_shows_what_it_is_needs_no_label() -> None:
    """A date is seen to be one; values of one turn stay together."""
    talk = Scenario().user("a").user("b")
    facts = [
        Fact(FactKind.ENTITY, "May 5th", 1, "date"),
        Fact(FactKind.ENTITY, "40-88213", 1, "account number"),
        Fact(FactKind.ENTITY, "$5", 2, "amount"),
    ]
    (line,) = fact_lines(facts, talk.turns)
    assert line.text == "- 1-2 user: May 5th, account number: 40-88213; $5\n"
