"""What the demo found: the context beside truncation, the handoff, and its own claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from contextd.cli.screen import MARKS, carried_cells
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from rich.console import RenderableType

    from contextd.cli.demo.script import Script
    from contextd.cli.figures import Figures
    from contextd.cli.truncation import Carried, Comparison

MOST_LINES = 12


@dataclass(frozen=True, slots=True)
class Claim:
    """Something the demo promised to show, and whether it did."""

    text: str
    held: bool


@dataclass(slots=True)
class Findings:
    """What was seen; filled as the demo goes on."""

    figures: Figures
    shown: pb.BuildContextResponse | None = None
    against: Comparison | None = None
    escalated: pb.EscalateResponse | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    claims: list[Claim] = field(default_factory=list)


def claims(found: Findings, script: Script) -> list[Claim]:
    """Return what the demo claims, checked against what was seen."""
    figures = found.figures
    peak = figures.peak_pressure
    tiers = {"SUMMARY", "NOTICE"}  # a large turn may pass from below 80 % to above 90 %
    context = "\n".join(m.text for m in found.shown.messages) if found.shown else ""
    handoff = found.escalated.handoff if found.escalated else pb.Handoff()
    markdown = found.escalated.markdown if found.escalated else ""
    promises = [each.text for each in handoff.commitments]
    return [
        Claim(f"{figures.turns} turns recorded, no call refused", not figures.refused),
        Claim(
            f"the marks at 60, 80 and 90 % were crossed (peak {peak:.0%})",
            tiers <= set(figures.crossings) and peak >= MARKS[-1],
        ),
        Claim(
            f"none of {len(figures.build.seconds)} contexts was over its budget",
            figures.violations == 0 and bool(figures.build.seconds),
        ),
        Claim(
            "what truncation lost is in the context: " + "; ".join(script.must_carry),
            bool(found.against and found.against.lost_turns)
            and all(words in context for words in script.must_carry),
        ),
        Claim(f"the handoff names order {script.order_number}", script.order_number in markdown),
        Claim(
            f"the handoff names the promise of {script.promised}",
            any(script.promised in text for text in promises),
        ),
        Claim("the daemon stopped cleanly", found.exit_code == 0),
    ]


def side_by_side(answer: pb.BuildContextResponse, against: Comparison) -> RenderableType:
    """Draw both ways to fill the budget for the same message."""
    left, right = Table.grid(padding=(0, 1)), Table.grid(padding=(0, 1))
    for grid in (left, right):
        grid.add_column(justify="right")
        grid.add_column()
    sections = {each.kind: each for each in answer.sections}
    fixed = sections[pb.SECTION_KIND_SYSTEM].tokens + sections[pb.SECTION_KIND_MESSAGE].tokens
    left.add_row(f"{fixed:,}", "system prompt and this message")
    left.add_row(
        f"{against.truncated_tokens - fixed:,}",
        f"the newest {against.truncated_turns} turns, whole",
    )
    left.add_row("0", Text(f"turns 1–{against.lost_turns}: lost", "red"))
    for each in answer.sections:
        name = pb.SectionKind.Name(each.kind).removeprefix("SECTION_KIND_").lower()
        turns = f", {len(each.turn_sequences)} turns" if each.turn_sequences else ""
        right.add_row(f"{each.tokens:,}", name.replace("_", " ") + turns)
    truncated = f"plain truncation · {against.truncated_tokens:,} tokens"
    return Columns(
        [
            Panel(left, title=truncated, border_style="red"),
            Panel(right, title=f"contextd · {against.sent_tokens:,} tokens", border_style="green"),
        ],
        padding=(0, 2),
    )


def lost_lines(against: Comparison) -> Table:
    """Draw what truncation would have lost and the context says, a line a turn."""
    first: dict[int, Carried] = {}
    for line in against.carried:
        first.setdefault(line.sequence, line)
    folded = [line for line in first.values() if line.section != "retrieved"]
    retrieved = [line for line in first.values() if line.section == "retrieved"]
    chosen = [*folded, *retrieved[-max(0, MOST_LINES - len(folded)) :]][:MOST_LINES]
    grid = Table.grid(padding=(0, 2))
    for line in sorted(chosen, key=lambda line: line.sequence):
        grid.add_row(*carried_cells(line))
    if len(first) > len(chosen):
        grid.add_row("", "", Text(f"and {len(first) - len(chosen)} more turns", "dim"))
    return grid


def claim_lines(found: list[Claim]) -> list[Text]:
    """Draw each claim with whether it held."""
    return [
        Text.assemble(("✓ ", "green") if each.held else ("✗ ", "bold red"), each.text)
        for each in found
    ]
