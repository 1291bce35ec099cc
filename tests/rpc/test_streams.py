"""What a server does with calls that stay open."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc import StatusCode

from contextd.errors import CredentialExpired, SessionNotFound
from contextd.model import HandoffState, Happening, Role, SessionEvent, Turn
from contextd.policy.access import Principal
from contextd.policy.allowance import Allowance
from contextd.rpc.admission import Capacity
from contextd.rpc.gate import Gate
from contextd.rpc.limits import TenantLimits
from contextd.rpc.session_life import MAX_EVENT_BYTES, event_response
from contextd.rpc.watches import WatchLimits
from contextd.v1 import handoff_service_pb2 as handoffs
from contextd.v1 import session_service_pb2 as sessions
from tests.rpc.fakes import REF, FakeEngine, daemon, entry, refused, trailers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from contextd.model import HandoffEntry

SECONDS = 20
WATCH = handoffs.WatchHandoffsRequest(tenant_id="t")
WATCH_SESSION = sessions.WatchSessionRequest(session=REF)


def run(work: Any) -> None:
    """Run it; a test that hangs ends."""
    asyncio.run(asyncio.wait_for(work, SECONDS))


async def until(holds: Callable[[], bool]) -> None:
    """Return when it does."""
    while not holds():  # noqa: ASYNC110 - nothing in it says so
        await asyncio.sleep(0.005)


async def read_on(call: Any, positions: list[int]) -> None:
    """Read to the end, and note the positions."""
    while (answer := await call.read()) is not grpc.aio.EOF:
        positions.append(answer.handoff.position if hasattr(answer, "handoff") else 0)


async def reason_of(call: Any) -> tuple[StatusCode, str]:
    """Read to the end; return how it ended."""
    error = await refused(read_on(call, []))
    return error.code(), trailers(error)["contextd-reason"]


def endless(size: int) -> Iterator[HandoffEntry]:
    """Changes that never end, each of about *size* bytes."""
    return (entry(headline="x" * size, position=at) for at in count(1))


def test_a_watch_takes_no_place_from_calls_that_work(tmp_path: Path) -> None:
    """With as many watches as there are places, calls are served as before."""

    async def main() -> None:
        engine = FakeEngine(entries=[entry()])
        narrow = Capacity(concurrent=1, computing=1)
        async with daemon(tmp_path / "s", engine, capacity=narrow) as running:
            calls = [running.handoffs.WatchHandoffs(WATCH) for _ in range(5)]
            for call in calls:
                assert (await call.read()).handoff.handoff_id == "h1"
            listed = await running.session.ListSessions(
                sessions.ListSessionsRequest(tenant_id="t"), timeout=5
            )
            assert running.admission.in_flight == 0
            assert not listed.sessions

    run(main())


def test_work_stops_when_its_caller_goes(tmp_path: Path) -> None:
    """A cancelled watch is closed, and its place is free again."""

    async def main() -> None:
        engine = FakeEngine(entries=[entry()])
        async with daemon(tmp_path / "s", engine) as running:
            call = running.handoffs.WatchHandoffs(WATCH)
            await call.read()
            assert (engine.watching, len(running.watches)) == (1, 1)
            call.cancel()
            await until(lambda: not engine.watching and not len(running.watches))

    run(main())


def test_work_stops_when_its_caller_goes_in_the_middle_of_a_message(tmp_path: Path) -> None:
    """So does one that was held up in sending."""

    async def main() -> None:
        engine = FakeEngine(entries=endless(100_000))
        async with daemon(tmp_path / "s", engine) as running:
            call = running.handoffs.WatchHandoffs(WATCH)
            await call.read()
            await asyncio.sleep(0.3)
            call.cancel()
            await until(lambda: not engine.watching and not len(running.watches))

    run(main())


def test_a_watcher_that_stops_reading_is_told_and_may_go_on(tmp_path: Path) -> None:
    """It holds a bounded number of messages; nothing is lost from the last one it has read."""

    async def main() -> None:
        asked = 0

        def counted() -> Iterator[HandoffEntry]:
            nonlocal asked
            for each in endless(100_000):
                asked += 1
                yield each

        engine = FakeEngine(entries=counted())
        limits = WatchLimits(most=1, stall_seconds=0.4)
        async with daemon(tmp_path / "s", engine, watches=limits) as running:
            call = running.handoffs.WatchHandoffs(WATCH)
            await call.read()
            await until(lambda: not engine.watching)
            taken = asked
            assert taken < 400
            # While it does not listen it cannot hear of its end, so its place is still taken.
            assert len(running.watches) == 1
            assert (await reason_of(running.handoffs.WatchHandoffs(WATCH)))[1] == "OVERLOADED"

            positions = [1]
            error = await refused(read_on(call, positions))
            assert trailers(error)["contextd-reason"] == "WATCHER_TOO_SLOW"
            assert error.code() is StatusCode.RESOURCE_EXHAUSTED
            assert positions == list(range(1, len(positions) + 1))
            assert len(positions) <= taken
            await until(lambda: not len(running.watches))

            again = running.handoffs.WatchHandoffs(
                handoffs.WatchHandoffsRequest(tenant_id="t", after_position=positions[-1])
            )
            await again.read()
            assert engine.asked[-1] == ("t", positions[-1])

    run(main())


def test_a_drain_ends_watches_with_its_reason(tmp_path: Path) -> None:
    """A daemon that stops does not wait for them, and says why they end."""

    async def main() -> None:
        engine = FakeEngine(entries=[entry()])
        async with daemon(tmp_path / "s", engine) as running:
            calls = [running.handoffs.WatchHandoffs(WATCH) for _ in range(3)]
            for call in calls:
                await call.read()
            stopping = asyncio.create_task(running.server.stop(grace=5))
            for call in calls:
                assert await reason_of(call) == (StatusCode.UNAVAILABLE, "DRAINING")
            late = await reason_of(running.handoffs.WatchHandoffs(WATCH))
            await stopping
            assert late == (StatusCode.UNAVAILABLE, "DRAINING")
            assert engine.watching == 0

    run(main())


def test_a_tenant_has_so_many_watches_and_another_has_its_own(tmp_path: Path) -> None:
    """One tenant cannot take the places of all."""

    async def main() -> None:
        limits = WatchLimits(most=3, of_tenant=2)
        engine = FakeEngine(entries=[entry()])
        async with daemon(tmp_path / "s", engine, watches=limits) as running:
            calls = [running.handoffs.WatchHandoffs(WATCH) for _ in range(2)]
            for call in calls:
                await call.read()
            third = await reason_of(running.handoffs.WatchHandoffs(WATCH))
            other = handoffs.WatchHandoffsRequest(tenant_id="u")
            call = running.handoffs.WatchHandoffs(other)
            await call.read()
            in_all = await reason_of(running.handoffs.WatchHandoffs(other))

            assert third == (StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_IN_FLIGHT")
            assert in_all == (StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")

    run(main())


def test_a_watch_counts_as_a_call_when_it_begins_and_not_as_one_under_way(tmp_path: Path) -> None:
    """A tenant with one call at a time may call while it watches."""

    async def main() -> None:
        limits = TenantLimits(lambda: 0.0, Allowance(calls_per_second=1, burst=2, concurrent=1))
        engine = FakeEngine(entries=[entry()])
        async with daemon(tmp_path / "s", engine, gate=Gate(limits=limits)) as running:
            call = running.handoffs.WatchHandoffs(WATCH)
            await call.read()
            request = sessions.ListSessionsRequest(tenant_id="t")
            await running.session.ListSessions(request)
            assert (await reason_of(running.handoffs.WatchHandoffs(WATCH)))[1] == "RATE_LIMITED"

    run(main())


class Expiring:
    """Knows everybody, until it does not."""

    def __init__(self) -> None:
        self.valid = True

    def principal(self, _: object) -> Principal:
        """Return who asks, of tenant t."""
        if not self.valid:
            raise CredentialExpired
        return Principal(tenants=frozenset({"t"}))


def test_a_watch_ends_with_the_credential_it_began_with(tmp_path: Path) -> None:
    """What happens later is not told to who may not ask any more."""

    async def main() -> None:
        more = asyncio.Event()

        class Waiting(FakeEngine):
            async def watch_handoffs(self, tenant_id: str, after: int) -> Any:
                """Give one, and one more when told."""
                yield entry()
                await more.wait()
                yield entry(position=2)

        knows = Expiring()
        gate = Gate(authenticator=knows)
        async with daemon(tmp_path / "s", Waiting(), gate=gate) as running:
            call = running.handoffs.WatchHandoffs(WATCH)
            await call.read()
            denied = handoffs.WatchHandoffsRequest(tenant_id="u")
            other = await reason_of(running.handoffs.WatchHandoffs(denied))
            knows.valid = False
            more.set()

            assert other == (StatusCode.PERMISSION_DENIED, "TENANT_DENIED")
            assert await reason_of(call) == (StatusCode.UNAUTHENTICATED, "CREDENTIAL_EXPIRED")

    run(main())


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (handoffs.WatchHandoffsRequest(), "tenant_id"),
        (handoffs.WatchHandoffsRequest(tenant_id="t", after_position=-1), "after_position"),
        (sessions.WatchSessionRequest(), "session"),
        (sessions.WatchSessionRequest(session=REF, after_revision=-1), "after_revision"),
    ],
)
def test_what_cannot_be_watched_is_refused_with_its_field(
    tmp_path: Path, request_: Any, field: str
) -> None:
    """As every other call."""

    async def main() -> None:
        async with daemon(tmp_path / "s") as running:
            of_session = isinstance(request_, sessions.WatchSessionRequest)
            watch = running.session.WatchSession if of_session else running.handoffs.WatchHandoffs
            error = await refused(watch(request_).read())
            assert trailers(error)["contextd-reason"] == "FIELD_VIOLATION"
            assert trailers(error)["contextd-field"] == field
            await until(lambda: not len(running.watches))

    run(main())


def test_an_error_before_the_first_answer_has_its_status(tmp_path: Path) -> None:
    """And one that is no error of ours is no more than INTERNAL."""

    async def main() -> None:
        for error, reason in ((SessionNotFound(), "SESSION_NOT_FOUND"), (KeyError(), "INTERNAL")):
            async with daemon(tmp_path / "s", FakeEngine(error=error)) as running:
                call = running.session.WatchSession(WATCH_SESSION)
                assert (await reason_of(call))[1] == reason

    run(main())


def test_bytes_that_are_no_message_are_refused(tmp_path: Path) -> None:
    """With a reason of ours, not of gRPC's."""

    async def main() -> None:
        async with daemon(tmp_path / "s") as running:
            method = "/contextd.v1.HandoffService/WatchHandoffs"
            call: Any = running.channel.unary_stream(method)
            error = await refused(call(b"\xff").read())
            assert trailers(error)["contextd-reason"] == "FIELD_VIOLATION"

    run(main())


def test_turns_too_large_for_a_message_are_counted(tmp_path: Path) -> None:
    """A client takes 4 MiB by default; the first turn is always there."""
    turns = tuple(Turn(f"t{at}", Role.USER, "x" * (MAX_EVENT_BYTES // 2)) for at in range(5))
    event = SessionEvent(2, Happening.TURNS_RECORDED, 1, HandoffState.BOT, turns)
    told = event_response(event)
    assert (len(told.turns), told.turns_left_out) == (1, 4)
    assert told.ByteSize() < 4 * 1_048_576
