"""`contextd demo`: a long support conversation through a real daemon, in half a minute."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from contextd.cli.child import Daemon, own_daemon
from contextd.cli.demo.findings import Findings, claim_lines, claims, lost_lines, side_by_side
from contextd.cli.demo.script import Script, load_script, policy_text
from contextd.cli.demo.stage import Stage
from contextd.cli.figures import Figures
from contextd.cli.output import emit
from contextd.cli.player import Asked, Player, Refused
from contextd.cli.remote import CALL_SECONDS, connect
from contextd.cli.truncation import compare
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import session_service_pb2 as sessions
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from contextd.v1.session_service_pb2_grpc import SessionServiceStub

if TYPE_CHECKING:
    import grpc

    from contextd.cli.player import Event

BUDGET = pb.Budget(context_window_tokens=4_600, reserved_output_tokens=1_000)
"""Small, so that a conversation of some 12,000 tokens meets every mark."""

PACE = 0.16


def demo(
    *,
    fast: Annotated[bool, typer.Option("--fast", help="Wait nowhere.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Only the findings, as JSON.")] = False,
) -> None:
    """Play a long support conversation through a daemon started for it, over gRPC.

    Shows the token gauge, the folds, a context beside plain truncation, and the handoff.
    Exit 0 only when everything it claims at the end held.
    """
    script = load_script()
    console = Console(highlight=False, quiet=json)
    unhurried = console.is_terminal and not fast and not json
    stage = Stage(console, PACE if unhurried else 0.0)
    found = Findings(Figures(script.conversation.session_id))
    asyncio.run(_run(script, stage, found))
    found.claims = claims(found, script)
    stage.act(f"What this showed, in {found.seconds:.0f} seconds")
    for line in claim_lines(found.claims):
        stage.show(line)
    if json:
        held = {each.text: each.held for each in found.claims}
        emit({"claims": held, "seconds": found.seconds, "figures": found.figures.to_json()})
    raise typer.Exit(0 if all(each.held for each in found.claims) else 1)


async def _run(script: Script, stage: Stage, found: Findings) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="contextd-demo-") as folder:
        store = f"sqlite:///{folder}/demo.db"
        log = Path(folder) / "daemon.log"
        policy = Path(folder) / "policy.toml"
        policy.write_text(policy_text(), encoding="utf-8")
        rules = {"CONTEXTD_POLICY__FILE": str(policy)}
        async with own_daemon(store, log, rules) as daemon, connect(daemon.target) as channel:
            _introduce(stage, daemon)
            await _perform(channel, script, stage, found)
        found.exit_code = daemon.exit_code
    found.seconds = round(time.monotonic() - began, 1)


def _introduce(stage: Stage, daemon: Daemon) -> None:
    room = BUDGET.context_window_tokens - BUDGET.reserved_output_tokens
    stage.act("A conversation through a running daemon")
    stage.show(
        f"contextd serves on {daemon.target} (process {daemon.pid}), its state in SQLite on disk. "
        f"The budget is {room:,} tokens, small on purpose. What people and the assistant say is "
        "written beforehand; everything else is what the daemon answers over gRPC."
    )


async def _perform(
    channel: grpc.aio.Channel, script: Script, stage: Stage, found: Findings
) -> None:
    session = common.SessionRef(
        tenant_id="demo", conversation_id=script.conversation.session_id, account_id="C-20871"
    )
    player = Player(channel, session, BUDGET, after_tools=True)
    last: pb.BuildContextResponse | None = None
    with stage.performance():
        async for event in player.play(script.conversation):
            found.figures.add(event)
            await _show(channel, session, stage, event)
            if isinstance(event, Asked):
                last = event.answer
                if event.message and event.message.turn_id == script.show_context_at:
                    found.shown = last
                    found.against = compare(last, player.history[:-1])
    await _compare(stage, found)
    if last is not None:
        await _hand_over(channel, session, stage, last.escalation, found)


async def _show(
    channel: grpc.aio.Channel, session: common.SessionRef, stage: Stage, event: Event
) -> None:
    """Show one call of the frontend and what the daemon made of it."""
    if isinstance(event, Refused):
        stage.show(f"refused: {event.reason} {event.detail}")
        return
    if isinstance(event, Asked):
        asked = event.answer
        if event.message is not None:
            await stage.say(event.message)
        stage.gauge(asked.pressure, asked.tier, asked.token_count, asked.input_budget_tokens)
        stage.notice(asked)
    else:
        for turn in event.turns:
            await stage.say(turn)
        stage.gauge(event.answer.pressure, event.answer.tier)
    request = sessions.GetSessionRequest(session=session)
    reply = await SessionServiceStub(channel).GetSession(request, timeout=CALL_SECONDS)
    stage.folds(reply.session)


async def _compare(stage: Stage, found: Findings) -> None:
    """Show the context of one message beside what truncation would have sent."""
    if found.shown is None or found.against is None:
        return
    stage.act("What was sent to the model for this message")
    stage.show(f"“{found.shown.messages[-1].text}”")
    stage.show(side_by_side(found.shown, found.against))
    lost = found.against.lost_turns
    stage.show(f"Truncation would have lost {lost} turns. Of these the context still says:")
    stage.show(lost_lines(found.against))
    await stage.pause()


async def _hand_over(
    channel: grpc.aio.Channel,
    session: common.SessionRef,
    stage: Stage,
    advice: common.Escalation,
    found: Findings,
) -> None:
    """Show what contextd advises, and the handoff."""
    reasons = [
        common.EscalationReason.Name(each).removeprefix("ESCALATION_REASON_").lower()
        for each in advice.reasons
    ]
    stage.act("The handoff")
    advised = "advises" if advice.recommended else "does not advise"
    stage.show(f"contextd {advised} a human: {', '.join(reasons).replace('_', ' ')}.")
    request = pb.EscalateRequest(
        session=session,
        reason=advice.reasons[0] if reasons else common.ESCALATION_REASON_OTHER,
        channel_mode=pb.CHANNEL_MODE_SYNC,
        request_id="demo-handoff",
    )
    found.escalated = await ContextServiceStub(channel).Escalate(request, timeout=CALL_SECONDS)
    stage.show(Markdown(found.escalated.markdown))
    await stage.pause()
