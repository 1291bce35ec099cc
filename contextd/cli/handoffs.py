"""`contextd handoffs …`: the inbox of a tenant, taken and given back from a terminal."""

from __future__ import annotations

import asyncio
from datetime import UTC
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contextd.cli.health import DEFAULT_TARGET
from contextd.cli.keys import Keys, with_keys
from contextd.cli.output import emit, note
from contextd.cli.remote import CALL_SECONDS, Target, connect
from contextd.cli.session import NO_KEYS, AsJson, Daemon, Tenant
from contextd.v1 import common_pb2 as common
from contextd.v1 import handoff_service_pb2 as pb
from contextd.v1.handoff_service_pb2_grpc import HandoffServiceStub

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

Id = Annotated[str, typer.Argument(help="The id of the handoff.")]


class Form(Enum):
    """The form in which a handoff is shown."""

    MARKDOWN = "markdown"
    AMAZON_CONNECT = "amazon-connect"
    DIALOGFLOW = "dialogflow"


class Outcome(Enum):
    """How a handoff ended."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"
    NOT_NEEDED = "not-needed"
    CUSTOMER_LEFT = "customer-left"


UNSPECIFIED = "HANDOFF_STATUS_UNSPECIFIED"
FORMS: Mapping[Form, pb.DeskFormat] = {
    Form.MARKDOWN: pb.DESK_FORMAT_MARKDOWN,
    Form.AMAZON_CONNECT: pb.DESK_FORMAT_AMAZON_CONNECT,
    Form.DIALOGFLOW: pb.DESK_FORMAT_DIALOGFLOW,
}
OUTCOMES: Mapping[Outcome, common.HandoffOutcome] = {
    Outcome.SOLVED: common.HANDOFF_OUTCOME_SOLVED,
    Outcome.UNSOLVED: common.HANDOFF_OUTCOME_UNSOLVED,
    Outcome.NOT_NEEDED: common.HANDOFF_OUTCOME_NOT_NEEDED,
    Outcome.CUSTOMER_LEFT: common.HANDOFF_OUTCOME_CUSTOMER_LEFT,
}


@with_keys
def list_handoffs(
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Print the handoffs that wait or that somebody has, the oldest first."""
    found = asyncio.run(_list(Daemon(target, keys), tenant, every=every))
    if json:
        for entry in found:
            emit(fields(entry))
        return
    if not found:
        note("no handoffs" if every else "nothing waits; --all shows those that have ended")
        return
    table = Table(box=None)
    for title in ("handoff", "status", "raised", "agent", "conversation", "headline"):
        table.add_column(title, overflow="fold" if title == "headline" else "ellipsis")
    for entry in found:
        table.add_row(*map(escape, _row(entry)))
    Console().print(table)


