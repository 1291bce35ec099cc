"""The one place that decides who may ask, for which tenant, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from contextd.errors import MethodDenied
from contextd.policy.access import Credentials, Principal, tenant_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import grpc

    from contextd.ports import Authenticator
    from contextd.rpc.limits import TenantLimits

    Context = grpc.aio.ServicerContext[bytes, bytes]


class Scope(Protocol):
    """The part of a request that names its tenant: a SessionRef, or the request itself."""

    tenant_id: str


ANYBODY = Principal()
"""Who asks a daemon without credentials: everybody, for every tenant."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What every call passes before anything is done for it.

    Without `authenticator` everybody may ask for every tenant; without `limits`, as much
    as they like.  `certificates` says that callers show one.
    """

    authenticator: Authenticator | None = None
    limits: TenantLimits | None = None
    certificates: bool = False

    def identify(self, method: str, context: Context) -> Principal:
        """Return who makes this call of *method*.

        Raises:
            Unauthenticated: nobody that is known.
            MethodDenied: somebody who may not.
        """
        if self.authenticator is None:
            return ANYBODY
        principal = self.authenticator.principal(self._credentials(context))
        if principal.methods is not None and method not in principal.methods:
            raise MethodDenied
        return principal

    @staticmethod
    def claim(principal: Principal, scope: Scope) -> str:
        """Return the tenant of a request; a credential for one tenant only fills it in.

        Raises:
            TenantDenied: the credential is not for it.
        """
        tenant = tenant_of(principal, scope.tenant_id)
        if tenant != scope.tenant_id:
            scope.tenant_id = tenant
        return tenant

    def enter(self, tenant: str, turns: int) -> None:
        """Count a call; every return needs one `leave`.

        Raises LimitExceeded when the tenant has had what it may.
        """
        if self.limits is not None:
            self.limits.enter(tenant, turns)

    def leave(self, tenant: str) -> None:
        """Count the end of a call."""
        if self.limits is not None:
            self.limits.leave(tenant)

    def _credentials(self, context: Context) -> Credentials:
        metadata: Any = context.invocation_metadata() or ()
        authorization = tuple(value for name, value in metadata if name == "authorization")
        if not self.certificates:
            return Credentials(authorization)
        peer: Any = context.auth_context()  # what the handshake has verified
        return Credentials(
            authorization,
            "".join(_texts(peer, "peer_spiffe_id")),
            tuple(_texts(peer, "peer_dns")),
        )


def _texts(peer: Mapping[str, Sequence[bytes]], name: str) -> list[str]:
    return [value.decode("utf-8", "backslashreplace") for value in peer.get(name, ())]
