"""Many sessions out of a few: copies in the database file, made while no daemon has it.

A copy is what the daemon itself wrote, records, indexes and vectors, byte for byte under
another name.  Recording a thousand sessions through the API would take an hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COPY_RECORDS = """
INSERT INTO records (position, body, request_id, digest)
SELECT (?2 << 24) + (position & 0xffffff), body, request_id, digest FROM records
WHERE position > ?1 << 24 AND position < (?1 + 1) << 24
"""
COPY_VECTORS = """
INSERT INTO vectors (position, space, body)
SELECT (?2 << 24) + (position & 0xffffff), space, body FROM vectors
WHERE position > ?1 << 24 AND position < (?1 + 1) << 24
"""
COPY_STRETCHES = """
INSERT INTO stretches (position, method, body)
SELECT (?2 << 24) + (position & 0xffffff), method, body FROM stretches
WHERE position > ?1 << 24 AND position < (?1 + 1) << 24
"""


def clone(
    path: Path,
    tenant: str,
    originals: Sequence[str],
    copies: Sequence[str],
    *,
    vectors: bool = False,
) -> None:
    """Copy the sessions *originals*, in turn, to *copies*; with their *vectors* if wanted."""
    connection = apsw.Connection(str(path))
    # A benchmark's copies may be lost with the machine; syncing each would take minutes.
    connection.execute("PRAGMA synchronous = OFF")
    found = {
        name: _session(connection, tenant, name) for name in dict.fromkeys(originals[: len(copies)])
    }
    with connection:
        for number, name in enumerate(copies):
            original = found[originals[number % len(originals)]]
            connection.execute(
                "INSERT INTO sessions (tenant, conversation, revision, incarnation) "
                "SELECT ?, ?, 0, incarnation FROM sessions WHERE id = ?",
                (tenant.encode(), name.encode(), original),
            )
            identifier = connection.last_insert_rowid()
            connection.execute(COPY_RECORDS, (original, identifier))
            connection.execute(COPY_STRETCHES, (original, identifier))
            if vectors:
                connection.execute(COPY_VECTORS, (original, identifier))
    connection.close()


def _session(connection: apsw.Connection, tenant: str, name: str) -> int:
    row = connection.execute(
        "SELECT id FROM sessions WHERE tenant = ? AND conversation = ?",
        (tenant.encode(), name.encode()),
    ).fetchone()
    if row is None:
        raise LookupError(f"there is no session {name} to copy")
    return int(row[0])
