"""`contextd session …`: look at sessions, delete them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator  # noqa: TC003 - typer reads the hints
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contextd.cli.health import DEFAULT_TARGET
from contextd.cli.keys import Keys, with_keys
from contextd.cli.output import emit, note
from contextd.cli.remote import CALL_SECONDS, Target, connect
from contextd.v1 import common_pb2 as common
from contextd.v1 import session_service_pb2 as pb
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from contextd.v1.session_service_pb2_grpc import SessionServiceAsyncStub

Tenant = Annotated[str, typer.Option(help="Who pays.", envvar="CONTEXTD_TENANT")]
Conversation = Annotated[str, typer.Argument(help="The conversation id.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
PAGE = 200
NO_KEYS = Keys()


@with_keys
def show(
    conversation: Conversation,
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Print the state of a session: turns, tokens, tier, summary, key facts, handoffs."""
    session = asyncio.run(_get(Daemon(target, keys), _ref(tenant, conversation)))
    fields = MessageToDict(
        session, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    if json:
        emit(fields)
        return
    fields |= fields.pop("session")
    table = Table(box=None, show_header=False)
    for name, value in fields.items():
        text = "\n".join(value) if isinstance(value, list) else str(value)
        table.add_row(f"[bold]{name.replace('_', ' ')}[/]", escape(text.strip()))
    Console().print(table)


@with_keys
def list_sessions(
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Print every session of a tenant with its revision."""
    for entry in asyncio.run(listed(Daemon(target, keys), tenant)):
        if json:
            emit({"conversation_id": entry.conversation_id, "revision": entry.revision})
        else:
            typer.echo(f"{entry.revision:>8}  {entry.conversation_id}")


@with_keys
def delete(
    conversation: Conversation,
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    keys: Keys = NO_KEYS,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: AsJson = False,
) -> None:
    """Remove a session with everything derived from it, for good."""
    if not yes:
        typer.confirm(f"Delete {tenant}/{conversation} with all its turns?", abort=True, err=True)
    counts = dict(asyncio.run(_delete(Daemon(target, keys), _ref(tenant, conversation))))
    if json:
        emit({"deleted": counts})
    elif any(counts.values()):
        typer.echo("deleted " + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items())))
    else:
        note("there was no such session; nothing deleted")


@dataclass(frozen=True, slots=True)
class Daemon:
    """Which daemon, and what to bring."""

    target: str
    keys: Keys


def _ref(tenant: str, conversation: str) -> common.SessionRef:
    return common.SessionRef(tenant_id=tenant, conversation_id=conversation)


async def _get(daemon: Daemon, ref: common.SessionRef) -> pb.Session:
    async with connect(daemon.target, daemon.keys) as channel:
        request = pb.GetSessionRequest(session=ref)
        answer = await SessionServiceStub(channel).GetSession(request, timeout=CALL_SECONDS)
        return answer.session


async def listed(daemon: Daemon, tenant: str) -> list[pb.SessionEntry]:
    """Return every session of a tenant."""
    entries: list[pb.SessionEntry] = []
    async with connect(daemon.target, daemon.keys) as channel:
        request = pb.ListSessionsRequest(tenant_id=tenant, page_size=1000)
        while True:
            page = await SessionServiceStub(channel).ListSessions(request, timeout=CALL_SECONDS)
            entries.extend(page.sessions)
            if not page.next_page_token:
                return entries
            request.page_token = page.next_page_token


async def turns_of(
    stub: SessionServiceAsyncStub, ref: common.SessionRef
) -> AsyncIterator[common.Turn]:
    """Yield the turns page by page; one page is in memory at a time."""
    request = pb.ListTurnsRequest(session=ref, page_size=PAGE)
    while True:
        page = await stub.ListTurns(request, timeout=CALL_SECONDS)
        for turn in page.turns:
            yield turn
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


async def _delete(daemon: Daemon, ref: common.SessionRef) -> dict[str, int]:
    async with connect(daemon.target, daemon.keys) as channel:
        request = pb.DeleteSessionRequest(session=ref)
        answer = await SessionServiceStub(channel).DeleteSession(request, timeout=CALL_SECONDS)
        return dict(answer.counts)
