from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from contextd.engine import escalate
from contextd.errors import RequestIdReused, SessionNotFound
from contextd.model import HandoffState
from contextd.stores.memory import MemoryStore
from tests.engine.kit import (
    KEY,
    Engine,
    bot,
    build_request,
    escalate_request,
    record_request,
    run,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_handoff_is_recorded_and_rendered() -> None:
    """The payload cites what was said, and the conversation then waits for a human."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("My order W123 is broken, I want a refund.", "t1")))
        await engine.record(record_request(bot("I will send you a label today.", "t2")))
        raised = await engine.escalate(escalate_request(note="please be quick"))
        built = await engine.build(build_request("hello?"))

        assert raised.handoff.turn_count == 2
        assert "W123" in raised.markdown
        assert "please be quick" in raised.markdown
        assert built.handoff_state is HandoffState.WAITING_HUMAN

    run(main())


def test_a_retry_gets_the_same_handoff() -> None:
    """The same request id gives the same handoff, also after a restart."""

    async def main() -> None:
        store = MemoryStore()
        engine = Engine(store)
        await engine.chat(3)
        first = await engine.escalate(escalate_request("e1"))
        again = await Engine(store).escalate(escalate_request("e1"))

        assert again.replayed
        assert (again.handoff, again.markdown) == (first.handoff, first.markdown)
        assert again.revision == first.revision

    run(main())


def test_an_id_of_another_call_is_refused() -> None:
    """A request id used by RecordTurn cannot raise a handoff."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("hi"), request_id="r1"))
        with pytest.raises(RequestIdReused):
            await engine.escalate(escalate_request("r1"))

    run(main())


def test_the_event_loop_goes_on_while_a_handoff_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a long session takes tens of milliseconds: neither half of it is the loop's."""
    on_loop: list[bool] = []

    def watched(work: Callable[..., object]) -> Callable[..., object]:
        def noting(*given: object, **named: object) -> object:
            on_loop.append(threading.current_thread() is threading.main_thread())
            return work(*given, **named)

        return noting

    for name in ("digest", "build"):
        monkeypatch.setattr(escalate, name, watched(getattr(escalate, name)))

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("I need a person.")))
        await engine.escalate(escalate_request())

    run(main())
    assert on_loop == [False, False]


def test_an_unknown_session_cannot_be_handed_over() -> None:
    """There is nothing to hand over."""

    async def main() -> None:
        with pytest.raises(SessionNotFound):
            await Engine().escalate(escalate_request())

    run(main())


def test_deleting_forgets_everything() -> None:
    """After a deletion the session is unknown and its request ids are free."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("hi"), request_id="r1"))
        erased = await engine.inspection.delete_session(KEY)
        with pytest.raises(SessionNotFound):
            await engine.inspection.get_session(KEY)
        again = await engine.record(record_request(user("hi"), request_id="r1"))

        assert erased.counts["turns"] == 1
        assert (again.replayed, again.first_sequence) == (False, 1)

    run(main())
