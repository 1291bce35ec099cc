"""A real HTTP server that answers as models' servers do, well and badly, one reply a request."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HANGS = "hangs"
RESETS = "resets"
DRIPS = "drips"


@dataclass(frozen=True)
class Reply:
    """What is answered; `body` is sent as it is, or one of `HANGS`, `RESETS` and `DRIPS`."""

    body: str
    status: int = 200
    headers: tuple[str, ...] = ()


def said(text: str | None, **rest: Any) -> Reply:
    """A model's answer in OpenAI's form."""
    usage = {
        "prompt_tokens": 120,
        "completion_tokens": 40,
        "prompt_tokens_details": {"cached_tokens": 20},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    answer: dict[str, Any] = {
        "model": "small-1",
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": usage,
    }
    return Reply(json.dumps(answer | rest))


@dataclass
class Server:
    """The server; `replies` are used up from the front, the last one stays."""

    replies: list[Reply] = field(default_factory=lambda: [said("NONE")])
    requests: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    handling: set[asyncio.Task[None]] = field(default_factory=set)
    port: int = 0

    @property
    def url(self) -> str:
        """The base of the API."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request, answer it, and hang up, whatever the other side does."""
        task = asyncio.current_task()
        assert task is not None
        self.handling.add(task)
        try:
            await self._answer(reader, writer)
            writer.close()
            await writer.wait_closed()
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
        finally:
            self.handling.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1])
            for line in head.lower().splitlines()
            if line.startswith("content-length:")
        )
        self.requests.append(json.loads(await reader.readexactly(length)))
        self.heads.append(head)
        self.asked.set()
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        await self._send(reply, writer)

    async def _send(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        body = reply.body.encode()
        if reply.body == HANGS:
            await self.release.wait()
            return
        if reply.body == RESETS:
            writer.transport.abort()
            return
        length = 10_000 if reply.body == DRIPS else len(body)
        lines = (f"HTTP/1.1 {reply.status} X", f"Content-Length: {length}", *reply.headers, "", "")
        writer.write("\r\n".join(lines).encode())
        while reply.body == DRIPS and not self.release.is_set():
            writer.write(b" ")
            await asyncio.sleep(0.01)
        writer.write(body)


@asynccontextmanager
async def serving(*replies: Reply) -> AsyncIterator[Server]:
    """Serve *replies* on a free port until the end of the block."""
    server = Server(list(replies) or [said("NONE")])
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.release.set()
        listening.close()
        while server.handling:
            await asyncio.wait(server.handling)
        await listening.wait_closed()
