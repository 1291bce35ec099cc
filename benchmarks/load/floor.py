"""The floor: a bare grpc.aio server that answers what size it is told, and does nothing else.

    python -m benchmarks.load.floor --sizes BUILD,RECORD,ESCALATE

What contextd takes beyond it is contextd's own; what it takes itself, no daemon written in
Python with this library can avoid.  It has the daemon's gRPC options, event loop and garbage
collection.  Prints one line of JSON once it serves: address, pid.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import uvloop

from contextd.cli.loadtest.traffic import METHODS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

SERVICE = "floor.Floor"
FLOOR_METHODS = tuple(f"/{SERVICE}/{method.rpartition('/')[2]}" for method in METHODS)

MAX_MESSAGE = 8 << 20
OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.max_metadata_size", 16_384),
    ("grpc.absolute_max_metadata_size", 16_384),
    ("grpc.max_concurrent_streams", 4_096),
    ("grpc.server_handshake_timeout_ms", 20_000),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)
"""As the daemon has them; a test holds the two together."""

GC_THRESHOLDS = (50_000, 20, 1_000_000_000)


async def serve(sizes: Sequence[int]) -> None:
    """Answer until SIGTERM; *sizes* are those of the answers in bytes, in the methods' order."""
    server = grpc.aio.server(options=OPTIONS)
    answers = {
        method.rpartition("/")[2]: _answering(size)
        for method, size in zip(FLOOR_METHODS, sizes, strict=True)
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, answers),))
    await serve_bare(server)


async def serve_bare(server: grpc.aio.Server) -> None:
    """Serve, say where, and end at SIGTERM."""
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(json.dumps({"address": f"127.0.0.1:{port}", "pid": os.getpid()}), flush=True)
    await stop.wait()
    await server.stop(None)


def _answering(size: int) -> grpc.RpcMethodHandler[bytes, bytes]:
    answer = os.urandom(size)

    async def respond(_request: bytes, _context: object) -> bytes:
        return answer

    return grpc.unary_unary_rpc_method_handler(respond)


@asynccontextmanager
async def own_floor(sizes: Sequence[int], root: Path) -> AsyncIterator[tuple[str, int]]:
    """Run a floor in a process of its own, from the checkout *root*; give its address and pid."""
    stated = ",".join(map(str, sizes))
    async with bare_server(root, "benchmarks.load.floor", "--sizes", stated) as said:
        yield said


@asynccontextmanager
async def bare_server(root: Path, *module: str) -> AsyncIterator[tuple[str, int]]:
    """Run a *module* that calls `serve_bare`, with its arguments; give its address and pid."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *module),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the floor has no output")
        said = json.loads(await process.stdout.readline())
        yield said["address"], said["pid"]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def main() -> None:
    """Read the sizes and serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", required=True, help="bytes of the answers, comma-separated")
    sizes = [int(each) for each in parser.parse_args().sizes.split(",")]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sizes))


if __name__ == "__main__":
    main()
