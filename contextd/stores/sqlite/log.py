"""The logs of sessions and their vectors, in three tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import apsw

from contextd.errors import (
    ContextdError,
    RequestIdReused,
    RevisionConflict,
    SessionReplaced,
    StoreCorrupt,
    StoreUnavailable,
)
from contextd.ports import Appended
from contextd.projections import HOUR, hour_of_use, incarnation_of, projected
from contextd.stores import codec
from contextd.stores.rows import idle_of
from contextd.stores.sqlite.work import held

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.events import Record
    from contextd.model import Idle, SessionKey
    from contextd.ports import Commit
    from contextd.projections import Projection
    from contextd.stores.sqlite.beside import Beside
    from contextd.stores.sqlite.statements import Statements
    from contextd.stores.sqlite.work import Held

REVISION_BITS = 24
"""How `records.position` is made; queries.sql and schema.sql know it too."""

Head = tuple[int, int, int, bytes]
"""The row of a session, its revision, the hour of its last use, its incarnation."""

NO_HEAD: Head = (0, 0, 0, b"")

HEADS = 16_384
"""Sessions whose heads are remembered, at most."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit as it is written: ids and records are bytes already.

    `changes` are what the records change beside the log, each with its record's revision.
    `incarnation` is that of the session meant, `begins` that of one the records are the first of.
    """

    tenant: bytes
    conversation: bytes
    bodies: tuple[bytes, ...]
    expected_revision: int
    request_id: bytes
    digest: bytes
    changes: tuple[tuple[int, Projection], ...] = ()
    lease: Held | None = None
    hour: int = 0
    incarnation: bytes = b""
    begins: bytes = b""

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
            tuple(
                (revision, change)
                for revision, record in enumerate(commit.records, commit.expected_revision + 1)
                for change in projected(key, revision, record)
            ),
            None if commit.lease is None else held(commit.lease),
            hour_of_use(commit.records),
            commit.incarnation.encode(),
            incarnation_of(commit.records).encode(),
        )

    @property
    def is_one_record(self) -> bool:
        """Say whether all of it is one row of one table."""
        return len(self.bodies) == 1 and not self.changes and self.lease is None


class Log:
    """The tables through one connection."""

    def __init__(self, statements: Statements, beside: Beside) -> None:
        """Use *statements*; what stands *beside* the logs changes with them."""
        self._do = statements
        self._beside = beside
        self._heads: dict[tuple[bytes, bytes], Head] = {}

    def append(self, entry: Entry) -> Appended:
        """Append within a group.

        The common case is one INSERT: the index of request ids refuses a retry, which is
        looked up only then.

        Raises:
            RequestIdReused, LeaseLost, RevisionConflict: as the port says; nothing changed.
        """
        head = self._head(entry.tenant, entry.conversation)
        session, revision, _, incarnation = head
        other = entry.incarnation not in (b"", incarnation)
        if not other and revision == entry.expected_revision:
            try:
                return self._write(head, entry)
            except apsw.ConstraintError:
                return self._answered(session, entry, StoreCorrupt("a log holds more than it says"))
        return self._answered(session, entry, RevisionConflict(entry.expected_revision, revision))

    def _answered(self, session: int, entry: Entry, otherwise: ContextdError) -> Appended:
        """Return what the request was answered, if it was."""
        found = (
            self._do.row("find_request", session, entry.request_id) if entry.request_id else None
        )
        if found is None:
            raise otherwise
        digest, revision = found
        if digest != entry.digest:
            raise RequestIdReused(request_id=entry.request_id.decode())
        return Appended(revision, replayed=True)

    def _write(self, head: Head, entry: Entry) -> Appended:
        session, revision, used, incarnation = head
        newest = revision + len(entry.bodies)
        if newest >> REVISION_BITS:
            raise StoreUnavailable(f"a session holds at most {1 << REVISION_BITS} records")
        if session and entry.is_one_record and entry.hour <= used:
            self._add(session, revision, entry)
        else:
            with self._do.whole():
                session = session or self._open_session(entry)
                self._add(session, revision, entry)
                self._add_beside(session, entry)
                if entry.hour > used:
                    self._do.run("use_session", session, entry.hour)
        which = incarnation if revision else entry.begins
        head = session, newest, max(used, entry.hour), which
        self._heads[entry.tenant, entry.conversation] = head
        return Appended(newest)

    def _open_session(self, entry: Entry) -> int:
        self._do.run("open_session", entry.tenant, entry.conversation, entry.begins)
        return self._do.inserted()

    def _add(self, session: int, revision: int, entry: Entry) -> None:
        position = (session << REVISION_BITS) + revision
        *before, last = entry.bodies
        for body in before:
            position += 1
            self._do.run("add_record", position, body, None, None)
        request = (entry.request_id, entry.digest) if entry.request_id else (None, None)
        self._do.run("add_record", position + 1, last, *request)

    def _add_beside(self, session: int, entry: Entry) -> None:
        """Do what follows from the records, which have shown by now that they are new."""
        if entry.lease is not None:
            self._beside.must_hold(entry.lease)
        for revision, change in entry.changes:
            position = (session << REVISION_BITS) + revision
            self._beside.take(session, entry.tenant, position, change)

    def read(
        self, key: SessionKey, after: int, limit: int, incarnation: bytes
    ) -> tuple[Record, ...]:
        """Return the records after a revision, at most *limit*; 0 stands for all.

        Raises:
            SessionReplaced: *incarnation* is given, and that session is there no more.
            StoreCorrupt: one of them is missing or damaged.
        """
        ids = (key.tenant_id.encode(), key.conversation_id.encode())
        stored = self._do.rows("read_records", *ids, after, limit or -1)
        if incarnation not in (b"", stored[0][1] if stored else None):
            raise SessionReplaced
        if not stored:
            return ()
        found = [revision for _, _, revision, _ in stored if revision is not None]
        newest = min(stored[0][0], after + limit) if limit else stored[0][0]
        if found != list(range(after + 1, newest + 1)):
            raise StoreCorrupt(f"records are missing from a session's log after {after}")
        return tuple(codec.decode(body) for *_, body in stored if body is not None)

    def delete(self, key: SessionKey, at_revision: int, incarnation: bytes) -> dict[str, int]:
        """Delete within a group; with *at_revision* only there, with *incarnation* only that one.

        Raises:
            RevisionConflict: it is not there, or another is; nothing changed.
        """
        ids = (key.tenant_id.encode(), key.conversation_id.encode())
        session, revision, _, which = self._head(*ids)
        if at_revision not in (0, revision) or incarnation not in (b"", which):
            raise RevisionConflict(at_revision, revision)
        self._heads.pop(ids, None)
        requests = self._do.row("count_requests", session) or (0,)
        with self._do.whole():
            records = self._do.run("delete_records", session)
            vectors = self._do.run("delete_vectors", session)
            stretches = self._do.run("delete_stretches", session)
            beside = self._beside.delete(session)
            sessions = self._do.run("delete_session", session)
        return {
            "sessions": sessions,
            "records": records,
            "request_ids": requests[0],
            "vectors": vectors,
            "stretches": stretches,
            **beside,
        }

    def put_vectors(
        self, key: SessionKey, space: bytes, rows: Mapping[int, bytes], incarnation: bytes
    ) -> None:
        """Keep the vectors of some turns within a group, unless the session is gone."""
        session = self._row_of(key, incarnation)
        if session:
            with self._do.whole():
                for sequence, body in rows.items():
                    self._do.run("put_vectors", (session << REVISION_BITS) + sequence, space, body)

    def read_vectors(self, key: SessionKey, space: bytes, after: int) -> dict[int, bytes]:
        """Return the vectors of the turns after *after*, by turn."""
        ids = (key.tenant_id.encode(), key.conversation_id.encode())
        return dict(self._do.rows("read_vectors", *ids, after, space))

    def put_stretch(
        self, key: SessionKey, method: bytes, first: int, body: bytes, incarnation: bytes
    ) -> None:
        """Keep a stretch within a group, unless the session is gone."""
        session = self._row_of(key, incarnation)
        if session:
            self._do.run("put_stretch", (session << REVISION_BITS) + first, method, body)

    def read_stretches(self, key: SessionKey, method: bytes) -> dict[int, bytes]:
        """Return the stretches of a session, by first turn."""
        ids = (key.tenant_id.encode(), key.conversation_id.encode())
        return dict(self._do.rows("read_stretches", *ids, method))

    def sessions(self, tenant_id: str, after: str, limit: int) -> tuple[tuple[str, int], ...]:
        """Return a page of conversations with their revisions."""
        rows = self._do.rows("list_sessions", tenant_id.encode(), after.encode(), limit)
        return tuple((conversation.decode(), revision) for conversation, revision in rows)

    def idle(self, before: int, after: Idle | None, limit: int) -> tuple[Idle, ...]:
        """Return a page of sessions last used in an hour that ended by *before*."""
        used, row = after.position if after else (-1, 0)
        rows = self._do.rows("idle_sessions", before // HOUR, used, row, limit)
        return tuple(map(idle_of, rows))

    def _row_of(self, key: SessionKey, incarnation: bytes) -> int:
        """Return the row of the session that is meant; 0 when it is gone."""
        session, *_, which = self._head(key.tenant_id.encode(), key.conversation_id.encode())
        return session if incarnation in (b"", which) else 0

    def _head(self, tenant: bytes, conversation: bytes) -> Head:
        """Return what is known of a session, zeros when there is none.

        Nobody else writes to the file, so what this connection wrote or saw is still so;
        a connection whose transaction failed is not used again.
        """
        head = self._heads.get((tenant, conversation))
        if head is None:
            if len(self._heads) >= HEADS:
                self._heads.clear()
            head = self._do.row("find_session", tenant, conversation) or NO_HEAD
            self._heads[tenant, conversation] = head
        return head
