from __future__ import annotations

import asyncio
import gc
import re
from pathlib import Path

import contextd
from contextd.observers import (
    COUNTS,
    MAX_LABEL_VALUES,
    NullObserver,
    PrometheusObserver,
    watch_loop,
    watched_collections,
)

SOURCE = Path(contextd.__file__).parent


def value(observer: PrometheusObserver, name: str, **labels: str) -> float | None:
    """Return a sample."""
    return observer.registry.get_sample_value(name, labels)


def test_calls_are_measured() -> None:
    """A call is in flight until it ends, and counts with its code."""
    observer = PrometheusObserver()
    observer.began("RecordTurn")
    assert value(observer, "contextd_rpc_in_flight", method="RecordTurn") == 1
    observer.ended("RecordTurn", "OK", 0.003)
    assert value(observer, "contextd_rpc_in_flight", method="RecordTurn") == 0
    name, labels = "contextd_rpc_duration_seconds_bucket", {"method": "RecordTurn", "code": "OK"}
    assert value(observer, name, le="0.0025", **labels) == 0
    assert value(observer, name, le="0.005", **labels) == 1


def test_stages_and_refusals_are_measured() -> None:
    """Stages have their time, refused calls their reason."""
    observer = PrometheusObserver()
    observer.stage("assemble", 0.002)
    observer.stage("assemble", 0.002)
    observer.shed("overloaded")
    assert value(observer, "contextd_stage_duration_seconds_sum", stage="assemble") == 0.004
    assert value(observer, "contextd_rpc_shed_total", reason="overloaded") == 1


def test_counts_are_kept() -> None:
    """What the engine counts is there by name and label; without labels from the start."""
    observer = PrometheusObserver()
    observer.count("folds", outcome="published")
    observer.count("folds", 2, outcome="stale")
    assert value(observer, "contextd_folds_total", outcome="stale") == 2
    assert value(observer, "contextd_handoff_digest_failures_total") == 0
    observer.count("handoff_digest_failures")
    assert value(observer, "contextd_handoff_digest_failures_total") == 1


def test_everything_the_daemon_counts_is_known() -> None:
    """No counter is spoken of that Prometheus would not hear."""
    counted = set()
    for path in SOURCE.rglob("*.py"):
        counted |= set(re.findall(r"observer\.count\(\s*\"(\w+)\"", path.read_text()))
    assert counted
    assert counted <= set(COUNTS)


def test_an_unknown_count_is_no_error() -> None:
    """An observer never raises: names and labels that it does not know change nothing."""
    observer = PrometheusObserver()
    before = observer.exposition()
    observer.count("nonsense")
    observer.count("folds")
    observer.count("folds", outcome="x", more="y")
    assert observer.exposition() == before


def test_labels_are_bounded() -> None:
    """However many values a label gets, the number of series stays small."""
    observer = PrometheusObserver()
    for number in range(MAX_LABEL_VALUES + 10):
        observer.count("degradations", code=f"C{number}")
    assert value(observer, "contextd_degradations_total", code="other") == 10
    body, _ = observer.exposition()
    assert body.count(b"contextd_degradations_total{") == MAX_LABEL_VALUES + 1


def test_observers_do_not_share() -> None:
    """Two observers in one process have two sets of metrics."""
    first, second = PrometheusObserver(), PrometheusObserver()
    first.shed("overloaded")
    assert value(second, "contextd_rpc_shed_total", reason="overloaded") is None


def test_a_held_up_loop_shows() -> None:
    """The lag of the loop is what a timer came late by."""
    observer = PrometheusObserver()
    times = iter([0.0, 0.3125, 1.0, 1.25])

    async def scene() -> None:
        done = asyncio.Event()

        def now() -> float:
            time = next(times)
            if time == 1.25:
                done.set()
            return time

        watching = asyncio.create_task(watch_loop(observer, now))
        await done.wait()
        watching.cancel()

    asyncio.run(scene())
    assert value(observer, "contextd_loop_lag_seconds_sum") == 0.0625


def test_nobody_hears() -> None:
    """The null observer takes every call."""
    observer = NullObserver()
    observer.stage("assemble", 0.1)
    observer.count("folds", outcome="stale")
    observer.began("RecordTurn")
    observer.ended("RecordTurn", "OK", 0.1)
    observer.shed("overloaded")


def test_collections_of_garbage_are_measured() -> None:
    """Each by its generation with the time it took, until the end of the block."""
    observer = PrometheusObserver()
    times = iter((5.0, 5.002))
    automatic = gc.isenabled()
    gc.disable()
    try:
        with watched_collections(observer, lambda: next(times)):
            gc.collect(2)
        gc.collect(2)
    finally:
        if automatic:
            gc.enable()
    assert value(observer, "contextd_gc_pause_seconds_count", generation="2") == 1
    name = "contextd_gc_pause_seconds_bucket"
    assert value(observer, name, generation="2", le="0.001") == 0
    assert value(observer, name, generation="2", le="0.0025") == 1


def test_levels_are_looked_up_when_asked() -> None:
    """Each scrape sees the level of that moment."""
    observer = PrometheusObserver()
    waiting = [1, 2]
    observer.level("background_waiting", lambda: len(waiting))
    assert value(observer, "contextd_background_waiting") == 2
    waiting.clear()
    assert value(observer, "contextd_background_waiting") == 0
