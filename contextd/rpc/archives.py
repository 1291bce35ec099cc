"""The part of contextd.v1.SessionService that moves sessions: out as lines, and in again."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from contextd import archive
from contextd.engine.moving import ImportRequest
from contextd.errors import ArchiveInvalid, FieldViolation, SessionNotFound
from contextd.events import TurnsRecorded
from contextd.model import SessionKey
from contextd.rpc import decode, pages, validation
from contextd.rpc.call import Method
from contextd.rpc.lines import Priority
from contextd.rpc.uploads import Upload
from contextd.v1 import session_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from contextd.archive import Archive
    from contextd.engine.moving import Imported, LogPage
    from contextd.v1 import common_pb2 as common

MAX_PAGE_BYTES = 1_048_576
"""A page of an export is cut there, in the middle of a line if need be."""

LINE_TURNS = 16
"""A line may have as many times the bytes of a turn: what a request can hold, escaped as JSON."""

IDENTIFIERS = frozenset(
    {
        "account_id",
        "agent",
        "author",
        "conversation_id",
        "deferral_id",
        "encoding",
        "handoff_id",
        "key",
        "model",
        "policy_hash",
        "provider",
        "tool_call_id",
        "turn_id",
    }
)
"""Fields that hold ids, wherever they stand."""

REQUEST_ID = 2 * validation.MAX_ID_BYTES
"""Bytes of a request id: some are made of a caller's."""

TIMES = frozenset({"at", "occurred_at", "due_at", "created_at", "ended_at"})
MOST = 1 << 53
"""Above every number that a log has; exact in every JSON."""


@dataclass(frozen=True, slots=True)
class ArchiveVerbs:
    """The verbs behind it: the records after a revision, that one first; a session to take."""

    export: Callable[[SessionKey, int], Awaitable[LogPage]]
    take: Callable[[ImportRequest, float | None], Awaitable[Imported]]


