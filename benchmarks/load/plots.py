"""The results as pictures: latency against load, and how latencies are distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from benchmarks.load.results import CDF_POINTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes

    Tree = Mapping[str, Any]

SERIES = {
    "floor: bare grpc.aio": (("floor",), "#7f8c8d"),
    "BuildContext, static": (("build_context", "static"), "#0b5cad"),
    "BuildContext, MiniLM": (("build_context", "minilm"), "#5fa8e6"),
    "RecordTurn, on disk": (("record_turn",), "#c0392b"),
}
CURVES = {"build_context": ("BuildContext", "#0b5cad"), "record_turn": ("RecordTurn", "#c0392b")}


def draw(tree: Tree, folder: Path) -> list[Path]:
    """Write the pictures into *folder*; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {"latency": _latency(tree), "cdf": _cdf(tree)}
    for name, points in tree.get("curves", {}).items():
        pictures[name.replace(" ", "-")] = _curve(name, points)
    written = []
    for name, figure in pictures.items():
        path = folder / f"{name}.svg"
        figure.savefig(path, metadata={"Date": None})
        written.append(path)
    return written


def _latency(tree: Tree) -> Figure:
    figure, axes = _figure("Latency against load (solid: median, dashed: 99th percentile)")
    for name, (path, colour) in SERIES.items():
        own = _at(tree, path)
        rates = [float(rate) for rate in own]
        for key, dash in (("p50_ms", "-"), ("p99_ms", "--")):
            up = [points[key] for points in own.values()]
            label = name if dash == "-" else None
            axes.plot(rates, up, dash, marker="o", markersize=3, color=colour, label=label)
    axes.set_xlabel("arrivals a second")
    axes.set_ylabel("ms from the intended moment")
    axes.set_yscale("log")
    axes.legend(fontsize="small", frameon=False)
    return figure


def _cdf(tree: Tree) -> Figure:
    rate = "100" if "100" in tree["floor"] else next(iter(tree["floor"]))
    figure, axes = _figure(f"Share of the calls answered within, at {rate} a second")
    for name, (path, colour) in SERIES.items():
        across = _at(tree, path)[rate]["cdf_ms"]
        axes.plot(across, CDF_POINTS[: len(across)], color=colour, label=name)
    axes.set_xscale("log")
    axes.set_xlabel("ms from the intended moment")
    axes.set_ylabel("% of the calls")
    axes.legend(fontsize="small", frameon=False)
    return figure


def _curve(name: str, points: Tree) -> Figure:
    figure, axes = _figure(f"Processor time of a call by {name}")
    across = [float(at) for at in points]
    for call, (label, colour) in CURVES.items():
        up = [own[call]["cpu_us_per_call"] for own in points.values()]
        axes.plot(across, up, marker="o", markersize=3, color=colour, label=label)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(name)
    axes.set_ylabel("microseconds of the daemon")
    axes.legend(fontsize="small", frameon=False)
    return figure


def _figure(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes: Axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize="medium")
    axes.grid(visible=True, alpha=0.25)
    return figure, axes


def _at(tree: Tree, path: tuple[str, ...]) -> dict[str, Any]:
    own: dict[str, Any] = dict(tree)
    for key in path:
        own = own[key]
    return own
