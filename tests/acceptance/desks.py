"""A daemon that tells real desks of its handoffs, and what these were told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from base64 import b64decode, b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from contextd.v1 import deferral_service_pb2_grpc, handoff_service_pb2_grpc
from tests.acceptance.caller import Conversation
from tests.acceptance.daemon import Daemon
from tests.couriers.receiver import Desk, desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = b"stories-" * 4
OTHER = "beta"
"""The tenant that has a desk of its own."""

PATIENCE = 30.0
STALL_SECONDS = 1
SETTINGS = """\
embedder.model = "static"
watch.stall_seconds = {stall}

[policy.retries.webhooks]
first_delay_seconds = 0.1
max_delay_seconds = 0.5

[policy.retries.deferrals]
first_delay_seconds = 0.1
max_delay_seconds = 0.5

[webhooks]
url = "{url}"
secret_file = "{secret}"
timeout_seconds = 1

[webhooks.tenants.{other}]
url = "{other_url}"
secret_file = "{secret}"
"""


@dataclass
class Place:
    """A daemon, a connection to it, and the desks it tells."""

    daemon: Daemon
    channel: grpc.Channel
    desk: Desk
    other: Desk

    def __post_init__(self) -> None:
        """Connect to what stories need beside contexts and sessions."""
        self.handoffs = handoff_service_pb2_grpc.HandoffServiceStub(self.channel)
        self.deferrals = deferral_service_pb2_grpc.DeferralServiceStub(self.channel)

    def talk(self, tenant: str = "t") -> Conversation:
        """Begin a conversation."""
        talk = Conversation(self.channel)
        talk.ref.tenant_id = tenant
        return talk

    @property
    def durable(self) -> bool:
        """Whether the store outlives the daemon."""
        return self.daemon.store != "memory:"

    def told(self, talk: Conversation, count: int) -> list[dict[str, Any]]:
        """Return what the desk was told of a conversation once it has heard *count* notices.

        Each once, in the order in which they happened.
        """
        receiver = self.other if talk.ref.tenant_id == OTHER else self.desk
        wait_until(lambda: len(_notices(receiver, talk)) >= count)
        found = _notices(receiver, talk)
        assert len(found) == count
        return found

    def restart(self) -> None:
        """Kill the daemon and start it again."""
        self.daemon.kill()
        asyncio.run(self.daemon.start())
        grpc.channel_ready_future(self.channel).result(PATIENCE)


@contextmanager
def place(folder: Path, store: str) -> Iterator[Place]:
    """Run a daemon with a desk for everybody and one of a tenant's own."""
    with desk() as everybody, desk() as other:
        secret = folder / "secret"
        secret.write_text(f"whsec_{b64encode(KEY).decode()}\n", encoding="utf-8")
        config = folder / "contextd.toml"
        config.write_text(
            SETTINGS.format(
                url=everybody.url,
                other_url=other.url,
                other=OTHER,
                secret=secret,
                stall=STALL_SECONDS,
            ),
            encoding="utf-8",
        )
        daemon = Daemon(folder, store, "--config", str(config))
        asyncio.run(daemon.start())
        try:
            with grpc.insecure_channel(daemon.target) as channel:
                yield Place(daemon, channel, everybody, other)
        finally:
            daemon.kill()


def wait_until(holds: Callable[[], bool]) -> None:
    """Return when *holds* says so."""
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def posts(receiver: Desk, talk: Conversation) -> list[tuple[dict[str, str], bytes]]:
    """Return each post about a conversation, as it came; each must be signed."""
    found = []
    for headers, body in list(receiver.received):
        verify(headers, body)
        data = json.loads(body)["data"]
        about = (data["tenant_id"], data["conversation_id"])
        if about == (talk.ref.tenant_id, talk.ref.conversation_id):
            found.append((headers, body))
    return found


def _notices(receiver: Desk, talk: Conversation) -> list[dict[str, Any]]:
    found = {headers["webhook-id"]: json.loads(body) for headers, body in posts(receiver, talk)}
    return sorted(found.values(), key=lambda each: str(each["timestamp"]))


def verify(headers: dict[str, str], body: bytes) -> None:
    """Check the signature as a receiver must."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    version, _, value = headers["webhook-signature"].partition(",")
    assert version == "v1"
    assert b64decode(value) == hmac.digest(KEY, signed, hashlib.sha256)


def files_with(folder: Path, planted: str) -> list[str]:
    """Return the files of *folder* that hold *planted* now."""
    return [
        each.name
        for each in folder.rglob("*")
        if each.is_file() and planted.encode() in each.read_bytes()
    ]


def files_left_with(folder: Path, planted: str) -> list[str]:
    """Return those that still hold *planted* once what is erased has settled."""
    ends = time.monotonic() + PATIENCE
    while found := files_with(folder, planted):
        if time.monotonic() > ends:
            break
        time.sleep(0.1)
    return found
