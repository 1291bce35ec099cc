"""The levels as a picture: one small plot for each thing watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from benchmarks.soak.samples import WATCHED
from benchmarks.soak.slopes import watched

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.soak.samples import Sample

COLUMNS = 3


def draw(samples: Sequence[Sample], path: Path) -> None:
    """Write the picture; the warm-up is shaded."""
    rows = -(-len(WATCHED) // COLUMNS)
    figure = Figure(figsize=(9.6, 1.9 * rows), layout="constrained")
    axes = figure.subplots(rows, COLUMNS, squeeze=False).flatten().tolist()
    minutes = [each.seconds / 60 for each in samples]
    warm = watched(samples)[0].seconds / 60
    for (name, limit), own in zip(WATCHED.items(), axes, strict=False):
        own.axvspan(0, warm, color="#eeeeee")
        own.plot(minutes, [each.held[name] for each in samples], color="#0b5cad", linewidth=1)
        own.set_title(f"{name} {limit.unit}".strip(), loc="left", fontsize="small")
        own.set_ylim(bottom=0)
        own.tick_params(labelsize="x-small")
        own.grid(visible=True, alpha=0.25)
    for own in axes[len(WATCHED) :]:
        own.remove()
    figure.supxlabel("minutes", fontsize="small")
    figure.savefig(path, metadata={"Date": None})