@with_keys
def show(
    handoff: Id,
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    form: Annotated[Form, typer.Option("--format", help="As which desk takes it.")] = Form.MARKDOWN,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Print a handoff: the note for a human, or what another desk takes."""
    request = pb.GetHandoffRequest(tenant_id=tenant, handoff_id=handoff, format=FORMS[form])
    answer = asyncio.run(_get(Daemon(target, keys), request))
    if json:
        emit(fields(answer))
        return
    typer.echo(answer.rendered.rstrip("\n"))
    if answer.note:
        typer.echo(f"\nNoted at its end: {one_line(answer.note)}")


@with_keys
def claim(
    handoff: Id,
    agent: Annotated[str, typer.Option(help="Who takes it.", envvar="CONTEXTD_AGENT")],
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    take_over: Annotated[bool, typer.Option(help="Also from whoever has it.")] = False,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Take a handoff: until it is resolved the assistant is silent."""
    request = pb.ClaimHandoffRequest(
        tenant_id=tenant, handoff_id=handoff, agent=agent, take_over=take_over
    )
    answer = asyncio.run(_claim(Daemon(target, keys), request))
    if json:
        emit(fields(answer))
    else:
        was = "has it already" if answer.replayed else "has it now"
        typer.echo(f"{answer.entry.agent} {was}: {answer.entry.headline}")


@with_keys
def resolve(
    handoff: Id,
    outcome: Annotated[Outcome, typer.Option(help="How it ended.")],
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    remark: Annotated[str, typer.Option("--note", help="What the bot should know.")] = "",
    close: Annotated[bool, typer.Option("--close", help="The conversation is over.")] = False,
    agent: Annotated[str, typer.Option(help="Who ends it (default: whoever has it).")] = "",
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """End a handoff, and give the conversation back to the bot, or close it."""
    request = pb.ResolveHandoffRequest(
        tenant_id=tenant,
        handoff_id=handoff,
        outcome=OUTCOMES[outcome],
        note=remark,
        disposition=(
            pb.HANDOFF_DISPOSITION_CLOSE_SESSION if close else pb.HANDOFF_DISPOSITION_RETURN_TO_BOT
        ),
        agent=agent,
    )
    answer = asyncio.run(_resolve(Daemon(target, keys), request))
    if json:
        emit(fields(answer))
    else:
        now = "is closed" if close else "is the bot's again"
        typer.echo(f"{outcome.value}; conversation {answer.entry.session.conversation_id} {now}")


@with_keys
def watch(
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    after: Annotated[int, typer.Option(help="Changes after this position.", min=0)] = 0,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Print each handoff as it changes, until Ctrl-C; the position is where to go on from."""
    request = pb.WatchHandoffsRequest(tenant_id=tenant, after_position=after)
    try:
        asyncio.run(_watch(Daemon(target, keys), request, json=json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _list(daemon: Daemon, tenant: str, *, every: bool) -> list[pb.HandoffEntry]:
    names = pb.HandoffStatus.keys() if every else ()
    statuses = [name for name in names if name != UNSPECIFIED]
    request = pb.ListHandoffsRequest(tenant_id=tenant, statuses=statuses, page_size=1000)
    found: list[pb.HandoffEntry] = []
    async with connect(daemon.target, daemon.keys) as channel:
        while True:
            page = await HandoffServiceStub(channel).ListHandoffs(request, timeout=CALL_SECONDS)
            found.extend(page.handoffs)
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


async def _get(daemon: Daemon, request: pb.GetHandoffRequest) -> pb.GetHandoffResponse:
    async with connect(daemon.target, daemon.keys) as channel:
        return await HandoffServiceStub(channel).GetHandoff(request, timeout=CALL_SECONDS)


async def _claim(daemon: Daemon, request: pb.ClaimHandoffRequest) -> pb.ClaimHandoffResponse:
    async with connect(daemon.target, daemon.keys) as channel:
        return await HandoffServiceStub(channel).ClaimHandoff(request, timeout=CALL_SECONDS)


async def _resolve(daemon: Daemon, request: pb.ResolveHandoffRequest) -> pb.ResolveHandoffResponse:
    async with connect(daemon.target, daemon.keys) as channel:
        return await HandoffServiceStub(channel).ResolveHandoff(request, timeout=CALL_SECONDS)


async def _watch(daemon: Daemon, request: pb.WatchHandoffsRequest, *, json: bool) -> None:
    async with connect(daemon.target, daemon.keys) as channel:
        async for answer in HandoffServiceStub(channel).WatchHandoffs(request):
            if json:
                emit(fields(answer.handoff))
            else:
                position = f"{answer.handoff.position:>8}"
                typer.echo(f"{position}  {'  '.join(_row(answer.handoff))}")


def _row(entry: pb.HandoffEntry) -> tuple[str, ...]:
    reason = _name(common.EscalationReason, entry.reason, "ESCALATION_REASON_")
    outcome = _name(common.HandoffOutcome, entry.outcome, "HANDOFF_OUTCOME_")
    status = _name(pb.HandoffStatus, entry.status, "HANDOFF_STATUS_")
    return (
        entry.handoff_id,
        f"{status}, {outcome}" if entry.outcome else status,
        moment(entry.raised_at),
        one_line(entry.agent) or "-",
        one_line(entry.session.conversation_id),
        one_line(entry.headline) or reason,
    )


def _name(kind: Any, number: int, prefix: str) -> str:  # noqa: ANN401 - an enumeration of the contract
    found = kind.DESCRIPTOR.values_by_number.get(number)
    return found.name.removeprefix(prefix).lower().replace("_", " ") if found else str(number)


def one_line(text: str) -> str:
    """Return *text* on one line, without what could steer a terminal."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def moment(at: Timestamp) -> str:
    """Return a time as a terminal shows it."""
    return at.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%S")


def fields(message: Message) -> dict[str, Any]:
    """Return *message* as `--json` prints it."""
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
