from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from contextd.model import Message, Role, SectionKind, ToolCall
from contextd.policy.prompt.budget import message_cost
from contextd.policy.prompt.cutting import cut, shaped, squeeze
from contextd.policy.prompt.units import Unit
from contextd.policy.quoting import LONE_RESULT
from contextd.policy.rules import MessageCost
from contextd.testing.fakes import WordTokenizer
from contextd.tokenizers import open_tokenizers
from tests.policy.generated_sessions import said

WORDS = WordTokenizer()
COST = MessageCost()


@given(size=st.integers(0, 400), limit=st.integers(0, 300))
def test_a_cut_text_is_within_its_limit(size: int, limit: int) -> None:
    """A text that fits is unchanged; another keeps both ends around a mark."""
    text = said(size)
    found = cut(text, limit, WORDS)
    assert WORDS.count(found) <= limit
    if size <= limit:
        assert found == text
    elif limit > 8:
        assert re.search(r" \[… \d+ tokens cut …\] ", found)
        assert found.startswith(text[:3])
        assert found.endswith(text[-3:])
        assert WORDS.count(found) >= limit - 2


def test_a_cut_text_is_within_its_limit_in_real_tokens() -> None:
    """Ends that join otherwise than they were parted are counted again."""
    meter = open_tokenizers().for_model("gpt-4o")
    text = "漢字e\u0301🧑‍🚀 aaaa\n\n\n" * 200
    for limit in range(12, 200, 7):
        assert limit - 12 <= meter.count(cut(text, limit, meter)) <= limit


def test_the_mark_says_how_much_is_missing() -> None:
    """The number is what the whole has more than the ends."""
    assert cut(said(100), 45, WORDS).split("[… ")[1].startswith("60 tokens cut")


def message(text: str, role: Role = Role.TOOL, calls: tuple[ToolCall, ...] = ()) -> Message:
    """Return a counted message."""
    draft = Message(role, text, SectionKind.VERBATIM, 0, tool_calls=calls, sequences=(1,))
    tokens = message_cost(draft, WORDS, COST)
    return Message(role, text, SectionKind.VERBATIM, tokens, tool_calls=calls, sequences=(1,))


def test_a_shaped_message_keeps_its_least() -> None:
    """It is cut as little as the limit asks, and never below the least."""

    def shape(text: str) -> Message:
        return message(text, Role.USER)

    assert shaped(said(100), 60, 32, shape=shape, meter=WORDS).tokens == 60
    assert shaped(said(100), 0, 32, shape=shape, meter=WORDS).tokens == 32 + COST.message
    assert shaped(said(10), 0, 32, shape=shape, meter=WORDS).text == said(10)


def unit(*sizes: int, arguments: int = 1) -> Unit:
    """Return a call with results of so many words."""
    call = ToolCall("a", "f", said(arguments))
    results = (message(said(size)) for size in sizes)
    return Unit((message("", Role.ASSISTANT, (call,)), *results))


def test_what_fits_is_left_alone() -> None:
    """With room for everything nothing is cut."""
    given_units = (unit(100), unit(5, 5))
    found = squeeze(given_units, 1_000, meter=WORDS, cost=COST)
    assert found.units == given_units
    assert found.omitted == ()


def test_the_longest_text_loses_first() -> None:
    """A short result beside a huge one stays whole."""
    found = squeeze((unit(30, 900),), 300, meter=WORDS, cost=COST)
    sizes = [WORDS.count(each.text) for each in found.units[0].messages]
    assert sizes[:2] == [0, 30]
    assert sum(each.tokens for each in found.units[0].messages) <= 300
    assert sizes[2] > 200
    assert [item.reason for item in found.omitted] == ["TURN_CUT"]


def test_the_users_words_are_cut_last() -> None:
    """The tool's text makes room for what the user said."""
    words = Unit((message(said(200), Role.USER),))
    found = squeeze((words, unit(900)), 330, meter=WORDS, cost=COST)
    assert found.units[0] == words
    assert len(found.units) == 2


def test_a_unit_whose_calls_do_not_fit_is_left_out_whole() -> None:
    """Arguments are never cut; older units still get their chance."""
    small = unit(5)
    found = squeeze((small, unit(5, arguments=500)), 200, meter=WORDS, cost=COST)
    assert found.units == (small,)
    assert [(item.reason, item.tokens > 500) for item in found.omitted] == [("BUDGET", True)]


def test_newer_units_are_served_before_older_ones() -> None:
    """Without room for all, the newest stay."""
    found = squeeze(tuple(unit(60) for _ in range(9)), 250, meter=WORDS, cost=COST)
    assert 0 < len(found.units) < 9
    assert {item.reason for item in found.omitted[:2]} == {"BUDGET"}


def test_quoted_data_stays_quoted_when_cut() -> None:
    """The header and the one line remain."""
    lone = message(f"{LONE_RESULT}- 1 tool: {said(300)}\n", Role.USER)
    found = squeeze((Unit((lone,)),), 120, meter=WORDS, cost=COST)
    header, line = found.units[0].messages[0].text.splitlines()
    assert header + "\n" == LONE_RESULT
    assert line.startswith("- 1 tool: the order")
    assert "tokens cut" in line


@given(
    sizes=st.lists(st.lists(st.integers(0, 400), min_size=1, max_size=3), max_size=5),
    room=st.integers(0, 900),
)
def test_a_squeeze_never_takes_more_than_its_room(sizes: list[list[int]], room: int) -> None:
    """Whatever is kept fits, in its old order."""
    found = squeeze([unit(*each) for each in sizes], room, meter=WORDS, cost=COST)
    assert sum(each.tokens for each in found.units) <= room
    counted = [message_cost(m, WORDS, COST) for each in found.units for m in each.messages]
    assert sum(counted) == sum(each.tokens for each in found.units)
