"""Choosing among a fold's facts takes milliseconds: never on the event loop, and once."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine import composing, noticing, sessions
from contextd.engine.choosing import REMEMBERED, Choices
from contextd.engine.maintain import Maintain
from contextd.model import Budget, Fact, FactKind, Tier
from contextd.policy.facts.facts import Ranked
from contextd.policy.folding import heeded
from contextd.testing.fakes import WordTokenizer
from tests.engine.kit import KEY, Engine, bot, build_request, record_request, run, user

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from contextd.model import Sentence, Turn
    from contextd.policy.facts.facts import WeighAgain
    from contextd.policy.meter import Meter

LARGE = Budget("words", 2_000, 0)


class Watched:
    """Notes which thread ranked, and how many facts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.on_loop: list[bool] = []
        self.facts: list[int] = []
        monkeypatch.setattr(sessions, "Ranked", self._ranked)

    def _ranked(
        self, facts: tuple[Fact, ...], turns: Sequence[Turn], meter: Meter, again: WeighAgain
    ) -> Ranked:
        self.on_loop.append(threading.current_thread() is threading.main_thread())
        self.facts.append(len(facts))
        return Ranked(facts, turns, meter, again)


async def long_talk(engine: Engine) -> None:
    """Record many orders, folded at the end."""
    for at in range(60):
        asked = user(f"My order W{at}123 for Hill Road {at} is late, and so is K-{at}77.")
        await engine.record(record_request(asked, bot("Let me look into that for you.")))
    await engine.fold(KEY)


def test_the_event_loop_never_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread does, for the first message of its kind; those that follow find it chosen."""

    async def main() -> None:
        engine, watched = Engine(), Watched(monkeypatch)
        await long_talk(engine)
        await engine.build(build_request("Where do we stand?", budget=LARGE))
        chosen = len(watched.facts)
        await engine.build(build_request("What is open still?", budget=LARGE))
        assert max(watched.facts) > 50
        assert not any(watched.on_loop)
        assert len(watched.facts) == chosen

    run(main())


def test_recording_finds_the_facts_chosen_with_the_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pressure of a turn counts the key facts; the fold chose them in its own thread."""

    async def main() -> None:
        engine, watched = Engine(), Watched(monkeypatch)
        await long_talk(engine)
        await engine.record(record_request(user("And now?")))
        assert watched.facts
        assert not any(watched.on_loop)

    run(main())


async def short_talk(engine: Engine) -> None:
    """Record orders, folded whenever that is due."""
    for at in range(30):
        asked = user(f"My order W{at}123 for Hill Road {at} is late, and so is K-{at}77.")
        await engine.record(record_request(asked, bot("Let me look into that for you.")))
        await engine.fold(KEY)


def test_key_facts_that_no_prompt_tells_are_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the mark of `KEY_FACTS` a fold's facts wait, unchosen."""

    async def main() -> None:
        engine, watched = Engine(), Watched(monkeypatch)
        await short_talk(engine)
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        assert view.state.fold is not None
        assert view.state.tier is Tier.SUMMARY
        assert not watched.facts

    run(main())


def test_key_facts_are_chosen_before_their_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Near the mark of `KEY_FACTS` those in force and those prepared are, in a thread."""

    async def main() -> None:
        engine, watched = Engine(), Watched(monkeypatch)
        await short_talk(engine)
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        while view.state.pressure < 0.74:
            await engine.record(record_request(user("It is the order for Hill Road, of course.")))
        assert view.state.tier is Tier.SUMMARY
        before = view.state.fold
        fold = await engine.fold(KEY)
        assert before is not None
        assert fold is not None
        assert watched.facts == [len(before.facts), len(fold.facts)]
        assert not any(watched.on_loop)

    run(main())


def test_a_question_about_a_detail_folds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the turns that give way to its passages only what binds is read, once and in a thread."""
    folded, read = [], []

    def reading(turn: Turn) -> tuple[Sentence, ...]:
        read.append((turn.sequence, threading.current_thread() is threading.main_thread()))
        return heeded(turn)

    monkeypatch.setattr(noticing, "heeded", reading)
    monkeypatch.setattr(composing, "extract", lambda *_, **__: folded.append(1))

    async def main() -> None:
        engine = Engine()
        await long_talk(engine)
        for at in range(8):
            await engine.record(record_request(user(f"Always use gate {at}."), bot("I will.")))
        asked = build_request("Which order was for Hill Road 7?", budget=LARGE)
        answers = [await engine.build(asked) for _ in range(2)]
        assert answers[0].context == answers[1].context
        assert "Always use gate 1." in "".join(each.text for each in answers[0].context.messages)
        sequences = [sequence for sequence, _ in read]
        assert sequences
        assert len(set(sequences)) == len(sequences)
        assert not any(on_loop for _, on_loop in read)
        assert not folded

    run(main())


def test_a_fold_that_contexts_were_asked_of_is_ranked_when_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next message leaves some room for its facts, and does not wait for their order."""

    async def main() -> None:
        engine, watched = Engine(), Watched(monkeypatch)
        await engine.record(record_request(user("My order W77123 is late.")))
        await engine.build(build_request("Where is it?", budget=LARGE))
        await long_talk(engine)
        ranked = len(watched.facts)
        assert ranked
        await engine.build(build_request("Where do we stand?", budget=LARGE))
        assert len(watched.facts) == ranked
        assert not any(watched.on_loop)

    run(main())


def test_what_binds_is_read_before_a_message_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """After each turn, so that a question about a detail finds it."""
    read = []

    def reading(turn: Turn) -> tuple[Sentence, ...]:
        read.append(turn.sequence)
        return heeded(turn)

    async def main() -> None:
        engine = Engine()
        await long_talk(engine)
        for at in range(8):
            await engine.record(record_request(user(f"Always use gate {at}."), bot("I will.")))
        await Maintain(engine.sessions, engine.build.indexer, engine.fold, engine.policies)(KEY)
        monkeypatch.setattr(noticing, "heeded", reading)
        await engine.build(build_request("Which order was for Hill Road 7?", budget=LARGE))
        assert not read

    run(main())


def test_only_so_many_rankings_are_remembered() -> None:
    """The oldest go, and none is taken for another."""
    choices, ranked = Choices(), []

    def facts(text: str) -> tuple[Fact, ...]:
        return tuple(Fact(FactKind.ENTITY, f"{text}{at}", 1, "id") for at in range(20))

    def rank(some: tuple[Fact, ...]) -> Ranked:
        ranked.append(some)
        return Ranked(some, [user("x")], WordTokenizer())

    every = [facts(str(at)) for at in range(REMEMBERED + 1)]
    for some in every:
        assert choices.ranked(some, partial(rank, some)).facts is some
    assert not choices.known(every[0])
    assert all(choices.known(some) for some in every[1:])
    assert choices.known(tuple(every[-1]))
    assert not choices.known(every[-1][1:])
    choices.ranked(every[-1], partial(rank, every[-1]))
    assert ranked == every
