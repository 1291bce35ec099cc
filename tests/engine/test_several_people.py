"""Several people in one session: who said what stays told apart, and writers take turns."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from contextd.model import Format, Role, SectionKind, Turn
from contextd.stores.memory import MemoryStore
from contextd.testing.faults import SlowStore
from tests.engine.kit import KEY, Engine, bot, build_request, escalate_request, record_request

PEOPLE = ("Olena", "Bo", "Zoë")
SAID = re.compile(r"(?:user|human agent) (\S+): .*?\b(olena|bo|zoë)(\d+)\b")
"""A quoted line: who is said to have said it, and who did."""


def said(author: str, number: int) -> Turn:
    """Say something that tells who says it."""
    words = " ".join(f"word{number}x{at}" for at in range(12))
    text = f"I {author.lower()}{number} prefer blue, order {7000 + number}. {words}?"
    return Turn("", Role.USER, text, author=author)


async def talked(exchanges: int) -> Engine:
    """Return an engine with a session in which three people have asked in turn."""
    engine = Engine()
    for number in range(exchanges):
        author = PEOPLE[number % len(PEOPLE)]
        await engine.record(record_request(said(author, number), bot(f"Noted {number}.")))
    return engine


def wrong(text: str) -> list[tuple[str, str]]:
    """Return the lines of *text* under another name than that of whoever said them."""
    return [
        (named, spoke) for named, spoke, _ in SAID.findall(text) if named.lower() != spoke.lower()
    ]


@pytest.mark.parametrize("form", Format)
def test_every_format_says_who_speaks(form: Format) -> None:
    """In the window as the message's author, or in front of its text."""

    async def main() -> None:
        engine = await talked(6)
        built = await engine.build(build_request("And now?", format=form))
        verbatim = [each for each in built.context.messages if each.section is SectionKind.VERBATIM]
        told = [each for each in verbatim if each.role is Role.USER]
        assert [each.author for each in told] == [*PEOPLE, *PEOPLE]
        if form is Format.NEUTRAL:
            return
        bodies: Any = json.loads(built.rendered_json)["messages"]
        texts = [json.dumps(each, ensure_ascii=False) for each in bodies]
        for number, author in enumerate((*PEOPLE, *PEOPLE)):
            (found,) = [each for each in texts if f"{author.lower()}{number} " in each]
            assert author in found

    asyncio.run(main())


def test_what_is_folded_and_retrieved_keeps_its_speaker() -> None:
    """Summary, key facts, kept sentences and passages name who said it."""

    async def main() -> None:
        engine = await talked(60)
        await engine.build(build_request("And now?"))
        await engine.fold(KEY)
        named: set[str] = set()
        for question in ("What did olena0 prefer?", "Which order was bo1's?", "word3x3?"):
            built = await engine.build(build_request(question))
            assert built.context.tier > 0
            for message in built.context.messages:
                if message.section is not SectionKind.VERBATIM:
                    assert wrong(message.text) == []
                    named |= {each[0] for each in SAID.findall(message.text)}
        assert named == set(PEOPLE)

    asyncio.run(main())


def test_a_handoff_names_the_speakers() -> None:
    """In its last turns, and in the note that a desk reads."""

    async def main() -> None:
        engine = await talked(9)
        raised = await engine.escalate(escalate_request())
        told = {
            (each.author, each.text.split()[1])
            for each in raised.handoff.last_turns
            if each.role is Role.USER
        }
        assert {author for author, _ in told} == set(PEOPLE)
        assert all(spoke.startswith(author.lower()) for author, spoke in told)
        for author in PEOPLE:
            assert author in raised.markdown

    asyncio.run(main())


def test_writers_of_one_session_take_turns() -> None:
    """Three people at two daemons write at once: no number is given twice, none is left out."""

    async def main() -> None:
        store = SlowStore(MemoryStore())
        engines = (Engine(store), Engine(store))

        async def write(author: str) -> list[tuple[int, str]]:
            taken = []
            for number in range(12):
                engine = engines[number % 2]
                recorded = await engine.record(
                    record_request(said(author, number), request_id=f"{author} {number}")
                )
                taken.append((recorded.first_sequence, f"{author.lower()}{number}"))
            return taken

        written = await asyncio.gather(*map(write, PEOPLE))
        turns = await engines[0].inspection.list_turns(KEY, 0, 100)
        assert [turn.sequence for turn in turns] == list(range(1, 37))
        told = {turn.sequence: turn for turn in turns}
        for author, taken in zip(PEOPLE, written, strict=True):
            for sequence, words in taken:
                assert told[sequence].author == author
                assert words in told[sequence].text
        assert await engines[1].inspection.list_turns(KEY, 0, 100) == turns

    asyncio.run(main())
