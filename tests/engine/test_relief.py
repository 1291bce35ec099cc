"""What an answer does without while calls are kept waiting, and that it says so."""

from __future__ import annotations

import pytest

from contextd.engine.meaning import FineModel
from contextd.model import Built, Relief, Rung, SectionKind
from tests.engine.fine import FineEmbedder, refine
from tests.engine.kit import Engine, build_request, run

QUESTION = "What was question 3 about word3x1?"


def pressed(built: Built) -> list[str]:
    """Return what was given up for want of time."""
    found = [each.code for each in built.degradations]
    return [code for code in found if code.startswith("PRESSURE_")]


def verbatim(built: Built) -> int:
    """Return how many turns stand as they were said."""
    sections = [each for each in built.context.sections if each.kind is SectionKind.VERBATIM]
    return sum(len(section.sequences) for section in sections)


@pytest.mark.parametrize(
    ("relief", "rung", "code"),
    [
        (Relief.NO_TRANSFORMER, Rung.STATIC, "PRESSURE_STATIC_ONLY"),
        (Relief.WORDS_ONLY, Rung.LEXICAL, "PRESSURE_WORDS_ONLY"),
        (Relief.NO_SEARCH, Rung.NONE, "PRESSURE_NO_SEARCH"),
    ],
)
def test_each_rung_is_named_and_left_again(relief: Relief, rung: Rung, code: str) -> None:
    """The model is not asked, the answer names what it lacks; later nothing is lacking."""

    async def main() -> None:
        embedder = FineEmbedder()
        engine = Engine(fine=FineModel(embedder))
        await engine.chat(30)
        await engine.build(build_request("Nothing in particular"))
        await refine(engine)
        whole = await engine.build(build_request(QUESTION))
        asked = len(embedder.texts)
        engine.relief = relief
        less = await engine.build(build_request(QUESTION + " Please."))
        assert (less.rung, pressed(less)) == (rung, [code])
        assert len(embedder.texts) == asked
        assert engine.observer.labelled["degradations", (("code", code),)] == 1
        engine.relief = Relief.NONE
        again = await engine.build(build_request(QUESTION))
        assert (again.rung, pressed(again)) == (Rung.TRANSFORMER, [])
        assert again.context == whole.context

    run(main())


def test_without_a_search_the_newest_turns_get_the_room() -> None:
    """No passage is looked up then, and more stands as it was said."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(30)
        whole = await engine.build(build_request(QUESTION))
        engine.relief = Relief.NO_SEARCH
        less = await engine.build(build_request(QUESTION))
        assert verbatim(less) > verbatim(whole)
        assert less.context.token_count <= less.context.input_budget_tokens

    run(main())


@pytest.mark.parametrize("relief", Relief)
def test_what_would_not_be_searched_lacks_nothing(relief: Relief) -> None:
    """A short session stands verbatim, busy or not."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(1)
        engine.relief = relief
        assert pressed(await engine.build(build_request(QUESTION))) == []

    run(main())


def test_without_a_transformer_its_loss_is_none() -> None:
    """Configured to stand on the static rung, an answer misses nothing on it."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(30)
        engine.relief = Relief.NO_TRANSFORMER
        built = await engine.build(build_request(QUESTION))
        assert (built.rung, pressed(built)) == (Rung.STATIC, [])

    run(main())
