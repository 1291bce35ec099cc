"""Within which bounds a number may be, by the name of its setting."""

from __future__ import annotations

from types import MappingProxyType

MOST = 1 << 40
SHARES = ("tiers.", "share", "min_gain", "confidence", "recommend_from", "phrase_strength")
AT_LEAST_ONE = (
    *(
        "_bytes",
        "_mib",
        "concurrency",
        "computing",
        "window_tokens",
        "_exchanges",
        "passage_words",
        "_passages",
    ),
    *("summarizer.timeout_seconds", "webhooks.timeout_seconds", "breaker_failures", "input_tokens"),
    *("streams", "stall_seconds"),
)
EXACTLY = MappingProxyType(
    {
        "prototype_weight": (0, 10),
        "scope_mark": (0, 1),
        "min_score": (-MOST, MOST),  # scores are z-values, of either sign
        "max_attempts": (1, 1_000),
        "factor": (1, 100),
        "first_delay_seconds": (0.1, 86_400),
        "max_delay_seconds": (0.1, 7 * 86_400),
        "reload_seconds": (0.1, MOST),
        "sweep_seconds": (0.1, MOST),
        "keep_days": (0, 36_500),
    }
)
"""Bounds by the last part of a name."""
MOST_WEIGHT = 2


def bounds(name: str) -> tuple[float, float]:
    """Return the least and the most that the number *name* may be.

    Numbers are shares or amounts by their name; amounts that nothing runs without start at 1.
    """
    if "escalation.signals." in name:
        return 0, MOST_WEIGHT
    found = EXACTLY.get(name.rpartition(".")[2])
    if found is not None:
        return found
    most = 1 if any(part in name for part in SHARES) else MOST
    return (1 if name.endswith(AT_LEAST_ONE) else 0), most


def out_of_bounds(name: str, value: object) -> str:
    """Return what to say of a number that is not within its bounds; "" of any other value."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    least, most = bounds(name)
    return "" if least <= value <= most else f"must be within {least:g}..{most:g}, not {value:g}"
