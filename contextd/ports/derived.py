"""What a store knows beside the logs of sessions: inbox, accounts, work that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from contextd.events import AccountUpdated
    from contextd.model import (
        AccountConversation,
        AccountKey,
        HandoffEntry,
        HandoffStatus,
        Idle,
        Job,
        Lease,
        Queue,
    )
    from contextd.ports.sessions import Appended


class HandoffInbox(Protocol):
    """Finds the handoffs of a tenant; follows from the logs of its sessions."""

    async def handoff(self, tenant_id: str, handoff_id: str) -> HandoffEntry | None:
        """Return one handoff; None when the tenant has none of this id."""

    async def handoffs(
        self, tenant_id: str, statuses: Collection[HandoffStatus], after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return those that stand so, in the order in which they were raised.

        *after* is `raised` of the last one of the page before; at most *limit*.
        """

    async def handoff_changes(
        self, tenant_id: str, after: int = 0, limit: int = 100
    ) -> Sequence[HandoffEntry]:
        """Return those whose newest change is above *after*, in the order of these changes.

        A change must never appear below one that was seen before.
        """


class IdleSessions(Protocol):
    """Finds the sessions that were not used for longest; follows from their logs."""

    async def page(self, before: int, after: Idle | None, limit: int) -> Sequence[Idle]:
        """Return sessions of all tenants whose last use was in an hour that ended by *before*.

        A use is a record that `projections.hour_of_use` counts.  Those unused for longest come
        first; *after* is the last one of the page before.  Must read no log.
        """


class AccountStore(Protocol):
    """Keeps the logs of accounts, and knows the conversations of each."""

    async def append_account(
        self,
        key: AccountKey,
        update: AccountUpdated,
        expected_revision: int,
        incarnation: str = "",
    ) -> Appended:
        """Append to the log of an account, exactly once a request id, as `append` does.

        With an *incarnation* the log must be that one, which its first update begins.

        Raises:
            RequestIdReused, RevisionConflict, StoreUnavailable, StoreClosed: see there.
        """

    async def read_account(
        self, key: AccountKey, after: int = 0, incarnation: str = ""
    ) -> Sequence[AccountUpdated]:
        """Return the updates with a revision above *after*, oldest first.

        Raises:
            AccountReplaced: *incarnation* is given, and that log is there no more.
            StoreUnavailable, StoreClosed.
        """

    async def delete_account(self, key: AccountKey) -> dict[str, int]:
        """Remove the log; return how many "account_updates" there were.  Idempotent.

        Its sessions are not touched.
        """

    async def account_conversations(
        self, key: AccountKey, limit: int = 100
    ) -> Sequence[AccountConversation]:
        """Return the account's conversations, those opened (or linked) last first."""


class WorkQueue(Protocol):
    """Keeps the jobs that records have queued until they end.

    Times are given by the caller, so that a test need not wait.  A job ends by a commit with
    its lease, or here.
    """

    async def lease(
        self, queue: Queue, *, now: int, until: int, token: str, limit: int, tenant_id: str = ""
    ) -> Sequence[Job]:
        """Give out at most *limit* jobs that are due, the longest due first.

        Equally due ones in byte order of their ids.  Due is: not dead, `due_at` not after
        *now*, and no lease running beyond *now*.  Each
        gets the lease *token* until *until*, and one attempt more.  Must never give a job to
        two callers at once.  Without *tenant_id* those of all tenants.
        """

    async def postpone(self, lease: Lease, *, due_at: int, error: str) -> Job | None:
        """Let the job wait until *due_at*; None when the lease is lost or the job gone.

        The lease keeps its name, so that a retry of this does no harm.
        """

    async def bury(self, lease: Lease, *, error: str) -> Job | None:
        """Let the job lie as dead; None when the lease is lost or the job gone."""

    async def drop(self, lease: Lease) -> bool:
        """Remove the job; False when the lease is lost or the job gone."""

    async def revive(self, queue: Queue, tenant_id: str, job_id: str, due_at: int) -> Job | None:
        """Let a dead job wait again, as if never tried; None when there is no such dead job."""

    async def job(self, queue: Queue, tenant_id: str, job_id: str) -> Job | None:
        """Return one job; None when there is none."""

    async def jobs(
        self, queue: Queue, tenant_id: str, *, dead: bool, after: str = "", limit: int = 100
    ) -> Sequence[Job]:
        """Return the dead or the living jobs of a tenant, in byte order of their ids."""
