"""`contextd handoffs notices` and `resend`: what a desk was not told, and telling it after all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import grpc
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contextd.cli.handoffs import fields, moment, one_line
from contextd.cli.health import DEFAULT_TARGET
from contextd.cli.keys import Keys, with_keys
from contextd.cli.output import emit, fail, note
from contextd.cli.remote import CALL_SECONDS, Target, connect, reason_of
from contextd.cli.session import NO_KEYS, AsJson, Daemon, Tenant
from contextd.v1 import handoff_service_pb2 as pb
from contextd.v1.handoff_service_pb2_grpc import HandoffServiceStub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.v1.handoff_service_pb2_grpc import HandoffServiceAsyncStub

PAGE = 1_000
GONE = "NOTICE_NOT_FOUND"


@with_keys
def notices(
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Those that are still tried, instead.")
    ] = False,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Print the notices that were given up: a webhook has not taken them in all tries."""
    state = pb.NOTICE_STATE_WAITING if waiting else pb.NOTICE_STATE_DEAD
    found = asyncio.run(_list(Daemon(target, keys), tenant, state))
    if json:
        for notice in found:
            emit(fields(notice))
        return
    if not found:
        note("no notice waits" if waiting else "no notice was given up")
        return
    table = Table(box=None)
    for title in ("notice", "tries", "due", "conversation", "last error"):
        table.add_column(title, overflow="fold", justify="right" if title == "tries" else "left")
    for notice in found:
        table.add_row(*map(escape, _row(notice)))
    Console().print(table)


@with_keys
def resend(
    notice: Annotated[list[str] | None, typer.Argument(help="The ids of notices.")] = None,
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    every: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
    keys: Keys = NO_KEYS,
    json: AsJson = False,
) -> None:
    """Send notices again that were given up, as if they had never been tried."""
    if bool(notice) == every:
        raise typer.BadParameter("name notices, or give --all")
    sent, gone = asyncio.run(_resend(Daemon(target, keys), tenant, notice))
    if json:
        for each in sent:
            emit(fields(each))
    else:
        typer.echo(f"{len(sent)} sent again")
    if gone and not every:  # of all, some may have gone by themselves meanwhile
        fail("not there, taken meanwhile or deleted: " + ", ".join(map(one_line, gone)))


async def _list(daemon: Daemon, tenant: str, state: pb.NoticeState) -> list[pb.Notice]:
    async with connect(daemon.target, daemon.keys) as channel:
        return await _pages(HandoffServiceStub(channel), tenant, state)


async def _pages(
    stub: HandoffServiceAsyncStub, tenant: str, state: pb.NoticeState
) -> list[pb.Notice]:
    request = pb.ListNoticesRequest(tenant_id=tenant, state=state, page_size=PAGE)
    found: list[pb.Notice] = []
    while True:
        page = await stub.ListNotices(request, timeout=CALL_SECONDS)
        found.extend(page.notices)
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def _resend(
    daemon: Daemon, tenant: str, wanted: Sequence[str] | None
) -> tuple[list[pb.Notice], list[str]]:
    """Return what is sent again, and the ids of what is not there."""
    sent: list[pb.Notice] = []
    gone: list[str] = []
    async with connect(daemon.target, daemon.keys) as channel:
        stub = HandoffServiceStub(channel)
        if wanted is None:
            dead = await _pages(stub, tenant, pb.NOTICE_STATE_DEAD)
            wanted = [notice.notice_id for notice in dead]
        for notice_id in wanted:
            request = pb.ResendNoticeRequest(tenant_id=tenant, notice_id=notice_id)
            try:
                sent.append((await stub.ResendNotice(request, timeout=CALL_SECONDS)).notice)
            except grpc.aio.AioRpcError as error:
                if reason_of(error) != GONE:
                    raise
                gone.append(notice_id)
    return sent, gone


def _row(notice: pb.Notice) -> tuple[str, ...]:
    return (
        notice.notice_id,
        str(notice.attempts),
        moment(notice.due_at),
        one_line(notice.session.conversation_id),
        one_line(notice.last_error) or "-",
    )
