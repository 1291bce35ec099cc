"""The statements of one connection.  Everything here blocks; one thread at a time."""

from __future__ import annotations

from contextlib import suppress
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

HEADS = 16_384
"""Sessions whose row and revision are remembered, at most."""

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
        self._heads: dict[tuple[bytes, bytes], tuple[int, int]] = {}

    def close(self, *, tidy: bool = False) -> None:
        """Close the connection; what it had begun is rolled back.

        With *tidy* the last connection to be closed deletes the WAL, once the file has all of
        it.  Otherwise the WAL stays as it is: SQLite would sync it again, and after a sync that
        failed that proves nothing.

        A disk that fails now must not end the thread that closes: the connection is gone all
        the same, and what it has left behind is for the next opening.
        """
        with suppress(apsw.Error):
            self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, not tidy)
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
        try:
            return work(self)
        except ContextdError as error:
            return error
        except apsw.Error as error:
            if not self._connection.in_transaction:  # SQLite has rolled back everything
                raise
            return translated(error)

    def append(self, entry: Entry) -> Appended:
        """Append within a group.

        The common case is one INSERT: the index of request ids refuses a retry, which is
        looked up only then.
        """
        session, revision = self._head(entry.tenant, entry.conversation)
        if revision == entry.expected_revision:
            try:
                return self._write(session, revision, entry)
            except apsw.ConstraintError:
                return self._answered(session, entry, StoreCorrupt("a log holds more than it says"))
        return self._answered(session, entry, RevisionConflict(entry.expected_revision, revision))

    def _answered(self, session: int, entry: Entry, otherwise: ContextdError) -> Appended:
        """Return what the request was answered, if it was."""
        found = self._row("find_request", session, entry.request_id) if entry.request_id else None
        if found is None:
            raise otherwise
        digest, revision = found
        if digest != entry.digest:
            raise RequestIdReused(request_id=entry.request_id.decode())
        return Appended(revision, replayed=True)

    def _write(self, session: int, revision: int, entry: Entry) -> Appended:
        newest = revision + len(entry.bodies)
        if newest >> REVISION_BITS:
            raise StoreUnavailable(f"a session holds at most {1 << REVISION_BITS} records")
        if session and len(entry.bodies) == 1:
            self._add(session, revision, entry)
        else:
            with self._connection:  # a savepoint
                session = session or self._open_session(entry)
                self._add(session, revision, entry)
        self._heads[entry.tenant, entry.conversation] = (session, newest)
        return Appended(newest)

    def _open_session(self, entry: Entry) -> int:
        self._run("open_session", entry.tenant, entry.conversation)
        return self._connection.last_insert_rowid()

    def _add(self, session: int, revision: int, entry: Entry) -> None:
        position = (session << REVISION_BITS) + revision
        *before, last = entry.bodies
        for body in before:
            position += 1
            self._run("add_record", position, body, None, None)
        request = (entry.request_id, entry.digest) if entry.request_id else (None, None)
        self._run("add_record", position + 1, last, *request)

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
        ids = (key.tenant_id.encode(), key.conversation_id.encode())
        session, _ = self._head(*ids)
        self._heads.pop(ids, None)
        requests = self._row("count_requests", session) or (0,)
        with self._connection:  # a savepoint
            records = self._run("delete_records", session)
            vectors = self._run("delete_vectors", session)
            stretches = self._run("delete_stretches", session)
            sessions = self._run("delete_session", session)
        return {
            "sessions": sessions,
            "records": records,
            "request_ids": requests[0],
            "vectors": vectors,
            "stretches": stretches,
        }

    def put_vectors(self, key: SessionKey, space: bytes, rows: Mapping[int, bytes]) -> None:
        """Keep the vectors of some turns within a group, unless the session is gone."""
        session, _ = self._head(key.tenant_id.encode(), key.conversation_id.encode())
        if session:
            with self._connection:  # a savepoint
                for sequence, body in rows.items():
                    self._run("put_vectors", (session << REVISION_BITS) + sequence, space, body)

    def read_vectors(self, key: SessionKey, space: bytes, after: int) -> dict[int, bytes]:
        """Return the vectors of the turns after *after*, by turn."""
        ids = (key.tenant_id.encode(), key.conversation_id.encode())
        return dict(self._cursor("read_vectors", *ids, after, space))

    def put_stretch(self, key: SessionKey, method: bytes, first: int, body: bytes) -> None:
        """Keep a stretch within a group, unless the session is gone."""
        session, _ = self._head(key.tenant_id.encode(), key.conversation_id.encode())
        if session:
            self._run("put_stretch", (session << REVISION_BITS) + first, method, body)

    def read_stretches(self, key: SessionKey, method: bytes) -> dict[int, bytes]:
        """Return the stretches of a session, by first turn."""
        ids = (key.tenant_id.encode(), key.conversation_id.encode())
        return dict(self._cursor("read_stretches", *ids, method))

    def sessions(self, tenant_id: str, after: str, limit: int) -> tuple[tuple[str, int], ...]:
        """Return a page of conversations with their revisions."""
        rows = self._cursor("list_sessions", tenant_id.encode(), after.encode(), limit)
        return tuple((conversation.decode(), revision) for conversation, revision in rows)

    def _head(self, tenant: bytes, conversation: bytes) -> tuple[int, int]:
        """Return a session's row and revision, zeros when there is none.

        Nobody else writes to the file, so what this connection wrote or saw is still so;
        a connection whose transaction failed is not used again.
        """
        head = self._heads.get((tenant, conversation))
        if head is None:
            if len(self._heads) >= HEADS:
                self._heads.clear()
            head = self._row("find_session", tenant, conversation) or (0, 0)
            self._heads[tenant, conversation] = head
        return head

    def _row(self, query: str, *values: bytes | int | None) -> tuple[Any, ...] | None:
        return cast("tuple[Any, ...] | None", self._cursor(query, *values).fetchone())

    def _run(self, query: str, *values: bytes | int | None) -> int:
        """Run a statement that changes rows and return how many."""
        self._cursor(query, *values)
        return self._connection.changes()

    def _cursor(self, query: str, *values: bytes | int | None) -> apsw.Cursor:
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
