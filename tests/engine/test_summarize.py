from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.engine.breaker import Breaker
from contextd.engine.indexing import Indexer
from contextd.engine.maintain import Maintain
from contextd.engine.summarize import SummarizeFold
from contextd.errors import RevisionConflict, SummarizerUnavailable
from contextd.events import Summarized
from contextd.model import Role, SectionKind
from contextd.policy.retelling.asking import MOST_UNFIT
from contextd.stores.memory import MemoryStore
from contextd.testing.fakes import HashEmbedder, ScriptedSummarizer
from tests.engine.kit import KEY, Engine, build_request, record_request, run, user

if TYPE_CHECKING:
    from contextd.model import Draft, Retelling, SessionKey
    from contextd.policy.state import SessionState
    from contextd.ports import Appended, Commit, Summarizer

GOOD = "The user asked about word1x1 and word2x1, and answers with word3x2 were given."
AGAIN = "The user went on about word40x1 and word41x1 and got answers with word42x2."
DOWN = SummarizerUnavailable("the summarizer failed: HTTP 503")


def verb(engine: Engine, summarizer: Summarizer, failures: int = 99) -> SummarizeFold:
    """Return the verb over *engine*, whose breaker opens after *failures*."""
    return SummarizeFold(
        sessions=engine.sessions,
        writer=engine.fold.writer,
        clock=engine.clock,
        observer=engine.observer,
        summarizer=summarizer,
        breaker=Breaker(lambda: engine.now, engine.observer, failures=failures, seconds=60),
        policies=engine.policies,
        input_tokens=8_000,
    )


async def state_of(engine: Engine) -> SessionState:
    """Return the session's newest state."""
    return (await engine.sessions.refresh(engine.sessions.get(KEY))).state


async def records(engine: Engine) -> list[Summarized]:
    """Return what the log says of models."""
    return [each for each in await engine.store.read(KEY) if isinstance(each, Summarized)]


async def folded(engine: Engine) -> None:
    """Make a session with a fold."""
    await engine.chat(30)
    assert await engine.fold(KEY) is not None


async def shown(engine: Engine) -> tuple[str, Role]:
    """Return the summary block of the next prompt, and whose message it is."""
    messages = (await engine.build(build_request("x"))).context.messages
    return next((m.text, m.role) for m in messages if m.section is SectionKind.SUMMARY)


def test_a_good_answer_takes_the_place_of_the_quotations() -> None:
    """It is shown as quoted data of the user role, and its cost is in the log."""

    async def main() -> None:
        engine = Engine()
        await folded(engine)
        before, _ = await shown(engine)
        assert "retold" not in before
        assert await verb(engine, ScriptedSummarizer(GOOD))(KEY) == "shown"
        text, role = await shown(engine)
        through = (await state_of(engine)).fold or (await state_of(engine)).prepared
        assert through is not None
        assert f"- 1-{through.through} retold: {GOOD}\n" in text
        assert role is Role.USER
        assert sum(line.startswith("- ") for line in text.splitlines()) == 1
        assert through.summary
        (record,) = await records(engine)
        assert (record.usage.input_tokens, record.usage.output_tokens) == (100, 10)
        assert (record.estimated, record.fault) == (False, "")
        assert engine.observer.labelled["own_tokens", (("kind", "input"),)] == 100
        view = await engine.inspection.get_session(KEY)
        if view.folded_through:
            assert view.summary == GOOD

    run(main())


def test_there_is_nothing_to_ask_without_a_fold_or_after_an_answer() -> None:
    """One answer a fold."""

    async def main() -> None:
        engine, summarizer = Engine(), ScriptedSummarizer(GOOD)
        await engine.chat(2)
        assert await verb(engine, summarizer)(KEY) == ""
        await folded(engine)
        assert await verb(engine, summarizer)(KEY) == "shown"
        assert await verb(engine, summarizer)(KEY) == ""
        assert len(summarizer.asked) == 1

    run(main())


