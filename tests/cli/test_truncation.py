from __future__ import annotations

from contextd.cli.player import Sent
from contextd.cli.truncation import compare
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb


def history(*tokens: int) -> list[Sent]:
    """Turns that cost *tokens* each."""
    return [Sent(common.Turn(turn_id=f"t{n}"), n, cost) for n, cost in enumerate(tokens, start=1)]


def answer(budget: int, pinned: str = "") -> pb.BuildContextResponse:
    """A context of a system prompt (10 tokens), perhaps pinned lines (20), a message (5)."""
    messages = [
        pb.Message(section=pb.SECTION_KIND_SYSTEM, tokens=10),
        pb.Message(section=pb.SECTION_KIND_MESSAGE, tokens=5),
    ]
    if pinned:
        messages.insert(1, pb.Message(section=pb.SECTION_KIND_PINNED, tokens=20, text=pinned))
    total = sum(message.tokens for message in messages) + 3
    return pb.BuildContextResponse(messages=messages, token_count=total, input_budget_tokens=budget)


def test_truncation_keeps_the_newest_turns_that_fit() -> None:
    """It stops at the first turn that does not fit, as a cut of the list does."""
    found = compare(answer(budget=18 + 30), history(1, 25, 10, 20))
    assert (found.truncated_turns, found.truncated_tokens, found.lost_turns) == (2, 48, 2)


def test_truncation_loses_nothing_while_everything_fits() -> None:
    """A short conversation is sent whole."""
    found = compare(answer(budget=100), history(10, 20))
    assert (found.truncated_turns, found.lost_turns, found.carried) == (2, 0, ())


def test_only_what_truncation_loses_counts_as_carried() -> None:
    """A line that quotes a turn which truncation sends as well is no gain."""
    pinned = (
        "Kept word for word:\n2024-06-03\n- 1 user Maya: by e-mail only\n"
        "- 2 assistant: I will (see: turn 1, really) refund it\n"
        "- 3 user: first one kept\n- 4 user: newest\n"
    )
    found = compare(answer(budget=48, pinned=pinned), history(1, 25, 10, 20))
    assert [(line.section, line.sequence, line.text) for line in found.carried] == [
        ("pinned", 1, "by e-mail only"),
        ("pinned", 2, "I will (see: turn 1, really) refund it"),
    ]
    assert found.carried_turns == 2


def test_a_budget_that_holds_no_turn_loses_them_all() -> None:
    """The newest turn may be too large by itself."""
    found = compare(answer(budget=20), history(5, 50))
    assert (found.truncated_turns, found.lost_turns) == (0, 2)
