"""When a new conversation is suggested, and that it is told once a crossing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contextd.model import LengthMark
from contextd.policy.freshness import NOT_RECALLED, RECALLED, fresh_start
from contextd.policy.rules import Rules, SessionRules
from contextd.policy.state import SessionState
from contextd.rpc.encode import build_response
from tests.engine.kit import (
    KEY,
    Engine,
    bot,
    build_request,
    claim_request,
    escalate_request,
    record_request,
    resolve_request,
    user,
)

if TYPE_CHECKING:
    from contextd.model import Built

NEVER = SessionRules(long_turns=0, long_tokens=0, long_folds=0)


def rules(**marks: Any) -> Rules:
    """Return rules with these marks alone."""
    return Rules(sessions=replace(NEVER, **marks))


async def exchanges(engine: Engine, many: int, words: int = 3) -> list[int]:
    """Return after which exchanges the next context suggests something, with how many turns."""
    told: list[int] = []
    for _ in range(many):
        built = await engine.build(build_request("And?", dry_run=True))
        if built.fresh_start:
            told.append((await engine.inspection.get_session(KEY)).turn_count)
        text = " ".join(["word"] * words)
        await engine.record(record_request(user(text), bot(text)))
    return told


def test_it_is_told_once_a_crossing() -> None:
    """With the first message after the mark, and again at each doubling."""

    async def main() -> None:
        engine = Engine(rules=rules(long_turns=10))
        await engine.record(record_request(user("Hello"), bot("Hi")))
        assert await exchanges(engine, 50) == [10, 20, 40, 80]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("marks", "of"), [({"long_tokens": 60}, "tokens"), ({"long_turns": 6}, "turns")]
)
def test_why_is_told(marks: dict[str, int], of: str) -> None:
    """What was counted, how many there are, and the mark; on the wire, too."""

    async def main() -> None:
        engine = Engine(rules=rules(**marks))
        for _ in range(3):
            await engine.record(record_request(user("word " * 10), bot("word " * 10)))
        built = await engine.build(build_request("And?", explain=True))
        fresh = built.fresh_start
        assert fresh is not None
        view = await engine.inspection.get_session(KEY)
        value = view.turn_count if of == "turns" else view.total_tokens
        assert fresh.marks == (LengthMark(of, value, next(iter(marks.values()))),)
        assert (fresh.recalled, fresh.notice) == (False, NOT_RECALLED)
        assert any(line.startswith(f"long: {value} {of}") for line in built.explanation)
        answer = build_response(built).fresh_start
        assert (answer.marks[0].of, answer.marks[0].value) == (of, value)

    asyncio.run(main())


def test_folds_count_when_they_come_into_force() -> None:
    """Not when they are prepared."""

    async def main() -> None:
        engine = Engine(rules=rules(long_folds=2))
        told = False
        for number in range(1, 60):
            await engine.chat(1, first=number)
            await engine.build(build_request("And?"))
            await engine.fold(KEY)
            view = await engine.sessions.refresh(engine.sessions.get(KEY))
            folds = len(view.state.switches)
            fresh = fresh_start(view.state, engine.rules.sessions)
            assert fresh is None or folds >= 2
            told = told or fresh is not None
        assert told

    asyncio.run(main())


def test_a_retry_is_told_again() -> None:
    """The answer to a message does not change when it has been answered since."""

    async def main() -> None:
        engine = Engine(rules=rules(long_turns=4))
        await engine.chat(2)
        asked: Any = build_request("And?", "r-1", record_message=True)
        first: Built = await engine.build(asked)
        await engine.record(record_request(bot("That.")))
        again = await engine.build(asked)
        assert again.replayed
        assert again.fresh_start is not None
        assert [each.of for each in again.fresh_start.marks] == ["turns"]
        assert first.fresh_start is not None
        assert (await engine.build(build_request("More?"))).fresh_start is None

    asyncio.run(main())


def test_tool_calls_do_not_end_it_early() -> None:
    """The turn that crosses the mark may be in the middle of an exchange."""

    async def main() -> None:
        engine = Engine(rules=rules(long_turns=4))
        await engine.record(record_request(user("one"), bot("two")))
        await engine.record(record_request(user("three")))
        assert (await engine.build(build_request("And?", dry_run=True))).fresh_start is None
        await engine.record(record_request(bot("four"), bot("five"), bot("six")))
        assert (await engine.build(build_request("And?", dry_run=True))).fresh_start is not None

    asyncio.run(main())


def test_nobody_is_sent_away_from_a_human() -> None:
    """While one has it, or is waited for, nothing is suggested; afterwards it is."""

    async def main() -> None:
        engine = Engine(rules=rules(long_turns=4))
        await engine.chat(2)
        handed = await engine.escalate(escalate_request())
        assert (await engine.build(build_request("And?"))).fresh_start is None
        await engine.handoffs.claim(claim_request(handed.handoff.handoff_id))
        assert (await engine.build(build_request("And?"))).fresh_start is None
        await engine.handoffs.resolve(resolve_request(handed.handoff.handoff_id))
        assert (await engine.build(build_request("And?"))).fresh_start is not None

    asyncio.run(main())


def test_what_carries_over_is_said() -> None:
    """With an account the next conversation knows of this one."""

    async def main() -> None:
        engine = Engine(rules=rules(long_turns=2))
        request = replace(record_request(user("Hello"), bot("Hi")), account_id="olena")
        await engine.record(request)
        fresh = (await engine.build(build_request("And?"))).fresh_start
        assert fresh is not None
        assert (fresh.recalled, fresh.notice) == (True, RECALLED)

    asyncio.run(main())


def test_the_prompt_stays_as_it_is() -> None:
    """A suggestion is for the frontend alone."""

    async def main() -> None:
        short, long = Engine(rules=rules()), Engine(rules=rules(long_turns=6))
        for engine in (short, long):
            await engine.chat(3)
        silent = await short.build(build_request("And?"))
        telling = await long.build(build_request("And?"))
        assert silent.fresh_start is None
        assert telling.fresh_start is not None
        assert silent.context == telling.context

    asyncio.run(main())


def test_an_empty_session_is_not_long() -> None:
    """Whatever the marks."""
    assert fresh_start(SessionState(KEY), SessionRules(long_turns=1)) is None
