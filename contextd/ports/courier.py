"""What tells the outside of something."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell a tenant's desk.

    `notice_id` is the same in every try, so that the receiver can tell a second one; `at` is
    when it happened (microseconds since 1970), `body` what is said, as JSON.
    """

    notice_id: str
    tenant_id: str
    at: int
    body: bytes = field(repr=False)


class Courier(Protocol):
    """Brings notices to where a tenant wants them.  At least once, never to another tenant."""

    def wanted(self, tenant_id: str) -> bool:
        """Say whether the tenant wants any; must not block."""

    async def deliver(self, notice: Notice) -> None:
        """Return once the receiver has taken it.

        Must answer or give up within a bounded time, also while the receiver hangs, and must
        be cancellable at every moment.  Must not show a secret or the body in an error.

        Raises:
            DeliveryRefused: the receiver wants none of this any more.
            DeliveryFailed: it was not taken; another time it may be.
        """

    async def aclose(self) -> None:
        """Let go of every connection.  Must be idempotent."""
