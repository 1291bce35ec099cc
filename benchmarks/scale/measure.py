"""Measures what the model is fed with: calls, bytes and processor time of an exchange.

A daemon of this very process serves real calls from its own event loop; the texts are those of
`benchmarks.load`.  An exchange is a BuildContext that records the message and a RecordTurn with
the answer, as a frontend makes them.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import grpc

from benchmarks.load.__main__ import texts_from
from benchmarks.scale import counting
from contextd.app import open_app
from contextd.cli.loadtest.sessions import prepare
from contextd.cli.loadtest.traffic import Site, build_request
from contextd.config import Config, ServerConfig, SessionsConfig, StoreConfig
from contextd.config.settings import EmbedderConfig
from contextd.v1 import context_service_pb2 as pb
from contextd.v1.context_service_pb2_grpc import ContextServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

LENGTHS = (20, 60, 600)
WINDOW = 5_120
LOOK_SECONDS = 0.2
MOST_LOOKS = 100
CALL_SECONDS = 60.0
ROOMY_MIB = 4_096


@dataclass(frozen=True, slots=True)
class Asked:
    """How much is measured: *sessions* of each length, with *exchanges* each."""

    folder: str
    sessions: int = 4
    exchanges: int = 12
    embedder: str = "static"
    lengths: tuple[int, ...] = LENGTHS


async def measure(asked: Asked, done: Callable[[float], None] = lambda _: None) -> dict[str, Any]:
    """Return the figures by the number of turns a session had before."""
    counting.allow()
    found = {}
    for number, length in enumerate(asked.lengths):
        found[str(length)] = await _at(asked, length)
        done((number + 1) / len(asked.lengths))
    return found


async def _at(asked: Asked, length: int) -> dict[str, Any]:
    config = Config(
        server=ServerConfig(listen="127.0.0.1:0", ops="127.0.0.1:0"),
        store=StoreConfig(f"counting:sqlite:///{asked.folder}/{length}.db"),
        sessions=SessionsConfig(capacity_mib=ROOMY_MIB),
        embedder=EmbedderConfig(model=asked.embedder),
    )
    site = Site("scale", pb.Budget(context_window_tokens=WINDOW), texts_from(None))
    names = [f"session-{number}" for number in range(asked.sessions)]
    async with open_app(config) as app, grpc.aio.insecure_channel(app.addresses[0]) as channel:
        await prepare(channel, site, names, length, batch=1)
        await _quiet(app.ops_address)
        held = await _level(app.ops_address, "session_bytes")
        counting.CALLS.clear()
        began = time.process_time()
        sent = [each async for each in _exchanges(channel, site, names, asked.exchanges)]
        await _quiet(app.ops_address)
        spent = time.process_time() - began
        calls = dict(counting.CALLS)
    exchanges = len(sent)
    return {
        "exchanges": exchanges,
        "hot_bytes": round(held / asked.sessions),
        "cpu_ms": round(spent * 1e3 / exchanges, 2),
        "request_bytes": round(sum(up for up, _ in sent) / exchanges),
        "response_bytes": round(sum(down for _, down in sent) / exchanges),
        "store": {name: round(count / exchanges, 3) for name, count in sorted(calls.items())},
    }


async def _exchanges(
    channel: grpc.aio.Channel, site: Site, names: list[str], count: int
) -> AsyncIterator[tuple[int, int]]:
    """Make *count* exchanges in each session, one after the other; yield bytes up and down."""
    stub = ContextServiceStub(channel)
    questions = iter(site.texts.questions(count * len(names)))
    answers = iter(site.texts.answers(count * len(names)))
    for number in range(count):
        for name in names:
            asked = build_request(site, name, next(questions), request_id=f"ask-{number}")
            context = await stub.BuildContext(asked, timeout=CALL_SECONDS)
            told = pb.RecordTurnRequest(
                session=site.session(name), turns=[next(answers)], request_id=f"tell-{number}"
            )
            recorded = await stub.RecordTurn(told, timeout=CALL_SECONDS)
            up = asked.ByteSize() + told.ByteSize()
            yield up, context.ByteSize() + recorded.ByteSize()


async def _quiet(ops: str) -> None:
    """Wait until nothing waits in the background any more."""
    for _ in range(MOST_LOOKS):
        await asyncio.sleep(LOOK_SECONDS)
        if not await _level(ops, "background_waiting") + await _level(ops, "refining_waiting"):
            return


async def _level(ops: str, name: str) -> float:
    page = await asyncio.to_thread(lambda: urlopen(f"http://{ops}/metrics").read().decode())
    found = re.search(rf"^contextd_{name} (\S+)$", page, re.MULTILINE)
    if found is None:
        raise LookupError(f"the daemon shows no contextd_{name}")
    return float(found[1])
