"""Files of contextd before inbox, accounts and queue: what stands beside their logs is filed.

`schema_2.sqlite` was written by contextd as it was then: four sessions of two tenants, and one
that was deleted.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from contextd.events import HandoffClaimed, SessionOpened
from contextd.model import AccountKey, HandoffStatus, SessionKey
from contextd.ports import Commit
from contextd.projections import HOUR, projected
from contextd.stores.codec import KINDS
from contextd.stores.sqlite import SqliteStore, backfill, file
from contextd.testing.folded import folded, standing, unordered
from contextd.testing.samples import RECORDS, handoff_of

ROOT = Path(__file__).parents[2]
OLD = ROOT / "tests" / "data" / "schema_2.sqlite"
ACCOUNTS = (AccountKey("tenant", "u"), AccountKey("other", "u"))
KEYS = (*(SessionKey("tenant", f"c{number}") for number in (1, 2, 3)), SessionKey("other", "c1"))
EVERY = tuple(HandoffStatus)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a copy of the old file."""
    return Path(shutil.copy(OLD, tmp_path / "sessions.db"))


def version(path: Path) -> int:
    """Return the schema version of a file."""
    connection = apsw.Connection(str(path))
    found = int(connection.pragma("user_version"))
    connection.close()
    return found


async def check(path: Path) -> None:
    """What stands beside the logs is their fold, in the order of time, and goes on."""
    store = await SqliteStore.open(path)
    try:
        logs = {key: await store.read(key) for key in KEYS}
        assert all(logs.values())
        shown = await standing(store, ACCOUNTS)
        assert unordered(shown) == unordered(folded(logs).standing(ACCOUNTS))
        raised = await store.inbox.handoffs("tenant", EVERY)
        assert [entry.handoff_id for entry in raised] == ["h1", "h3", "h2"]
        changed = await store.inbox.handoff_changes("tenant")
        assert [entry.handoff_id for entry in changed] == ["h3", "h1", "h2"]
        conversations = await store.accounts.account_conversations(ACCOUNTS[0])
        assert [each.conversation_id for each in conversations] == ["c2", "c1", "c3"]
        claimed = HandoffClaimed(99, "", "", "h1", "Ann")
        await store.append(KEYS[0], Commit((claimed,), len(logs[KEYS[0]])))
        assert (await store.inbox.handoff_changes("tenant"))[-1].handoff_id == "h1"
    finally:
        await store.aclose()