def test_an_unfit_answer_changes_nothing_but_is_paid_for() -> None:
    """The quotations stay; after a few such answers the fold is left alone, for good."""

    async def main() -> None:
        engine, summarizer = Engine(), ScriptedSummarizer("NONE")
        await folded(engine)
        before = await shown(engine)
        ended = [await verb(engine, summarizer)(KEY) for _ in range(MOST_UNFIT + 2)]
        assert ended == ["says that there is nothing"] * MOST_UNFIT + ["", ""]
        assert await shown(engine) == before
        assert sum(each.usage.input_tokens for each in await records(engine)) == 100 * MOST_UNFIT
        restarted = Engine(engine.store)
        assert await verb(restarted, summarizer)(KEY) == ""

    run(main())


def test_no_answer_is_tried_again_after_a_restart() -> None:
    """An outage leaves no trace in the log: whoever touches the session next asks again."""

    async def main() -> None:
        engine = Engine()
        await folded(engine)
        with pytest.raises(SummarizerUnavailable):
            await verb(engine, ScriptedSummarizer(DOWN))(KEY)
        assert await records(engine) == []
        restarted = Engine(engine.store)
        asked: list[SessionKey] = []
        maintain = Maintain(
            restarted.sessions,
            Indexer(HashEmbedder()),
            restarted.fold,
            restarted.policies,
            asked.append,
        )
        await maintain(KEY)
        assert asked == [KEY]
        assert await verb(restarted, ScriptedSummarizer(GOOD))(KEY) == "shown"
        asked.clear()
        await maintain(KEY)
        assert asked == []

    run(main())


def test_a_later_fold_is_told_from_what_was_told_before() -> None:
    """The next question holds the text before, and the next answer takes its place."""

    async def main() -> None:
        engine, summarizer = Engine(), ScriptedSummarizer(GOOD, AGAIN)
        await folded(engine)
        await verb(engine, summarizer)(KEY)
        await engine.chat(30, first=31)
        await engine.build(build_request("x", record_message=True))
        assert await engine.fold(KEY) is not None
        assert await verb(engine, summarizer)(KEY) == "shown"
        assert f"retold: {GOOD}\n" in summarizer.asked[1].material
        text, _ = await shown(engine)
        assert AGAIN in text
        assert GOOD not in text

    run(main())


def test_turns_recorded_meanwhile_do_not_cost_the_answer() -> None:
    """A session that goes on while the model writes gets the answer all the same."""

    async def main() -> None:
        engine, summarizer = Engine(), Slow(GOOD)
        await folded(engine)
        asking = asyncio.ensure_future(verb(engine, summarizer)(KEY))
        await summarizer.began.wait()
        await engine.record(record_request(user("meanwhile")))
        assert (await engine.build(build_request("y"))).context.messages
        summarizer.go_on.set()
        assert await asking == "shown"
        assert GOOD in (await shown(engine))[0]

    run(main())


def test_an_answer_for_a_fold_gone_by_is_only_paid_for() -> None:
    """It is not shown for other turns than those it was written about."""

    async def main() -> None:
        engine, summarizer = Engine(), Slow(GOOD)
        await folded(engine)
        asking = asyncio.ensure_future(verb(engine, summarizer)(KEY))
        await summarizer.began.wait()
        await engine.chat(30, first=31)
        assert await engine.fold(KEY) is not None
        summarizer.go_on.set()
        assert await asking == "came too late"
        (record,) = await records(engine)
        assert (record.retold, record.usage.input_tokens) == ((), 100)
        assert GOOD not in (await shown(engine))[0]
        assert (await state_of(engine)).unfit == 0

    run(main())


