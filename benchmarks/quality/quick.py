"""The quick run: samples of our own, and floors that a change must not fall below.

The floors lie in `floors.json`: a key of the results, and the least or the most it may be.
They are regression floors for these samples, which are far too small to compare methods.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.quality.results import at

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
SAMPLES = HERE / "samples"
FLOORS = HERE / "floors.json"
BUDGETS = (512, 1_024)
PERCENTS = (30, 50)
PREFIX_BUDGET = 2_048
"""Small enough for the samples to be folded."""


def floors() -> dict[str, dict[str, float]]:
    """Return the floors by key."""
    loaded: dict[str, dict[str, float]] = json.loads(FLOORS.read_text(encoding="utf-8"))
    return loaded


def misses(
    tree: Mapping[str, Any], wanted: Mapping[str, Mapping[str, float]], *, partial: bool = False
) -> list[str]:
    """Return, in words, every floor that the results in *tree* miss.

    A figure that is not there is a miss, unless the run was *partial*: of some sets or
    measures only.
    """
    found = {key: at(tree, key.split(".")) for key in wanted}
    return [
        f"{key} is {'missing' if found[key] is None else found[key]}, {name} {bound} is wanted"
        for key, bounds in wanted.items()
        if not (partial and found[key] is None)
        for name, bound in bounds.items()
        if _beyond(found[key], name, bound)
    ]


def _beyond(found: float | None, name: str, bound: float) -> bool:
    return found is None or (found < bound if name == "least" else found > bound)
