"""The accounts of all tenants, in dicts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contextd.errors import AccountReplaced, RequestIdReused, RevisionConflict
from contextd.model import AccountConversation, AccountKey
from contextd.ports import Appended
from contextd.projections import Linked, Retitled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contextd.events import AccountUpdated
    from contextd.model import SessionKey
    from contextd.projections import Ended


@dataclass(slots=True)
class _Account:
    """The updates of one account; `answered` maps a request id to (digest, revision)."""

    updates: list[AccountUpdated] = field(default_factory=list)
    answered: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def incarnation(self) -> str:
        """That of the log, "" when it has none."""
        return self.updates[0].incarnation if self.updates else ""


class MemoryAccounts:
    """An AccountStore; *revision* gives that of a session."""

    def __init__(
        self, must_be_open: Callable[[], None], revision: Callable[[SessionKey], int]
    ) -> None:
        """Start empty; *must_be_open* raises when the store is closed."""
        self._must_be_open = must_be_open
        self._revision = revision
        self._accounts: dict[AccountKey, _Account] = {}
        self._index: dict[SessionKey, tuple[str, AccountConversation]] = {}

    def take(self, key: SessionKey, change: Linked | Retitled | Ended) -> None:
        """Do what *change* says; a session without an account has nothing to change."""
        if isinstance(change, Linked):
            entry = AccountConversation(key.conversation_id, change.at, 0)
            self._index.pop(key, None)
            self._index[key] = (change.account_id, entry)
        elif key in self._index:
            account, entry = self._index[key]
            if isinstance(change, Retitled):
                entry = replace(entry, recap=change.recap)
            else:
                entry = replace(entry, closed=True)
            self._index[key] = (account, entry)

    def account_of(self, key: SessionKey) -> str:
        """Return the account of a session, "" when it has none."""
        return self._index[key][0] if key in self._index else ""

    def delete(self, key: SessionKey) -> int:
        """Remove a session from the index; say whether it was there, as a number."""
        return int(self._index.pop(key, None) is not None)

    def clear(self) -> None:
        """Forget everything."""
        self._accounts.clear()
        self._index.clear()

    async def append_account(
        self,
        key: AccountKey,
        update: AccountUpdated,
        expected_revision: int,
        incarnation: str = "",
    ) -> Appended:
        """Append at once."""
        self._must_be_open()
        account = self._accounts.get(key, _Account())
        if update.request_id in account.answered:
            digest, revision = account.answered[update.request_id]
            if digest != update.digest:
                raise RequestIdReused(request_id=update.request_id)
            return Appended(revision, replayed=True)
        other = incarnation not in ("", account.incarnation)
        if other or len(account.updates) != expected_revision:
            raise RevisionConflict(expected_revision, len(account.updates))
        account.updates.append(update)
        if update.request_id:
            account.answered[update.request_id] = (update.digest, len(account.updates))
        self._accounts[key] = account
        return Appended(len(account.updates))

    async def read_account(
        self, key: AccountKey, after: int = 0, incarnation: str = ""
    ) -> Sequence[AccountUpdated]:
        """Return a copy."""
        self._must_be_open()
        account = self._accounts.get(key, _Account())
        if incarnation not in ("", account.incarnation):
            raise AccountReplaced
        return tuple(account.updates[after:])

    async def delete_account(self, key: AccountKey) -> dict[str, int]:
        """Remove the updates and the request ids."""
        self._must_be_open()
        gone = self._accounts.pop(key, _Account())
        return {"account_updates": len(gone.updates)}

    async def account_conversations(
        self, key: AccountKey, limit: int = 100
    ) -> Sequence[AccountConversation]:
        """Return those linked last first."""
        self._must_be_open()
        found = [
            replace(entry, revision=self._revision(session))
            for session, (account, entry) in self._index.items()
            if (session.tenant_id, account) == (key.tenant_id, key.account_id)
        ]
        return tuple(found[::-1][:limit])
