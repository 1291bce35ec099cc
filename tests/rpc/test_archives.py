from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contextd import archive
from contextd.errors import SessionExists
from contextd.events import SessionOpened, TurnsRecorded
from contextd.policy.access import Principal
from contextd.policy.allowance import Allowance
from contextd.rpc.gate import Gate
from contextd.rpc.limits import TenantLimits
from contextd.testing.samples import RECORDS, turns_recorded
from contextd.v1 import session_service_pb2 as pb
from tests.rpc.fakes import REF, FakeEngine, daemon, refused, trailers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from contextd.events import Record

EVERY: tuple[Record, ...] = RECORDS
LINES = b"".join([archive.header("c"), *map(archive.line, EVERY), archive.end(len(RECORDS))])
SMALL = b"".join([archive.header("c"), archive.line(RECORDS[0]), archive.end(1)])


async def sent(*pieces: bytes, tenant: str = "t") -> AsyncIterator[pb.ImportSessionRequest]:
    """Send a session in pieces."""
    for each in pieces:
        yield pb.ImportSessionRequest(tenant_id=tenant, lines=each)


def test_pages_on_end_are_the_file(tmp_path: Path) -> None:
    """A session of many pages comes in order, each byte once."""

    async def main() -> None:
        async with daemon(tmp_path / "s", FakeEngine(records=RECORDS)) as on:
            request, lines, pages = pb.ExportSessionRequest(session=REF), b"", 0
            while True:
                answer = await on.session.ExportSession(request)
                lines, pages = lines + answer.lines, pages + 1
                if not answer.next_page_token:
                    break
                request.page_token = answer.next_page_token
            assert lines == LINES
            assert pages > 3

    asyncio.run(main())


def test_a_line_larger_than_a_message_is_cut(tmp_path: Path) -> None:
    """No page is larger than a client takes."""
    large: tuple[Record, ...] = (RECORDS[0], turns_recorded("\x01" * 900_000))

    async def main() -> None:
        async with daemon(tmp_path / "s", FakeEngine(records=large)) as on:
            request, lines = pb.ExportSessionRequest(session=REF), b""
            while True:
                answer = await on.session.ExportSession(request)
                assert len(answer.lines) <= 1_050_000
                lines += answer.lines
                if not answer.next_page_token:
                    break
                request.page_token = answer.next_page_token
            assert lines == b"".join(
                [archive.header("c"), *map(archive.line, large), archive.end(2)]
            )

    asyncio.run(main())


def test_another_session_under_the_name_ends_the_export(tmp_path: Path) -> None:
    """What was deleted and begun anew between two pages is not taken for the same."""

    async def main() -> None:
        engine = FakeEngine(records=RECORDS)
        async with daemon(tmp_path / "s", engine) as on:
            first = await on.session.ExportSession(pb.ExportSessionRequest(session=REF))
            engine.records = tuple(SessionOpened(9, str(n)) for n in range(9))
            error = await refused(
                on.session.ExportSession(
                    pb.ExportSessionRequest(session=REF, page_token=first.next_page_token)
                )
            )
            assert trailers(error)["contextd-reason"] == "SESSION_NOT_FOUND"

    asyncio.run(main())


@pytest.mark.parametrize("token", ["x", "MTE=", "MTE6MTox", "MTA6MDow", "MS0xOjA6MA=="])
def test_a_token_of_another_call_is_refused(tmp_path: Path, token: str) -> None:
    """Or one that somebody made up."""

    async def main() -> None:
        async with daemon(tmp_path / "s", FakeEngine(records=RECORDS)) as on:
            error = await refused(
                on.session.ExportSession(pb.ExportSessionRequest(session=REF, page_token=token))
            )
            assert trailers(error)["contextd-reason"] in {"FIELD_VIOLATION", "SESSION_NOT_FOUND"}

    asyncio.run(main())


