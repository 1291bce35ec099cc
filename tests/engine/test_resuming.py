from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.model import SectionKind, Tier
from contextd.policy.rules import ResumptionRules, Rules
from contextd.stores.memory import MemoryStore
from tests.engine.kit import BUDGET, Engine, bot, build_request, record_request, run, user

if TYPE_CHECKING:
    from contextd.model import Built

DAY = 86_400


async def told(engine: Engine) -> None:
    """Record a conversation that leaves a promise and a question, and fits as it is."""
    await engine.chat(4)
    await engine.record(
        record_request(
            user("Why was my card charged twice?"), bot("I will call you by Friday about that.")
        )
    )


def refresh(built: Built) -> str:
    """Return the text of the refresh, "" when there is none."""
    texts = [message.text for message in built.context.messages]
    return next((text for text in texts if text.startswith("Last time, on ")), "")


def test_a_long_pause_opens_with_what_was_left() -> None:
    """A day later the answer says how long it was, and old turns are no longer verbatim."""

    async def main() -> None:
        engine = Engine()
        await told(engine)
        engine.clock.advance(DAY - 1)
        soon = await engine.build(build_request("Hello again"))
        assert (soon.resumed_after_seconds, refresh(soon)) == (0, "")
        engine.clock.advance(1)
        built = await engine.build(build_request("Hello again", explain=True))
        assert built.resumed_after_seconds == DAY
        assert refresh(built)
        assert built.context.tier is soon.context.tier is Tier.VERBATIM
        assert built.degradations == ()
        verbatim = [s for s in built.context.sections if s.kind is SectionKind.VERBATIM]
        assert [section.sequences for section in verbatim] == [(9, 10)]
        assert any("resumed: after 24.0 hours" in line for line in built.explanation)

    run(main())


def test_a_visit_keeps_its_refresh() -> None:
    """Later messages find the same beginning, after a restart too, until the next pause."""

    async def main() -> None:
        store = MemoryStore()
        engine = Engine(store)
        await told(engine)
        engine.clock.advance(2 * DAY)
        first = await engine.build(build_request("Hello again", "r1", record_message=True))
        await engine.record(record_request(bot("Welcome back.")))
        engine.clock.advance(60)
        cold = Engine(store, clock=engine.clock, new_id=engine.new_id)
        for each in (engine, cold):
            later = await each.build(build_request("So, any news?"))
            assert later.resumed_after_seconds == 2 * DAY
            count = first.context.stable_prefix.message_count
            assert later.context.messages[:count] == first.context.messages[:count]
            assert refresh(later) == refresh(first)
        engine.clock.advance(5 * DAY)
        another = await engine.build(build_request("Hi"))
        assert another.resumed_after_seconds == 5 * DAY + 60
        assert refresh(another) != refresh(first)

    run(main())


def test_a_retry_finds_the_time_it_was_asked_at() -> None:
    """A retry of a recorded message is answered as at its own time, however late it comes."""

    async def main() -> None:
        engine = Engine()
        await told(engine)
        engine.clock.advance(DAY - 1)
        request = build_request("Hello again", "r1", record_message=True)
        first = await engine.build(request)
        engine.clock.advance(DAY)
        again = await engine.build(request)
        assert again.replayed
        assert again.context == first.context

    run(main())


def test_the_message_may_say_when_it_came() -> None:
    """Its own time goes before the clock's."""

    async def main() -> None:
        engine = Engine()
        await told(engine)
        late = replace(user("Hello"), occurred_at=engine.clock.now + 3 * DAY * 1_000_000)
        built = await engine.build(replace(build_request("Hello"), message=late))
        assert built.resumed_after_seconds == 3 * DAY

    run(main())


def test_it_can_be_switched_off() -> None:
    """With 0 hours no pause is long."""

    async def main() -> None:
        engine = Engine(rules=Rules(resumption=ResumptionRules(after_hours=0)))
        await told(engine)
        engine.clock.advance(99 * DAY)
        built = await engine.build(build_request("Hello again"))
        assert (built.resumed_after_seconds, refresh(built)) == (0, "")
        assert built.context.token_count <= BUDGET.input_tokens

    run(main())
