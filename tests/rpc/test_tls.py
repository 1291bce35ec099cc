from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc import StatusCode

from contextd.auth.authenticator import Authenticator
from contextd.auth.certificates import read_certificate
from contextd.observers import NullObserver
from contextd.policy.access import Identities
from contextd.rpc.admission import Admission, Capacity
from contextd.rpc.call import Calls
from contextd.rpc.gate import Gate
from contextd.rpc.server import Listen, Server
from contextd.testing.issuing import Authority
from contextd.v1.context_service_pb2_grpc import ContextServiceStub
from tests.rpc.fakes import FakeEngine, Readiness, record_message, refused, trailers

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

    from contextd.ports import Certificate
    from contextd.testing.issuing import Pair


@dataclass
class Shows:
    """The certificate of a server, to be exchanged."""

    now: Certificate

    def __call__(self) -> Certificate:
        """Return it."""
        return self.now


def certificate(pair: Pair, client_ca: bytes | None = None) -> Certificate:
    """Return *pair* as the server takes it."""
    files = [pair.cert, pair.key, *([client_ca] if client_ca else [])]
    return read_certificate(files, time.time())


@asynccontextmanager
async def serving(
    shown: Shows, engine: FakeEngine, gate: Gate | None = None, seconds: float = 3_600
) -> AsyncIterator[str]:
    """Serve TLS on any port of this machine, each connection for some *seconds*."""
    admission = Admission(Capacity(), time.monotonic)
    calls = Calls(admission, NullObserver(), time.monotonic, gate=gate or Gate())
    server = Server(calls, Listen("127.0.0.1:0", certificate=shown, connection_seconds=seconds))
    await server.start(engine.verbs(), Readiness())
    try:
        yield server.address
    finally:
        await server.stop(grace=1)


@asynccontextmanager
async def calling(address: str, root: bytes, pair: Pair | None = None) -> AsyncIterator[Any]:
    """Return a caller with a connection of its own."""
    key, chain = (pair.key, pair.cert) if pair else (None, None)
    credentials = grpc.ssl_channel_credentials(root, key, chain)
    alone = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(address, credentials, options=alone) as channel:
        yield ContextServiceStub(channel)


CA, NEW_CA, CALLERS = Authority("old"), Authority("new"), Authority("callers")
SPIFFE = "spiffe://prod.example/ns/t/sa/bot"
OTHER = "spiffe://prod.example/ns/u/sa/bot"
BY_NAME = Gate(
    Authenticator(
        time.time,
        Identities.read(
            {
                "spiffe://prod.example/ns/{tenant}/sa/bot": ["{tenant}"],
                "{tenant}.chat.example": ["{tenant}"],
            }
        ),
    ),
    certificates=True,
)


def test_new_connections_see_the_new_certificate(runner: asyncio.Runner) -> None:
    """Who is connected stays so; who comes anew must trust the new CA."""

    async def scene() -> None:
        shown = Shows(certificate(CA.server()))
        async with serving(shown, FakeEngine()) as address, calling(address, CA.cert) as before:
            await before.RecordTurn(record_message())
            shown.now = certificate(NEW_CA.server())
            await before.RecordTurn(record_message())
            async with calling(address, NEW_CA.cert) as after:
                await after.RecordTurn(record_message())
            async with calling(address, CA.cert) as late:
                error = await refused(late.RecordTurn(record_message()))
                assert error.code() is StatusCode.UNAVAILABLE

    runner.run(scene())


async def outcome(caller: Any) -> StatusCode:
    """Return how a call ends."""
    try:
        await caller.RecordTurn(record_message())
    except grpc.aio.AioRpcError as error:
        return error.code()
    return StatusCode.OK


def test_a_connection_is_renewed(runner: asyncio.Runner) -> None:
    """None outlives its certificates for long: it ends without a failed call, and begins anew."""

    async def scene() -> None:
        shown = Shows(certificate(CA.server()))
        async with (
            serving(shown, FakeEngine(), seconds=0.3) as address,
            calling(address, CA.cert + NEW_CA.cert) as both,
            calling(address, CA.cert) as old,
        ):
            await old.RecordTurn(record_message())
            shown.now = certificate(NEW_CA.server())
            while (code := await outcome(old)) is StatusCode.OK:
                await both.RecordTurn(record_message())
            assert code is StatusCode.UNAVAILABLE
            await both.RecordTurn(record_message())

    runner.run(scene())


def test_plain_text_is_not_answered(runner: asyncio.Runner) -> None:
    """A TLS address has no second, open door."""

    async def scene() -> None:
        engine = FakeEngine()
        async with (
            serving(Shows(certificate(CA.server())), engine) as address,
            grpc.aio.insecure_channel(address) as channel,
        ):
            error = await refused(ContextServiceStub(channel).RecordTurn(record_message()))
            assert error.code() is StatusCode.UNAVAILABLE
        assert engine.asked == []

    runner.run(scene())


@pytest.mark.parametrize(
    ("pair", "served", "why"),
    [
        (CALLERS.client(SPIFFE), True, ""),
        (CALLERS.client(dns=("t.chat.example",)), True, ""),
        (CALLERS.client(OTHER), False, "TENANT_DENIED"),
        (CALLERS.client("spiffe://prod.example/ns/t/sa/web"), False, "CREDENTIAL_MISSING"),
        (CALLERS.client(SPIFFE, OTHER), False, "CREDENTIAL_MISSING"),  # an SVID has one URI
        (CALLERS.client(dns=("localhost",)), False, "CREDENTIAL_MISSING"),
        (CA.client(SPIFFE), False, ""),  # signed by somebody else
        (None, False, ""),
    ],
)
def test_a_callers_certificate_says_its_tenant(
    runner: asyncio.Runner, pair: Pair | None, served: bool, why: str
) -> None:
    """By SPIFFE id or DNS name, if the callers' CA signed it; else there is no connection."""

    async def scene() -> None:
        engine = FakeEngine()
        shown = Shows(certificate(CA.server(), CALLERS.cert))
        async with (
            serving(shown, engine, BY_NAME) as address,
            calling(address, CA.cert, pair) as caller,
        ):
            if served:
                await caller.RecordTurn(record_message())
            else:
                error = await refused(caller.RecordTurn(record_message()))
                assert dict(trailers(error)).get("contextd-reason", "") == why
        assert len(engine.asked) == served

    runner.run(scene())


def test_the_callers_ca_is_exchanged_too(runner: asyncio.Runner) -> None:
    """A CA that is trusted no more opens no new connection."""

    async def scene() -> None:
        shown = Shows(certificate(CA.server(), CALLERS.cert))
        async with serving(shown, FakeEngine(), BY_NAME) as address:
            pair = CALLERS.client(SPIFFE)
            async with calling(address, CA.cert, pair) as caller:
                await caller.RecordTurn(record_message())
            shown.now = certificate(CA.server(), NEW_CA.cert)
            async with calling(address, CA.cert, pair) as caller:
                error = await refused(caller.RecordTurn(record_message()))
                assert error.code() is StatusCode.UNAVAILABLE
            async with calling(address, CA.cert, NEW_CA.client(SPIFFE)) as caller:
                await caller.RecordTurn(record_message())

    runner.run(scene())
