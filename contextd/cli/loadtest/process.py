"""The generator in a process of its own, so that nothing else keeps it from its moments."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import signal
import traceback
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvloop

from contextd.cli.loadtest.generator import generate
from contextd.errors import ContextdError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from multiprocessing.connection import Connection

    from contextd.cli.loadtest.generator import Load
    from contextd.cli.loadtest.outcome import Outcome

GC_THRESHOLDS = (50_000, 20, 50)
"""As the daemon has them: a collection of the generator would be taken for slowness."""


class GeneratorFailed(ContextdError):
    """The process that makes the calls ended, or could not make them."""


@dataclass(frozen=True, slots=True)
class Generator:
    """A process that makes the calls of one load after the other."""

    connection: Connection

    async def run(self, load: Load) -> Outcome:
        """Return what came of *load*.

        Raises:
            GeneratorFailed: it could not be run at all; refused calls are an outcome.
        """
        try:
            await asyncio.to_thread(self.connection.send, load)
            answer: Outcome | str = await asyncio.to_thread(self.connection.recv)
        except (EOFError, OSError) as error:
            raise GeneratorFailed("the process that makes the calls ended") from error
        if isinstance(answer, str):
            raise GeneratorFailed(f"the calls could not be made:\n{answer}")
        return answer


@asynccontextmanager
async def open_generator() -> AsyncIterator[Generator]:
    """Start a generator; it ends with the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), name="load generator", daemon=True)
    process.start()
    theirs.close()
    try:
        yield Generator(ours)
    finally:
        process.kill()  # it has nothing to put in order, and may be in the middle of a run
        await asyncio.to_thread(process.join)
        ours.close()


def _serve(connection: Connection) -> None:
    """Run loads until the other side hangs up; the terminal's Ctrl-C is the other side's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with (
        suppress(EOFError, OSError),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        while True:
            load: Load = connection.recv()
            gc.collect()
            gc.freeze()
            gc.set_threshold(*GC_THRESHOLDS)
            try:
                connection.send(runner.run(generate(load)))
            except Exception:  # noqa: BLE001 - whatever it is, the process that waits must hear
                connection.send(traceback.format_exc(limit=-3))
            gc.unfreeze()
