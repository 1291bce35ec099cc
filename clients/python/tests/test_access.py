"""The client against a daemon that wants to know who asks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contextd.auth.tokens import line_for
from contextd.testing.issuing import Authority

from contextd_client import (
    ContextdClient,
    DeadlineExceeded,
    Deadlines,
    PermissionDenied,
    Tls,
    TokenFile,
    Unauthenticated,
    Unavailable,
    access,
    sync,
    transport,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PATIENT = Deadlines(build=20, record=20, escalate=20)
CA = Authority()
SPIFFE = "spiffe://prod.example/ns/acme/sa/chat"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates and tokens of the daemon and its callers."""
    made = tmp_path_factory.mktemp("secrets")
    CA.server().write(made, "server")
    CA.client(SPIFFE).write(made, "caller")
    (made / "ca.pem").write_bytes(CA.cert)
    lines = (line_for("for-acme", "a", ["acme"]), line_for("for-bolt", "b", ["bolt"]))
    (made / "tokens").write_text("\n".join(lines), encoding="utf-8")
    (made / "token").write_text("for-acme\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def daemon(folder: Path) -> Iterator[str]:
    """The address of a daemon that lets in certificates with a token, by both."""
    where = ["--listen", "127.0.0.1:0", "--ops", "", "--store", "memory:", "--json"]
    environ = {
        "CONTEXTD__TLS__CERT": f"{folder}/server.pem",
        "CONTEXTD__TLS__KEY": f"{folder}/server.key",
        "CONTEXTD__AUTH__TOKENS": f"{folder}/tokens",
    }
    command = [sys.executable, "-m", "contextd", "serve", *where]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, **environ}
    ) as process:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["addresses"][0])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_token_opens_its_tenant_alone(runner: asyncio.Runner, daemon: str, folder: Path) -> None:
    """As text, as what returns it, now or later, and from a file; its tenant may go unsaid."""

    async def later() -> str:
        await asyncio.sleep(0)
        return "for-acme"

    async def scene() -> None:
        tls = Tls(folder / "ca.pem")
        for token in ("for-acme", lambda: "for-acme", later, TokenFile(folder / "token")):
            async with ContextdClient(daemon, tls=tls, token=token, deadlines=PATIENT) as client:
                recorded = await client.session("c").record(user="Hello")
                assert recorded.revision > 0
                with pytest.raises(PermissionDenied) as denied:
                    await client.session("c", tenant="bolt").record(user="Hello")
                assert denied.value.reason == "TENANT_DENIED"

    runner.run(scene())


@pytest.mark.parametrize(
    ("token", "reason"), [("", "CREDENTIAL_MISSING"), ("wrong", "CREDENTIAL_INVALID")]
)
def test_strangers_are_told_so(
    runner: asyncio.Runner, daemon: str, folder: Path, token: str, reason: str
) -> None:
    """At once: trying again would not help."""

    async def scene() -> None:
        tls = Tls(folder / "ca.pem")
        async with ContextdClient(daemon, tls=tls, token=token, deadlines=PATIENT) as client:
            with pytest.raises(Unauthenticated) as refused:
                await client.session("c", tenant="acme").record(user="Hello")
            assert refused.value.reason == reason

    runner.run(scene())


def test_the_daemon_must_be_the_right_one(
    runner: asyncio.Runner, daemon: str, tmp_path: Path
) -> None:
    """A daemon whose CA is not trusted gets no token."""

    async def scene() -> None:
        (tmp_path / "ca.pem").write_bytes(Authority().cert)
        tls = Tls(tmp_path / "ca.pem")
        quick = Deadlines(record=0.5)
        async with ContextdClient(daemon, tls=tls, token="for-acme", deadlines=quick) as client:
            with pytest.raises((Unavailable, DeadlineExceeded)):
                await client.session("c").record(user="Hello")

    runner.run(scene())


def test_the_environment_says_it_all(daemon: str, folder: Path) -> None:
    """For both clients; a socket speaks no TLS, whatever the environment says."""
    environ = {
        "CONTEXTD_TARGET": daemon,
        "CONTEXTD_TLS_CA": f"{folder}/ca.pem",
        "CONTEXTD_TOKEN_FILE": f"{folder}/token",
    }
    client = ContextdClient.from_env(environ)
    with sync.ContextdClient(client) as waiting:
        assert waiting.session("env").record(user="Hello", deadline=20).revision > 0
    over_socket = transport.GrpcTransport("unix:///x", tls=access.tls_from(environ))
    assert over_socket._tls is None


def test_a_token_that_does_not_come(runner: asyncio.Runner, daemon: str, folder: Path) -> None:
    """The call ends within its deadline."""

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    async def scene() -> None:
        tls = Tls(folder / "ca.pem")
        quick = Deadlines(record=0.05)
        async with ContextdClient(daemon, tls=tls, token=never, deadlines=quick) as client:
            with pytest.raises(DeadlineExceeded, match="no token in time"):
                await client.session("c").record(user="Hello")

    runner.run(scene())


def test_files_are_read_again(
    runner: asyncio.Runner, daemon: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exchanged token and an exchanged CA are seen; while they are away the old ones serve."""
    monkeypatch.setattr(access, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(transport, "LOOK_SECONDS", 0.0)
    ca, token = folder / "my-ca.pem", folder / "my-token"
    ca.write_bytes(CA.cert)
    token.write_text("for-acme", encoding="utf-8")

    async def scene() -> None:
        source = TokenFile(token)
        client = ContextdClient(daemon, tls=Tls(ca), token=source, deadlines=PATIENT)
        async with client:
            session = client.session("c")
            await session.record(user="Hello")
            channel = client._wire.transport._channel  # type: ignore[attr-defined]
            token.unlink()
            ca.unlink()
            await session.record(user="Hello")
            assert client._wire.transport._channel is channel  # type: ignore[attr-defined]
            token.write_text("for-bolt", encoding="utf-8")
            ca.write_bytes(Authority().cert + CA.cert)
            await session.record(user="Hello")
            assert client._wire.transport._channel is channel  # type: ignore[attr-defined]
            await session.record(user="Hello")
            assert client._wire.transport._channel is not channel  # type: ignore[attr-defined]
            with pytest.raises(PermissionDenied):
                await client.session("c", tenant="acme").record(user="Hello")

    runner.run(scene())
