"""`contextd session export` and `contextd session import`: sessions as files."""

from __future__ import annotations

import asyncio
import gzip
import json as json_format
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import grpc
import typer

from contextd.cli.conversations import turn_to_json
from contextd.cli.health import DEFAULT_TARGET
from contextd.cli.keys import Keys, with_keys
from contextd.cli.output import complain, emit, fail, note
from contextd.cli.remote import CALL_SECONDS, Target, connect, reason_of
from contextd.cli.session import NO_KEYS, AsJson, Daemon, Tenant, listed, turns_of
from contextd.v1 import common_pb2 as common
from contextd.v1 import session_service_pb2 as pb
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

HEADER = b"contextd_session"
PIECE = 1 << 18
"""Bytes sent in one message."""

IMPORT_SECONDS = 300.0
TOLD_EVERY = 100
"""Sessions after which it is told how far one is, where nobody watches a bar."""

OF_ONE_SESSION = frozenset({"ARCHIVE_INVALID", "SESSION_EXISTS"})
"""Reasons that concern one session of a file; with any other the rest would fail, too."""


@with_keys
def export(
    conversation: Annotated[
        list[str] | None, typer.Argument(help="Conversation ids.", show_default=False)
    ] = None,
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every session of the tenant.")] = False,
    turns: Annotated[
        bool, typer.Option("--turns", help="The turns alone, as `contextd replay` reads them.")
    ] = False,
    keys: Keys = NO_KEYS,
) -> None:
    """Write sessions as lines of JSON that `contextd session import` takes."""
    names = conversation or []
    if bool(names) == every:
        fail("name conversations, or give --all for every one of the tenant", code=2)
    daemon = Daemon(target, keys)
    asyncio.run(_export(daemon, tenant, names, every=every, turns=turns))


@with_keys
def import_file(
    file: Annotated[Path, typer.Argument(help="From `session export`; .gz too, - for stdin.")],
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Take sessions out of a file, each whole or not at all.

    One that is there already, as it is in the file, is left as it is. Exit 1 when one was
    refused; the others are taken.
    """
    if file != Path("-") and not file.is_file():
        fail(f"there is no file {file}", code=2)
    done = asyncio.run(_import(Daemon(target, keys), tenant, file, json=json))
    if not json:
        typer.echo(f"{done.taken} sessions taken, {done.known} were there, {done.refused} refused")
    raise typer.Exit(1 if done.refused else 0)


async def _export(
    daemon: Daemon, tenant: str, names: list[str], *, every: bool, turns: bool
) -> None:
    if every:
        names = [entry.conversation_id for entry in await listed(daemon, tenant)]
    async with connect(daemon.target, daemon.keys) as channel:
        stub = SessionServiceStub(channel)
        for number, name in enumerate(names, 1):
            ref = common.SessionRef(tenant_id=tenant, conversation_id=name)
            try:
                if turns:
                    async for turn in turns_of(stub, ref):
                        emit(turn_to_json(turn))
                else:
                    await _write(stub, ref)
            except grpc.aio.AioRpcError as error:
                if not every or error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
                note(f"{name} was deleted meanwhile: left out")
            if number % TOLD_EVERY == 0:
                note(f"{number} of {len(names)} sessions written")


async def _write(stub: Any, ref: common.SessionRef) -> None:  # noqa: ANN401 - the stub's aio form
    """Write one session; it is gathered first, so that what is written is whole."""
    pages: list[bytes] = []
    request = pb.ExportSessionRequest(session=ref)
    while True:
        page = await stub.ExportSession(request, timeout=CALL_SECONDS)
        pages.append(page.lines)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    for each in pages:
        sys.stdout.buffer.write(each)
    sys.stdout.buffer.flush()


@dataclass(slots=True)
class Done:
    """How many sessions came to which end."""

    taken: int = 0
    known: int = 0
    refused: int = 0

    @property
    def all(self) -> int:
        """The sessions of the file so far."""
        return self.taken + self.known + self.refused


@dataclass(slots=True)
class Lines:
    """The lines of one session, and the number of the first in its file."""

    first: int
    lines: list[bytes] = field(default_factory=list)

    def pieces(self) -> Iterator[bytes]:
        """Yield the lines in pieces of a size to send."""
        whole = b"".join(self.lines)
        for at in range(0, len(whole), PIECE):
            yield whole[at : at + PIECE]


def sessions_of(file: IO[bytes]) -> Iterator[Lines]:
    """Yield the sessions of *file*, one in memory at a time; a header begins the next."""
    found: Lines | None = None
    for number, line in enumerate(file, 1):
        if found is None or _begins(line):
            if found is not None:
                yield found
            found = Lines(number)
        found.lines.append(line)
    if found is not None:
        yield found


def _begins(line: bytes) -> bool:
    """Say whether *line* is a header: told by its JSON, since a turn may quote one."""
    if HEADER not in line[:256]:
        return False
    try:
        value = json_format.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and HEADER.decode() in value


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    if file == Path("-"):
        yield sys.stdin.buffer
    elif file.suffix == ".gz":
        with gzip.open(file, "rb") as unpacked:
            yield unpacked  # type: ignore[misc]  # reads like any binary file
    else:
        with file.open("rb") as plain:
            yield plain


async def _import(daemon: Daemon, tenant: str, file: Path, *, json: bool) -> Done:
    done = Done()
    async with connect(daemon.target, daemon.keys) as channel:
        stub = SessionServiceStub(channel)
        with _opened(file) as opened:
            for session in sessions_of(opened):
                try:
                    answer = await stub.ImportSession(
                        _messages(tenant, session), timeout=IMPORT_SECONDS
                    )
                except grpc.aio.AioRpcError as error:
                    if reason_of(error) not in OF_ONE_SESSION:
                        raise
                    done.refused += 1
                    _tell_refused(file, session, error, json=json)
                else:
                    done.known += answer.already_there
                    done.taken += not answer.already_there
                    _tell(answer, json=json)
                if done.all % TOLD_EVERY == 0:
                    note(f"{done.all} sessions read")
    return done


async def _messages(tenant: str, session: Lines) -> AsyncIterator[pb.ImportSessionRequest]:
    for piece in session.pieces():
        yield pb.ImportSessionRequest(tenant_id=tenant, lines=piece)


def _tell(answer: pb.ImportSessionResponse, *, json: bool) -> None:
    if json:
        emit(
            {
                "conversation_id": answer.conversation_id,
                "revision": answer.revision,
                "records": answer.records,
                "turns": answer.turns,
                "already_there": answer.already_there,
            }
        )


def _tell_refused(file: Path, session: Lines, error: grpc.aio.AioRpcError, *, json: bool) -> None:
    """Say in which line of the file it was: the daemon counts from the session's header."""
    told = {str(name): value for name, value in error.trailing_metadata() or ()}
    line, field_name = str(told.get("contextd-line", "1")), str(told.get("contextd-field", ""))
    at = session.first + int(line) - 1 if line.isdecimal() else session.first
    _, _, said = (error.details() or "").partition(": ")
    said = said or error.details() or "no details"
    if json:
        emit({"refused": reason_of(error), "line": at, "field": field_name, "said": said})
    complain(f"{file}:{at}: {field_name + ': ' if field_name else ''}{said}")
