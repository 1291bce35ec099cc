"""Who hears what happens: Prometheus, or nobody.

Labels are bounded: methods, codes, stages and reasons, never a tenant, session or account.
"""

from __future__ import annotations

import asyncio
import gc
from bisect import bisect_left
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

RPC_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
STAGE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
GC_BUCKETS = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25)

COUNTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "background_dropped": ("Background jobs dropped because the queue was full", ()),
    "background_failures": ("Background jobs that failed", ()),
    "degradations": ("Answers that lacked a quality, by what they lacked", ("code",)),
    "expired_sessions": ("Sessions past their time to live, by what became of them", ("outcome",)),
    "folds": ("Folds by how they ended", ("outcome",)),
    "handoff_digest_failures": ("Handoffs delivered without a summary", ()),
    "imports": ("Sessions imported, by whether they were new", ("outcome",)),
    "notices": ("Notices of handoffs, by how a try to bring them ended", ("outcome",)),
    "own_tokens": ("Tokens that contextd's own model calls took", ("kind",)),
    "summaries": ("Summaries asked of a model, by how they ended", ("outcome",)),
    "summarizer_breaker": ("Changes of the summarizer's circuit breaker", ("state",)),
    "policy_reloads": ("Policy files read again because they changed", ("outcome",)),
    "pressure_changes": ("Changes of what answers do without under load", ("relief",)),
    "query_vectors": ("Transformer vectors of queries", ("outcome",)),
    "recap_failures": ("Conversations that could not be read for a recap", ()),
    "recaps": ("Conversations put in a line for later ones of their account", ()),
    "refined_turns": ("Turns given transformer vectors, by where these came from", ("source",)),
    "reloads": ("Files of keys read again because they changed", ("kind", "outcome")),
    "retrievals": ("Searches of the past, by the rung they stood on", ("rung",)),
    "tokens": ("Tokens counted", ("kind",)),
}
"""What the engine counts: name → (help, labels).  `contextd_{name}_total` in Prometheus."""

LEVELS: Mapping[str, str] = {
    "background_waiting": "Sessions that wait to be folded and indexed",
    "refining_waiting": "Sessions whose turns wait for transformer vectors",
    "sessions_in_memory": "Sessions that are kept ready in memory",
    "session_bytes": "About how much memory these take",
    "tasks": "Tasks of the event loop",
}
"""What is looked up when somebody asks: name → help.  `contextd_{name}` in Prometheus."""

MAX_LABEL_VALUES = 64
"""Distinct label values of one counter; what comes later counts as "other"."""

LAG_SECONDS = 0.25


class QuickHistogram(Collector):
    """A Prometheus histogram for the hot path of one thread.

    The library's own takes two locks and walks the buckets, 2 to 3 microseconds a time and
    ten times a call; this takes a fifth.  Two threads at once may lose a count.
    """

    def __init__(
        self, name: str, text: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> None:
        """Count in *buckets*, given by their upper bounds without infinity."""
        self._name, self._text, self._labels = name, text, labels
        self._buckets = tuple(buckets)
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, labels: tuple[str, ...], value: float) -> None:
        """Count *value* for *labels*."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(self._buckets) + 1)
            self._sums[labels] = 0.0
        counts[bisect_left(self._buckets, value)] += 1
        self._sums[labels] += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Return the metric as Prometheus' library takes it."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        bounds = (*map(str, self._buckets), "+Inf")
        for labels, counts in sorted(self._counts.items()):
            totals = map(float, accumulate(counts))
            family.add_metric(labels, list(zip(bounds, totals, strict=True)), self._sums[labels])
        yield family


class NullObserver:
    """Hears nothing.  Satisfies `ports.Observer` and `rpc.call.CallObserver`."""

    def stage(self, stage: str, seconds: float) -> None:
        """Ignore a stage."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Ignore a count."""

    def began(self, method: str) -> None:
        """Ignore the beginning of a call."""

    def ended(self, method: str, code: str, seconds: float) -> None:
        """Ignore the end of a call."""

    def shed(self, reason: str) -> None:
        """Ignore a refused call."""

    def denied(self, reason: str) -> None:
        """Ignore a refused credential."""


