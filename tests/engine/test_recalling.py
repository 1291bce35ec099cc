from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import Evidence, SectionKind
from contextd.stores.memory import MemoryStore
from tests.engine.kit import KEY, Engine, bot, build_request, record_request, run, user

if TYPE_CHECKING:
    from contextd.model import Built

RETURNS = Evidence("kb/7", "faq", "Returns", "Goods can be returned within 30 days of delivery.")
SHOPS = Evidence("kb/8", "faq", "Shops", "The Berlin shop opens at ten.")


async def told(engine: Engine) -> None:
    """Record a message that came with evidence, and another one."""
    request = build_request("hello", "r1", evidence=(RETURNS, SHOPS), record_message=True)
    await engine.build(request)
    await engine.record(record_request(bot("Hi!"), user("A kettle, please."), bot("Sure.")))


def evidence(built: Built) -> str:
    """Return the text of the evidence section, "" when there is none."""
    found = [m.text for m in built.context.messages if m.section is SectionKind.EVIDENCE]
    return "".join(found)


def test_evidence_is_found_again_by_meaning() -> None:
    """A later message gets what bears on it, with the turn it came with, and nothing else."""

    async def main() -> None:
        engine = Engine()
        await told(engine)
        built = await engine.build(build_request("Can goods be returned after delivery?"))
        assert evidence(built).endswith(
            "- (faq, turn 1) Returns: Goods can be returned within 30 days of delivery.\n"
        )
        assert "Berlin" not in evidence(built)
        section = next(s for s in built.context.sections if s.kind is SectionKind.EVIDENCE)
        assert section.sequences == (1,)

    run(main())


def test_evidence_that_does_not_matter_is_not_sent_again() -> None:
    """A message about something else gets none of it."""

    async def main() -> None:
        engine = Engine()
        await told(engine)
        built = await engine.build(build_request("Which colours does the kettle come in?"))
        assert not evidence(built)

    run(main())


def test_evidence_is_found_again_by_key() -> None:
    """A request that sends a known key alone gets the text, once."""

    async def main() -> None:
        engine = Engine()
        await told(engine)
        request = build_request("Can goods be returned?", evidence=(Evidence("kb/7"),))
        built = await engine.build(request)
        assert evidence(built).count("30 days") == 1

    run(main())


def test_evidence_is_found_after_a_restart() -> None:
    """What was recorded is enough: nothing has to be kept in memory."""

    async def main() -> None:
        store = MemoryStore()
        await told(Engine(store))
        built = await Engine(store).build(build_request("Can goods be returned after delivery?"))
        assert "30 days" in evidence(built)

    run(main())


def test_a_newer_version_is_found_in_place_of_the_older() -> None:
    """The same key with other words replaces what was known."""

    async def main() -> None:
        engine = Engine()
        await told(engine)
        await engine.build(build_request("Can goods be returned?"))
        newer = Evidence("kb/7", "faq", "Returns", "Goods can be returned within 60 days.")
        await engine.build(build_request("x", "r2", evidence=(newer,), record_message=True))
        built = await engine.build(build_request("Can goods be returned after delivery?"))
        assert "60 days" in evidence(built)
        assert "30 days" not in evidence(built)

    run(main())


def test_memory_counts_evidence() -> None:
    """Evidence is part of what a session takes in memory."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("hello")))
        before = engine.sessions.size_bytes
        piece = Evidence("kb/9", "faq", "", "long " * 2_000)
        await engine.build(build_request("x", "r3", evidence=(piece,), record_message=True))
        assert engine.sessions.size_bytes > before + 10_000

        view = await engine.sessions.refresh(engine.sessions.get(KEY))
        stored = view.size_bytes
        await engine.build(build_request("long ago?"))
        assert view.size_bytes == stored + view.evidence.size_bytes > stored

    run(main())
