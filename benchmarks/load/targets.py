"""What the design asks for, beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RATE = "100"
"""The rate at which latencies are compared, if it was measured; else the lowest that was."""


@dataclass(frozen=True, slots=True)
class Line:
    """A target: what it is about, the bound it names, and what was measured."""

    what: str
    bound: float | None
    measured: float | None
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether it was met; None when something was not measured."""
        if self.bound is None or self.measured is None:
            return None
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


def targets(tree: Mapping[str, Any]) -> Iterator[Line]:
    """Yield every target with what *tree* holds of it."""
    rate = RATE if RATE in tree["floor"] else next(iter(tree["floor"]))
    floor, small = tree["floor"][rate], tree["floor_record"][rate]
    static, minilm = (tree["build_context"][rung][rate] for rung in ("static", "minilm"))
    record, best = tree["record_turn"][rate], tree["max_goodput"]
    sync = tree["fdatasync"]["p99_ms"]
    at = f"at {rate}/s"
    yield Line(f"BuildContext, static, p50 {at}: floor + 1 ms", _sum(floor["p50_ms"], 1.0),
               static["p50_ms"], "ms")  # fmt: skip
    yield Line(f"BuildContext, static, p99 {at}: 2 × floor", _sum(floor["p99_ms"], floor["p99_ms"]),
               static["p99_ms"], "ms")  # fmt: skip
    yield Line("BuildContext, static, goodput: half of the floor's", best["floor"] / 2,
               best["build_context"], "/s", at_least=True)  # fmt: skip
    yield Line(f"BuildContext, MiniLM, p50 {at}: floor + 5 ms", _sum(floor["p50_ms"], 5.0),
               minilm["p50_ms"], "ms")  # fmt: skip
    yield Line(f"BuildContext, MiniLM, p99 {at}: floor + 10 ms", _sum(floor["p99_ms"], 10.0),
               minilm["p99_ms"], "ms")  # fmt: skip
    yield Line(f"RecordTurn, p99 {at}: floor + 2 × fdatasync", _sum(small["p99_ms"], sync, sync),
               record["p99_ms"], "ms")  # fmt: skip
    yield Line("RecordTurn, goodput", 1_500.0, best["record_turn"], "/s", at_least=True)
    yield Line("Escalate, p99", 25.0, tree["escalate"]["p99_ms"], "ms")
    yield Line("cold load, p50", 30.0, tree["cold_load"]["p50_ms"], "ms")
    yield Line("start to serving", 1.0, tree["start_to_serving_s"], "s")
    yield Line("memory, static", 300.0, tree["rss_mb"], "MB")
    yield Line("memory, MiniLM", 450.0, tree["rss_mb_minilm"], "MB")


def _sum(*parts: float | None) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
