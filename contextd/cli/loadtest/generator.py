"""Makes calls at moments fixed beforehand, whatever becomes of the earlier ones.

A generator that waited for answers would ask less of a slow daemon, and measure only the
calls it made (coordinated omission).  This one waits for none: a call goes out when its moment
has come, and its latency counts from that moment even when it went out later.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import numpy as np

from contextd.cli.keys import Keys
from contextd.cli.loadtest.outcome import Outcome
from contextd.cli.loadtest.pacing import pacer
from contextd.cli.remote import open_channel, reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HEAD_START = 0.05
"""Seconds between the last preparation and the first moment."""

CONNECT_SECONDS = 10.0
NO_KEYS = Keys()


@dataclass(frozen=True, slots=True)
class Load:
    """Calls to make at the daemon *target*.

    `moments` are in seconds from the start, ascending; `kinds` index `methods`, the full
    names of gRPC methods; `payloads` are the requests as bytes.  A call is given up after
    `deadline` seconds from when it was sent.  `keys` say who asks, where that matters.
    """

    target: str
    methods: tuple[str, ...]
    moments: NDArray[np.float64]
    kinds: NDArray[np.int16]
    payloads: Sequence[bytes]
    deadline: float
    keys: Keys = NO_KEYS


async def generate(load: Load) -> Outcome:
    """Make the calls of *load* and return what came of them, once all have ended."""
    async with open_channel(load.target, load.keys) as channel:
        await asyncio.wait_for(channel.channel_ready(), CONNECT_SECONDS)
        return await _Run(load, channel).outcome()


class _Run:
    def __init__(self, load: Load, channel: grpc.aio.Channel) -> None:
        count = len(load.moments)
        self._load = load
        # Bytes in and out: what the messages hold is none of the generator's business.
        self._stubs: list[grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = [
            channel.unary_unary(method) for method in load.methods
        ]
        self._sent = np.zeros(count)
        self._done = np.zeros(count)
        self._codes = np.zeros(count, np.int16)
        self._sizes = np.zeros(count, np.int64)
        self._names: dict[str, int] = {"OK": 0}
        self._metadata = grpc.aio.Metadata(*load.keys.metadata())

    async def outcome(self) -> Outcome:
        load = self._load
        cpu, start = time.process_time(), time.monotonic() + HEAD_START
        due = (load.moments + start).tolist()
        with pacer() as until:
            async with asyncio.TaskGroup() as running:
                for number, moment in enumerate(due):
                    await until(moment)
                    running.create_task(self._call(number))
        elapsed = time.monotonic() - start
        return Outcome(
            intended=load.moments,
            lateness=self._sent - due,
            latency=self._done - due,
            codes=self._codes,
            kinds=load.kinds,
            sizes=self._sizes,
            names=tuple(self._names),
            generator_cpu=(time.process_time() - cpu) / max(elapsed, 1e-9),
        )

    async def _call(self, number: int) -> None:
        load = self._load
        stub = self._stubs[load.kinds[number]]
        self._sent[number] = time.monotonic()
        try:
            answer = await stub(
                load.payloads[number], timeout=load.deadline, metadata=self._metadata
            )
            self._done[number] = time.monotonic()
            self._sizes[number] = len(answer)
        except grpc.aio.AioRpcError as error:
            self._done[number] = time.monotonic()
            name = reason_of(error) or error.code().name
            self._codes[number] = self._names.setdefault(name, len(self._names))
