from __future__ import annotations

import asyncio

import pytest

from contextd.errors import BudgetTooSmall, DeadlineExceeded, FieldViolation, RequestIdReused
from contextd.model import Budget, Built, Format, SectionKind, Tier
from contextd.stores.memory import MemoryStore
from contextd.testing.fakes import WordTokenizer
from contextd.testing.faults import SlowStore
from tests.engine.kit import BUDGET, KEY, Engine, bot, build_request, record_request, run, user


def kinds(built: Built) -> list[SectionKind]:
    """Name the sections in order."""
    return [section.kind for section in built.context.sections]


def test_a_short_session_goes_in_whole() -> None:
    """Below the first mark every turn stands as it was said, the message last."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(2, words=3)
        built = await engine.build(build_request("And now?"))

        assert built.context.tier is Tier.VERBATIM
        assert built.context.messages[-1].text == "And now?"
        assert len(built.context.messages) == 1 + 4 + 1
        assert built.context.token_count <= BUDGET.input_tokens

    run(main())


def test_an_unknown_session_is_just_empty() -> None:
    """The first message of a conversation needs no session, and opens none."""

    async def main() -> None:
        engine = Engine()
        built = await engine.build(build_request("Hello"))

        assert kinds(built) == [SectionKind.SYSTEM, SectionKind.MESSAGE]
        assert not await engine.store.read(KEY)

    run(main())


def test_nothing_to_build_from_names_the_field() -> None:
    """Neither a message nor a turn is a mistake of the caller."""

    async def main() -> None:
        with pytest.raises(FieldViolation) as caught:
            await Engine().build(build_request(None))
        assert caught.value.field == "message"

    run(main())


def test_a_long_session_is_folded_and_still_finds_the_old_turn() -> None:
    """Past the marks the context fits, says its tier, and cites the turn that is asked for."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("My order number is W2378156.", "order-turn")))
        await engine.record(record_request(bot("Thank you, I noted order W2378156.")))
        await engine.chat(40)
        built = await engine.build(build_request("What was my order number, W2378156?"))

        assert built.context.tier >= Tier.SUMMARY
        assert built.context.token_count <= BUDGET.input_tokens
        cited = {turn for section in built.context.sections for turn in section.turn_ids}
        assert "order-turn" in cited

    run(main())


def test_the_message_is_recorded_in_the_same_write() -> None:
    """With record_message the message becomes a turn, once, and the retry gets the same bytes."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(30)
        request = build_request(
            "Where is it?", "b1", record_message=True, format=Format.OPENAI_CHAT
        )
        first = await engine.build(request)
        await engine.chat(2, first=31)
        again = await engine.build(request)

        assert again.replayed
        assert again.rendered_json == first.rendered_json
        assert again.context == first.context
        assert again.revision == first.revision
        turns = await engine.inspection.list_turns(KEY, 0, 1000)
        assert [turn.text for turn in turns].count("Where is it?") == 1

    run(main())


def test_the_retry_survives_a_restart() -> None:
    """Another process answers the retry with the same bytes."""

    async def main() -> None:
        store = MemoryStore()
        await Engine(store).chat(30)
        request = build_request("Where is it?", "b1", record_message=True)
        first = await Engine(store).build(request)
        again = await Engine(store).build(request)
        assert (again.replayed, again.context) == (True, first.context)

    run(main())


def test_another_message_under_the_same_id_is_refused() -> None:
    """A request id stands for one message."""

    async def main() -> None:
        engine = Engine()
        await engine.build(build_request("one", "b1", record_message=True))
        with pytest.raises(RequestIdReused):
            await engine.build(build_request("two", "b1", record_message=True))

    run(main())


def test_a_build_that_fails_records_nothing() -> None:
    """A budget that is too small says what would do, and leaves the session as it was."""

    async def main() -> None:
        engine = Engine()
        system = " ".join(["rule"] * 100)
        with pytest.raises(BudgetTooSmall) as caught:
            await engine.build(
                build_request(
                    "hi", "b1", record_message=True, budget=Budget("", 50, 0), system_prompt=system
                )
            )
        enough = Budget("", caught.value.required_tokens, 0)
        built = await engine.build(build_request("hi", budget=enough, system_prompt=system))

        assert built.context.token_count <= enough.input_tokens
        assert not await engine.store.read(KEY)

    run(main())


def test_a_dry_run_changes_nothing() -> None:
    """A dry run neither records, nor remembers the budget, nor asks for a fold."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(30)
        before = list(await engine.store.read(KEY))
        engine.nudged.clear()
        await engine.build(build_request("x", "b1", record_message=True, dry_run=True))

        assert list(await engine.store.read(KEY)) == before
        assert engine.nudged == []
        assert engine.sessions.get(KEY).budget is None

    run(main())


