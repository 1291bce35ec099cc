"""The results as pictures: evidence recall against the budget, beside the baselines."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from benchmarks.quality.plan import DEFAULT_RUNG, STATIC_RUNG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

Curve = tuple[str, list[float], list[float]]

STRONG = {"contextd": "#0b5cad", "contextd, static rung": "#5fa8e6"}
FADED = ("#c0392b", "#e08a1e", "#7f8c8d", "#8e6bbf", "#5b8c5a", "#a0522d")


def draw(tree: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a picture a set into *folder*; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figures in tree["sets"].items():
        for what, curves, label in (
            ("recall", list(_recall(figures)), "evidence recall"),
            ("values", list(_values(figures)), "live values kept"),
        ):
            if curves:
                path = folder / f"{name}-{what}.svg"
                _picture(name, label, curves).savefig(path, metadata={"Date": None})
                written.append(path)
    return written


def _picture(name: str, label: str, curves: list[Curve]) -> Figure:
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes: Axes = figure.subplots()
    faded, dashes = iter(FADED), cycle(("-", "--"))
    for method, across, up in curves:
        colour = STRONG.get(method) or next(faded, "#444444")
        width, dash = (2.4, "-") if method in STRONG else (1.2, next(dashes))
        axes.plot(across, up, dash, marker="o", markersize=3, label=method, color=colour, lw=width)
    if label == "evidence recall":
        axes.set_xscale("log", base=2)
        axes.set_xlabel("budget in tokens")
    else:
        axes.set_xlabel("percentage of the session's tokens")
    across = curves[0][1]
    axes.set_xticks(across, [f"{each:g}" for each in across], minor=False)
    axes.set_ylim(0, 1)
    axes.set_ylabel(label)
    axes.set_title(name, loc="left")
    axes.grid(visible=True, alpha=0.25)
    axes.legend(fontsize="small", frameon=False)
    return figure


def _recall(figures: Mapping[str, Any]) -> Iterator[Curve]:
    if DEFAULT_RUNG not in figures:
        return
    yield _curve("contextd", figures[DEFAULT_RUNG], "mean")
    if STATIC_RUNG in figures:
        yield _curve("contextd, static rung", figures[STATIC_RUNG], "mean")
    for method, own in figures["baselines"].items():
        if "recall" in own:
            yield _curve(method, own["recall"], "mean")


def _values(figures: Mapping[str, Any]) -> Iterator[Curve]:
    if "values_kept" not in figures:
        return
    yield _curve("contextd", figures["values_kept"], "live")
    for method, own in figures["baselines"].items():
        if "values_kept" in own:
            yield _curve(method, own["values_kept"], "live")


def _curve(method: str, points: Mapping[str, Any], key: str) -> Curve:
    return method, [float(each) for each in points], [own[key] for own in points.values()]
