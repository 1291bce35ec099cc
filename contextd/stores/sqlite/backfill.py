"""What a migration does that SQL cannot: it reads the records that were there before it."""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from contextd.errors import StoreCorrupt, StoreTooNew
from contextd.model import SessionKey
from contextd.projections import HOUR, projected
from contextd.stores import codec
from contextd.stores.sqlite import remains
from contextd.stores.sqlite.database import Database
from contextd.stores.sqlite.file import queries

if TYPE_CHECKING:
    import apsw

LOG = logging.getLogger(__name__)

REVISION = (1 << 24) - 1

CANDIDATES = """
SELECT position, body FROM records WHERE substr(body, 6, 1) NOT IN (x'03', x'04', x'06')
"""
"""The records that may change something beside the log, told by the byte of their kind: not
turns, folds and summaries, which are nearly all."""

NEWEST = """
SELECT sessions.id, body
FROM sessions LEFT JOIN records ON records.position = (sessions.id << 24) + revision
WHERE sessions.id > ? ORDER BY sessions.id LIMIT 1000
"""
"""A page of sessions, each with its newest record."""

BY_TIME = """
SELECT sessions.id, tenant, conversation, records.position, body
FROM by_time
    JOIN records ON records.position = by_time.position
    JOIN sessions ON sessions.id = records.position >> 24
ORDER BY at, by_time.position
"""


def stand_beside(connection: apsw.Connection) -> None:
    """Fill the tables beside the logs, and leave no remains of what was deleted before.

    Part of the migration's transaction, so a crash begins it again.  The order of inbox and
    index is that of the records' times, over all sessions; it is found through a table, which
    need not fit in memory.
    """
    old = connection.execute("SELECT count(*) FROM sessions").get
    if old:
        LOG.info("the file is of an older version: filing what stands in %d sessions", old)
    connection.execute(
        "CREATE TABLE by_time (at INTEGER, position INTEGER, PRIMARY KEY (at, position)) "
        "STRICT, WITHOUT ROWID"
    )
    for position, body in connection.execute(CANDIDATES):
        try:
            at = codec.decode(body).at
        except StoreCorrupt as error:  # its session says so when it is read; the others live
            LOG.warning("left out of inbox and index, record %#x: %s", position, error)
            continue
        connection.execute("INSERT INTO by_time VALUES (?, ?)", (at, position))
    beside = Database(connection, queries()).beside
    for session, tenant, conversation, position, body in connection.execute(BY_TIME):
        key = SessionKey(tenant.decode(), conversation.decode())
        for change in projected(key, position & REVISION, codec.decode(body)):
            beside.take(session, tenant, position, change)
    connection.execute("DROP TABLE by_time")
    remains.erase_all(connection)


def remember_use(connection: apsw.Connection) -> None:
    """Take the hour of a session's newest record for that of its last use, now for a damaged one.

    Part of the migration's transaction.  Where that record is a fold the session counts as used a
    little later than it was.
    """
    connection.execute("UPDATE sessions SET used = unixepoch() / 3600")
    after = 0
    while rows := connection.execute(NEWEST, (after,)).fetchall():
        for row in rows:
            session, body = cast("tuple[int, bytes | None]", row)
            after = session
            if body is None:
                continue
            try:
                used = max(0, codec.decode(body).at) // HOUR
            except (StoreCorrupt, StoreTooNew) as error:  # its session says so when it is read
                LOG.warning("the last use of session row %d is not known: %s", session, error)
                continue
            connection.execute("UPDATE sessions SET used = ? WHERE id = ?", (used, session))


FILL = MappingProxyType({4: stand_beside, 5: remember_use})
"""What follows which version's script."""