def test_old_sessions_are_in_inbox_and_index(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first opening files them, and says so; later ones have nothing to do."""
    assert version(old) == 2
    with caplog.at_level(logging.INFO):
        asyncio.run(check(old))
    assert "what stands in 4 sessions" in caplog.text
    assert version(old) == len(file.migrations())
    caplog.clear()

    async def again() -> None:
        store = await SqliteStore.open(old)
        assert len(await store.inbox.handoffs("tenant", EVERY)) == 3
        await store.aclose()

    with caplog.at_level(logging.INFO):
        asyncio.run(again())
    assert caplog.text == ""


def test_a_new_file_has_nothing_to_say(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Creating a file is no migration that anyone waits for."""

    async def create() -> None:
        await (await SqliteStore.open(tmp_path / "new.db")).aclose()

    with caplog.at_level(logging.INFO):
        asyncio.run(create())
    assert caplog.text == ""


def test_every_record_that_changes_something_is_read() -> None:
    """A record whose kind is passed over changes nothing beside the log."""
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE records (position, body)")
    for record in RECORDS:
        body = bytes(5) + bytes([KINDS[type(record)]])
        connection.execute("INSERT INTO records VALUES (?, ?)", (KINDS[type(record)], body))
    read = {kind for kind, _ in connection.execute(backfill.CANDIDATES)}
    assert len(read) < len(RECORDS)
    key = SessionKey("tenant", "conversation")
    for record in (*RECORDS, handoff_of("handoff")):
        assert KINDS[type(record)] in read or not list(projected(key, 1, record))


KILLED = """
import asyncio, os, signal, sys
from contextd.stores.sqlite import SqliteStore, beside
calls, whole = 0, beside.Beside.take
def take(*args):
    global calls
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    whole(*args)
beside.Beside.take = take
asyncio.run(SqliteStore.open(sys.argv[1]))
"""


@pytest.mark.parametrize("change", [1, 4, 7])
def test_a_crash_in_the_middle_begins_again(old: Path, change: int) -> None:
    """A process that is killed while it files leaves an old file, which the next one files."""
    killed = subprocess.run([sys.executable, "-c", KILLED, old, str(change)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert version(old) == 3
    asyncio.run(check(old))


def test_a_damaged_record_keeps_nobody_out(old: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The others are filed; the damaged one is left out, and said."""
    connection = apsw.Connection(str(old))
    row = "SELECT body FROM records WHERE position = (1 << 24) + 3"
    damaged = bytearray(connection.execute(row).get)
    damaged[40] ^= 1
    connection.execute("UPDATE records SET body = ? WHERE position = (1 << 24) + 3", (damaged,))
    connection.close()

    async def look() -> list[str]:
        store = await SqliteStore.open(old)
        found = await store.inbox.handoffs("tenant", EVERY)
        await store.aclose()
        return [entry.handoff_id for entry in found]

    with caplog.at_level(logging.WARNING):
        assert asyncio.run(look()) == ["h3", "h2"]
    assert "record 0x1000003" in caplog.text


def test_old_remains_are_erased(tmp_path: Path) -> None:
    """What an older contextd left of the deleted in the middle of pages goes with the migration."""
    path, planted = tmp_path / "sessions.db", b"planted-4kd8"
    content = bytearray(OLD.read_bytes())
    pages = planted_in_middles(content, planted)
    assert pages > 3
    path.write_bytes(content)
    asyncio.run(check(path))
    assert planted not in path.read_bytes()


def planted_in_middles(content: bytearray, planted: bytes) -> int:
    """Write *planted* into the middle of every page of a tree; return how many there are."""
    pages = 0
    for page in range(0, len(content), 4096):
        header = page + (100 if page == 0 else 0)
        start = int.from_bytes(content[header + 5 : header + 7])
        if content[header] in {2, 5, 10, 13} and start > 400:
            content[page + start - len(planted) : page + start] = planted
            pages += 1
    return pages


def test_when_old_sessions_were_used_is_read_once(tmp_path: Path) -> None:
    """As their newest records say; a damaged one counts as used now, and is not erased for it."""
    path = tmp_path / "sessions.db"
    hours = {"a": 7, "b": 480_000, "c": 3}

    async def written() -> None:
        store = await SqliteStore.open(path)
        for name, hour in hours.items():
            records = (SessionOpened(0, ""), SessionOpened(hour * HOUR, ""))
            await store.append(SessionKey("t", name), Commit(records, 0))
        await store.append(SessionKey("t", "damaged"), Commit((SessionOpened(0, ""),), 0))
        await store.aclose()

    async def idle(before: int) -> dict[str, int]:
        store = await SqliteStore.open(path)
        try:
            page = await store.idle.page(before, None, 100)
            return {each.key.conversation_id: each.used_before // HOUR - 1 for each in page}
        finally:
            await store.aclose()

    asyncio.run(written())
    connection = apsw.Connection(str(path))
    connection.execute(
        "UPDATE records SET body = x'00' WHERE position >> 24 = "
        "(SELECT id FROM sessions WHERE conversation = CAST('damaged' AS BLOB));"
        "ALTER TABLE sessions DROP COLUMN incarnation;"
        "ALTER TABLE accounts DROP COLUMN incarnation;"
        "DROP INDEX sessions_by_use; ALTER TABLE sessions DROP COLUMN used; PRAGMA user_version = 4"
    )
    connection.close()
    found = asyncio.run(idle(1 << 62))
    assert found.pop("damaged") > 490_000
    assert found == hours
    assert asyncio.run(idle(8 * HOUR)) == {"a": 7, "c": 3}