def test_a_fold_that_another_process_had_retold_stays_as_it_is() -> None:
    """The later answer is paid for, and does not change what prompts begin with."""

    async def main() -> None:
        store = MemoryStore()
        here, there = Engine(store), Engine(store)
        slow = Slow(GOOD.replace("asked about", "wanted to know of"))
        await folded(here)
        asking = asyncio.ensure_future(verb(here, slow)(KEY))
        await slow.began.wait()
        assert await verb(there, ScriptedSummarizer(GOOD))(KEY) == "shown"
        slow.go_on.set()
        assert await asking == "came too late"
        assert len(await records(here)) == 2
        for engine in (here, there):
            assert GOOD in (await shown(engine))[0]
            assert await verb(engine, ScriptedSummarizer(AGAIN))(KEY) == ""

    run(main())


@pytest.mark.parametrize("again", [False, True])
def test_what_was_written_of_a_deleted_session_is_dropped(*, again: bool) -> None:
    """No record of a model brings a session back, or tells one of what another was about."""

    async def main() -> None:
        engine, summarizer = Engine(), Slow(GOOD)
        await folded(engine)
        asking = asyncio.ensure_future(verb(engine, summarizer)(KEY))
        await summarizer.began.wait()
        await engine.inspection.delete_session(KEY)
        engine.clock.advance(1)
        if again:
            await folded(engine)
        before = list(await engine.store.read(KEY))
        summarizer.go_on.set()
        assert await asking == ""
        assert list(await engine.store.read(KEY)) == before

    run(main())


def test_another_writer_makes_it_look_again() -> None:
    """A conflict is no loss: the answer goes after what came in between."""

    async def main() -> None:
        store = Contested()
        engine = Engine(store)
        await folded(engine)
        store.conflicts = 2
        assert await verb(engine, ScriptedSummarizer(GOOD))(KEY) == "shown"
        assert store.conflicts == 0

    run(main())


def test_a_model_that_keeps_failing_is_left_alone() -> None:
    """Unfit answers count as failures; while the breaker is open nothing is asked."""

    async def main() -> None:
        engine, summarizer = Engine(), ScriptedSummarizer("NONE", DOWN, GOOD)
        await folded(engine)
        summarize = verb(engine, summarizer, failures=2)
        await summarize(KEY)
        with pytest.raises(SummarizerUnavailable):
            await summarize(KEY)
        assert summarize.breaker.state == "open"
        waiting = asyncio.ensure_future(summarize(KEY))
        await asyncio.wait({waiting}, timeout=0.2)
        assert len(summarizer.asked) == 2
        waiting.cancel()
        engine.now += 60
        assert await summarize(KEY) == "shown"
        assert summarize.breaker.state == "closed"

    run(main())


def test_what_an_endpoint_does_not_count_is_counted_here() -> None:
    """Without a usage the tokens sent and received are estimated, and said to be."""

    async def main() -> None:
        engine = Engine()
        await folded(engine)
        await verb(engine, Silent(GOOD))(KEY)
        (record,) = await records(engine)
        assert record.estimated
        assert record.usage.output_tokens == len(GOOD.split())
        assert record.usage.input_tokens > 100

    run(main())


class Slow(ScriptedSummarizer):
    """Says when it was asked, and answers when it is told to."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.began, self.go_on = asyncio.Event(), asyncio.Event()

    async def write(self, task: Retelling) -> Draft:
        """Wait in between."""
        self.began.set()
        await self.go_on.wait()
        return await super().write(task)


class Silent(ScriptedSummarizer):
    """Does not say what an answer cost."""

    async def write(self, task: Retelling) -> Draft:
        """Leave the usage out."""
        return replace(await super().write(task), usage=None)


class Contested(MemoryStore):
    """A store in which another writer is first, `conflicts` times."""

    conflicts = 0

    async def append(self, key: object, commit: Commit) -> Appended:
        """Refuse while there are conflicts left."""
        if self.conflicts:
            self.conflicts -= 1
            raise RevisionConflict(commit.expected_revision, commit.expected_revision + 1)
        return await super().append(key, commit)  # type: ignore[arg-type]  # the key it was given
