"""`contextd account …`: look at what is known of accounts, change it, forget it."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contextd.cli.health import DEFAULT_TARGET
from contextd.cli.keys import Keys, with_keys
from contextd.cli.output import emit, fail, note
from contextd.cli.remote import CALL_SECONDS, Target, connect
from contextd.cli.session import NO_KEYS, AsJson, Daemon, Tenant
from contextd.v1 import account_service_pb2 as pb
from contextd.v1.account_service_pb2_grpc import AccountServiceStub

if TYPE_CHECKING:
    from collections.abc import Mapping

AccountId = Annotated[str, typer.Argument(help="The account id.")]
FORGET_SECONDS = 600.0
"""An account may have many conversations, each removed durably."""

TYPES: Mapping[str, pb.AccountFactType] = {
    "preference": pb.ACCOUNT_FACT_TYPE_PREFERENCE,
    "attribute": pb.ACCOUNT_FACT_TYPE_ATTRIBUTE,
    "permission": pb.ACCOUNT_FACT_TYPE_PERMISSION,
}
NAMES: Mapping[int, str] = {number: name for name, number in TYPES.items()}


@with_keys
def show(
    account: AccountId,
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    keys: Keys = NO_KEYS,
    candidates: Annotated[
        bool, typer.Option("--candidates", help="Also what its newest chats suggest.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Print what is known of an account, its conversations, and what they suggest."""
    request = pb.GetAccountRequest(
        tenant_id=tenant, account_id=account, include_candidates=candidates
    )
    found = asyncio.run(_get(Daemon(target, keys), request))
    if json:
        emit(_as_fields(found))
        return
    console = Console()
    console.print(_facts(found.account))
    if found.conversations:
        console.print(_conversations(found))
    if candidates:
        console.print(_candidates(found))


@with_keys
def set_facts(
    account: AccountId,
    facts: Annotated[
        list[str] | None, typer.Argument(help="What is so, as KEY=VALUE.", metavar="[KEY=VALUE]…")
    ] = None,
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    keys: Keys = NO_KEYS,
    kind: Annotated[
        str, typer.Option("--type", help="preference, attribute or permission.")
    ] = "attribute",
    source: Annotated[str, typer.Option(help="Who confirmed it.")] = "",
    expires: Annotated[
        str, typer.Option(help="From when on it no longer counts, as 2030-12-31.", metavar="DATE")
    ] = "",
    remove: Annotated[list[str] | None, typer.Option(help="A key to remove; repeatable.")] = None,
    json: AsJson = False,
) -> None:
    """Set facts that somebody has confirmed, and remove others; all or none."""
    request = pb.UpdateAccountRequest(
        tenant_id=tenant, account_id=account, request_id=str(uuid.uuid4())
    )
    for text in facts or ():
        _add(request, text, kind, source, expires)
    for key in remove or ():
        request.update_mask.paths.append(f"facts.{key}")
    if remove:
        request.update_mask.paths.extend(f"facts.{fact.key}" for fact in request.facts)
    answer = asyncio.run(_update(Daemon(target, keys), request))
    if json:
        emit(_as_fields(answer))
    else:
        Console().print(_facts(answer.account))


@with_keys
def forget(
    account: AccountId,
    tenant: Tenant = "default",
    target: Target = DEFAULT_TARGET,
    *,
    keys: Keys = NO_KEYS,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: AsJson = False,
) -> None:
    """Remove an account with all its conversations and all derived from them, for good."""
    if not yes:
        question = f"Forget {tenant}/{account} with all its conversations?"
        typer.confirm(question, abort=True, err=True)
    request = pb.ForgetAccountRequest(tenant_id=tenant, account_id=account)
    counts = asyncio.run(_forget(Daemon(target, keys), request))
    if json:
        emit({"forgotten": counts})
    elif any(counts.values()):
        typer.echo("forgot " + ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()) if n))
    else:
        note("nothing was known of this account; nothing forgotten")


def _add(request: pb.UpdateAccountRequest, text: str, kind: str, source: str, expires: str) -> None:
    key, given, value = text.partition("=")
    if not given:
        fail(f"{text!r} is no fact; write KEY=VALUE, and remove with --remove KEY", code=2)
    if kind not in TYPES:
        fail(f"--type must be one of {', '.join(TYPES)}, not {kind!r}", code=2)
    fact = request.facts.add(key=key.strip(), value=value.strip(), source=source, type=TYPES[kind])
    if expires:
        try:
            until = datetime.fromisoformat(expires)
        except ValueError:
            fail(f"--expires must be a date such as 2030-12-31, not {expires!r}", code=2)
        fact.expires_at.FromDatetime(until if until.tzinfo else until.replace(tzinfo=UTC))


def _as_fields(
    message: pb.GetAccountResponse | pb.UpdateAccountResponse,
) -> dict[str, object]:
    fields: dict[str, object] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return fields


def _facts(account: pb.Account) -> Table:
    table = Table("fact", "type", "value", "source", "confirmed", "expires", box=None)
    table.title = f"{escape(account.account_id)}, revision {account.revision}"
    table.title_justify = "left"
    for fact in account.facts:
        expires = _day(fact.expires_at.seconds) if fact.HasField("expires_at") else ""
        row = (fact.key, NAMES.get(fact.type, ""), fact.value, fact.source)
        table.add_row(*map(escape, row), _day(fact.confirmed_at.seconds), expires)
    return table


def _conversations(found: pb.GetAccountResponse) -> Table:
    table = Table("conversation", "opened", "closed", "about", box=None)
    for each in found.conversations:
        opened, closed = _day(each.opened_at.seconds), "yes" if each.closed else ""
        table.add_row(escape(each.conversation_id), opened, closed, escape(each.recap))
    return table


def _candidates(found: pb.GetAccountResponse) -> Table:
    table = Table("not confirmed", "type", "value", "conversation", "turns", box=None)
    for each in found.candidates:
        turns = " ".join(each.turn_ids)
        row = (each.key, NAMES.get(each.type, ""), each.value, each.conversation_id, turns)
        table.add_row(*map(escape, row))
    return table


def _day(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


async def _get(daemon: Daemon, request: pb.GetAccountRequest) -> pb.GetAccountResponse:
    async with connect(daemon.target, daemon.keys) as channel:
        return await AccountServiceStub(channel).GetAccount(request, timeout=CALL_SECONDS)


async def _update(daemon: Daemon, request: pb.UpdateAccountRequest) -> pb.UpdateAccountResponse:
    async with connect(daemon.target, daemon.keys) as channel:
        return await AccountServiceStub(channel).UpdateAccount(request, timeout=CALL_SECONDS)


async def _forget(daemon: Daemon, request: pb.ForgetAccountRequest) -> dict[str, int]:
    async with connect(daemon.target, daemon.keys) as channel:
        answer = await AccountServiceStub(channel).ForgetAccount(request, timeout=FORGET_SECONDS)
        return dict(answer.counts)
