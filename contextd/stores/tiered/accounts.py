"""The accounts, which the archive keeps alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import SessionKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import AccountUpdated
    from contextd.model import AccountConversation, AccountKey
    from contextd.ports import AccountStore, Appended
    from contextd.stores.tiered.archiver import Archiver


class FlushedAccounts:
    """An AccountStore: that of the archive, which is told first what it may lack."""

    def __init__(self, archiver: Archiver, cold: AccountStore) -> None:
        """Ask *cold* after *archiver* has brought what concerns the question."""
        self._archiver = archiver
        self._cold = cold

    async def append_account(
        self,
        key: AccountKey,
        update: AccountUpdated,
        expected_revision: int,
        incarnation: str = "",
    ) -> Appended:
        """Append in the archive."""
        return await self._cold.append_account(key, update, expected_revision, incarnation)

    async def read_account(
        self, key: AccountKey, after: int = 0, incarnation: str = ""
    ) -> Sequence[AccountUpdated]:
        """Read from the archive."""
        return await self._cold.read_account(key, after, incarnation)

    async def delete_account(self, key: AccountKey) -> dict[str, int]:
        """Delete in the archive."""
        return await self._cold.delete_account(key)

    async def account_conversations(
        self, key: AccountKey, limit: int = 100
    ) -> Sequence[AccountConversation]:
        """Return those of the archive, where each is as far as in the hot store.

        That a session belongs to an account is archived with the write that says so; how far
        it has come since, only soon.
        """
        listed = await self._cold.account_conversations(key, limit)
        await self._archiver.flush(
            SessionKey(key.tenant_id, each.conversation_id) for each in listed
        )
        return await self._cold.account_conversations(key, limit)
