"""What stands beside the logs, through one connection: changed with them, deleted with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.errors import LeaseLost
from contextd.projections import Done, Ended, Filed, Linked, Moved, Queued, Retitled

if TYPE_CHECKING:
    from contextd.projections import Projection
    from contextd.stores.sqlite.accounts import AccountTables
    from contextd.stores.sqlite.inbox import HandoffTable
    from contextd.stores.sqlite.work import Held, JobTable


class Beside:
    """The tables that follow from the logs."""

    def __init__(self, handoffs: HandoffTable, accounts: AccountTables, jobs: JobTable) -> None:
        """Change these."""
        self._handoffs = handoffs
        self._accounts = accounts
        self._jobs = jobs

    def must_hold(self, lease: Held) -> None:
        """Raise LeaseLost unless the job is there under this lease."""
        if not self._jobs.holds(lease):
            raise LeaseLost

    def take(self, session: int, tenant: bytes, position: int, change: Projection) -> None:
        """Do what the record at *position*, of the row *session*, brings."""
        match change:
            case Filed() | Moved():
                self._handoffs.take(session, tenant, change)
            case Linked() | Retitled() | Ended():
                self._accounts.take(session, tenant, position, change)
            case Queued() | Done():
                self._jobs.take(session, tenant, change)

    def delete(self, session: int) -> dict[str, int]:
        """Remove what follows from a session and count it."""
        return {
            "handoffs": self._handoffs.delete(session),
            "jobs": self._jobs.delete(session),
            "account_conversations": self._accounts.delete_conversation(session),
        }
