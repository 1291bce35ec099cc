"""A desk that takes webhooks over a real socket, and may misbehave."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HANG = -1
TWICE = -2
CUT = -3
"""In place of a status: never answer, answer two times over, hang up in the middle."""


@dataclass
class Desk:
    """Answers with `answers` in turn, the last one again and again; keeps what it was sent."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    going: threading.Event = field(default_factory=threading.Event)

    def answer(self) -> int:
        """Return the next answer."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def wait_for(self, count: int, seconds: float = 30.0) -> None:
        """Return when *count* posts have come."""
        ends = time.monotonic() + seconds
        while len(self.received) < count:
            assert time.monotonic() < ends, f"{len(self.received)} of {count} came"
            time.sleep(0.01)


@contextmanager
def desk(*answers: int) -> Iterator[Desk]:
    """Give a desk that listens on a port of this machine."""
    made = Desk(answers=list(answers) or [200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
            status = made.answer()
            if status == HANG:
                made.going.wait(60)
            elif status == TWICE:
                self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" * 2)
            elif status == CUT:
                self.wfile.write(b"HTTP/1.1 2")
                self.close_connection = True
            else:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", made.url + "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield made
    finally:
        made.going.set()
        server.shutdown()
        serving.join()
        server.server_close()
