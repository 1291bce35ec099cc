"""The results as pictures: what each size asks for, and which part is used how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from benchmarks.scale.limits import shares
from benchmarks.scale.model import hit_share, needs

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.scale.figures import Figures

SIZES = [10 ** (3 + step / 8) for step in range(25)]
ROOMS_MIB = [32 * 2 ** (step / 2) for step in range(15)]
LEAST_SHOWN = 0.2
COLOURS = 10


def draw(figures: Figures, folder: Path) -> list[Path]:
    """Write the pictures into *folder*; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _limits(figures, left)
    _hits(figures, right)
    path = folder / "scale.svg"
    figure.savefig(path, metadata={"Date": None})
    return [path]


def _limits(figures: Figures, axes: Axes) -> None:
    """Draw the parts that are used most; a line that crosses 1 has to be mended."""
    lines: dict[str, list[float]] = {}
    for size in SIZES:
        for _, part, used in shares(figures, size):
            lines.setdefault(part, []).append(used)
    near = {part: line for part, line in lines.items() if max(line) >= LEAST_SHOWN}
    for colour, (part, line) in enumerate(near.items()):
        style = "-" if colour < COLOURS else "--"
        axes.loglog(SIZES, line, style, label=part, linewidth=1, color=f"C{colour % COLOURS}")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_ylim(bottom=LEAST_SHOWN / 10)
    axes.set_xlabel("concurrent sessions")
    axes.set_title("share used of what one of them bears", loc="left", fontsize="small")
    axes.legend(fontsize="xx-small")
    axes.grid(visible=True, alpha=0.25)


def _hits(figures: Figures, axes: Axes) -> None:
    """Draw what memory is worth, for the sessions that a sidecar has at the largest size."""
    each = needs(figures, SIZES[-1]).sessions_each
    for share in (0.5, 1.0, 2.0):
        held = each * share
        hits = [hit_share(figures, held, room * 2**20) for room in ROOMS_MIB]
        axes.semilogx(ROOMS_MIB, hits, label=f"{held:,.0f} sessions at a sidecar", linewidth=1)
    axes.set_xlabel("sessions.capacity_mib")
    axes.set_title("exchanges that find their session in memory", loc="left", fontsize="small")
    axes.set_ylim(0, 1)
    axes.legend(fontsize="xx-small")
    axes.grid(visible=True, alpha=0.25)
