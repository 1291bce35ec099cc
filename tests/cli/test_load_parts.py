"""The parts of a load test: when calls are made, what is measured of them, what is said."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import numpy as np
import pytest

from contextd.cli.loadtest.generator import Load, generate
from contextd.cli.loadtest.outcome import Outcome, percentiles, pooled, summary
from contextd.cli.loadtest.process import GeneratorFailed, open_generator
from contextd.cli.loadtest.schedule import constant, poisson, zipf
from contextd.cli.loadtest.texts import load_texts
from contextd.cli.loadtest.traffic import (
    BUILD,
    RECORD,
    THINKING_SECONDS,
    Arrivals,
    Site,
    Traffic,
    Workload,
    load_of,
)
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

STALL = 0.4


def test_constant_arrivals_keep_equal_distances() -> None:
    """At 50 a second for 2 seconds there are 100, a fiftieth of a second apart, from 0."""
    moments = constant(50, 2)
    assert len(moments) == 100
    assert moments[0] == 0
    np.testing.assert_allclose(np.diff(moments), 0.02)


def test_poisson_arrivals_are_independent() -> None:
    """The gaps are exponential: their mean is 1 / rate, and so is their spread."""
    moments = poisson(200, 100, np.random.default_rng(3))
    gaps = np.diff(moments)
    assert len(moments) == pytest.approx(20_000, rel=0.03)
    assert 0 <= moments[0] <= moments[-1] < 100
    assert (gaps >= 0).all()
    assert gaps.mean() == pytest.approx(1 / 200, rel=0.03)
    assert gaps.std() == pytest.approx(1 / 200, rel=0.05)
    assert np.mean(gaps < 1 / 200) == pytest.approx(1 - 1 / np.e, abs=0.02)
    counts = np.bincount(moments.astype(int))
    assert counts.var() == pytest.approx(counts.mean(), rel=0.4)


def test_a_seed_makes_arrivals_repeatable() -> None:
    """The same seed gives the same moments, another one others."""
    one, two, other = (poisson(50, 5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.tolist() == two.tolist()
    assert one.tolist() != other.tolist()


@pytest.mark.parametrize("exponent", [0.0, 0.9, 1.5])
def test_sessions_follow_zipfs_law(exponent: float) -> None:
    """The k-th session is chosen as often as 1 / k^exponent says."""
    drawn = zipf(200_000, 10, exponent, np.random.default_rng(5))
    shares = np.bincount(drawn, minlength=10) / len(drawn)
    wanted = np.arange(1, 11) ** -exponent
    np.testing.assert_allclose(shares, wanted / wanted.sum(), atol=0.005)


def outcome(latency: list[float], lateness: list[float] | None = None) -> Outcome:
    """Calls that were all answered OK."""
    count = len(latency)
    return Outcome(
        intended=np.arange(count, dtype=np.float64),
        lateness=np.array(lateness or [0.0] * count),
        latency=np.array(latency),
        codes=np.zeros(count, np.int16),
        kinds=np.zeros(count, np.int16),
        sizes=np.zeros(count, np.int64),
        names=("OK",),
    )


def test_percentiles_are_those_of_numpy() -> None:
    """No sample is rounded into a bucket."""
    samples = np.random.default_rng(2).lognormal(-6, 1, 4_321)
    told = percentiles(samples)
    for name, percent in (("p50", 50), ("p95", 95), ("p99", 99), ("p99.9", 99.9)):
        assert told[f"{name}_ms"] == pytest.approx(np.percentile(samples, percent) * 1e3, abs=6e-4)
    assert told["max_ms"] == pytest.approx(samples.max() * 1e3, abs=6e-4)


def test_a_percentile_needs_a_sample_beyond_it() -> None:
    """Of 99 calls there is no 99th percentile, of 100 there is; nothing at all of none."""
    assert percentiles(np.ones(99))["p99_ms"] is None
    assert percentiles(np.ones(100))["p99_ms"] == 1_000
    assert percentiles(np.ones(1))["p50_ms"] == 1_000
    assert set(percentiles(np.ones(0)).values()) == {None}


def test_pooled_runs_keep_every_call_and_its_reason() -> None:
    """Two runs with other reasons, numbered otherwise, are counted together rightly."""
    one = replace(outcome([1, 2, 3]), codes=np.array([0, 1, 1], np.int16), names=("OK", "A"))
    two = replace(outcome([4, 5]), codes=np.array([1, 2], np.int16), names=("OK", "B", "A"))
    both = pooled([one, two])
    assert both.errors == {"A": 3, "B": 1}
    assert both.answered.tolist() == [1]
    told = summary(both)
    assert told["calls"] == told["ok"] + sum(told["errors"].values()) == 5


@pytest.mark.parametrize(
    ("latency", "late", "valid"),
    [
        (0.002, 0.0009, True),  # under a millisecond it never matters
        (0.002, 0.0015, False),  # most of the latency is the generator's own
        (0.020, 0.0040, True),  # a fifth of it
        (0.020, 0.0060, False),
        (1.000, 0.0400, True),
        (1.000, 0.0600, False),  # a small share, but that was not the load asked for
    ],
)
def test_a_late_generator_makes_a_run_invalid(latency: float, late: float, *, valid: bool) -> None:
    """What counts is how much of the latency is lateness of the generator itself."""
    told = summary(outcome([latency] * 200, [late] * 200))
    assert told["valid"] == valid
    assert bool(told["fault"]) != valid


def test_a_run_without_calls_is_invalid() -> None:
    """Nothing measured is not nothing wrong."""
    assert outcome([]).fault


@asynccontextmanager
async def serving(answer: Callable[[int], Awaitable[bytes]]) -> AsyncIterator[str]:
    """Run a server in this process' event loop; *answer* gets the number of the call."""
    numbers = iter(range(1_000_000))

    async def respond(_request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        try:
            return await answer(next(numbers))
        except LookupError:
            context.set_code(grpc.StatusCode.RESOURCE_EXHAUSTED)
            context.set_trailing_metadata((("contextd-reason", "OVERLOADED"),))
            return b""

    server = grpc.aio.server()
    method: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Call": grpc.unary_unary_rpc_method_handler(respond)
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Test", method),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def load_at(target: str, rate: float, seconds: float, deadline: float = 5.0) -> Load:
    """Calls at equal distances."""
    moments = constant(rate, seconds)
    kinds = np.zeros(len(moments), np.int16)
    return Load(target, ("/test.Test/Call",), moments, kinds, [b"x"] * len(moments), deadline)


async def stalling(number: int) -> bytes:
    """Answer, but at the 20th call hold up the whole event loop."""
    if number == 20:
        time.sleep(STALL)  # noqa: ASYNC251 - the stall is the point
    return b"ok"


def test_a_stall_counts_for_every_call_that_was_due_in_it(runner: asyncio.Runner) -> None:
    """A generator kept from sending does not forget the calls it owed (coordinated omission).

    The server stalls in the generator's own event loop, so nothing can be sent meanwhile.
    At 100 a second, the calls due in the first half of the stall waited at least the other
    half; measured from when they were really sent, all but one would look quick.
    """

    async def run() -> Outcome:
        async with serving(stalling) as target:
            return await generate(load_at(target, 100, 1.5))

    found = runner.run(run())
    assert found.calls == 150
    assert np.count_nonzero(found.latency > STALL / 2) >= 100 * STALL / 2 - 3
    assert (found.latency >= found.lateness).all()
    assert "late" in found.fault


def test_a_server_that_stalls_is_not_the_generators_fault(runner: asyncio.Runner) -> None:
    """From a process of its own the generator sends on through the stall."""

    async def run() -> Outcome:
        async with serving(stalling) as target, open_generator() as generator:
            return await generator.run(load_at(target, 100, 1.5))

    found = runner.run(run())
    assert np.count_nonzero(found.latency > STALL / 2) >= 100 * STALL / 2 - 3
    # Not by its verdict: a busy machine may well make the generator itself a little late.
    held_up = found.lateness[found.latency > STALL / 2]
    assert np.median(held_up) < STALL / 4


def test_failed_calls_are_counted_by_reason(runner: asyncio.Runner) -> None:
    """A refusal has its reason, a call given up its code; the others are OK and have a size."""

    async def answer(number: int) -> bytes:
        if number % 3 == 1:
            raise LookupError
        if number % 3 == 2:
            await asyncio.sleep(30)
        return b"four"

    async def run() -> Outcome:
        async with serving(answer) as target:
            return await generate(load_at(target, 30, 0.5, deadline=1.0))

    found = runner.run(run())
    assert found.errors == {"OVERLOADED": 5, "DEADLINE_EXCEEDED": 5}
    assert len(found.answered) == 5
    assert set(found.sizes.tolist()) == {0, 4}
    assert found.good(10.0) == 5
    assert found.good(0.0) == 0


def test_calls_go_out_at_their_moments(runner: asyncio.Runner) -> None:
    """None goes out before its moment, and the order is kept."""

    async def answer(_: int) -> bytes:
        return b""

    async def run() -> Outcome:
        async with serving(answer) as target:
            return await generate(load_at(target, 200, 0.5))

    assert (runner.run(run()).lateness >= 0).all()


def test_a_generator_that_cannot_call_says_so(runner: asyncio.Runner) -> None:
    """No server at all is an error of the run, with its reason, and the next run is made."""

    async def answer(_: int) -> bytes:
        return b""

    async def run() -> Outcome:
        async with serving(answer) as target, open_generator() as generator:
            broken = replace(load_at(target, 10, 0.2), payloads=[])
            with pytest.raises(GeneratorFailed, match="IndexError"):
                await generator.run(broken)
            return await generator.run(load_at(target, 10, 0.2))

    assert runner.run(run()).calls == 2


def site() -> Site:
    """The texts that ship with the package."""
    return Site("tenant", pb.Budget(context_window_tokens=4_096), load_texts(None))


def traffic(workload: Workload, **rest: object) -> Traffic:
    """Ten sessions, ten calls a second, for two seconds after one."""
    own = Traffic(workload, [f"s{n}" for n in range(10)], 10, 2, 1, Arrivals.CONSTANT)
    return replace(own, **rest)  # type: ignore[arg-type]  # fields of Traffic


def test_a_mixed_load_asks_and_then_records() -> None:
    """Each message is recorded with its context, each answer later, in the same session."""
    load = load_of(site(), traffic(Workload.MIXED), "there")
    asked = [
        (moment, pb.BuildContextRequest.FromString(payload))
        for moment, kind, payload in zip(load.moments, load.kinds, load.payloads, strict=True)
        if kind == BUILD
    ]
    told = [
        (moment, pb.RecordTurnRequest.FromString(payload))
        for moment, kind, payload in zip(load.moments, load.kinds, load.payloads, strict=True)
        if kind == RECORD
    ]
    assert len(asked) == len(told) == 30
    assert (np.diff(load.moments) >= 0).all()
    for (before, question), (after, answer) in zip(asked, told, strict=True):
        assert after == pytest.approx(before + THINKING_SECONDS)
        assert question.session == answer.session
        assert question.record_message
    ids = [request.request_id for _, request in (*asked, *told)]  # type: ignore[attr-defined]
    assert len(set(ids)) == 60


def test_the_warm_up_comes_before_what_is_measured() -> None:
    """The whole schedule has both; what is kept begins after the warm-up."""
    load = load_of(site(), traffic(Workload.BUILD), "there")
    assert len(load.moments) == 30
    found = replace(outcome([1.0] * 30), intended=load.moments)
    assert found.after(1.0).calls == 20


def test_every_message_differs() -> None:
    """A cache of queries must not make a load look lighter than people's messages are."""
    load = load_of(site(), traffic(Workload.BUILD, rate=200.0), "there")
    texts = {pb.BuildContextRequest.FromString(each).message.text for each in load.payloads}
    assert len(texts) == len(load.payloads)


def test_sessions_of_any_length_are_made_of_the_texts() -> None:
    """They begin with the user, keep calls and results together, and repeat no number."""
    texts = load_texts(None)
    turns = texts.session(3, 600)
    assert len(turns) == 600
    assert turns[0].role == common.ROLE_USER
    assert turns == texts.session(3, 600)
    assert turns != texts.session(4, 600)
    called = {call.id for turn in turns for call in turn.tool_calls}
    answered = {turn.tool_call_id for turn in turns if turn.tool_call_id}
    assert answered
    assert answered <= called | {min(answered)}
    assert not any(turn.turn_id or turn.HasField("occurred_at") for turn in turns)
    whole = len(texts.turns)
    numbered = next(turn.text for turn in turns if "48" in turn.text)
    again = [turn.text for turn in turns[whole:]]
    assert numbered not in again
