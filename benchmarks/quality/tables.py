"""The results as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.quality.plan import DEFAULT_RUNG, STATIC_RUNG
from benchmarks.screen import table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.table import Table

    Tree = Mapping[str, Any]

LEFT = frozenset({"set", "method", "kind", "what", "class"})


def tables(tree: Tree) -> Iterator[Table]:
    """Yield every table that *tree* has figures for."""
    sets = tree["sets"]
    asked = _having(sets, DEFAULT_RUNG)
    if asked:
        yield _recall(asked)
        yield _kinds(asked)
    if squeezed := _having(sets, "values_kept"):
        yield _values(squeezed)
    if handoffs := tree.get("handoff"):
        yield _handoffs(handoffs)
    if routed := _having(sets, "macro_f1") | _having(sets, "escalation"):
        yield _routing(routed)
    if prefixes := tree.get("prefix"):
        yield _prefixes(prefixes)
    if hostile := tree.get("hostile"):
        yield _hostile(hostile)


def _recall(sets: Tree) -> Table:
    budgets = _columns(sets, DEFAULT_RUNG)
    table = _table("Evidence recall by budget: mean (all evidence)", "set", "method", *budgets)
    for name, figures in sets.items():
        rows = {"contextd": figures[DEFAULT_RUNG]}
        if STATIC_RUNG in figures:
            rows["contextd, static rung"] = figures[STATIC_RUNG]
        rows |= _baselines(figures, "recall")
        for number, (method, own) in enumerate(rows.items()):
            cells = [_pair(own.get(each), "mean", "all") for each in budgets]
            table.add_row("" if number else name, method, *cells)
        saved = [f"{figures[DEFAULT_RUNG][each]['saved']:.1%}" for each in budgets]
        table.add_row("", "tokens saved", *saved)
        table.add_section()
    return table


def _kinds(sets: Tree) -> Table:
    budgets = _columns(sets, DEFAULT_RUNG)
    table = _table("Evidence recall by kind of question", "set", "kind", "questions", *budgets)
    for name, figures in sets.items():
        kinds = _having(figures.get("kinds", {}), DEFAULT_RUNG)
        for number, (kind, own) in enumerate(kinds.items()):
            by_budget = own[DEFAULT_RUNG]
            cells = [_share(by_budget[each]["mean"]) for each in budgets]
            asked = str(by_budget[budgets[0]]["questions"])
            table.add_row("" if number else name, kind, asked, *cells)
        table.add_section()
    return table


def _values(sets: Tree) -> Table:
    percents = _columns(sets, "values_kept")
    heads = [f"{percent} %" for percent in percents]
    title = "Live values kept by percentage of the tokens (stale wins)"
    table = _table(title, "set", "method", "values", *heads)
    for name, figures in sets.items():
        rows = {"contextd": figures["values_kept"]}
        rows |= {f"contextd, {way}": own for way, own in figures["values_kept_asked"].items()}
        rows |= _baselines(figures, "values_kept")
        for number, (method, own) in enumerate(rows.items()):
            cells = [_pair(own.get(each), "live", "stale_wins") for each in percents]
            count = str(own[percents[0]]["values"])
            table.add_row("" if number else name, method, count, *cells)
        filled = [f"{figures['values_kept'][each]['filled']:.1%}" for each in percents]
        table.add_row("", "budget used", "", *filled)
        table.add_section()
    return table


def _handoffs(sets: Tree) -> Table:
    sizes = [size for size in next(iter(sets.values())) if size != "baselines"]
    table = _table("Values in the handoff by its tokens", "set", "method", *sizes)
    for name, own in sets.items():
        rows = {"contextd": own, **own["baselines"]}
        for number, (method, figures) in enumerate(rows.items()):
            cells = [_share(figures[size]["mean"]) for size in sizes]
            table.add_row("" if number else name, method, *cells)
    return table


def _routing(sets: Tree) -> Table:
    heads = ("macro F1", "escalation P", "R", "F1", "unsupported recall")
    table = _table("Routing and escalation (95 % interval)", "set", *heads)
    for name, own in sets.items():
        rows = {name: own} | {f"{name}, {each}": own["profiles"][each] for each in _profiles(own)}
        for label, figures in rows.items():
            plain = label == name and "profiles" in own
            flags = figures.get("escalation", {})
            unsupported = "unsupported_recall" + "_unprofiled" * plain
            table.add_row(
                label,
                _ranged(figures.get("macro_f1"), figures.get("macro_f1_interval")),
                *(_share(flags.get(each)) for each in ("precision", "recall")),
                _ranged(flags.get("f1"), (flags["low"], flags["high"]) if flags else None),
                _ranged(figures.get(unsupported), figures.get(f"{unsupported}_interval")),
            )
    return table


def _profiles(own: Tree) -> Sequence[str]:
    return list(own.get("profiles", ()))


def _prefixes(sets: Tree) -> Table:
    heads = ("between folds", "overall", "of the prompt", "calls", "folds")
    table = _table("Tokens unchanged from call to call", "set", *heads)
    for name, own in sets.items():
        shares = [_share(own[each]) for each in ("between_folds", "overall", "of_prompt")]
        table.add_row(name, *shares, str(own["calls"]), str(own["folds"]))
    return table


def _hostile(own: Tree) -> Table:
    table = _table("Hostile input", "what", "found")
    for each in (
        "attacked",
        "promotions",
        "twins_differ",
        "routes_differ",
        "naughty",
        "damaged",
        "crashes",
    ):
        table.add_row(each.replace("_", " "), str(own[each]))
    for budget, found in own["answer_found"].items():
        both = f"{_share(found['clean'])} / {_share(found['attacked'])}"
        table.add_row(f"answer found at {budget}, clean / attacked", both)
    return table


def _table(title: str, *heads: str) -> Table:
    return table_of(title, *heads, left=LEFT)


def _having(sets: Tree, key: str) -> dict[str, Any]:
    return {name: own for name, own in sets.items() if key in own}


def _columns(sets: Tree, key: str) -> Sequence[str]:
    return list(next(iter(sets.values()))[key])


def _baselines(figures: Tree, key: str) -> dict[str, Any]:
    return {method: own[key] for method, own in _having(figures["baselines"], key).items()}


def _pair(own: Tree | None, first: str, second: str) -> str:
    return f"{_share(own[first])} ({_share(own[second])})" if own else ""


def _ranged(value: float | None, bounds: Sequence[float] | None) -> str:
    if value is None or bounds is None:
        return _share(value)
    return f"{_share(value)} ({_share(bounds[0])}-{_share(bounds[1])})"


def _share(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}".removeprefix("0") if value < 1 else "1.00"
