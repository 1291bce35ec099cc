"""The ladder of retrieval: which rung an answer stands on, and what it says about that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from contextd.engine.meaning import WAITING_QUERIES, FineModel, Patience
from contextd.model import Rung
from tests.engine.fine import FineEmbedder, refine, until
from tests.engine.kit import KEY, Engine, build_request, run

if TYPE_CHECKING:
    from contextd.model import Built

QUESTION = "What was question 3 about word3x1?"


def codes(built: Built) -> list[str]:
    """Return what the search lacked."""
    found = [each.code for each in built.degradations]
    return [code for code in found if code != "FOLDED_ON_THE_FLY"]


async def refined(engine: Engine, exchanges: int = 30) -> None:
    """Record a session that is folded, index it, and give all its turns fine vectors."""
    await engine.chat(exchanges)
    await engine.build(build_request("Nothing in particular"))
    await refine(engine)


def test_without_a_finer_model_nothing_is_lacking() -> None:
    """Configured to stand on the static rung, an answer does not complain of it."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(30)
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, codes(built)) == (Rung.STATIC, [])
        assert engine.observer.labelled["retrievals", (("rung", "static"),)] == 1

    run(main())


def test_nothing_to_search_is_no_rung() -> None:
    """A short session, all of it verbatim, needs no model."""

    async def main() -> None:
        embedder = FineEmbedder()
        engine = Engine(fine=FineModel(embedder))
        await engine.chat(1)
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, codes(built), embedder.texts) == (Rung.NONE, [], [])

    run(main())


def test_the_transformer_answers_when_all_is_there() -> None:
    """With vectors of the turns and of the query nothing is lacking."""

    async def main() -> None:
        engine = Engine(fine=FineModel(FineEmbedder()))
        await refined(engine)
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, codes(built)) == (Rung.TRANSFORMER, [])

    run(main())


def test_a_model_that_is_still_loading() -> None:
    """Until the model is loaded static vectors decide, and from then on it does."""

    async def main() -> None:
        model = FineModel()
        engine = Engine(fine=model)
        await engine.chat(30)
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, codes(built)) == (Rung.STATIC, ["TRANSFORMER_LOADING"])
        model.loaded(FineEmbedder())
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, codes(built)) == (Rung.STATIC, ["TRANSFORMER_BEHIND"])
        await refine(engine)
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, codes(built)) == (Rung.TRANSFORMER, [])

    run(main())


def test_a_model_that_cannot_be_loaded() -> None:
    """An answer says for good that the transformer is not there."""

    async def main() -> None:
        model = FineModel()
        model.failed = True
        engine = Engine(fine=model)
        await engine.chat(30)
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, codes(built)) == (Rung.STATIC, ["TRANSFORMER_UNAVAILABLE"])

    run(main())


def test_some_turns_are_behind() -> None:
    """Where only some turns have fine vectors, those are used, and the answer says so."""

    async def main() -> None:
        engine = Engine(fine=FineModel(FineEmbedder()))
        await refined(engine)
        await engine.chat(20, first=31)
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, codes(built)) == (Rung.TRANSFORMER, ["TRANSFORMER_BEHIND"])

    run(main())


@pytest.mark.parametrize(
    ("patience", "deadline"),
    [(Patience(seconds=0.02), None), (Patience(share=0.001, seconds=30), 20.0)],
)
def test_a_late_query_vector_is_not_waited_for(patience: Patience, deadline: float | None) -> None:
    """A slow model costs its share of the deadline, not the answer; its vector is kept."""

    async def main() -> None:
        embedder = FineEmbedder()
        engine = Engine(fine=FineModel(embedder), patience=patience)
        await refined(engine)
        embedder.going.clear()
        late = await engine.build(build_request(QUESTION), deadline)
        embedder.going.set()
        assert (late.rung, codes(late)) == (Rung.STATIC, ["TRANSFORMER_LATE"])
        await until(lambda: engine.build.meaning._known)
        asked = len(embedder.texts)
        again = await engine.build(build_request(QUESTION), deadline)
        assert (again.rung, codes(again)) == (Rung.TRANSFORMER, [])
        assert len(embedder.texts) == asked
        assert engine.observer.labelled["query_vectors", (("outcome", "late"),)] == 1
        assert engine.observer.labelled["query_vectors", (("outcome", "cached"),)] == 1

    run(main())


def test_the_same_query_is_computed_once() -> None:
    """Calls at the same time share one computation."""

    async def main() -> None:
        embedder = FineEmbedder()
        engine = Engine(fine=FineModel(embedder))
        await refined(engine)
        before = len(embedder.texts)
        answers = await asyncio.gather(*(engine.build(build_request(QUESTION)) for _ in range(5)))
        assert {each.rung for each in answers} == {Rung.TRANSFORMER}
        assert len(embedder.texts) == before + 1

    run(main())


def test_long_queries_that_begin_alike_are_told_apart() -> None:
    """The cache knows a query by all that a model may read of it."""

    async def main() -> None:
        engine = Engine(fine=FineModel(FineEmbedder()))
        await refined(engine)
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        meaning = engine.build.meaning
        filler = " ".join(f"filler{at}" for at in range(500))
        one, other = [
            await meaning.of(f"{filler} {end}", view, before=10, left=None)
            for end in ("word1x1", "word2x2")
        ]
        assert one.vectors.fine is not None
        assert other.vectors.fine is not None
        assert (one.vectors.fine != other.vectors.fine).any()

    run(main())


def test_too_many_queries_do_not_queue_up() -> None:
    """While the model hangs, only so many queries wait for it; all are answered."""

    async def main() -> None:
        embedder = FineEmbedder()
        engine = Engine(fine=FineModel(embedder), patience=Patience(seconds=0.05))
        await refined(engine)
        embedder.going.clear()
        many = 3 * WAITING_QUERIES
        asking = [engine.build(build_request(f"{QUESTION} {at}")) for at in range(many)]
        answers = await asyncio.gather(*asking)
        before = len(embedder.texts)
        embedder.going.set()
        assert {each.rung for each in answers} == {Rung.STATIC}
        await until(lambda: not engine.build.meaning._asked)
        assert len(embedder.texts) <= before + WAITING_QUERIES

    run(main())


def test_a_query_that_breaks_the_model() -> None:
    """An error of the model is a late vector to the answer."""

    async def main() -> None:
        embedder = FineEmbedder()
        engine = Engine(fine=FineModel(embedder))
        await refined(engine)
        embedder.broken = "word3x1"
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, codes(built)) == (Rung.STATIC, ["TRANSFORMER_LATE"])

    run(main())


def test_words_alone_when_no_model_knows_the_query() -> None:
    """A query that is nothing to any model is searched by its words, and says so."""

    async def main() -> None:
        engine = Engine(fine=FineModel(FineEmbedder()))
        await refined(engine)
        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        meant = await engine.build.meaning.of("?!", view, before=10, left=None)
        assert (meant.vectors.static, meant.vectors.fine) == (None, None)
        assert meant.rung is Rung.LEXICAL
        assert [each.code for each in meant.degradations] == ["LEXICAL_ONLY"]

    run(main())
