"""The results as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def tables(tree: Mapping[str, Any]) -> Iterator[Table]:
    """Yield every table that *tree* has figures for."""
    sets = tree["sets"]
    asked = {name: figures for name, figures in sets.items() if "recall" in figures}
    if asked:
        yield _recall(asked)
        yield _kinds(asked)
    squeezed = {name: figures for name, figures in sets.items() if "values_kept" in figures}
    if squeezed:
        yield _values(squeezed)


def _recall(sets: Mapping[str, Any]) -> Table:
    budgets = list(next(iter(sets.values()))["recall"])
    table = Table(title="Evidence recall by budget: mean (all evidence)", title_justify="left")
    for name in ("set", "method", *budgets, "saved"):
        table.add_column(name, justify="left" if name in {"set", "method"} else "right")
    for name, figures in sets.items():
        rows = {"contextd": figures["recall"]}
        if "recall_static" in figures:
            rows["contextd, static"] = figures["recall_static"]
        rows |= {
            method: own["recall"] for method, own in figures["baselines"].items() if "recall" in own
        }
        for number, (method, by_budget) in enumerate(rows.items()):
            cells = [f"{_share(own['mean'])} ({_share(own['all'])})" for own in by_budget.values()]
            saved = f"{list(by_budget.values())[-1]['saved']:.0%}"
            table.add_row(name if not number else "", method, *cells, saved)
        table.add_section()
    return table


def _kinds(sets: Mapping[str, Any]) -> Table:
    budgets = list(next(iter(sets.values()))["recall"])
    table = Table(title="Evidence recall by kind of question", title_justify="left")
    for name in ("set", "kind", "questions", *budgets):
        table.add_column(name, justify="left" if name in {"set", "kind"} else "right")
    for name, figures in sets.items():
        for number, (kind, own) in enumerate(figures.get("kinds", {}).items()):
            by_budget = list(own.get("recall", {}).values())
            if by_budget:
                cells = [_share(one["mean"]) for one in by_budget]
                asked = str(by_budget[0]["questions"])
                table.add_row(name if not number else "", kind, asked, *cells)
        table.add_section()
    return table


def _values(sets: Mapping[str, Any]) -> Table:
    percents = list(next(iter(sets.values()))["values_kept"])
    table = Table(
        title="Live values kept by percentage of the tokens (stale wins)", title_justify="left"
    )
    for name in ("set", "method", "values", *(f"{percent} %" for percent in percents)):
        table.add_column(name, justify="left" if name in {"set", "method"} else "right")
    for name, figures in sets.items():
        rows = {"contextd": figures["values_kept"]}
        rows |= {f"contextd, {way}": own for way, own in figures["values_kept_asked"].items()}
        rows |= {
            method: own["values_kept"]
            for method, own in figures["baselines"].items()
            if "values_kept" in own
        }
        for number, (method, by_percent) in enumerate(rows.items()):
            own = list(by_percent.values())
            cells = [f"{_share(one['live'])} ({_share(one['stale_wins'])})" for one in own]
            table.add_row(name if not number else "", method, str(own[0]["values"]), *cells)
        table.add_section()
    return table


def _share(value: float) -> str:
    return f"{value:.3f}".lstrip("0") if value < 1 else "1.00"
