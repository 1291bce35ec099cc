"""The logs of accounts, and the conversations of each, in two tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.errors import AccountReplaced, RequestIdReused, RevisionConflict, StoreCorrupt
from contextd.ports import Appended
from contextd.stores import codec
from contextd.stores.rows import conversation_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import AccountUpdated
    from contextd.model import AccountConversation, AccountKey
    from contextd.stores.postgres.connections import Connections


class PostgresAccounts:
    """An AccountStore."""

    def __init__(self, connections: Connections) -> None:
        """Share *connections*."""
        self._connections = connections

    async def append_account(
        self,
        key: AccountKey,
        update: AccountUpdated,
        expected_revision: int,
        incarnation: str = "",
    ) -> Appended:
        """Append by one call of the database's function."""
        body, digest = codec.encode(update), update.digest.encode()
        which = (incarnation.encode(), update.incarnation.encode())
        values = (*_ids(key), expected_revision, body, update.request_id.encode(), digest, *which)
        ((outcome, revision, found),) = await self._connections.write("append_account", *values)
        if outcome == "conflict":
            raise RevisionConflict(expected_revision, revision)
        if outcome == "replayed" and found != digest:
            raise RequestIdReused(request_id=update.request_id)
        return Appended(revision, replayed=outcome == "replayed")

    async def read_account(
        self, key: AccountKey, after: int = 0, incarnation: str = ""
    ) -> Sequence[AccountUpdated]:
        """Return the updates after a revision.

        Raises:
            AccountReplaced: *incarnation* is given, and that log is there no more.
            StoreCorrupt: one of them is missing or damaged.
        """
        rows = await self._connections.rows("read_account", *_ids(key), after)
        first, *others = rows or [(0, b"", None)]
        if incarnation and first[2] != incarnation.encode():
            raise AccountReplaced
        if first[0] <= after:  # read for its incarnation
            rows = others
        if [revision for revision, *_ in rows] != list(range(after + 1, after + 1 + len(rows))):
            raise StoreCorrupt(f"updates are missing from an account's log after {after}")
        return tuple(codec.decode_update(body) for _, body, _ in rows)

    async def delete_account(self, key: AccountKey) -> dict[str, int]:
        """Remove the log of an account."""
        ((count,),) = await self._connections.write("delete_account", *_ids(key))
        return {"account_updates": count}

    async def account_conversations(
        self, key: AccountKey, limit: int = 100
    ) -> Sequence[AccountConversation]:
        """Return those linked last first."""
        rows = await self._connections.rows("list_conversations", *_ids(key), limit)
        return tuple(map(conversation_of, rows))


def _ids(key: AccountKey) -> tuple[bytes, bytes]:
    return key.tenant_id.encode(), key.account_id.encode()