def test_an_import_reaches_the_verb_whole(tmp_path: Path) -> None:
    """However it was cut, with the tenant of the first message."""

    async def main() -> None:
        engine = FakeEngine()
        async with daemon(tmp_path / "s", engine) as on:
            for size in (1_000, len(LINES)):
                pieces = [LINES[at : at + size] for at in range(0, len(LINES), size)]
                answer = await on.session.ImportSession(sent(*pieces))
                assert (answer.conversation_id, answer.records) == ("c", len(RECORDS))
            taken = engine.asked[-1]
            assert (taken.key.tenant_id, taken.key.conversation_id) == ("t", "c")
            assert len(taken.records) == len(RECORDS)
            assert taken.records == engine.asked[0].records

    asyncio.run(main())


TURNS = turns_recorded()


def with_turn(**changes: Any) -> bytes:
    """Return a session whose first turn is otherwise."""
    turn = replace(TURNS.turns[0], **changes)
    record = replace(TURNS, turns=(turn, *TURNS.turns[1:]))
    return b"".join([archive.header("c"), archive.line(record), archive.end(1)])


def with_value(name: str, value: object) -> bytes:
    """Return a session whose turns' record has another *value*, whatever that is."""
    record = {**json.loads(archive.line(TURNS)), name: value}
    return b"".join([archive.header("c"), json.dumps(record).encode(), b"\n", archive.end(1)])


