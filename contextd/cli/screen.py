"""What replay and demo draw: the token gauge, a line a call, tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from contextd.cli.figures import (
    folded_through,
    section_sequences,
    tier_name,
)
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.cli.truncation import Carried, Comparison

WIDTH = 40
MARKS = (0.6, 0.8, 0.9)
COLOURS: Mapping[common.Tier, str] = {
    common.TIER_VERBATIM: "green",
    common.TIER_SUMMARY: "yellow",
    common.TIER_KEY_FACTS: "dark_orange",
    common.TIER_NOTICE: "red",
}
CUT = 96


def gauge(pressure: float, tier: common.Tier, width: int = WIDTH) -> Text:
    """Draw the pressure as a bar with marks at 60, 80 and 90 %."""
    filled = min(width, round(pressure * width))
    marks = {round(mark * width) for mark in MARKS}
    colour = COLOURS[tier]
    bar = Text("▕")
    for at in range(width):
        here = "┃" if at in marks else ("█" if at < filled else "░")
        bar.append(here, style=colour if at < filled else "dim")
    bar.append("▏")
    bar.append(f"{pressure:5.0%} {tier_name(tier):<9}", style=colour)
    return bar


def turn_line(number: int, answer: pb.BuildContextResponse) -> Text:
    """Draw one build: gauge, tokens against the budget, what was folded and retrieved."""
    line = Text(f"{number:>5} ")
    line.append_text(gauge(answer.pressure, answer.tier, width=20))
    over = answer.token_count > answer.input_budget_tokens
    line.append(
        f" {answer.token_count:>6,} / {answer.input_budget_tokens:,}",
        style="bold red" if over else "",
    )
    through = folded_through(answer)
    if through:
        line.append(f"  folded 1–{through}", style="cyan")
    retrieved = section_sequences(answer, pb.SECTION_KIND_RETRIEVED)
    if retrieved:
        line.append(f"  retrieved {_numbers(retrieved)}", style="magenta")
    return line


def comparison_table(against: Comparison) -> Table:
    """Return both ways to fill the budget, side by side."""
    table = Table("", "plain truncation", "contextd", box=None, header_style="bold")
    table.add_row("tokens sent", f"{against.truncated_tokens:,}", f"{against.sent_tokens:,}")
    table.add_row("turns verbatim", f"{against.truncated_turns:,}", f"{against.sent_turns:,}")
    table.add_row("older turns lost or folded", f"{against.lost_turns:,} lost", "0 lost")
    table.add_row("  of these quoted in the prompt", "0", f"{against.carried_turns:,}")
    return table


def carried_cells(line: Carried) -> tuple[Text, Text, Text]:
    """Draw what the context says of a turn that truncation would have lost."""
    text = line.text if len(line.text) <= CUT else line.text[: CUT - 1] + "…"
    return Text(line.section, "cyan"), Text(f"turn {line.sequence}", "dim"), Text(text)


def _numbers(sequences: Sequence[int], most: int = 8) -> str:
    shown = ", ".join(str(number) for number in sequences[:most])
    return shown + (f" and {len(sequences) - most} more" if len(sequences) > most else "")
