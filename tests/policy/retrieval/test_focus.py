from __future__ import annotations

import pytest

from contextd.model import Focus
from contextd.policy.retrieval.focus import focus_of


@pytest.mark.parametrize(
    ("message", "focus"),
    [
        ("When did we move the launch of the tram app?", Focus.DETAIL),
        ("Remind me which invoice was wrong", Focus.DETAIL),
        ("¿Cuándo llega mi pedido 4711?", Focus.DETAIL),
        ("Is it the blue kettle from Leipzig that leaks?", Focus.DETAIL),
        ("And the second one?", Focus.PRESENT),
        ("How much is it?", Focus.PRESENT),
        ("Please change my address to Harbour Road 21.", Focus.PRESENT),
        ("My kettle leaks again.", Focus.PRESENT),
        ("thanks!", Focus.PRESENT),
        ("", Focus.PRESENT),
        ("Where do we stand?", Focus.WHOLE),
        ("What did you say so far?", Focus.WHOLE),
        (None, Focus.WHOLE),
    ],
)
def test_what_a_message_is_about(message: str | None, focus: Focus) -> None:
    """A detail is asked for by a question with words of its own, leaning on nothing."""
    assert focus_of(message) is focus


def test_only_the_beginning_is_read() -> None:
    """A pasted document neither takes long nor decides."""
    assert focus_of("My report. " * 100_000 + "What is in it?") is Focus.PRESENT