OUT_OF_BOUNDS = {
    "a long id": (with_turn(turn_id="x" * 257), "turns[0].turn_id"),
    "a control character": (with_turn(author="a\nb"), "turns[0].author"),
    "a long text": (with_turn(text="x" * 1_048_577), "turns[0].text"),
    "a time that is none": (with_turn(occurred_at=10**18), "turns[0].occurred_at"),
    "a negative count": (with_turn(tokens=-1), "turns[0].tokens"),
    "a huge number": (with_turn(tokens=10**30), "turns[0].tokens"),
    "infinite pressure": (with_value("pressure", 1e308).replace(b"1e+308", b"1e999"), ""),
    "a long request id": (with_value("request_id", "r" * 600), "request_id"),
    "many turns": (with_value("turns", [json.loads(archive.line(TURNS))["turns"][0]] * 257),
                   "turns"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", OUT_OF_BOUNDS)
def test_bounds_are_those_of_a_request(tmp_path: Path, wrong: str) -> None:
    """What no request could have brought does not come by a file."""
    lines, place = OUT_OF_BOUNDS[wrong]

    async def main() -> None:
        async with daemon(tmp_path / "s") as on:
            error = await refused(on.session.ImportSession(sent(lines)))
            told = trailers(error)
            assert told["contextd-reason"] == "ARCHIVE_INVALID"
            assert (told["contextd-line"], told.get("contextd-field", "")) == ("2", place)
            assert not on.engine.asked

    asyncio.run(main())


def test_a_conversation_id_has_its_bounds(tmp_path: Path) -> None:
    """In the header."""

    async def main() -> None:
        async with daemon(tmp_path / "s") as on:
            lines = SMALL.replace(b'"c"', b'"' + b"c" * 300 + b'"', 1)
            error = await refused(on.session.ImportSession(sent(lines)))
            assert trailers(error)["contextd-field"] == "conversation_id"

    asyncio.run(main())


def test_a_call_that_sends_nothing_is_refused(tmp_path: Path) -> None:
    """So is one without a tenant."""

    async def main() -> None:
        async with daemon(tmp_path / "s") as on:
            for messages in (sent(), sent(SMALL, tenant="")):
                error = await refused(on.session.ImportSession(messages))
                assert trailers(error)["contextd-reason"] == "FIELD_VIOLATION"

    asyncio.run(main())


def test_what_the_verb_refuses_reaches_the_caller(tmp_path: Path) -> None:
    """By its reason."""

    async def main() -> None:
        async with daemon(tmp_path / "s", FakeEngine(error=SessionExists())) as on:
            error = await refused(on.session.ImportSession(sent(SMALL)))
            assert error.code().name == "ALREADY_EXISTS"
            assert trailers(error)["contextd-reason"] == "SESSION_EXISTS"

    asyncio.run(main())


class OneTenant:
    """Knows everybody as somebody of one tenant."""

    def __init__(self, *methods: str) -> None:
        self.methods = frozenset(methods) or None

    def principal(self, credentials: object) -> Principal:
        """Return who that is."""
        del credentials
        return Principal("p", frozenset({"mine"}), self.methods)


def test_the_tenant_is_the_credentials(tmp_path: Path) -> None:
    """Left out it is filled in; another one is refused, and so is who may not import."""

    async def main() -> None:
        engine = FakeEngine()
        async with daemon(tmp_path / "s", engine, gate=Gate(OneTenant())) as on:
            await on.session.ImportSession(sent(SMALL, tenant=""))
            assert engine.asked[0].key.tenant_id == "mine"
            error = await refused(on.session.ImportSession(sent(SMALL, tenant="yours")))
            assert trailers(error)["contextd-reason"] == "TENANT_DENIED"
        gate = Gate(OneTenant("RecordTurn", "ExportSession"))
        async with daemon(tmp_path / "t", engine, gate=gate) as on:
            error = await refused(on.session.ImportSession(sent(SMALL)))
            assert trailers(error)["contextd-reason"] == "METHOD_DENIED"
        assert len(engine.asked) == 1

    asyncio.run(main())


def test_imported_turns_count(tmp_path: Path) -> None:
    """What a tenant may record in a day it may not import beyond."""

    async def main() -> None:
        limits = TenantLimits(lambda: 0.0, Allowance(turns_per_day=3))
        async with daemon(tmp_path / "s", gate=Gate(limits=limits)) as on:
            lines = b"".join([archive.header("c"), archive.line(TURNS), archive.end(1)])
            assert isinstance(TURNS, TurnsRecorded)
            await on.session.ImportSession(sent(lines))
            error = await refused(on.session.ImportSession(sent(lines)))
            assert trailers(error)["contextd-reason"] == "QUOTA_EXCEEDED"

    asyncio.run(main())


async def until(so: Callable[[], bool]) -> None:
    """Wait for the daemon to have noticed."""
    for _ in range(1_000):
        if so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never was so")


def test_few_send_at_a_time(tmp_path: Path) -> None:
    """A tenant one, the daemon two; who is done makes room, and so does who has gone."""

    async def main() -> None:
        go_on = asyncio.Event()

        async def slow(tenant: str) -> AsyncIterator[pb.ImportSessionRequest]:
            yield pb.ImportSessionRequest(tenant_id=tenant, lines=SMALL[:10])
            await go_on.wait()
            yield pb.ImportSessionRequest(lines=SMALL[10:])

        async with daemon(tmp_path / "s") as on:
            first = on.session.ImportSession(slow("t"))
            second = on.session.ImportSession(slow("u"))
            await until(lambda: len(on.uploads) == 2)
            error = await refused(on.session.ImportSession(sent(SMALL)))
            assert trailers(error)["contextd-reason"] == "TOO_MANY_IN_FLIGHT"
            error = await refused(on.session.ImportSession(sent(SMALL, tenant="v")))
            assert trailers(error)["contextd-reason"] == "OVERLOADED"
            second.cancel()
            await until(lambda: len(on.uploads) == 1)
            await on.session.ImportSession(sent(SMALL, tenant="v"))
            go_on.set()
            assert (await first).records == 1

    asyncio.run(main())


def test_who_sends_nothing_more_is_sent_away(tmp_path: Path) -> None:
    """A sender that stalls does not keep its room."""

    async def main() -> None:
        async def stalls() -> AsyncIterator[pb.ImportSessionRequest]:
            yield pb.ImportSessionRequest(tenant_id="t", lines=SMALL[:10])
            await asyncio.Event().wait()

        async with daemon(tmp_path / "s") as on:
            on.uploads.stall_seconds = 0.1
            error = await refused(on.session.ImportSession(stalls()))
            assert trailers(error)["contextd-reason"] == "DEADLINE_EXCEEDED"
            assert not len(on.uploads)

    asyncio.run(main())
