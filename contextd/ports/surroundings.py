"""Who asks, what time it is, who listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextd.policy.access import Credentials, Principal
    from contextd.policy.policies import Policy


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows in a TLS handshake, in PEM.

    With `client_ca`, callers must show a certificate that it has signed.  `not_after` is
    the end of its validity, in seconds since 1970.
    """

    chain: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None
    not_after: float


class Authenticator(Protocol):
    """Knows who asks."""

    def principal(self, credentials: Credentials) -> Principal:
        """Return whom *credentials* stand for; must not block, and must cost little.

        Raises:
            CredentialMissing, CredentialInvalid, CredentialExpired: nobody that is known.
        """


class Policies(Protocol):
    """Knows which rules are in force for whom."""

    def of(self, tenant_id: str) -> Policy:
        """Return the policy of a tenant, which need not be known by name.

        Must answer from memory, at once.  What is in force may change from call to call, so
        that whoever decides asks once, at the beginning, and goes by the answer to the end.
        """
        ...


class Observer(Protocol):
    """Hears what happens, for metrics and logs.  Must return at once and never raise."""

    def stage(self, stage: str, seconds: float) -> None:
        """A stage of some call took *seconds*."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Something countable happened; labels have few distinct values."""


Clock = Callable[[], int]
"""Returns the wall time in microseconds since the Unix epoch."""

NewId = Callable[[], str]
"""Returns a new unique id."""
