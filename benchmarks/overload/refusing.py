"""The floor of a refusal: a bare grpc.aio server that refuses every call, and does nothing else.

    python -m benchmarks.overload.refusing

What a caller waits for a refusal by this one, no daemon written with this library can avoid.  It
has the daemon's gRPC options, event loop and garbage collection, refuses unread as it does, and
says the same.  Prints one line of JSON once it serves: address, pid.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import grpc
import uvloop

from benchmarks.load.floor import OPTIONS, bare_server, serve_bare
from contextd.errors import Overloaded
from contextd.rpc.status import answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    Context = grpc.aio.ServicerContext[bytes, bytes]

REFUSAL = answer(Overloaded(retry_after_ms=100))


async def _respond(_unread: object, context: Context) -> bytes:
    context.set_code(REFUSAL.code)
    context.set_details(REFUSAL.message)
    context.set_trailing_metadata(REFUSAL.trailers)
    return b""


class _Refusing(grpc.GenericRpcHandler):
    """Refuses whatever is called."""

    def __init__(self) -> None:
        self._handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_unary_rpc_method_handler(
            _respond
        )

    def service(self, _details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """Return who refuses the call."""
        return self._handler


async def serve() -> None:
    """Refuse until SIGTERM."""
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((_Refusing(),))
    await serve_bare(server)


@asynccontextmanager
async def own_refusing(root: Path) -> AsyncIterator[tuple[str, int]]:
    """Run it in a process of its own, from the checkout *root*; give its address and pid."""
    async with bare_server(root, "benchmarks.overload.refusing") as said:
        yield said


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
