"""Which conversations of an account bear on a message, on a sample of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from contextd.embedders.static import StaticEmbedder
from contextd.model import AccountConversation, Recap, Recollection
from contextd.policy.retrieval.recaps import (
    RecapIndex,
    recollected,
    refers_back,
    repeated,
    texts_of,
)
from contextd.policy.rules import AccountRules

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data" / "returning.json").read_text("utf-8")
)
RULES = AccountRules()
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def ask() -> Callable[[str], tuple[Recollection, ...]]:
    """Return what is relevant to a message among the recaps of the sample, oldest first."""
    embedder, index = StaticEmbedder(), RecapIndex()
    known = [
        AccountConversation(name, 0, 1, Recap(3, text, at=at * DAY))
        for at, (name, text) in enumerate(SAMPLE["recaps"].items(), 1)
    ]
    index.put(index.lacking(known), embedder.embed(texts_of(known)))
    return lambda text: index.relevant(text, embedder.embed([text])[0], "")


def test_messages_find_the_conversation_they_are_about(
    ask: Callable[[str], tuple[Recollection, ...]],
) -> None:
    """Of 21 messages 18 clear the bar, with the right conversation first."""
    hits = 0
    for name, messages in SAMPLE["messages"].items():
        for text in messages if name != "none" else ():
            told = recollected(ask(text), RULES)
            hits += bool(told) and told[0].conversation_id == name
    assert hits >= 18


def test_messages_about_something_else_find_none(
    ask: Callable[[str], tuple[Recollection, ...]],
) -> None:
    """Of 20 unrelated messages at most 3 clear the bar."""
    wrong = [text for text in SAMPLE["messages"]["none"] if recollected(ask(text), RULES)]
    assert len(wrong) <= 3, wrong


def test_who_speaks_of_last_time_means_the_newest(
    ask: Callable[[str], tuple[Recollection, ...]],
) -> None:
    """English phrases for an earlier contact are known, and mere time is none."""
    assert [text for text in SAMPLE["refers"]["yes"] if not refers_back(text)] == []
    assert [text for text in SAMPLE["refers"]["no"] if refers_back(text)] == []
    found = recollected(ask("As I said last time, it does not work."), RULES)
    assert [each.conversation_id for each in found] == ["flight"]


def test_a_repeat_is_within_the_window_and_alike() -> None:
    """Days are whole ones; a later clock of the caller does not make them negative."""

    def at(score: float, days: float) -> object:
        item = Recollection("c", Recap(1, "x", at=10 * DAY), score)
        found = repeated((item,), int((10 + days) * DAY), RULES)
        return found and found.days

    assert at(0.7, 29.9) == 29
    assert at(0.7, 30.9) == 30
    assert at(0.7, 31) is None
    assert at(0.69, 1) is None
    assert at(0.9, -3) == 0


def test_what_is_forgotten_is_gone_from_the_index() -> None:
    """Only the conversations that are still there are held, in their newest version."""
    embedder, index = StaticEmbedder(), RecapIndex()

    def known(name: str, text: str) -> AccountConversation:
        return AccountConversation(name, 0, 1, Recap(1, text))

    old = [known("a", "the lamp"), known("b", "the kettle | the toaster"), known("c", "the chair")]
    index.put(old, embedder.embed(texts_of(old)))
    assert not index.lacking(old)
    newer = [known("b", "the oven")]
    assert index.lacking(newer) == tuple(newer)
    index.put(newer, embedder.embed(texts_of(newer)))
    index.keep(newer)
    assert len(index) == 1
    found = index.relevant("the oven", embedder.embed(["the oven"])[0], "")
    assert [each.recap.text for each in found] == ["the oven"]
    assert index.relevant("the oven", None, "b") == ()
