"""From the trials to the figures of the JSON file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.load.goodput import ENOUGH
from benchmarks.load.watching import NOTHING
from contextd.cli.loadtest.outcome import percentiles, pooled, summary
from contextd.cli.loadtest.traffic import BUILD, METHODS, RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.load.plan import Plan
    from benchmarks.load.run import Found
    from benchmarks.load.trials import Done

FLOOR_OF = {
    "build_context.static": "floor",
    "build_context.minilm": "floor",
    "build_context.nothing_to_retrieve": "floor",
    "record_turn": "floor_record",
}
CDF_POINTS = np.concatenate([np.linspace(0.0, 99.0, 100), np.linspace(99.1, 100.0, 10)])
LAG, PAUSES = "contextd_loop_lag_seconds", "contextd_gc_pause_seconds"
FOLDS = "contextd_folds_total"


def tree(found: Found, plan: Plan) -> dict[str, Any]:
    """Return the figures under the keys that `docs/performance.md` lists."""
    figures: dict[str, Any] = {}
    for series in dict.fromkeys(done.trial.series for done in found.trials):
        _plant(figures, series, _series(found, series))
    # These have one rate; whoever reads them need not know it.
    for series in ("escalate", "cold_load", "folding_storm", "floor_escalate"):
        (figures[series],) = figures[series].values()
    figures["ratios"] = _ratios(figures, plan)
    figures["max_goodput"] = {
        name: _best(tried, plan.bound) for name, tried in found.goodput.items()
    }
    figures["goodput_trials"] = {
        name: [_tried(done, plan.bound) for done in tried] for name, tried in found.goodput.items()
    }
    figures["cpu_us_per_call"] = _cpu(found)
    figures["fdatasync"] = percentiles(np.array(found.syncs)) | {"syncs": len(found.syncs)}
    figures["start_to_serving_s"] = round(found.start_to_serving, 3)
    figures["rss_mb"] = round(found.rss_mib["static"] * 1.048576, 1)
    figures["rss_mb_minilm"] = round(found.rss_mib["minilm"] * 1.048576, 1)
    figures["answer_bytes"] = dict(
        zip((name.rpartition("/")[2] for name in METHODS), found.sizes, strict=True)
    )
    figures["invalid"] = _invalid(found)
    figures["failed_calls"] = _failed(found)
    figures["seconds"] = round(found.seconds, 1)
    return figures


def _series(found: Found, series: str) -> dict[str, Any]:
    by_rate: dict[str, list[Done]] = {}
    for done in found.trials:
        if done.trial.series == series:
            by_rate.setdefault(f"{done.trial.traffic.rate:g}", []).append(done)
    return {rate: figures_of(some) for rate, some in by_rate.items()}


def figures_of(some: Sequence[Done]) -> dict[str, Any]:
    """Return the figures of one series at one rate, from the rounds that were valid."""
    sound = [done for done in some if not done.outcome.fault] or some
    whole = pooled([done.outcome for done in sound])
    worst = [percentiles(done.outcome.answered)["p99_ms"] for done in sound]
    told = summary(whole) | {
        "rounds": len(some),
        "rounds_valid": sum(not done.outcome.fault for done in some),
        "p99_ms_by_round": worst,
        "cpu_us_per_call": _cpu_per_call(some),
        "cdf_ms": _cdf(whole.answered),
        **_inside(some),
    }
    if len(set(whole.kinds.tolist())) > 1:
        told["build_context"] = percentiles(whole.of_kind(BUILD).answered)
        told["record_turn"] = percentiles(whole.of_kind(RECORD).answered)
    return told


def _inside(some: Sequence[Done]) -> dict[str, Any]:
    """Return what the daemon said of itself meanwhile; nothing for the floor."""
    metrics = NOTHING
    for done in some:
        metrics = metrics.plus(done.metrics)
    if not metrics.samples:
        return {}
    return {
        "loop_lag_ms": {
            "p50_at_most": _milliseconds(metrics.at_most(LAG, 0.5)),
            "p99_at_most": _milliseconds(metrics.at_most(LAG, 0.99)),
        },
        "gc": {
            "pauses": int(metrics.total(f"{PAUSES}_count")),
            "total_ms": round(metrics.total(f"{PAUSES}_sum") * 1e3, 2),
            "longest_at_most_ms": _milliseconds(metrics.at_most(PAUSES, 1.0)),
        },
        "folds": int(metrics.total(FOLDS)),
    }


def _ratios(figures: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Return each series against the floor at the same rate."""
    told: dict[str, Any] = {}
    for series, floor in FLOOR_OF.items():
        own = figures
        for key in series.split("."):
            own = own[key]
        by_rate = {rate: _ratio(own[rate], figures[floor][rate]) for rate in map(str, plan.rates)}
        _plant(told, series, by_rate)
    return told


