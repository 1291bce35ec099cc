"""Start the installed daemon, record a turn, build a context, hand over, stop it cleanly.

Run by `wheel_test.sh` with the interpreter of an empty environment; exits non-zero when
anything is not as it should be.
"""

from __future__ import annotations

import fcntl
import signal
import socket
import struct
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import grpc

import contextd
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as api
from contextd.v1.context_service_pb2_grpc import ContextServiceStub

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
SECONDS = 20.0


def raise_loopback() -> None:
    """Switch the loopback on: it is down in a new network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        name, flags, rest = struct.unpack("16sH14s", fcntl.ioctl(control, SIOCGIFFLAGS, request))
        if not flags & IFF_UP:
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14s", name, flags | IFF_UP, rest))


def free_address() -> str:
    """Return a loopback address that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


def expect(truth: object, what: str) -> None:
    """Stop with *what* unless *truth*."""
    if not truth:
        sys.exit(f"wheel test: {what}")


def wait_until_served(address: str, daemon: subprocess.Popen[bytes]) -> None:
    """Return when something listens on *address*; stop when the daemon has died."""
    host, port = address.split(":")
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        expect(daemon.poll() is None, f"the daemon stopped at once with {daemon.returncode}")
        with socket.socket() as knock:
            if knock.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    expect(truth=False, what=f"nothing listens on {address} after {SECONDS:.0f} s")


def converse(address: str) -> None:
    """Make the three calls and look at the answers."""
    session = common.SessionRef(tenant_id="acme", conversation_id="wheel")
    said = common.Turn(role=common.ROLE_USER, text="My order A-1042 has not arrived.")
    asked = common.Turn(role=common.ROLE_USER, text="Where is it?")
    with grpc.insecure_channel(address) as channel:
        stub = ContextServiceStub(channel)
        recorded = stub.RecordTurn(
            api.RecordTurnRequest(session=session, turns=[said], request_id="1"), timeout=SECONDS
        )
        expect(recorded.first_sequence == 1, "the turn was not recorded as the first")
        budget = api.Budget(model="gpt-4o", context_window_tokens=4_096, reserved_output_tokens=512)
        built = stub.BuildContext(
            api.BuildContextRequest(session=session, message=asked, budget=budget),
            timeout=SECONDS,
        )
        texts = [message.text for message in built.messages]
        expect(said.text in texts, f"the recorded turn is not in the context: {texts}")
        expect(built.token_count_exact, "the rank files are not in the wheel")
        expect(0 < built.token_count <= built.input_budget_tokens, "the context does not fit")
        handed = stub.Escalate(
            api.EscalateRequest(session=session, reason=common.ESCALATION_REASON_USER_REQUEST),
            timeout=SECONDS,
        )
        expect("A-1042" in handed.markdown, "the handoff does not quote the customer")


def main() -> None:
    """Do all of it."""
    expect(Path(contextd.__file__).is_relative_to(sys.prefix), "contextd is not the installed one")
    raise_loopback()
    address = free_address()
    daemon = subprocess.Popen(
        [
            Path(sys.executable).with_name("contextd"),
            *("serve", "--listen", address, "--ops", free_address()),
            *("--store", f"sqlite:///{Path.cwd() / 'wheel.sqlite'}"),
        ]
    )
    try:
        wait_until_served(address, daemon)
        converse(address)
        daemon.send_signal(signal.SIGTERM)
        expect(daemon.wait(SECONDS) == 0, f"the daemon stopped with {daemon.returncode}")
    finally:
        daemon.kill()
        daemon.wait()
    sys.stdout.write(f"wheel test: contextd {version('contextd')} serves, alone and offline\n")


if __name__ == "__main__":
    main()