class PrometheusObserver:
    """Keeps metrics in a registry of its own.

    Satisfies `ports.Observer` and `rpc.call.CallObserver`.
    """

    def __init__(self) -> None:
        """Begin with every known metric at zero."""
        self.registry = CollectorRegistry()
        self._duration = QuickHistogram(
            "contextd_rpc_duration_seconds",
            "Time from arrival to answer, waiting included",
            ("method", "code"),
            RPC_BUCKETS,
        )
        self._in_flight = self._gauge("rpc_in_flight", "Calls at work or waiting", "method")
        self._shed = Counter(
            "contextd_rpc_shed",
            "Calls refused for want of capacity",
            ("reason",),
            registry=self.registry,
        )
        self._denied = Counter(
            "contextd_rpc_denied",
            "Calls refused for their credential",
            ("reason",),
            registry=self.registry,
        )
        self._certificate = self._gauge(
            "tls_not_after_seconds",
            "When the server certificate in use expires, in seconds since 1970; 0: no TLS",
        )
        self._policy = self._gauge(
            "policy_info",
            "1 for the policy in force, whose hash stands for all tenants' rules together",
            "hash",
        )
        self._stage = QuickHistogram(
            "contextd_stage_duration_seconds",
            "Time a stage of a call took",
            ("stage",),
            STAGE_BUCKETS,
        )
        self._lag = QuickHistogram(
            "contextd_loop_lag_seconds", "How late the event loop ran a timer", (), LAG_BUCKETS
        )
        self._pauses = QuickHistogram(
            "contextd_gc_pause_seconds",
            "How long a collection of garbage kept everything waiting",
            ("generation",),
            GC_BUCKETS,
        )
        for histogram in (self._duration, self._stage, self._lag, self._pauses):
            self.registry.register(histogram)
        self._counts = {name: self._counter(name) for name in COUNTS}
        self._values: dict[str, set[tuple[str, ...]]] = {name: set() for name in COUNTS}

    def exposition(self) -> tuple[bytes, str]:
        """Return all metrics in Prometheus' text format, and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_PLAIN_0_0_4

    def stage(self, stage: str, seconds: float) -> None:
        """A stage of some call took *seconds*."""
        self._stage.observe((stage,), seconds)

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Add *amount* to the counter *name*; a name or label that is not known is ignored."""
        counter = self._counts.get(name)
        if counter is None or set(labels) != set(COUNTS[name][1]):
            return
        if not labels:
            counter.inc(amount)
            return
        counter.labels(*self._bounded(name, tuple(labels[key] for key in COUNTS[name][1]))).inc(
            amount
        )

    def level(self, name: str, look: Callable[[], float]) -> None:
        """Show what *look* returns, called at each scrape, as the level *name* of LEVELS."""
        Gauge(f"contextd_{name}", LEVELS[name], registry=self.registry).set_function(look)

    def began(self, method: str) -> None:
        """A call of *method* came in."""
        self._in_flight.labels(method).inc()

    def ended(self, method: str, code: str, seconds: float) -> None:
        """It ended with *code* after *seconds*."""
        self._in_flight.labels(method).dec()
        self._duration.observe((method, code), seconds)

    def shed(self, reason: str) -> None:
        """A call was refused for want of capacity, the daemon's or its tenant's."""
        self._shed.labels(reason).inc()

    def denied(self, reason: str) -> None:
        """A call was refused for its credential."""
        self._denied.labels(reason).inc()

    def certificate_until(self, seconds: float) -> None:
        """The server certificate in use expires then, in seconds since 1970."""
        self._certificate.set(seconds)

    def policy_is(self, policy_hash: str) -> None:
        """This policy is in force now, and no other."""
        self._policy.clear()
        self._policy.labels(policy_hash).set(1)

    def loop_lag(self, seconds: float) -> None:
        """A timer ran *seconds* late."""
        self._lag.observe((), seconds)

    def gc_pause(self, generation: int, seconds: float) -> None:
        """A collection of *generation* (0 to 2) took *seconds*."""
        self._pauses.observe((str(generation),), seconds)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"contextd_{name}", text, labels, registry=self.registry)

    def _counter(self, name: str) -> Counter:
        text, labels = COUNTS[name]
        return Counter(f"contextd_{name}", text, labels, registry=self.registry)

    def _bounded(self, name: str, values: tuple[str, ...]) -> tuple[str, ...]:
        known = self._values[name]
        if values not in known:
            if len(known) >= MAX_LABEL_VALUES:
                return ("other",) * len(values)
            known.add(values)
        return values


async def watch_loop(observer: PrometheusObserver, monotonic: Callable[[], float]) -> None:
    """Measure for ever how late the event loop runs a timer; cancel it to stop."""
    while True:
        due = monotonic() + LAG_SECONDS
        await asyncio.sleep(LAG_SECONDS)
        observer.loop_lag(max(0.0, monotonic() - due))


@contextmanager
def watched_collections(
    observer: PrometheusObserver, monotonic: Callable[[], float]
) -> Iterator[None]:
    """Measure every collection of garbage until the end of the block."""
    began = 0.0

    def heard(phase: str, details: Mapping[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = monotonic()
        else:
            observer.gc_pause(details["generation"], monotonic() - began)

    gc.callbacks.append(heard)
    try:
        yield
    finally:
        gc.callbacks.remove(heard)
