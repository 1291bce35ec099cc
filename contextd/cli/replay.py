"""`contextd replay`: somebody else's conversations, turn by turn, through a daemon."""

from __future__ import annotations

import asyncio
import json as json_format
import sys
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from contextd.cli.conversations import read
from contextd.cli.figures import Figures
from contextd.cli.keys import Keys, with_keys
from contextd.cli.output import fail
from contextd.cli.player import Asked, Player, Refused
from contextd.cli.playground import Place, open_playground
from contextd.cli.report import session_table, time_table, totals
from contextd.cli.screen import carried_cells, comparison_table, turn_line
from contextd.cli.truncation import compare
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.cli.conversations import Conversation
    from contextd.cli.player import Event
    from contextd.cli.playground import Playground

MOST_CARRIED = 8
NO_KEYS = Keys()
PLAIN_WIDTH = 120


@with_keys
def replay(
    file: Annotated[Path, typer.Argument(help="Conversations: .jsonl or .jsonl.gz.")],
    target: Annotated[
        str, typer.Option(help="A running daemon; without it one is started.", metavar="ADDRESS")
    ] = "",
    store: Annotated[
        str, typer.Option(help="Store of the daemon started here.", metavar="URL")
    ] = "",
    session: Annotated[list[str] | None, typer.Option(help="Only this one; repeatable.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most this many sessions.", min=1)] = None,
    *,
    keys: Keys = NO_KEYS,
    tenant: Annotated[str, typer.Option(help="At a running daemon: record under it.")] = "",
    budget: Annotated[int, typer.Option(help="Context window in tokens.", min=1)] = 32_768,
    reserve: Annotated[int, typer.Option(help="Of it, for the answer.", min=0)] = 4_096,
    model: Annotated[str, typer.Option(help="Chooses the tokenizer.")] = "",
    json: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here; '-' for stdout.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line a turn.")] = False,
) -> None:
    """Drive a daemon over gRPC with recorded conversations, turn by turn, in order.

    Prints what each context took, and at the end the context beside plain truncation.
    Exit 1 when a context exceeded its budget or a call was refused.
    """
    if not file.is_file():
        fail(f"there is no file {file}", code=2)
    to_stdout = json == Path("-")
    plan = Plan(
        file=file,
        sessions=frozenset(session or ()),
        limit=limit,
        budget=pb.Budget(model=model, context_window_tokens=budget, reserved_output_tokens=reserve),
        quiet=quiet or to_stdout,
        console=_console(to_stdout=to_stdout),
    )
    peak = asyncio.run(_replay(plan, Place(target, store, tenant, keys)))
    _report(plan, peak, json)
    worked = plan.done and not any(each.violations or each.refused for each in plan.done)
    raise typer.Exit(0 if worked else 1)


def _console(*, to_stdout: bool) -> Console:
    """Return the console to report on; a file or a pipe gets lines as long as tables need."""
    console = Console(stderr=to_stdout, highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play and how much to say about it; `done` fills up."""

    file: Path
    sessions: frozenset[str]
    limit: int | None
    budget: pb.Budget
    quiet: bool
    console: Console
    done: list[Figures] = field(default_factory=list)

    def conversations(self) -> Iterator[Conversation]:
        """Yield the conversations chosen, reading the file as they are asked for."""
        every = read(self.file)
        if not self.sessions:
            return islice(every, self.limit)
        chosen = (each for each in every if each.session_id in self.sessions)
        return islice(chosen, min(len(self.sessions), self.limit or len(self.sessions)))


async def _replay(plan: Plan, where: Place) -> float:
    """Play everything; return the daemon's peak memory in MiB, 0 when not known."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(
        *columns, TextColumn("turns"), TimeElapsedColumn(), console=plan.console, transient=True
    )
    bar.disable = not plan.console.is_terminal
    async with open_playground(where) as place:
        with bar:
            for conversation in plan.conversations():
                plan.done.append(await _play(plan, place, conversation, bar))
        return place.memory_mib()[1]


async def _play(
    plan: Plan, place: Playground, conversation: Conversation, bar: Progress
) -> Figures:
    session = common.SessionRef(tenant_id=place.tenant, conversation_id=conversation.session_id)
    player = Player(place.channel, session, plan.budget)
    figures = Figures(conversation.session_id)
    task = bar.add_task(conversation.session_id, total=len(conversation.turns))
    last: pb.BuildContextResponse | None = None
    before = 0
    async for event in player.play(conversation):
        figures.add(event)
        _tell(plan, figures, event)
        bar.update(task, completed=figures.turns)
        if isinstance(event, Asked):
            last, before = event.answer, len(player.history) - 1
    if last is not None:
        figures.against = compare(last, player.history[:before])
    figures.rss_mib = place.memory_mib()[0]
    bar.remove_task(task)
    _tell_session(plan, conversation, figures)
    return figures


def _tell(plan: Plan, figures: Figures, event: Event) -> None:
    if isinstance(event, Refused):
        plan.console.print(f"refused {event.reason}: {event.detail}", style="red", markup=False)
    elif isinstance(event, Asked) and not plan.quiet:
        plan.console.print(turn_line(figures.turns, event.answer), soft_wrap=True)


def _tell_session(plan: Plan, conversation: Conversation, figures: Figures) -> None:
    left_out = f" ({conversation.skipped} left out)" if conversation.skipped else ""
    plan.console.print(
        f"{conversation.session_id}: {figures.turns:,} turns{left_out}, {figures.tokens:,} tokens, "
        f"{len(figures.build.seconds):,} contexts, {figures.violations} over budget",
        style="bold",
        markup=False,
    )
    if figures.against and figures.against.lost_turns and not plan.quiet:
        plan.console.print(comparison_table(figures.against))
        grid = Table.grid(padding=(0, 2))
        for line in figures.against.carried[:MOST_CARRIED]:
            grid.add_row(*carried_cells(line))
        plan.console.print(grid)


def _report(plan: Plan, peak: float, json: Path | None) -> None:
    """Print the tables, and write the figures where they were asked for."""
    summary = totals(plan.done)
    plan.console.print(session_table(plan.done))
    plan.console.print(time_table(plan.done))
    plan.console.print(
        f"{summary['sessions']} sessions, {summary['turns']:,} turns, "
        f"{summary['tokens']:,} tokens, {summary['builds']:,} contexts, "
        f"{summary['violations']} over budget"
        + (f"; the daemon took at most {peak:.0f} MiB" if peak else "")
    )
    if json is None:
        return
    room = plan.budget.context_window_tokens - plan.budget.reserved_output_tokens
    figures = {
        "file": plan.file.name,
        "input_budget_tokens": room,
        "total": summary | {"peak_rss_mib": round(peak, 1)},
        "sessions": [each.to_json() for each in plan.done],
    }
    text = json_format.dumps(figures, ensure_ascii=False, indent=2) + "\n"
    if json == Path("-"):
        sys.stdout.write(text)
    else:
        json.write_text(text, encoding="utf-8")
