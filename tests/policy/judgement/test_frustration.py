from __future__ import annotations

import pytest

from contextd.policy.judgement.frustration import frustration, mood
from contextd.policy.reading.utterance import hear


def heat(*texts: str, repeats: int = 2) -> float:
    """The strength after a customer said *texts*."""
    return frustration([mood(hear(text)) for text in texts], repeats)[0]


@pytest.mark.parametrize(
    "text",
    [
        "This is ridiculous, I have told you three times already!!!",
        "YOUR SERVICE IS USELESS AND I AM SICK OF IT",
        "Your support is really terrible",
        "worst customer service ever",
        "Are you even reading? I said no. This is the fourth time, what a waste of time.",
    ],
)
def test_an_angry_message_is_enough(text: str) -> None:
    """Strong words together with repeats or shouting are advice by themselves."""
    assert heat(text) >= 0.6


@pytest.mark.parametrize(
    "text",
    [
        "Thanks, that is great!",
        "I am a bit disappointed with the colour.",
        "What is your FAQ about VAT?",
        "My order is late, where is it?",
        "OK",
        "PNR XKCD42",
        "This is useless",
        "The weather was terrible, is your terrace open?",
    ],
)
def test_a_calm_message_is_not_frustration(text: str) -> None:
    """A complaint in plain words, a shout of one word or an acronym is no alarm."""
    assert heat(text) < 0.6


def test_a_repeated_question_counts() -> None:
    """Asking the same in nearly the same words shows, with both places."""
    question = "When will my refund for order 1207 arrive?"
    strength, why, shown = frustration(
        [mood(hear(text)) for text in (question, "The order number is 1207", f"{question} Hello?")],
        2,
    )
    assert strength >= 0.4
    assert "repeats" in why
    assert shown == (0, 2)


def test_other_questions_are_no_repeat() -> None:
    """Different questions about the same order do not add up."""
    assert heat("When will my order 1207 arrive?", "Can I change the address of order 1207?") == 0


def test_anger_fades() -> None:
    """What was said in anger counts less with every calm message after it."""
    angry = "This is ridiculous, you are useless!!"
    calm = ["My order number is 1207", "The blue one", "Size forty two"]
    levels = [heat(angry, *calm[:count]) for count in range(4)]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < levels[0] / 2


def test_growing_anger_adds_up() -> None:
    """Two annoyed messages weigh more than either alone."""
    first, second = "This is so frustrating", "I already told you my number"
    assert heat(first, second) > max(heat(first), heat(second))
