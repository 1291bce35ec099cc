"""What a run found, as a tree of figures for JSON."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.load.targets import Line
from benchmarks.overload.plan import BUILD, KINDS
from benchmarks.overload.run import refused
from contextd.cli.loadtest.outcome import percentiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.overload.plan import Plan
    from benchmarks.overload.run import Bare, Found, Stretch
    from contextd.cli.loadtest.outcome import Outcome

WINDOW_SECONDS = 0.25
WELL = 0.95
"""The share of the calls of a window that must be answered in time for it to be well again."""

RPC = "contextd_rpc_duration_seconds"


def tree(found: Found, plan: Plan) -> dict[str, Any]:
    """Return every figure of a run, by where it was measured."""
    figures: dict[str, Any] = {
        "peak": round(found.peak, 1),
        "search": [_stretch(each, plan) for each in found.search],
        "over": {f"{times:g}": _stretch(each, plan) for times, each in found.over.items()},
        "seconds": round(found.seconds, 1),
        "bound_ms": plan.bound * 1e3,
    }
    figures["bare"] = {f"{times:g}": _bare(each) for times, each in found.bare.items()}
    if found.normal is not None:
        figures["normal"] = _stretch(found.normal, plan)
    if found.course is not None and found.normal is not None:
        figures["recovery"] = _recovery(found.course, plan, found.normal.outcome)
    figures["cost"] = _cost(found)
    figures["targets"] = [
        {"what": line.what, "bound": line.bound, "measured": line.measured, "unit": line.unit,
         "met": line.met}
        for line in targets(figures)
    ]  # fmt: skip
    return figures


def targets(figures: Mapping[str, Any]) -> Iterator[Line]:
    """Yield what is asked of overload with what *figures* hold of it."""
    over, normal = figures["over"]["3"], figures["normal"]
    peak, usual = figures["peak"], normal["accepted"]["p99_ms"]
    most = max(each["goodput"] for each in figures["over"].values())
    yield Line("the peak was found: no stretch answers a tenth more", 1.1 * peak, most, "/s")
    yield Line("goodput at 3 × the peak: 85 % of the peak", 0.85 * peak, over["goodput"], "/s",
               at_least=True)  # fmt: skip
    yield Line("accepted, p99: 2.5 × normal", usual and 2.5 * usual, over["accepted"]["p99_ms"],
               "ms")  # fmt: skip
    yield Line("refused, p50, from when the daemon saw the call", 2.5,
               over["refused_by_daemon_p50_ms"], "ms")  # fmt: skip
    yield Line("refused, p99, the same, those that had waited included", 2.5,
               over["refused_by_daemon_p99_ms"], "ms")  # fmt: skip
    yield Line("refused, p50, as the caller saw it", 2.0, over["refused"]["p50_ms"], "ms")
    yield Line("health, gRPC, failed probes", 0.0, over["health"]["failed"], "")
    yield Line("health, HTTP, failed probes", 0.0, over["http"]["failed"], "")
    yield Line("RecordTurn, accepted", 0.99, over["by_kind"]["RecordTurn"]["accepted"], "",
               at_least=True)  # fmt: skip
    yield Line("in time again after the peak", 2.0, figures["recovery"]["in_time_s"], "s")
    yield Line("full quality again after the peak", 2.0, figures["recovery"]["quality_s"], "s")


def _goodput(stretch: Stretch, plan: Plan) -> float:
    return stretch.outcome.good(plan.bound) / sum(seconds for _, seconds in stretch.steps)


def _stretch(stretch: Stretch, plan: Plan) -> dict[str, Any]:
    outcome = stretch.outcome
    half, most = (
        stretch.metrics.at_most(RPC, share, code="RESOURCE_EXHAUSTED") for share in (0.5, 0.99)
    )
    return {
        "rate": round(stretch.steps[0][0], 1),
        "goodput": round(_goodput(stretch, plan), 1),
        "accepted": percentiles(outcome.answered),
        "refused": percentiles(refused(outcome).latency),
        # Upper bounds of buckets; calls that waited in vain, and were refused then, count too.
        "refused_by_daemon_p50_ms": None if half is None else half * 1e3,
        "refused_by_daemon_p99_ms": None if most is None else most * 1e3,
        "degraded_share": round(stretch.degraded, 3),
        "degradations": _degradations(stretch),
        "errors": outcome.errors,
        "by_kind": {name: _kind(outcome.of_kind(kind)) for kind, name in enumerate(KINDS)},
        "health": _probe(stretch.seen.health, stretch.seen.failed),
        "http": _probe(stretch.seen.http, stretch.seen.http_failed),
        "cpu_us_per_call": round(stretch.cpu_seconds / max(stretch.calls, 1) * 1e6),
        "generator_late_p99_ms": percentiles(outcome.lateness)["p99_ms"],
        "fault": outcome.fault,
    }


def _bare(bare: Bare) -> dict[str, Any]:
    return {
        "rate": round(bare.outcome.calls / max(np.ptp(bare.outcome.intended), 1e-9), 1),
        "refused": percentiles(refused(bare.outcome).latency),
        "cpu_us_per_call": round(bare.cpu_seconds / max(bare.calls, 1) * 1e6),
        "generator_late_p99_ms": percentiles(bare.outcome.lateness)["p99_ms"],
    }


def _kind(outcome: Outcome) -> dict[str, Any]:
    accepted = len(outcome.answered) / outcome.calls if outcome.calls else None
    return {
        "calls": outcome.calls,
        "accepted": None if accepted is None else round(accepted, 4),
        **percentiles(outcome.answered),
    }


def _probe(seconds: Sequence[float], failed: int) -> dict[str, Any]:
    return {"probes": len(seconds), "failed": failed, **percentiles(np.asarray(seconds))}


def _degradations(stretch: Stretch) -> dict[str, int]:
    return {
        dict(labels)["code"]: int(count)
        for (name, labels), count in sorted(stretch.metrics.samples.items())
        if name == "contextd_degradations_total" and count
    }


def _recovery(course: Stretch, plan: Plan, normal: Outcome) -> dict[str, Any]:
    """Say how long after the peak calls were in time again, and answers lacked nothing.

    The generator begins a little after `began`, so the time until quality is back is at most
    what is said.
    """
    ends = course.steps[0][1] + course.steps[1][1] + plan.warmup
    usual = percentiles(normal.answered)["p99_ms"]
    limit = plan.bound if usual is None else max(plan.bound, 2.5e-3 * usual)
    after = course.outcome.only(course.outcome.intended >= ends)
    late = [moment - (course.began + ends - plan.warmup) for moment in course.seen.degraded_at]
    return {
        "in_time_s": _well_from(after, ends, limit),
        "quality_s": round(max([0.0, *late]), 2),
        "limit_ms": round(limit * 1e3, 1),
    }


def _well_from(outcome: Outcome, begins: float, limit: float) -> float | None:
    """Return the seconds until a window from which on two in a row are well; None: never."""
    seconds = outcome.intended - begins
    windows = (seconds // WINDOW_SECONDS).astype(int)
    well = [
        mine.good(limit) >= WELL * mine.calls
        for number in range(int(windows.max(initial=-1)) + 1)
        if (mine := outcome.only(windows == number)).calls
    ]
    for number, pair in enumerate(pairwise(well)):
        if all(pair):
            return number * WINDOW_SECONDS
    return None


def _cost(found: Found) -> dict[str, Any]:
    """Work out what an answer with less quality and a refusal take, in microseconds of CPU.

    By least squares over the stretches at multiples of the peak, if there are two.
    """
    rows, spent = [], []
    for stretch in found.over.values():
        served = stretch.metrics.total(f"{RPC}_count", code="OK")
        sent_away = stretch.metrics.total(f"{RPC}_count", code="RESOURCE_EXHAUSTED")
        rows.append((served, sent_away))
        spent.append(stretch.cpu_seconds)
    cost: dict[str, Any] = {"build_share": found_share(found)}
    if len(rows) > 1:
        answer, refusal = np.linalg.lstsq(np.array(rows), np.array(spent), rcond=None)[0]
        cost |= {"answer_us": round(answer * 1e6), "refusal_us": round(refusal * 1e6)}
    if found.normal is not None:
        cost["normal_answer_us"] = round(
            found.normal.cpu_seconds / max(found.normal.calls, 1) * 1e6
        )
    return cost


def found_share(found: Found) -> float:
    """Return the share of the calls of the normal stretch that ask for a context."""
    if found.normal is None or not found.normal.outcome.calls:
        return 0.0
    return round(found.normal.outcome.of_kind(BUILD).calls / found.normal.outcome.calls, 3)
