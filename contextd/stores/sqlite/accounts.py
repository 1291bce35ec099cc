"""The logs of accounts, and the conversations of each, in two tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.errors import AccountReplaced, RequestIdReused, RevisionConflict, StoreCorrupt
from contextd.ports import Appended
from contextd.projections import Linked, Retitled
from contextd.stores import codec
from contextd.stores.rows import conversation_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import AccountUpdated
    from contextd.model import AccountConversation, AccountKey
    from contextd.projections import Ended
    from contextd.stores.sqlite.statements import Statements
    from contextd.stores.sqlite.threads import Threads


class AccountTables:
    """The tables through one connection."""

    def __init__(self, statements: Statements) -> None:
        """Use *statements*."""
        self._do = statements

    def take(
        self, session: int, tenant: bytes, position: int, change: Linked | Retitled | Ended
    ) -> None:
        """Do what *change* of the row *session* says; its record is at *position*."""
        if isinstance(change, Linked):
            linked = self._do.next_position()
            account = change.account_id.encode()
            self._do.run("link_account", session, tenant, account, linked, change.at)
        elif isinstance(change, Retitled):
            self._do.run("retitle_conversation", session, position)
        else:
            self._do.run("end_conversation", session)

    def delete_conversation(self, session: int) -> int:
        """Remove a session from the index; say whether it was there, as a number."""
        return self._do.run("delete_conversation", session)

    def append(
        self, key: AccountKey, update: AccountUpdated, expected_revision: int, incarnation: bytes
    ) -> Appended:
        """Append within a group."""
        ids = _ids(key)
        request_id, digest = update.request_id.encode(), update.digest.encode()
        if request_id and (found := self._do.row("find_account_request", *ids, request_id)):
            if found[0] != digest:
                raise RequestIdReused(request_id=update.request_id)
            return Appended(found[1], replayed=True)
        newest, which = self._do.row("find_account", *ids) or (None, None)
        other = incarnation not in (b"", which)
        if other or (newest or 0) != expected_revision:
            raise RevisionConflict(expected_revision, newest or 0)
        revision = expected_revision + 1
        request = (request_id, digest) if request_id else (None, None)
        begun = b"" if expected_revision else update.incarnation.encode()
        self._do.run("add_account_update", *ids, revision, codec.encode(update), *request, begun)
        return Appended(revision)

    def read(self, key: AccountKey, after: int, incarnation: bytes) -> tuple[AccountUpdated, ...]:
        """Return the updates after a revision.

        Raises:
            AccountReplaced: *incarnation* is given, and that log is there no more.
            StoreCorrupt: one of them is missing or damaged.
        """
        rows = self._do.rows("read_account", *_ids(key), after)
        first, *others = rows or [(0, b"", None)]
        if incarnation not in (b"", first[2]):
            raise AccountReplaced
        if first[0] <= after:  # read for its incarnation
            rows = others
        if [revision for revision, *_ in rows] != list(range(after + 1, after + 1 + len(rows))):
            raise StoreCorrupt(f"updates are missing from an account's log after {after}")
        return tuple(codec.decode_update(body) for _, body, _ in rows)

    def delete(self, key: AccountKey) -> dict[str, int]:
        """Remove the log of an account."""
        return {"account_updates": self._do.run("delete_account", *_ids(key))}

    def conversations(self, key: AccountKey, limit: int) -> tuple[AccountConversation, ...]:
        """Return those linked last first."""
        return tuple(map(conversation_of, self._do.rows("list_conversations", *_ids(key), limit)))


def _ids(key: AccountKey) -> tuple[bytes, bytes]:
    return key.tenant_id.encode(), key.account_id.encode()


class SqliteAccounts:
    """An AccountStore: shares the threads of its store."""

    def __init__(self, threads: Threads) -> None:
        """Share *threads*."""
        self._threads = threads

    async def append_account(
        self,
        key: AccountKey,
        update: AccountUpdated,
        expected_revision: int,
        incarnation: str = "",
    ) -> Appended:
        """Append in the next group of commits."""
        codec.encode(update)  # what cannot be stored fails here, not in the group of others
        return await self._threads.write(
            lambda db: db.accounts.append(key, update, expected_revision, incarnation.encode())
        )

    async def read_account(
        self, key: AccountKey, after: int = 0, incarnation: str = ""
    ) -> Sequence[AccountUpdated]:
        """Read on another thread."""
        meant = incarnation.encode()
        return await self._threads.read(lambda db: db.accounts.read(key, after, meant))

    async def delete_account(self, key: AccountKey) -> dict[str, int]:
        """Delete; on return the bytes are gone from the files, as with sessions."""
        return await self._threads.write(lambda db: db.accounts.delete(key), scrub=True)

    async def account_conversations(
        self, key: AccountKey, limit: int = 100
    ) -> Sequence[AccountConversation]:
        """Read the index."""
        return await self._threads.read(lambda db: db.accounts.conversations(key, limit))
