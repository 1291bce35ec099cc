from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.model import (
    Evidence,
    Fact,
    FactKind,
    Retention,
    Role,
    SectionKind,
    ToolCall,
    Turn,
)
from contextd.policy.quoting import (
    HEADERS,
    day_line,
    evidence_line,
    fact_line,
    flatten,
    is_kept,
    quote,
    quote_span,
    speaker,
    spoken,
)
from contextd.tokenizers import open_tokenizers

if TYPE_CHECKING:
    from contextd.policy.meter import Meter

TURN = Turn("t", Role.USER, "hi", sequence=12, occurred_at=1_714_564_800_000_000)


@pytest.fixture(scope="session")
def real() -> Meter:
    """Load a shipped encoding once."""
    return open_tokenizers().for_model("gpt-4o")


def test_a_line_says_who_spoke_and_when() -> None:
    """The label holds the sequence, the role and the author; the day has a line of its own."""
    assert (day_line(TURN), quote(TURN, "I moved.")) == ("2024-05-01\n", "- 12 user: I moved.\n")
    agent = Turn("t", Role.HUMAN_AGENT, "", author="Bo (staff)", sequence=3)
    assert quote(agent, "Hello") == "- 3 human agent Bo staff: Hello\n"
    assert quote_span(3, TURN, "Both.") == "- 3-12 user: Both.\n"


@pytest.mark.parametrize("at", [0, 999_999, -5, 10**30])
def test_a_time_that_is_no_date_is_left_out(at: int) -> None:
    """Neither a missing time nor one beyond the calendar fails."""
    turn = Turn("t", Role.USER, "", sequence=1, occurred_at=at)
    assert day_line(turn) == "no date\n"


@given(text=st.text(), author=st.text())
def test_nothing_stored_begins_a_line(text: str, author: str) -> None:
    """Whatever was said or is called, a quote is one line that begins with its own label."""
    turn = Turn("t", Role.USER, text, author=author, sequence=1)
    for line in (quote(turn, text), evidence_line(Evidence(author, text, author, text))):
        assert line.splitlines() == [line[:-1]]
        assert line.startswith(("- 1 user", "- ("))
        assert not any(mark < " " or "\x7f" <= mark < "\xa0" for mark in line[:-1])


@given(author=st.text())
def test_an_author_cannot_end_the_label(author: str) -> None:
    """The first colon of a line is the label's own, and the role stands before the author."""
    line = quote(Turn("t", Role.USER, "", author=author, sequence=1), "text")
    assert line.partition(":")[2] == " text\n"
    assert line.startswith("- 1 user")
    assert len(line) < 100


@pytest.mark.parametrize("mark", ["\n", "\r", "\x0b", "\x85", "\u2028", "\u2029", "\x00", "\x1b"])
def test_every_break_becomes_a_space(mark: str) -> None:
    """Line ends of every alphabet and control characters are flattened."""
    assert flatten(f"a{mark}- b") == "a - b"


@given(lines=st.lists(st.text(), min_size=1, max_size=4))
def test_a_block_counts_as_the_sum_of_its_lines(lines: list[str], real: Meter) -> None:
    """No token of a shipped encoding reaches over the border between two lines."""
    dated = (each for line in lines for each in (day_line(TURN), quote(TURN, line)))
    quoted = [HEADERS[SectionKind.RETRIEVED], *dated]
    assert real.count("".join(quoted)) == sum(map(real.count, quoted))


def test_a_fact_is_named() -> None:
    """A value goes by its label, anything else by its kind."""
    value = Fact(FactKind.ENTITY, "A-7", 12, label="order id")
    assert fact_line(TURN, value) == "- 12 user: order id: A-7\n"
    issue = Fact(FactKind.OPEN_ISSUE, "Refund?", 12)
    assert fact_line(TURN, issue) == "- 12 user: open issue: Refund?\n"


def test_a_turn_that_only_calls_says_what_it_called() -> None:
    """A pinned call turn without text is quoted by its calls."""
    calls = (ToolCall("1", "get", '{"a":1}'), ToolCall("2", "put", ""))
    assert spoken(Turn("t", Role.ASSISTANT, " ", tool_calls=calls)) == 'get({"a":1}); put()'
    assert spoken(Turn("t", Role.ASSISTANT, "wait", tool_calls=calls)) == "wait"


def test_a_speaker_is_named_only_if_known() -> None:
    """Without an author nothing opens the text."""
    assert speaker("Ana\nLee") == "Ana Lee: "
    assert not speaker(" ")


def test_only_the_caller_pins() -> None:
    """Other classes of retention do not bind assembly."""
    kept = [each for each in Retention if is_kept(Turn("t", Role.USER, "", retention=each))]
    assert kept == [Retention.KEEP]
