"""Facts of a fold as they compete for the next one, remembered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contextd.engine import carrying
from contextd.engine.carrying import Carried
from contextd.model import Fact, FactKind
from contextd.policy.facts.facts import weighed_again
from contextd.policy.folding import extract
from tests.engine.kit import KEY, Engine, bot, record_request, run, user

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from contextd.model import Turn
    from contextd.policy.facts.candidates import Candidate


async def folded_talk(engine: Engine, exchanges: int) -> int:
    """Record orders, folded whenever that is due; say how often it was."""
    folds = 0
    for at in range(exchanges):
        asked = user(f"My order W{at}123 for Hill Road {at} is late, and so is K-{at}77.")
        await engine.record(record_request(asked, bot("Let me look into that for you.")))
        folds += await engine.fold(KEY) is not None
    return folds


def test_a_fact_carried_over_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many folds a fact goes through, its words are read for the first one alone."""
    read: list[Fact] = []

    def reading(fact: Fact, said_in: Turn) -> Iterator[Candidate]:
        read.append(fact)
        return weighed_again(fact, said_in)

    monkeypatch.setattr(carrying, "weighed_again", reading)

    async def main() -> None:
        assert await folded_talk(Engine(), 60) > 4
        assert len(read) > 50
        assert len({id(fact) for fact in read}) == len(read)

    run(main())


def test_a_fold_is_the_same_from_memory() -> None:
    """What is remembered of facts changes no fold."""

    async def main() -> None:
        engine = Engine()
        await folded_talk(engine, 60)
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        assert len(view.carried) > 20
        for kept in (9, 5, 1):
            through = len(view.state.turns) - kept
            given: dict[str, Any] = {"rules": engine.rules, "meter": view.tokenizer}
            again = extract(view.state, through, again=view.carried, **given)
            anew = extract(view.state, through, **given)
            assert again == anew
            weights = [[fact.weight for fact in fold.facts] for fold in (again, anew)]
            assert weights[0] == weights[1]

    run(main())


def test_no_more_is_remembered_than_folds_hold() -> None:
    """Facts that no fold holds any more are forgotten, and what is kept counts as memory."""

    async def main() -> None:
        engine = Engine()
        await folded_talk(engine, 120)
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        folds = [fold for fold in (view.state.fold, view.state.prepared) if fold is not None]
        assert 0 < len(view.carried) <= sum(len(fold.facts) for fold in folds)
        size = view.size_bytes
        view.carried.keep(())
        assert not len(view.carried)
        assert view.size_bytes < size

    run(main())


def test_another_fact_of_the_same_words_is_read_anew() -> None:
    """A fact that was weighed anew has another weight, though it states the same."""
    carried, said_in = Carried(), replace(user("I live in Hill Road 7."), sequence=1)
    first, second = (Fact(FactKind.ENTITY, "Hill Road", 1, "said", at) for at in (1.0, 2.0))
    assert first == second
    weights = [carried(fact, said_in)[0].weight for fact in (first, second, first)]
    assert weights == [1.0, 2.0, 1.0]