def _ratio(mine: Mapping[str, Any], floor: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "p50_over_floor_ms": _less(mine["p50_ms"], floor["p50_ms"]),
        "p50": _over(mine["p50_ms"], floor["p50_ms"]),
        "p99": _over(mine["p99_ms"], floor["p99_ms"]),
        "cpu": _over(mine["cpu_us_per_call"], floor["cpu_us_per_call"]),
    }


def _best(tried: Sequence[Done], bound: float) -> float:
    """Return the most calls a second answered in time at a rate that held."""
    held = [done for done in tried if done.outcome.good(bound) >= ENOUGH * done.outcome.calls]
    return max((_goodput(done, bound) for done in held), default=0.0)


def _goodput(done: Done, bound: float) -> float:
    return round(done.outcome.good(bound) / done.trial.traffic.seconds, 1)


def _tried(done: Done, bound: float) -> dict[str, Any]:
    return {
        "rate": round(done.trial.traffic.rate, 1),
        "goodput": _goodput(done, bound),
        "p99_ms": percentiles(done.outcome.answered)["p99_ms"],
        "errors": done.outcome.errors,
        "daemon_cpu": round(
            done.cpu_seconds / (done.trial.traffic.seconds + done.trial.traffic.warmup), 2
        ),
        "generator_cpu": round(done.outcome.generator_cpu, 2),
        "fault": done.outcome.fault,
    }


def _cpu(found: Found) -> dict[str, float]:
    """Return the processor time of a call in microseconds, over all rates."""
    names = {
        "floor": "floor",
        "floor_record": "floor_record",
        "build_context": "build_context.static",
        "build_context_minilm": "build_context.minilm",
        "nothing_to_retrieve": "build_context.nothing_to_retrieve",
        "record_turn": "record_turn",
        "escalate": "escalate",
        "cold_load": "cold_load",
    }
    return {
        name: _cpu_per_call([done for done in found.trials if done.trial.series == series])
        for name, series in names.items()
    }


def _cpu_per_call(some: Sequence[Done]) -> float:
    spent, calls = sum(done.cpu_seconds for done in some), sum(done.calls for done in some)
    return round(1e6 * spent / max(1, calls), 1)


def _invalid(found: Found) -> list[str]:
    return [
        f"{done.trial.series} at {done.trial.traffic.rate:g}/s: {done.outcome.fault}"
        for done in found.trials
        if done.outcome.fault
    ]


def _failed(found: Found) -> dict[str, int]:
    counts: dict[str, int] = {}
    for done in found.trials:
        for reason, count in done.outcome.errors.items():
            counts[reason] = counts.get(reason, 0) + count
    return counts


def _cdf(seconds: NDArray[np.float64]) -> list[float]:
    if not len(seconds):
        return []
    return [round(float(each) * 1e3, 3) for each in np.percentile(seconds, CDF_POINTS)]


def _plant(figures: dict[str, Any], series: str, own: object) -> None:
    *path, last = series.split(".")
    for key in path:
        figures = figures.setdefault(key, {})
    figures[last] = own


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1e3, 3)


def _less(mine: float | None, other: float | None) -> float | None:
    return None if mine is None or other is None else round(mine - other, 3)


def _over(mine: float | None, other: float | None) -> float | None:
    return None if mine is None or not other else round(mine / other, 2)
