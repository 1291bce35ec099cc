"""The statements of one connection.  Everything here blocks; one thread at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import apsw

from contextd.errors import (
    ContextdError,
    RequestIdReused,
    RevisionConflict,
    StoreCorrupt,
    StoreUnavailable,
)
from contextd.ports import Appended
from contextd.stores import codec
from contextd.stores.sqlite.file import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from contextd.events import Record
    from contextd.model import SessionKey
    from contextd.ports import Commit

REVISION_BITS = 24
"""How `records.position` is made; queries.sql and schema.sql know it too."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit as it is written: ids and records are bytes already."""

    tenant: bytes
    conversation: bytes
    bodies: tuple[bytes, ...]
    expected_revision: int
    request_id: bytes
    digest: bytes

    @classmethod
    def of(cls, key: SessionKey, commit: Commit) -> Entry:
        """Return *commit* to *key* in bytes; later changes to its values do not reach it."""
        return cls(
            key.tenant_id.encode(),
            key.conversation_id.encode(),
            tuple(codec.encode(record) for record in commit.records),
            commit.expected_revision,
            commit.request_id.encode(),
            commit.digest.encode(),
        )


class Log:
    """Sessions through one connection."""

    def __init__(self, connection: apsw.Connection, queries: Mapping[str, str]) -> None:
        """Use *connection*, which is then this log's to close."""
        self._connection = connection
        self._sql = queries

    def close(self) -> None:
        """Close the connection; what it had begun is rolled back."""
        self._connection.close(True)  # noqa: FBT003 - "force": also after an error

    def group(self, works: Iterable[Callable[[Log], Result]]) -> list[Result | ContextdError]:
        """Do *works* in one transaction and return what each gave, once it is on disk.

        A work that fails changes nothing and spoils no other.

        Raises:
            apsw.Error: the transaction as a whole failed, or may have.
        """
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._attempt(work) for work in works]
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return outcomes

    def _attempt(self, work: Callable[[Log], Result]) -> Result | ContextdError:
        self._connection.execute("SAVEPOINT work")
        try:
            outcome: Result | ContextdError = work(self)
        except ContextdError as error:
            outcome = error
        except apsw.Error as error:
            if not self._connection.in_transaction:  # SQLite has rolled back everything
                raise
            outcome = translated(error)
        if isinstance(outcome, ContextdError):
            self._connection.execute("ROLLBACK TO work")
        self._connection.execute("RELEASE work")
        return outcome

    def append(self, entry: Entry) -> Appended:
        """Append within a group."""
        session, revision = self._find(entry.tenant, entry.conversation)
        if entry.request_id:
            answered = self._row("find_request", session, entry.request_id)
            if answered is not None:
                digest, revision_then = answered
                if digest != entry.digest:
                    raise RequestIdReused(request_id=entry.request_id.decode())
                return Appended(revision_then, replayed=True)
        if revision != entry.expected_revision:
            raise RevisionConflict(entry.expected_revision, revision)
        return self._write(session, revision, entry)

    def _write(self, session: int, revision: int, entry: Entry) -> Appended:
        newest = revision + len(entry.bodies)
        if newest >> REVISION_BITS:
            raise StoreUnavailable(f"a session holds at most {1 << REVISION_BITS} records")
        if session:
            self._run("advance_session", session, newest)
        else:
            self._run("open_session", entry.tenant, entry.conversation, newest)
            session = self._connection.last_insert_rowid()
        first = (session << REVISION_BITS) + revision + 1
        for position, body in enumerate(entry.bodies, first):
            self._run("add_record", position, body)
        if entry.request_id:
            self._run("add_request", session, entry.request_id, entry.digest, newest)
        return Appended(newest)

    def read(self, key: SessionKey, after: int) -> tuple[Record, ...]:
        """Return the records after a revision.

        Raises:
            StoreCorrupt: one of them is missing or damaged.
        """
        ids = (key.tenant_id.encode(), key.conversation_id.encode())
        stored = list(self._cursor("read_records", *ids, after))
        if not stored:
            return ()
        found = [revision for _, revision, _ in stored if revision is not None]
        if found != list(range(after + 1, stored[0][0] + 1)):
            raise StoreCorrupt(f"records are missing from a session's log after {after}")
        return tuple(codec.decode(body) for _, _, body in stored if body is not None)

    def delete(self, key: SessionKey) -> dict[str, int]:
        """Delete within a group."""
        session, _ = self._find(key.tenant_id.encode(), key.conversation_id.encode())
        return {
            "sessions": self._run("delete_session", session),
            "records": self._run("delete_records", session),
            "request_ids": self._run("delete_requests", session),
        }

    def sessions(self, tenant_id: str, after: str, limit: int) -> tuple[tuple[str, int], ...]:
        """Return a page of conversations with their revisions."""
        rows = self._cursor("list_sessions", tenant_id.encode(), after.encode(), limit)
        return tuple((conversation.decode(), revision) for conversation, revision in rows)

    def _find(self, tenant: bytes, conversation: bytes) -> tuple[int, int]:
        """Return a session's row and revision, zeros when there is none."""
        return self._row("find_session", tenant, conversation) or (0, 0)

    def _row(self, query: str, *values: bytes | int) -> tuple[Any, ...] | None:
        return cast("tuple[Any, ...] | None", self._cursor(query, *values).fetchone())

    def _run(self, query: str, *values: bytes | int) -> int:
        """Run a statement that changes rows and return how many."""
        self._cursor(query, *values)
        return self._connection.changes()

    def _cursor(self, query: str, *values: bytes | int) -> apsw.Cursor:
        return self._connection.execute(self._sql[query], values)

    def pages_written(self) -> int:
        """Return how many pages were written to the WAL since this was asked last."""
        pages, _ = self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, reset=True)
        return pages

    def checkpoint(self, *, truncate: bool = False) -> bool:
        """Copy the WAL into the database file and sync that; False if readers are in the way.

        With *truncate* the WAL is emptied too, so that nothing deleted is left in it.

        Raises:
            apsw.Error: it failed; the WAL still has everything.
        """
        mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if truncate else apsw.SQLITE_CHECKPOINT_PASSIVE
        try:
            frames, copied = self._connection.wal_checkpoint(mode=mode)
        except apsw.BusyError:
            return False
        return frames == copied

    def prove(self) -> None:
        """Show that the file can be written and synced, and leave nothing to the WAL.

        After a crash, or an error in a commit, the WAL may hold a commit that only the
        page cache knows; here it reaches the database file, synced, before anyone is told
        of it.

        Raises:
            apsw.Error: it cannot.
        """
        version = self._connection.pragma("user_version")
        with self._connection:
            self._connection.pragma("user_version", version)
        if not self.checkpoint(truncate=True):
            raise apsw.BusyError
