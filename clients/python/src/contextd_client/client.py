"""The client: where the daemon is, who pays, how long to wait."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from contextd.v1 import session_service_pb2 as sessions

from contextd_client import methods
from contextd_client.access import tls_from, token_from
from contextd_client.account import Account
from contextd_client.calls import Deadlines, Retry, with_retries
from contextd_client.deferrals import Deferrals
from contextd_client.handoffs import Handoffs
from contextd_client.results import Imported
from contextd_client.session import Session, Wire
from contextd_client.transport import GrpcTransport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from contextd_client.access import Tls, Token
    from contextd_client.transport import Transport
    from contextd_client.turns import Budget

DEFAULT_TARGET = "127.0.0.1:7070"
PIECE = 1 << 18
"""Bytes of a session sent in one message."""

_TRUE = frozenset({"1", "true", "yes", "on"})


class ContextdClient:
    """Talks to one contextd daemon; belongs to the event loop of its first call.

    With *fail_open*, `Session.build` answers with the caller's own newest messages,
    flagged `degraded`, when the daemon does not answer in time.  Writes never fail open.
    """

    def __init__(
        self,
        target: str = DEFAULT_TARGET,
        *,
        tenant: str = "",
        tls: Tls | None = None,
        token: Token = "",
        deadlines: Deadlines | None = None,
        retry: Retry | None = None,
        fail_open: bool = False,
        transport: Transport | None = None,
    ) -> None:
        """Connect to *target* ("host:port" or "unix:///path") when first called.

        *tenant* is the default of `session`; *tls* and *token* are for a daemon that wants to
        know who asks, the token as text or as what returns it, awaited if need be.
        *transport* takes the place of gRPC.
        """
        self.tenant = tenant
        self._wire = Wire(
            transport or GrpcTransport(target, tls=tls, token=token),
            deadlines or Deadlines(),
            retry or Retry(),
            fail_open,
        )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Return a client as the environment says.

        CONTEXTD_TARGET (127.0.0.1:7070), CONTEXTD_TENANT (""), CONTEXTD_FAIL_OPEN (false);
        CONTEXTD_TOKEN or CONTEXTD_TOKEN_FILE; CONTEXTD_TLS_CA (a file, or "system"),
        CONTEXTD_TLS_CERT and CONTEXTD_TLS_KEY.
        """
        env = os.environ if environ is None else environ
        return cls(
            env.get("CONTEXTD_TARGET") or DEFAULT_TARGET,
            tenant=env.get("CONTEXTD_TENANT", ""),
            tls=tls_from(env),
            token=token_from(env),
            fail_open=env.get("CONTEXTD_FAIL_OPEN", "").lower() in _TRUE,
        )

    def session(
        self,
        conversation: str,
        *,
        tenant: str = "",
        account: str = "",
        budget: Budget | None = None,
        system: str = "",
    ) -> Session:
        """Return a handle on a conversation; nothing is sent.

        *account* is the end customer, if known; *budget* and *system* are what `build`
        takes when it is given none.
        """
        return Session(self._wire, tenant or self.tenant, conversation, account, budget, system)

    def handoffs(self, *, tenant: str = "") -> Handoffs:
        """Return the desk of a tenant; nothing is sent."""
        return Handoffs(self._wire, tenant or self.tenant)

    def deferrals(self, *, tenant: str = "") -> Deferrals:
        """Return the messages of a tenant that wait for the model; nothing is sent."""
        return Deferrals(self._wire, tenant or self.tenant)

    def account(self, account: str, *, tenant: str = "") -> Account:
        """Return a handle on an end customer; nothing is sent."""
        return Account(self._wire, tenant or self.tenant, account)

    async def import_session(
        self, lines: bytes, *, tenant: str = "", deadline: float | None = None
    ) -> Imported:
        """Take a conversation that `Session.export` gave, whole or not at all.

        May be repeated: one that is there as it is in *lines* is left alone.

        Raises:
            ArchiveInvalid: a line is not acceptable; has its number and the field.
            SessionExists: there is another conversation of this id.
        """
        owner = tenant or self.tenant
        requests = [
            sessions.ImportSessionRequest(tenant_id=owner, lines=lines[at : at + PIECE])
            for at in range(0, max(1, len(lines)), PIECE)
        ]
        answer = await with_retries(
            lambda left: self._wire.transport.upload(methods.IMPORT_SESSION, requests, left),
            deadline=self._wire.deadlines.move if deadline is None else deadline,
            retry=self._wire.retry,
        )
        return Imported(
            answer.conversation_id,
            answer.revision,
            answer.records,
            answer.turns,
            answer.already_there,
        )

    async def aclose(self) -> None:
        """Close the connection; may be called twice."""
        await self._wire.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