@dataclass(frozen=True, slots=True)
class Archives:
    """ExportSession and ImportSession."""

    verbs: ArchiveVerbs
    limits: validation.Limits = field(default_factory=validation.Limits)

    def methods(self) -> tuple[Method[Any] | Upload[Any, Any], ...]:
        """Return the methods."""
        last = Priority.INSPECT
        return (
            Method("ExportSession", last, pb.ExportSessionRequest, self.export_session, _session),
            Upload(
                "ImportSession",
                last,
                pb.ImportSessionRequest,
                self.receive,
                self.import_session,
                _itself,
                _turns,
            ),
        )

    async def export_session(
        self, message: pb.ExportSessionRequest, _left: float | None
    ) -> pb.ExportSessionResponse:
        """Return the next lines of a session."""
        validation.check_session(message, self.limits)
        place = _Place.of(message.page_token)
        key = decode.session_key(message.session)
        found = await self.verbs.export(key, place.after)
        return await asyncio.to_thread(_page, key, place, found)

    async def receive(self, messages: AsyncIterator[pb.ImportSessionRequest]) -> ImportRequest:
        """Read the lines of a session as they come."""
        reader: archive.Reader | None = None
        async for message in messages:
            if reader is None:
                validation.check_tenant(message, self.limits)
                reader = archive.Reader(
                    message.tenant_id,
                    line_bytes=LINE_TURNS * self.limits.max_turn_bytes,
                    most_bytes=self.limits.max_import_bytes,
                )
            await asyncio.to_thread(reader.feed, message.lines)
        assert reader is not None  # noqa: S101 - an upload has a first message
        return await asyncio.to_thread(_request, reader, self.limits)

    async def import_session(
        self, request: ImportRequest, left: float | None
    ) -> pb.ImportSessionResponse:
        """Take it."""
        taken = await self.verbs.take(request, left)
        return pb.ImportSessionResponse(
            conversation_id=request.key.conversation_id,
            revision=taken.revision,
            records=taken.records,
            turns=taken.turns,
            already_there=taken.already_there,
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """How far an export has come: through record `after`, and into the next line.

    `last` is the checksum of that record's line: another one there is another session.
    """

    after: int = 0
    offset: int = 0
    last: int = 0

    @classmethod
    def of(cls, token: str) -> _Place:
        """Return the place in *token*.

        Raises FieldViolation for one that was not given out.
        """
        if not token:
            return cls()
        try:
            after, offset, last = map(int, pages.cursor(token).split(":"))
        except ValueError as error:
            raise FieldViolation("page_token", "is none of this call") from error
        if min(after, offset, last) < 0 or not after + offset:
            raise FieldViolation("page_token", "is none of this call")
        return cls(after, offset, last)

    @property
    def token(self) -> str:
        return pages.token(f"{self.after}:{self.offset}:{self.last}")


def _page(key: SessionKey, place: _Place, found: LogPage) -> pb.ExportSessionResponse:
    """Return the lines from *place* on: as many as fit, the last one perhaps in part."""
    records = found.records
    if place.after:
        if crc32(archive.line(records[0])) != place.last:
            raise SessionNotFound("the session was deleted while it was exported")
        records = records[1:]
    lines = bytearray() if place.after else bytearray(archive.header(key.conversation_id))
    after, offset, last = place.after, place.offset, place.last
    for record in records:
        line = archive.line(record)
        room = MAX_PAGE_BYTES - len(lines)
        lines += line[offset : offset + room]
        if len(line) - offset > room:
            return _response(lines, _Place(after, offset + room, last))
        after, offset, last = after + 1, 0, crc32(line)
    if not found.more:
        return _response(lines + archive.end(after), None)
    return _response(lines, _Place(after, 0, last))


def _response(lines: bytearray, place: _Place | None) -> pb.ExportSessionResponse:
    return pb.ExportSessionResponse(
        lines=bytes(lines), next_page_token=place.token if place else ""
    )


def _request(reader: archive.Reader, limits: validation.Limits) -> ImportRequest:
    found = reader.close()
    _check(found, limits)
    key = SessionKey(reader.tenant_id, found.conversation_id)
    return ImportRequest(key, found.records, archive.FIRST_RECORD)


def _check(found: Archive, limits: validation.Limits) -> None:
    """Refuse what no request could have brought: ids, texts and numbers out of bounds."""
    said = _identifier(found.conversation_id, validation.MAX_ID_BYTES)
    if said:
        raise ArchiveInvalid(1, "conversation_id", said)
    for line, record in enumerate(found.records, archive.FIRST_RECORD):
        for path, said in _faults(record, "", limits):
            raise ArchiveInvalid(line, path, said)


def _faults(value: Any, path: str, limits: validation.Limits) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - whatever a record holds
    if is_dataclass(value):
        for each in fields(value):
            inner = f"{path}.{each.name}" if path else each.name
            yield from _faults(getattr(value, each.name), inner, limits)
    elif isinstance(value, tuple):
        if len(value) > validation.MAX_ITEMS and path.partition("[")[0] == "turns":
            yield path, f"must have at most {validation.MAX_ITEMS} items"
        for at, each in enumerate(value):
            yield from _faults(each, f"{path}[{at}]", limits)
    elif said := _scalar(value, path.rpartition(".")[2], limits):
        yield path, said


def _scalar(value: object, name: str, limits: validation.Limits) -> str:
    """Return what is wrong with a text or a number of this name; "" when nothing is."""
    if isinstance(value, str):
        return _text(value, name, limits.max_turn_bytes)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    return _number(value, name, -MOST if isinstance(value, float) else 0)


def _text(value: str, name: str, most: int) -> str:
    if name in IDENTIFIERS:
        return _identifier(value, validation.MAX_ID_BYTES)
    if name == "request_id":
        return _identifier(value, REQUEST_ID)
    return "" if validation.fits(value, most) else f"must have at most {most} bytes"


def _number(value: float, name: str, least: int) -> str:
    if not math.isfinite(value):
        return "must be a finite number"
    if name in TIMES:
        first, last = validation.FIRST_SECOND * 1_000_000, validation.LAST_SECOND * 1_000_000
        return "" if first <= value <= last else "must be a time between the years 1 and 9999"
    return "" if least <= value <= MOST else f"must be within {least} to {MOST}"


def _identifier(value: str, most: int) -> str:
    if not validation.fits(value, most):
        return f"must have at most {most} bytes"
    return "must not contain control characters" if validation.CONTROL.search(value) else ""


def _session(message: pb.ExportSessionRequest) -> common.SessionRef:
    return message.session


def _itself(message: pb.ImportSessionRequest) -> pb.ImportSessionRequest:
    return message


def _turns(request: ImportRequest) -> int:
    return sum(len(each.turns) for each in request.records if isinstance(each, TurnsRecorded))
