from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.errors import DeadlineExceeded, Draining, Overloaded
from contextd.model import Relief
from contextd.rpc.admission import Admission, Capacity
from contextd.rpc.intake import PLENTY_OF_TURNS
from contextd.rpc.ladder import DOWN_SECONDS
from contextd.rpc.lines import LEAST_ROOM, PATIENT_LINE, Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


def play(
    scene: Callable[[Admission, Clock], Coroutine[object, object, None]], **sizes: float
) -> None:
    """Run *scene* with an admission of the given sizes; one call at a time if not said."""

    async def run() -> None:
        clock = Clock()
        capacity = Capacity(**({"concurrent": 1, "waiting": 8} | sizes))  # type: ignore[arg-type]  # sizes by name
        await scene(Admission(capacity, clock), clock)

    asyncio.run(run())


async def settle() -> None:
    """Let everything that can run, run; the clock stands still, so looks are counted."""
    for _ in range(PLENTY_OF_TURNS + 10):
        await asyncio.sleep(0)


def test_the_important_go_first() -> None:
    """Waiting calls get their permits by priority, then in order of arrival."""

    async def scene(admission: Admission, clock: Clock) -> None:
        order: list[str] = []

        async def call(name: str, priority: Priority) -> None:
            await admission.enter(priority)
            order.append(name)
            admission.leave(Priority.BUILD)

        await admission.enter(Priority.BUILD)
        async with asyncio.TaskGroup() as group:
            for name, priority in (
                ("list", Priority.INSPECT),
                ("build 1", Priority.BUILD),
                ("escalate", Priority.ESCALATE),
                ("build 2", Priority.BUILD),
                ("record", Priority.RECORD),
            ):
                group.create_task(call(name, priority))
            await settle()
            assert order == []
            admission.leave(Priority.BUILD)
        assert order == ["record", "escalate", "build 1", "build 2", "list"]
        assert admission.in_flight == 0

    play(scene)


def test_a_full_queue_refuses_at_once() -> None:
    """A call that finds no place waits for nothing."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        waiting = asyncio.ensure_future(admission.enter(Priority.BUILD))
        await settle()
        with pytest.raises(Overloaded, match="too long"):
            await admission.enter(Priority.BUILD)
        admission.leave(Priority.BUILD)
        await waiting
        admission.leave(Priority.BUILD)

    play(scene, waiting=1)


def test_a_more_important_call_takes_a_place() -> None:
    """When the queue is full, the newest of the least important calls makes room."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        listing = asyncio.ensure_future(admission.enter(Priority.INSPECT))
        building = asyncio.ensure_future(admission.enter(Priority.BUILD))
        await settle()
        recording = asyncio.ensure_future(admission.enter(Priority.RECORD))
        with pytest.raises(Overloaded, match="more important"):
            await listing
        admission.leave(Priority.BUILD)
        await recording
        assert not building.done()
        admission.leave(Priority.BUILD)
        await building

    play(scene, waiting=2)


def test_no_call_waits_in_vain() -> None:
    """A call whose time is shorter than the oldest of its kind has waited is refused at once."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        oldest = asyncio.ensure_future(admission.enter(Priority.BUILD))
        await settle()
        clock.now = 0.1
        with pytest.raises(Overloaded, match="too long") as caught:
            await admission.enter(Priority.BUILD, 0.05)
        assert int(caught.value.metadata["retry_after_ms"]) == 400
        patient = asyncio.ensure_future(admission.enter(Priority.BUILD, 0.15))
        await settle()
        assert not patient.done()
        admission.leave(Priority.BUILD)
        await oldest
        admission.leave(Priority.BUILD)
        await patient

    play(scene)


async def waiting(admission: Admission, count: int) -> list[asyncio.Task[None]]:
    """Return *count* calls that wait for a permit, or were refused."""
    calls = [asyncio.create_task(admission.enter(Priority.BUILD)) for _ in range(count)]
    await settle()
    return calls


async def served_late(admission: Admission, clock: Clock, seconds: float, times: int) -> None:
    """Keep *times* calls waiting for *seconds* each, one after the other, and serve them."""
    await admission.enter(Priority.BUILD)
    for _ in range(times):
        (call,) = await waiting(admission, 1)
        clock.now += seconds
        admission.leave(Priority.BUILD)
        await call
    admission.leave(Priority.BUILD)


def test_room_goes_while_calls_are_late_and_comes_back() -> None:
    """After many late calls fewer may wait, but never less than a few; then more again."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await served_late(admission, clock, 0.1, 100)
        clock.now += 1.0
        await admission.enter(Priority.BUILD)
        calls = await waiting(admission, LEAST_ROOM + 20)
        accepted = [call for call in calls if not call.done()]
        assert LEAST_ROOM <= len(accepted) < LEAST_ROOM + 5
        assert isinstance(admission.refusal(Priority.BUILD), Overloaded)
        assert admission.refusal(Priority.RECORD) is None  # its own line is empty
        for call in accepted:
            admission.leave(Priority.BUILD)
            await call
        more = await waiting(admission, LEAST_ROOM + 8)
        assert admission.refusal(Priority.BUILD) is None
        for call in more:
            admission.leave(Priority.BUILD)
            await call
        admission.leave(Priority.BUILD)

    play(scene, waiting=256)


