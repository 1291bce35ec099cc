"""The verbs of the engine, each with what it needs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from contextd.app.accounts import wire_accounts
from contextd.app.running import new_id, now
from contextd.engine.build import BuildContext
from contextd.engine.close import CloseSession
from contextd.engine.defer import DeferTurn
from contextd.engine.deferrals import Deferrals
from contextd.engine.escalate import Escalate, nobody
from contextd.engine.expire import Expire
from contextd.engine.fold import FoldSession
from contextd.engine.handoffs import Handoffs
from contextd.engine.inspect import Inspection
from contextd.engine.maintain import Maintain
from contextd.engine.moving import ExportSession, ImportSession
from contextd.engine.notices import Notices
from contextd.engine.record import RecordTurn
from contextd.engine.watch import Watching
from contextd.engine.writing import TurnScribe
from contextd.model import Budget
from contextd.rpc.archives import ArchiveVerbs
from contextd.rpc.deferrals import DeferralVerbs
from contextd.rpc.handoffs import HandoffVerbs
from contextd.rpc.servicer import Engine
from contextd.rpc.session_life import SessionLifeVerbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.app.ports_in_use import Ports
    from contextd.app.retrieval import Searching
    from contextd.config import Config
    from contextd.engine.indexing import Indexer
    from contextd.engine.returning import Returning
    from contextd.engine.writing import Writer
    from contextd.model import Relief, SessionKey


def wire_verbs(
    config: Config,
    ports: Ports,
    writer: Writer,
    summaries: Callable[[SessionKey], None] | None,
    searching: Searching,
    *,
    relief: Callable[[], Relief],
    announce: Callable[[str], bool] = nobody,
) -> tuple[Engine, Maintain, Expire]:
    """Wire the verbs: those that are called, and the two that work behind them."""
    accounts = wire_accounts(config, ports, writer)
    scribe = TurnScribe(now, new_id, assumed_budget(config), accounts.returning)
    inspection = Inspection(ports.store, writer.sessions, writer.changes, accounts.hot)
    record = RecordTurn(
        sessions=writer.sessions,
        policies=ports.policies,
        scribe=scribe,
        writer=writer,
        observer=ports.observer,
        monotonic=time.monotonic,
    )
    escalate = _escalate(ports, writer, accounts.returning, announce)
    watching = Watching(ports.store, writer.changes, config.watch.poll_seconds)
    engine = Engine(
        build=_build(ports, writer, scribe, searching, accounts.returning, relief=relief),
        record=record,
        escalate=escalate,
        get_session=inspection.get_session,
        list_sessions=inspection.list_sessions,
        list_turns=inspection.list_turns,
        delete_session=inspection.delete_session,
        deferrals=_deferrals(ports, record, escalate),
        session_life=_session_life(ports, writer, watching, announce),
        handoffs=_handoffs(ports, writer, watching, announce),
        accounts=accounts.verbs(ports.policies, inspection.delete_session),
        archives=_archives(ports, writer),
    )
    expire = Expire(
        store=ports.store,
        erase=inspection.expire,
        clock=now,
        observer=ports.observer,
        policies=ports.policies,
        least_days=ports.policies.least_days,
        busy=lambda: bool(relief()),
    )
    return engine, _maintain(config, ports, writer, searching.indexer, summaries), expire


def _build(
    ports: Ports,
    writer: Writer,
    scribe: TurnScribe,
    searching: Searching,
    returning: Returning,
    *,
    relief: Callable[[], Relief],
) -> BuildContext:
    return BuildContext(
        sessions=writer.sessions,
        tokenizers=ports.tokenizers,
        indexer=searching.indexer,
        meaning=searching.meaning,
        scribe=scribe,
        writer=writer,
        observer=ports.observer,
        monotonic=time.monotonic,
        nudge=writer.nudge,
        policies=ports.policies,
        embed=ports.embedder.embed,
        relief=relief,
        returning=returning,
        router=searching.router,
    )


def _escalate(
    ports: Ports, writer: Writer, returning: Returning, announce: Callable[[str], bool]
) -> Escalate:
    return Escalate(
        sessions=writer.sessions,
        writer=writer,
        clock=now,
        new_id=new_id,
        observer=ports.observer,
        monotonic=time.monotonic,
        policies=ports.policies,
        embed=ports.embedder.embed,
        announce=announce,
        returning=returning,
    )


def _deferrals(ports: Ports, record: RecordTurn, escalate: Escalate) -> DeferralVerbs:
    scribe, writer = record.scribe, record.writer
    defer = DeferTurn(
        sessions=writer.sessions,
        scribe=scribe,
        writer=writer,
        record=record,
        hand_over=escalate,
        clock=now,
        new_id=new_id,
        observer=ports.observer,
        monotonic=time.monotonic,
        policies=ports.policies,
    )
    deferrals = Deferrals(
        sessions=writer.sessions,
        scribe=scribe,
        writer=writer,
        work=ports.store.work,
        hand_over=escalate,
        clock=now,
        new_id=new_id,
        policies=ports.policies,
    )
    return DeferralVerbs(defer, deferrals.lease, deferrals.complete)


def _session_life(
    ports: Ports, writer: Writer, watching: Watching, announce: Callable[[str], bool]
) -> SessionLifeVerbs:
    close = CloseSession(
        sessions=writer.sessions,
        writer=writer,
        clock=now,
        observer=ports.observer,
        monotonic=time.monotonic,
        announce=announce,
    )
    return SessionLifeVerbs(close, watching.session)


def _archives(ports: Ports, writer: Writer) -> ArchiveVerbs:
    take = ImportSession(
        store=ports.store,
        sessions=writer.sessions,
        accepted=writer.accepted,
        changes=writer.changes,
        nudge=writer.nudge,
        tokenizers=ports.tokenizers,
        clock=now,
        new_id=new_id,
        observer=ports.observer,
    )
    return ArchiveVerbs(ExportSession(ports.store), take)


def _handoffs(
    ports: Ports, writer: Writer, watching: Watching, announce: Callable[[str], bool]
) -> HandoffVerbs:
    verbs = Handoffs(
        store=ports.store,
        sessions=writer.sessions,
        writer=writer,
        clock=now,
        observer=ports.observer,
        monotonic=time.monotonic,
        announce=announce,
    )
    notices = Notices(ports.store.work, now, ports.observer, announce)
    return HandoffVerbs(
        verbs.list,
        verbs.get,
        verbs.claim,
        verbs.resolve,
        watching.handoffs,
        notices.list,
        notices.resend,
    )


def _maintain(
    config: Config,
    ports: Ports,
    writer: Writer,
    indexer: Indexer,
    summaries: Callable[[SessionKey], None] | None,
) -> Maintain:
    fold = FoldSession(
        sessions=writer.sessions,
        writer=writer,
        clock=now,
        observer=ports.observer,
        policies=ports.policies,
        default_budget=assumed_budget(config),
        embed=ports.embedder.embed,
    )
    return Maintain(writer.sessions, indexer, fold, ports.policies, summaries)


def assumed_budget(config: Config) -> Budget:
    """Return the budget of a session whose callers have stated none."""
    budget = config.budget
    return Budget(budget.model, budget.context_window_tokens, budget.reserved_output_tokens)
