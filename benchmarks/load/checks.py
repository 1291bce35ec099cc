"""Whether the figures of a run can be believed, before anybody asks how good they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Tree = Mapping[str, Any]


def faults(tree: Tree, *, strict: bool) -> list[str]:
    """Return, in words, what is wrong with the figures in *tree*.

    An overloaded daemon refuses calls, which is no fault of the figures; any other error
    is.  Only if *strict*, it is a fault that the machine was too slow to measure on.
    """
    found = [fault for name, own in _latencies(tree) for fault in _inconsistent(name, own)]
    found += [
        f"{count} calls failed: {reason}"
        for reason, count in tree["failed_calls"].items()
        if reason not in {"OVERLOADED", "DEADLINE_EXCEEDED"}
    ]
    if strict:
        found += [f"{name} held no rate" for name, best in tree["max_goodput"].items() if not best]
        found += [f"no round of {name} is valid" for name, own in _latencies(tree)
                  if not own["rounds_valid"]]  # fmt: skip
    return found


def _inconsistent(name: str, own: Tree) -> Iterator[str]:
    if own["calls"] != own["ok"] + sum(own["errors"].values()):
        yield f"{name}: {own['calls']} calls, but {own['ok']} answers and {own['errors']}"
    if not own["calls"]:
        yield f"{name}: no call was made"
    told = [own[f"{each}_ms"] for each in ("p50", "p95", "p99", "p99.9", "max")]
    known = [each for each in told if each is not None]
    if known != sorted(known):
        yield f"{name}: percentiles are not in order"
    if own["ok"] and min(known) <= 0:
        yield f"{name}: answered before it was asked"


def _latencies(tree: Tree) -> Iterator[tuple[str, Tree]]:
    """Yield everything with latencies, by its dotted name."""
    stack: list[tuple[str, Any]] = [("", tree)]
    while stack:
        name, own = stack.pop()
        if not isinstance(own, dict):
            continue
        if "rounds_valid" in own:
            yield name, own
            continue
        stack += [(f"{name}.{key}" if name else key, below) for key, below in own.items()]