def test_a_few_slow_calls_are_no_overload() -> None:
    """However slow the first calls are, a short queue is served, not refused."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        calls = await waiting(admission, PATIENT_LINE)
        clock.now += 60.0
        for call in calls:
            admission.leave(Priority.BUILD)
            await call
        admission.leave(Priority.BUILD)
        assert admission.in_flight == 0

    play(scene, waiting=256)


def test_a_long_queue_does_not_wait_for_ever() -> None:
    """Of a long line, those that have waited for as long as anybody may are refused."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        calls = await waiting(admission, PATIENT_LINE + 5)
        clock.now += 1.0
        admission.leave(Priority.BUILD)
        await settle()
        refused = [call for call in calls if call.done() and call.exception() is not None]
        assert refused == calls[:5]
        assert {type(call.exception()) for call in refused} == {Overloaded}
        for call in calls[5:]:
            await call
            admission.leave(Priority.BUILD)

    play(scene, waiting=256, max_wait=0.5)


def test_records_have_their_own_places() -> None:
    """Calls that compute leave places to those that wait for the disk."""

    async def scene(admission: Admission, clock: Clock) -> None:
        for _ in range(2):
            await admission.enter(Priority.BUILD)
        (build,) = await waiting(admission, 1)
        record = asyncio.ensure_future(admission.enter(Priority.RECORD))
        await settle()
        assert record.done()
        assert not build.done()
        admission.leave(Priority.RECORD)
        await settle()
        assert not build.done()
        admission.leave(Priority.BUILD)
        await build

    play(scene, concurrent=8, computing=2)


def test_what_is_given_up_while_all_are_late() -> None:
    """Quality goes step by step while every call is late, and comes back when none is."""

    async def scene(admission: Admission, clock: Clock) -> None:
        assert admission.relief() is Relief.NONE
        await served_late(admission, clock, 0.031, 3)
        assert admission.relief() is Relief.NONE  # not for long enough
        await served_late(admission, clock, 0.031, 40)
        assert admission.relief() is Relief.NO_SEARCH
        clock.now += DOWN_SECONDS + 0.01
        assert admission.relief() is Relief.WORDS_ONLY
        clock.now += 2 * DOWN_SECONDS
        assert admission.relief() is Relief.NONE
        for _ in range(40):
            await served_late(admission, clock, 0.031, 2)
            await admission.enter(Priority.BUILD)
            admission.leave(Priority.BUILD)
            clock.now += 0.001
        assert admission.relief() is Relief.NONE  # the queue was empty now and then

    play(scene)


def test_no_time_no_work() -> None:
    """A call without time left is refused even when nothing else is going on."""

    async def scene(admission: Admission, clock: Clock) -> None:
        with pytest.raises(DeadlineExceeded):
            await admission.enter(Priority.RECORD, 0.0)
        assert admission.in_flight == 0

    play(scene)


def test_a_late_waiter_is_passed_over() -> None:
    """A permit goes to the next call that still has time."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        late = asyncio.ensure_future(admission.enter(Priority.BUILD, 1.0))
        patient = asyncio.ensure_future(admission.enter(Priority.BUILD, 9.0))
        await settle()
        clock.now = 5.0
        admission.leave(Priority.BUILD)
        with pytest.raises(DeadlineExceeded):
            await late
        await patient
        assert admission.in_flight == 1

    play(scene)


def test_a_caller_that_leaves_gives_up_its_place() -> None:
    """A cancelled call holds neither a place nor a permit."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        gone = asyncio.ensure_future(admission.enter(Priority.BUILD))
        await settle()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert admission.in_flight == 1
        admission.leave(Priority.BUILD)
        assert admission.in_flight == 0

    play(scene)


