"""What the demo shows while the conversation runs: who speaks, the gauge, the folds."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from contextd.cli.figures import tier_name
from contextd.cli.screen import gauge
from contextd.v1 import common_pb2 as common

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import Console, RenderableType

    from contextd.v1 import context_service_pb2 as pb
    from contextd.v1 import session_service_pb2 as sessions

NAME_WIDTH = 8
PAUSE_LINES = 12
FOLD_CUT = 420
MEANING: Mapping[common.Tier, str] = {
    common.TIER_SUMMARY: "60 % of the budget: from now on old turns stand as a summary",
    common.TIER_KEY_FACTS: "80 %: old turns stand as essential facts only",
    common.TIER_NOTICE: "90 %: as before, and the customer is told that this is a summary",
}
STYLES: Mapping[common.Role, str] = {
    common.ROLE_USER: "bold cyan",
    common.ROLE_ASSISTANT: "bold green",
    common.ROLE_TOOL: "dim",
}


class Stage:
    """Draws on a console; waits *pace* seconds after each line so that it can be read."""

    def __init__(self, console: Console, pace: float) -> None:
        """Draw plainly, without a live gauge, where the console is no terminal."""
        self.console = console
        self._pace = pace
        self._live: Live | None = None
        self._tier: common.Tier = common.TIER_VERBATIM
        self._through = 0

    @contextmanager
    def performance(self) -> Iterator[None]:
        """Keep the gauge at the bottom of a terminal for as long as this is open."""
        if not self.console.is_terminal:
            yield
            return
        with Live("", console=self.console, transient=True, auto_refresh=False) as live:
            self._live = live
            yield
        self._live = None

    def act(self, title: str) -> None:
        """Begin a part of the demo."""
        self.console.print()
        self.console.print(Rule(f"[bold]{title}[/]", align="left", style="dim"))

    def show(self, what: RenderableType) -> None:
        """Print something, indented."""
        self.console.print(Padding(what, (0, 0, 0, 2)))

    async def pause(self) -> None:
        """Leave time to read a longer part."""
        await asyncio.sleep(self._pace * PAUSE_LINES)

    async def say(self, turn: common.Turn) -> None:
        """Show what was said; of a tool result, its size."""
        name, text = turn.author or "Robin", Text(turn.text)
        if turn.role == common.ROLE_TOOL:
            name, text = "", Text(f"← {len(turn.text):,} characters of JSON", "dim")
        elif turn.tool_calls:
            name, text = "", Text("→ " + ", ".join(call.name for call in turn.tool_calls), "dim")
        self._line(Text(name, STYLES[turn.role]), text)
        await asyncio.sleep(self._pace)

    def gauge(self, pressure: float, tier: common.Tier, tokens: int = 0, room: int = 0) -> None:
        """Show how full the budget is, and say so when a mark is crossed."""
        drawn = Text(" " * (NAME_WIDTH + 2)).append_text(gauge(pressure, tier))
        if tokens:
            drawn.append(f"  sent {tokens:,} of {room:,} tokens", style="dim")
        if self._live is not None:
            self._live.update(drawn, refresh=True)
        elif tokens:
            self.console.print(drawn, soft_wrap=True)
        if tier > self._tier:
            self.console.print(Rule(f"{tier_name(tier)} · {MEANING[tier]}", style="yellow"))
            if self._live is not None:
                self.console.print(drawn)
        self._tier = tier

    def folds(self, session: sessions.Session) -> None:
        """Show a fold when a new one has been published."""
        if session.folded_through <= self._through:
            return
        self._through = session.folded_through
        told = f"turns 1–{self._through} folded: {session.summary}"
        cut = told if len(told) <= FOLD_CUT else told[: FOLD_CUT - 1] + "…"
        self._line(Text("fold", "yellow"), Text(cut, "dim"))

    def notice(self, answer: pb.BuildContextResponse) -> None:
        """Show the notice for the customer, when there is one."""
        if answer.notice:
            self._line(Text("notice", "red"), Text(answer.notice))

    def _line(self, name: Text, text: Text) -> None:
        """Print *text* beside *name*; wrapped lines begin under the text."""
        grid = Table.grid(padding=(0, 2))
        grid.add_column(width=NAME_WIDTH, justify="right")
        grid.add_column(ratio=1)
        grid.add_row(name, text)
        self.console.print(grid)