def test_same_input_same_bytes() -> None:
    """Two processes give the same context for the same session and message."""

    async def main() -> None:
        store = MemoryStore()
        await Engine(store).chat(40)
        request = build_request("What about question 3?", format=Format.ANTHROPIC_MESSAGES)
        one, two = await Engine(store).build(request), await Engine(store).build(request)
        assert (one.context, one.rendered_json) == (two.context, two.rendered_json)

    run(main())


def test_it_goes_on_after_tool_results_without_a_message() -> None:
    """Without a message the newest exchange is what the model answers."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(1)
        built = await engine.build(build_request(None))
        assert built.context.messages[-1].section is SectionKind.VERBATIM

    run(main())


def test_no_time_left_is_said_at_once() -> None:
    """A deadline that has passed costs no work."""

    async def main() -> None:
        engine = Engine()
        with pytest.raises(DeadlineExceeded):
            await engine.build(build_request("hi"), 0.0)

    run(main())


def test_builds_and_records_of_one_session_at_once() -> None:
    """Concurrent callers each get a context that fits, and every turn is there once."""

    async def main() -> None:
        engine = Engine(SlowStore(MemoryStore()))
        await engine.chat(20)

        async def one(number: int) -> int:
            built = await engine.build(
                build_request(f"m{number}", f"b{number}", record_message=True)
            )
            await engine.record(record_request(bot(f"a{number}"), request_id=f"r{number}"))
            return built.context.token_count

        counts = await asyncio.gather(*(one(number) for number in range(10)))
        turns = await engine.inspection.list_turns(KEY, 0, 1000)

        assert max(counts) <= BUDGET.input_tokens
        assert len(turns) == 60
        assert len({turn.turn_id for turn in turns}) == 60

    run(main())


def test_it_explains_itself_when_asked() -> None:
    """The explanation has a line for the tier and is absent otherwise."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(40)
        told = await engine.build(build_request("x", explain=True))
        silent = await engine.build(build_request("x"))
        assert any("tier" in line for line in told.explanation)
        assert silent.explanation == ()

    run(main())


class DoubleTokenizer(WordTokenizer):
    """Counts two tokens a word."""

    def __init__(self) -> None:
        super().__init__("double")

    def count(self, text: str) -> int:
        """Count."""
        return 2 * super().count(text)

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Cut."""
        return super().ends(text, head // 2, tail // 2)


class ByModel:
    """The double tokenizer for the model "double", single words for all others."""

    def for_model(self, model: str) -> WordTokenizer:
        """Choose by model."""
        return self.named(model)

    def named(self, encoding: str) -> WordTokenizer:
        """Choose by name."""
        return DoubleTokenizer() if encoding == "double" else WordTokenizer()


def test_another_model_has_the_session_counted_anew() -> None:
    """Each model gets a context in its own tokens, also after turns were recorded between."""

    async def main() -> None:
        engine = Engine(tokenizers=ByModel())
        await engine.chat(4, words=5)
        words = await engine.build(build_request("So?", budget=Budget("", 4_000, 0)))
        double = await engine.build(build_request("So?", budget=Budget("double", 4_000, 0)))
        await engine.chat(1, words=5, first=5)
        again = await engine.build(build_request("So?", budget=Budget("", 4_000, 0)))
        overhead = 4 * len(words.context.messages) + 3

        assert (words.encoding, double.encoding) == ("words", "double")
        assert double.context.token_count - overhead == 2 * (words.context.token_count - overhead)
        assert len(again.context.messages) == len(words.context.messages) + 2
        # Recorded after the call for "double", so counted twice in the log; not here.
        newest = again.context.messages[-2]
        assert newest.tokens == len(newest.text.split()) + 4

    run(main())


def test_a_tight_budget_in_another_encoding_is_kept() -> None:
    """Folding and search fit the tokens of the model that is asked, not of the log."""

    async def main() -> None:
        engine = Engine(tokenizers=ByModel())
        await engine.chat(40)
        built = await engine.build(build_request("Question 3?", budget=Budget("double", 900, 0)))
        count = DoubleTokenizer().count
        recount = sum(count(message.text) + 4 for message in built.context.messages) + 3
        assert recount == built.context.token_count <= 900

    run(main())


def test_a_long_message_and_writers_at_the_same_time() -> None:
    """What works in a thread sees one revision of the session, whatever is recorded meanwhile."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(30)
        long = "word " * 20_000

        async def build() -> int:
            built = await engine.build(build_request(long))
            return built.context.token_count

        async def write() -> None:
            for number in range(60):
                await engine.record(record_request(user(f"meanwhile {number}")))
                await asyncio.sleep(0)

        writing = asyncio.ensure_future(write())
        counts = await asyncio.gather(*(build() for _ in range(8)))
        await writing
        assert max(counts) <= BUDGET.input_tokens

    run(main())
