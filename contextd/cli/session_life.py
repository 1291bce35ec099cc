"""`contextd session close` and `contextd session watch`."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict

from contextd.cli.handoffs import moment, one_line
from contextd.cli.health import DEFAULT_TARGET
from contextd.cli.keys import Keys, with_keys
from contextd.cli.output import emit
from contextd.cli.remote import CALL_SECONDS, Target, connect
from contextd.cli.session import NO_KEYS, AsJson, Conversation, Daemon, Tenant
from contextd.v1 import common_pb2 as common
from contextd.v1 import session_service_pb2 as pb
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    from collections.abc import Mapping


class Outcome(Enum):
    """How a conversation ended."""

    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    ABANDONED = "abandoned"


OUTCOMES: Mapping[Outcome, pb.SessionOutcome] = {
    Outcome.RESOLVED: pb.SESSION_OUTCOME_RESOLVED,
    Outcome.UNRESOLVED: pb.SESSION_OUTCOME_UNRESOLVED,
    Outcome.ABANDONED: pb.SESSION_OUTCOME_ABANDONED,
}


@with_keys
def close(
    conversation: Conversation,
    outcome: Annotated[Outcome, typer.Option(help="How it ended.")],
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    rating: Annotated[
        int, typer.Option(help="The customer's, 1 to 5; 0: not known.", min=0, max=5)
    ] = 0,
    remark: Annotated[str, typer.Option("--note", help="Anything to know about it.")] = "",
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """End a conversation: from now on it takes no turns."""
    request = pb.CloseSessionRequest(
        session=common.SessionRef(tenant_id=tenant, conversation_id=conversation),
        outcome=OUTCOMES[outcome],
        rating=rating,
        note=remark,
    )
    answer = asyncio.run(_close(Daemon(target, keys), request))
    if json:
        emit({"revision": answer.revision, "replayed": answer.replayed})
    else:
        typer.echo(f"closed as {outcome.value}")


@with_keys
def watch(
    conversation: Conversation,
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    after: Annotated[int, typer.Option(help="What happens after this revision.", min=0)] = 0,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Print what happens to a session, until it is deleted or Ctrl-C."""
    request = pb.WatchSessionRequest(
        session=common.SessionRef(tenant_id=tenant, conversation_id=conversation),
        after_revision=after,
    )
    try:
        asyncio.run(_watch(Daemon(target, keys), request, json=json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _close(daemon: Daemon, request: pb.CloseSessionRequest) -> pb.CloseSessionResponse:
    async with connect(daemon.target, daemon.keys) as channel:
        return await SessionServiceStub(channel).CloseSession(request, timeout=CALL_SECONDS)


async def _watch(daemon: Daemon, request: pb.WatchSessionRequest, *, json: bool) -> None:
    async with connect(daemon.target, daemon.keys) as channel:
        async for event in SessionServiceStub(channel).WatchSession(request):
            if json:
                emit(_fields(event))
            else:
                for line in _lines(event):
                    typer.echo(line)


def _lines(event: pb.WatchSessionResponse) -> list[str]:
    kind = pb.SessionEventKind.Name(event.kind).removeprefix("SESSION_EVENT_KIND_").lower()
    about = f"  {event.handoff_id or event.deferral_id}".rstrip()
    head = f"{event.revision:>6}  {moment(event.at)}  {kind.replace('_', ' ')}{about}"
    turns = [
        f"        {common.Role.Name(turn.role).removeprefix('ROLE_').lower().replace('_', ' ')}: "
        f"{one_line(turn.text)}"
        for turn in event.turns
    ]
    return [head, *turns]


def _fields(event: pb.WatchSessionResponse) -> dict[str, Any]:
    return MessageToDict(
        event, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