@pytest.mark.parametrize("cancel_first", [True, False])
def test_leaving_in_the_moment_of_the_permit(*, cancel_first: bool) -> None:
    """A permit offered to a call that is just being cancelled is not lost."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        gone = asyncio.ensure_future(admission.enter(Priority.BUILD))
        await settle()
        if cancel_first:
            gone.cancel()
            admission.leave(Priority.BUILD)
        else:
            admission.leave(Priority.BUILD)
            gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert admission.in_flight == 0
        await admission.enter(Priority.BUILD)

    play(scene)


def test_leaving_in_the_moment_of_the_refusal() -> None:
    """A call that is just being cancelled is not told anything, and is counted off once."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        gone = asyncio.ensure_future(admission.enter(Priority.BUILD))
        await settle()
        gone.cancel()
        admission.refuse_waiting()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert admission.in_flight == 1

    play(scene)


def test_idle_waits_for_all() -> None:
    """`idle` returns when the last call, working or waiting, has ended."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.idle()
        await admission.enter(Priority.BUILD)
        second = asyncio.ensure_future(admission.enter(Priority.BUILD))
        idle = asyncio.ensure_future(admission.idle())
        await settle()
        admission.leave(Priority.BUILD)
        await second
        await settle()
        assert not idle.done()
        admission.leave(Priority.BUILD)
        await idle

    play(scene)


def test_a_closed_door() -> None:
    """After `close` nobody comes in, and who is in or waits goes on."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        waiting = asyncio.ensure_future(admission.enter(Priority.BUILD))
        await settle()
        admission.close()
        with pytest.raises(Draining):
            await admission.enter(Priority.RECORD)
        admission.leave(Priority.BUILD)
        await waiting
        assert (admission.in_flight, admission.arrivals) == (1, 3)

    play(scene)


def test_the_end_of_the_grace() -> None:
    """Who still waits is told that the daemon stops; who works goes on."""

    async def scene(admission: Admission, clock: Clock) -> None:
        await admission.enter(Priority.BUILD)
        waiting = asyncio.ensure_future(admission.enter(Priority.RECORD))
        await settle()
        admission.refuse_waiting()
        with pytest.raises(Draining):
            await waiting
        assert admission.in_flight == 1

    play(scene)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["enter", "leave", "cancel", "tick", "yield"]),
            st.sampled_from(list(Priority)),
            st.sampled_from([None, 0.5, 3.0]),
        ),
        max_size=40,
    )
)
@settings(max_examples=150)
def test_permits_are_neither_lost_nor_made(
    steps: list[tuple[str, Priority, float | None]],
) -> None:
    """After any history, no more calls work than may, and all permits come back."""

    async def scene(admission: Admission, clock: Clock) -> None:
        calls: list[asyncio.Task[None]] = []
        held: set[asyncio.Task[None]] = set()
        for step, priority, remaining in steps:
            if step == "enter":
                calls.append(asyncio.create_task(admission.enter(priority, remaining)))
            elif step == "leave" and (working := _working(calls, held)):
                held.add(working[0])
                admission.leave(Priority.BUILD)
            elif step == "cancel" and calls:
                calls[-1].cancel()
            elif step == "tick":
                clock.now += 1.0
            else:
                await settle()
            assert len(_working(calls, held)) <= 2
        await settle()
        while working := _working(calls, held):
            held.add(working[0])
            admission.leave(Priority.BUILD)
            await settle()
        await asyncio.gather(*calls, return_exceptions=True)
        assert admission.in_flight == 0
        await admission.idle()

    play(scene, concurrent=2, waiting=3, max_wait=9.0)


def _working(
    calls: list[asyncio.Task[None]], held: set[asyncio.Task[None]]
) -> list[asyncio.Task[None]]:
    """Return the calls that got a permit and have not given it back."""
    return [
        call
        for call in calls
        if call.done() and not call.cancelled() and call.exception() is None and call not in held
    ]
