"""What was found wrong, by kind, and what was done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from contextd.testing.histories import Outcome, Saw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contextd.testing.histories import Wrote

KINDS = {
    "lost": ("its turns are lost",),
    "half": ("there in part", "do not stand together"),
    "phantom": ("nobody wrote it", "was refused, and"),
    "doubled": ("is there", "answered in different ways"),
    "reordered": ("stands after", "stands at", "was told number"),
    "misnumbered": ("another number than its place",),
    "unseen": ("did not see request", "had been acknowledged"),
    "went back": ("went back", "in another order, or others", "before it was written"),
}
"""Words by which the kind of a violation is known; the first that fits."""

FAULTS = (*KINDS, "changed", "unequal", "surprises")
"""And: another final state later, daemons or stores that differ, errors that nothing explains."""

MOST_EXAMPLES = 20


def kind_of(violation: str) -> str:
    """Return which kind of fault this is."""
    for kind, words in KINDS.items():
        if any(each in violation for each in words):
            return kind
    return "surprises"


def outcomes(events: Iterable[Wrote | Saw]) -> Counter[str]:
    """Count requests by what their clients know of them in the end, calls, and looks."""
    told: dict[str, Outcome] = {}
    counts: Counter[str] = Counter()
    for each in events:
        if isinstance(each, Saw):
            counts["looks"] += 1
            continue
        counts[f"calls {each.outcome.value}"] += 1
        if told.get(each.request_id) is not Outcome.ACKNOWLEDGED:
            told[each.request_id] = each.outcome
    counts.update(each.value for each in told.values())
    return counts


def totals(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sums of what *lines* of a record count, their seeds and examples."""
    sums: Counter[str] = Counter(dict.fromkeys(("rounds", "sessions", *FAULTS), 0))
    faults: Counter[str] = Counter()
    for line in lines:
        sums.update({name: value for name, value in line.items() if isinstance(value, int)})
        faults.update(line["faults"])
    del sums["seed"]
    return {
        **sums,
        "faults": dict(sorted(faults.items())),
        "seeds": sorted({line["seed"] for line in lines}),
        "commits": sorted({line["commit"] for line in lines}),
        "examples": [example for line in lines for example in line["examples"]][:MOST_EXAMPLES],
    }


def wrong(line: Mapping[str, Any]) -> int:
    """Return how much a line, or the totals, found wrong."""
    return sum(line.get(name, 0) for name in FAULTS)
