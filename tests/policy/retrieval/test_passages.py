from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.model import Role, ToolCall, Turn
from contextd.policy.quoting import quote
from contextd.policy.retrieval.passages import MAX_PASSAGES, Passage, cut
from contextd.policy.rules import RetrievalRules

RULES = RetrievalRules(passage_words=20)
MEGABYTE = 1_000_000


def pieces(text: str, role: Role = Role.USER) -> list[str]:
    """Cut a turn and return the texts."""
    return [passage.text for passage in passages(Turn("t", role, text, sequence=7))]


def passages(turn: Turn) -> tuple[Passage, ...]:
    """Cut *turn* with a meter that counts characters."""
    return cut(turn, rules=RULES, count=len)


def test_short_turn_is_one_passage() -> None:
    """A short turn stays whole, its ends stripped."""
    assert pieces("  My order is late.\nIt was promised for Monday. ") == [
        "My order is late.\nIt was promised for Monday."
    ]


@pytest.mark.parametrize("text", ["", " ", "\n\t\n", "\u3000"])
def test_blank_turn_has_no_passage(text: str) -> None:
    """A turn that says nothing is not searched."""
    assert pieces(text) == []


def test_long_turn_is_cut_at_sentences() -> None:
    """A long turn gives several pieces, each beginning and ending where a sentence does."""
    said = " ".join(f"Parcel {n} went{' on' * (n % 7)} from Leeds to Kyiv." for n in range(40))
    found = pieces(said)
    assert len(found) > 8
    assert all(piece.startswith("Parcel") and piece.endswith("Kyiv.") for piece in found)
    assert " ".join(found) == said


def test_json_is_cut_between_members() -> None:
    """Tool output on one line is cut where a member or an element begins."""
    items = [{"item_id": str(n), "options": {"size": "large", "color": "red"}} for n in range(12)]
    found = pieces(json.dumps({"order_id": "#W1", "items": items}), Role.TOOL)
    assert len(found) > 3
    assert all(piece[0] in '{["' for piece in found)


def test_tool_calls_are_passages() -> None:
    """What an assistant turn called, and with which values, can be found."""
    call = ToolCall("c1", "cancel_order", '{"order_id": "#W2378156"}')
    turn = Turn("t", Role.ASSISTANT, "", tool_calls=(call,), sequence=3)
    assert [passage.text for passage in passages(turn)] == [
        'cancel_order {"order_id": "#W2378156"}'
    ]


def test_passage_is_the_line_of_the_prompt() -> None:
    """A passage carries its quoted line and the tokens of that line."""
    turn = Turn("t", Role.USER, "I live\nin Kyiv", author="Ann", occurred_at=5, sequence=9)
    line = quote(turn, "I live\nin Kyiv")
    assert passages(turn) == (Passage(turn, 0, "I live\nin Kyiv", line, len(line)),)


@pytest.mark.parametrize(
    "text",
    [
        "a" * MEGABYTE,
        "a " * (MEGABYTE // 2),
        "a\n" * (MEGABYTE // 2),
        "." * MEGABYTE,
        ". " * (MEGABYTE // 2),
        " " * MEGABYTE + "x",
        "\n" * MEGABYTE + "x",
        '{"a":' * (MEGABYTE // 5),
        "}" * MEGABYTE,
        ',"' * (MEGABYTE // 2),
        "\u6f22" * (MEGABYTE // 3),
        "\u3002" * (MEGABYTE // 3),
        "\ud800" * (MEGABYTE // 3),
        "e" + "\u0301\u0316" * (MEGABYTE // 4),
    ],
    ids=lambda text: repr(text[:6]),
)
def test_huge_turn_gives_a_bounded_number_of_passages(text: str) -> None:
    """A megabyte of anything is cut in time, into a bounded number of passages."""
    found = passages(Turn("t", Role.USER, text, sequence=1))
    assert 1 <= len(found) <= 2 * MAX_PASSAGES + 1
    assert max(len(passage.text) for passage in found) <= 4 * MEGABYTE // MAX_PASSAGES


@given(st.text(st.sampled_from('ab .,\n"{}[]é漢。\ud800'), max_size=600))
def test_nothing_is_lost(text: str) -> None:
    """The passages of a turn hold its text in order; only white space goes."""
    assert "".join("".join(pieces(text)).split()) == "".join(text.split())


@given(st.text(max_size=400))
def test_no_passage_is_much_longer_than_asked(text: str) -> None:
    """A passage exceeds the size asked for by less than its half."""
    limit = RULES.passage_words * 6 * 1.5
    assert all(len(piece.encode("utf-8", "surrogatepass")) <= limit for piece in pieces(text * 9))
