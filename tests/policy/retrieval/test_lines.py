from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contextd.model import Role, ToolCall, Turn
from contextd.policy.retrieval.lines import Lines
from contextd.policy.retrieval.passages import cut
from contextd.policy.rules import RetrievalRules

RULES = RetrievalRules(passage_words=3)

TEXTS = st.text(st.sampled_from("ab .,\n\t\x00\u00a0\u3000\u00e9:漢"), max_size=120)
CALLS = st.lists(st.builds(ToolCall, st.just("c"), st.text("ab ", max_size=3), TEXTS), max_size=2)
TURNS = st.builds(
    Turn,
    turn_id=st.just("t"),
    role=st.sampled_from([Role.USER, Role.ASSISTANT, Role.HUMAN_AGENT]),
    text=TEXTS,
    author=st.text("Ann: \n", max_size=8),
    tool_calls=CALLS.map(tuple),
    sequence=st.integers(1, 999),
)


@given(st.lists(TURNS, max_size=5))
def test_a_line_made_again_is_what_was_counted(turns: list[Turn]) -> None:
    """Whatever a turn says, the line of each of its passages is the one that was cut."""
    lines = Lines()
    passages = [each for turn in turns for each in cut(turn, rules=RULES, count=len)]
    lines.extend(passages)
    cut_then = [passage.line for passage in passages]
    assert list(lines) == cut_then
    assert lines[1:] == cut_then[1:]
    assert len(lines) == len(cut_then)


def test_a_negative_number_counts_from_the_end() -> None:
    """`lines[-1]` is the line of the newest passage."""
    lines = Lines()
    for number, text in enumerate(("one two three. " * 9, "the end"), 1):
        lines.extend(cut(Turn("t", Role.USER, text, sequence=number), rules=RULES, count=len))
    assert lines[-1] == "- 2 user: the end\n"
