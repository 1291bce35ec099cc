"""What every HandoffInbox must do: the handoffs of a tenant, as the logs have them.

The inbox is filled by appending to sessions, in no other way.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.errors import RequestIdReused, RevisionConflict, StoreClosed
from contextd.events import HandoffClaimed, HandoffResolved, SessionOpened
from contextd.model import (
    ChannelMode,
    HandoffEntry,
    HandoffOutcome,
    HandoffStatus,
    Reason,
    SessionKey,
)
from contextd.ports import Commit
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import LOOK_ALIKES, ODD_TEXTS, handoff_of, handoff_raised

if TYPE_CHECKING:
    from contextd.events import Record
    from contextd.ports import Store

KEY = SessionKey("tenant", "conversation")
OTHER = SessionKey("tenant", "another conversation")
FOREIGN = SessionKey("another tenant", "conversation")
WAITING, CLAIMED = HandoffStatus.WAITING, HandoffStatus.CLAIMED
RESOLVED, SUPERSEDED = HandoffStatus.RESOLVED, HandoffStatus.SUPERSEDED
EVERY = tuple(HandoffStatus)


def claimed(handoff_id: str, at: int = 7, agent: str = "Ann") -> HandoffClaimed:
    """Return that *agent* took a handoff."""
    return HandoffClaimed(at, "", "", handoff_id, agent)


def resolved(handoff_id: str, at: int = 8, agent: str = "") -> HandoffResolved:
    """Return that a handoff ended."""
    return HandoffResolved(at, "", "", handoff_id, agent, HandoffOutcome.SOLVED)


async def happen(store: Store, key: SessionKey, *records: Record) -> None:
    """Append *records* to a session, one commit each, wherever it is."""
    for record in records:
        await store.append(key, Commit((record,), len(await store.read(key))))


async def known(store: Store, handoff_id: str, key: SessionKey = KEY) -> HandoffEntry:
    """Return a handoff that is there."""
    entry = await store.inbox.handoff(key.tenant_id, handoff_id)
    assert entry is not None
    return entry


async def standings(store: Store, tenant_id: str = "tenant") -> dict[str, HandoffStatus]:
    """Return how all handoffs of a tenant stand, in the order of raising."""
    found = await store.inbox.handoffs(tenant_id, EVERY)
    return {entry.handoff_id: entry.status for entry in found}


class HandoffInboxContract(StoreHarness):
    """The cases."""

    @on_store
    async def test_inbox_has_what_was_raised(self, store: Store) -> None:
        """A handoff is there as soon as its record is, with what an inbox shows of it."""
        await store.append(KEY, Commit((SessionOpened(1, ""), handoff_raised()), 0))
        entry = await known(store, "handoff-1")
        assert 0 < entry.raised <= entry.position
        assert replace(entry, raised=0, position=0) == HandoffEntry(
            handoff_id="handoff-1",
            tenant_id="tenant",
            conversation_id="conversation",
            account_id="account",
            status=WAITING,
            reason=Reason.TOOL_FAILURE,
            headline="Refund stuck",
            channel_mode=ChannelMode.ASYNC,
            raised_at=4,
            changed_at=4,
        )
        assert await store.inbox.handoffs("tenant", [WAITING]) == (entry,)
        assert await store.inbox.handoff_changes("tenant") == (entry,)

    @on_store
    async def test_inbox_of_nothing(self, store: Store) -> None:
        """A tenant without handoffs has none, whatever is asked; no status is no handoff."""
        assert await store.inbox.handoff("tenant", "handoff") is None
        assert not await store.inbox.handoffs("tenant", EVERY)
        assert not await store.inbox.handoff_changes("tenant")
        await happen(store, KEY, handoff_of("handoff"))
        assert not await store.inbox.handoffs("tenant", [])
        assert await store.inbox.handoff("tenant", "") is None

    @on_store
    async def test_inbox_is_where_the_log_is(self, store: Store) -> None:
        """The session that has the record has the handoff, whatever its payload says."""
        await happen(store, FOREIGN, handoff_raised())
        assert await store.inbox.handoff("tenant", "handoff-1") is None
        entry = await known(store, "handoff-1", FOREIGN)
        assert (entry.tenant_id, entry.conversation_id) == ("another tenant", "conversation")

    @on_store
    async def test_inbox_follows_a_life(self, store: Store) -> None:
        """Each change shows at once, has the highest position, and keeps the place of raising."""
        await happen(store, KEY, handoff_of("handoff", at=5))
        raised = await known(store, "handoff")
        await happen(store, KEY, claimed("handoff", at=7, agent="Ann"))
        taken = await known(store, "handoff")
        assert taken.position > raised.position
        assert taken == replace(
            raised, status=CLAIMED, changed_at=7, agent="Ann", position=taken.position
        )
        await happen(store, KEY, resolved("handoff", at=9))
        ended = await known(store, "handoff")
        assert ended.position > taken.position
        assert ended == replace(
            taken,
            status=RESOLVED,
            changed_at=9,
            outcome=HandoffOutcome.SOLVED,
            position=ended.position,
        )

    @on_store
    async def test_inbox_supersedes(self, store: Store) -> None:
        """A newer handoff takes the place of what waits in its session, of nothing else."""
        await happen(store, OTHER, handoff_of("elsewhere"))
        await happen(store, KEY, handoff_of("taken"), claimed("taken"), handoff_of("first"))
        await happen(store, FOREIGN, handoff_of("first"))
        await happen(store, KEY, handoff_of("second", at=11))
        assert await standings(store) == {
            "elsewhere": WAITING,
            "taken": CLAIMED,
            "first": SUPERSEDED,
            "second": WAITING,
        }
        first, second = await known(store, "first"), await known(store, "second")
        assert first.changed_at == second.raised_at == 11
        assert first.raised < first.position < second.position
        assert await standings(store, FOREIGN.tenant_id) == {"first": WAITING}

    @on_store
    async def test_inbox_leaves_out_what_is_not_there(self, store: Store) -> None:
        """Claiming or resolving an unknown handoff makes none."""
        await happen(store, FOREIGN, handoff_of("handoff"))
        await happen(store, KEY, claimed("handoff"), resolved("other"))
        assert await standings(store) == {}
        assert not await store.inbox.handoff_changes("tenant")
        assert await standings(store, FOREIGN.tenant_id) == {"handoff": WAITING}

    @on_store
    async def test_inbox_pages(self, store: Store) -> None:
        """The handoffs that stand so come in the order of raising, page by page, each once."""
        ids = ["c", "a", "d", "b", "f", "e"]
        for each in ids:
            await happen(store, SessionKey("tenant", f"of {each}"), handoff_of(each))
            await happen(store, SessionKey("tenant2", f"of {each}"), handoff_of(each))
        await happen(store, SessionKey("tenant", "of a"), claimed("a"))
        await happen(store, SessionKey("tenant", "of f"), claimed("f"), resolved("f"))
        for statuses, expected in (
            ([WAITING, CLAIMED, RESOLVED], ids),
            ([WAITING, CLAIMED], ["c", "a", "d", "b", "e"]),
            ([WAITING], ["c", "d", "b", "e"]),
            ([RESOLVED, SUPERSEDED], ["f"]),
        ):
            found: list[HandoffEntry] = []
            while page := await store.inbox.handoffs(
                "tenant", statuses, found[-1].raised if found else 0, 2
            ):
                assert len(page) <= 2
                found += page
            assert [entry.handoff_id for entry in found] == expected
            assert {entry.tenant_id for entry in found} <= {"tenant"}

    @on_store
    async def test_inbox_tells_changes(self, store: Store) -> None:
        """Each handoff stands where its newest change is, and once."""
        for each in ("a", "b", "c"):
            await happen(store, SessionKey("tenant", f"of {each}"), handoff_of(each))
        await happen(store, FOREIGN, handoff_of("a"))
        seen = (await store.inbox.handoff_changes("tenant"))[-1].position
        await happen(store, SessionKey("tenant", "of b"), claimed("b"))
        await happen(store, SessionKey("tenant", "of a"), claimed("a"), resolved("a"))
        changes = await store.inbox.handoff_changes("tenant")
        assert [entry.handoff_id for entry in changes] == ["c", "b", "a"]
        assert await store.inbox.handoff_changes("tenant", 0, 2) == changes[:2]
        assert await store.inbox.handoff_changes("tenant", seen) == changes[1:]
        assert not await store.inbox.handoff_changes("tenant", changes[-1].position)

    @on_store
    async def test_inbox_tells_every_change_to_a_watcher(self, store: Store) -> None:
        """While many write, who asks for what came after never misses how a handoff ended."""
        sessions = [SessionKey("tenant", str(number)) for number in range(8)]
        told: list[HandoffEntry] = []

        async def write(key: SessionKey) -> None:
            for number in range(4):
                each = f"{key.conversation_id}.{number}"
                await happen(store, key, handoff_of(each), claimed(each), resolved(each))

        async def look() -> bool:
            after = told[-1].position if told else 0
            page = await store.inbox.handoff_changes("tenant", after, 3)
            told.extend(page)
            return bool(page)

        writing = asyncio.gather(*map(write, sessions))
        while not writing.done():
            await look()
            await asyncio.sleep(0)
        await writing
        while await look():
            pass
        positions = [entry.position for entry in told]
        assert positions == sorted(set(positions))
        newest = {entry.handoff_id: entry for entry in told}
        every = await store.inbox.handoffs("tenant", EVERY)
        assert newest == {entry.handoff_id: entry for entry in every}
        assert {entry.status for entry in every} == {RESOLVED}
        assert len(every) == 32

    @on_store
    async def test_inbox_of_each_tenant(self, store: Store) -> None:
        """Two tenants may have the same handoff id; what happens to one is not the other's."""
        await happen(store, KEY, handoff_of("handoff", headline="ours"))
        await happen(store, FOREIGN, handoff_of("handoff", headline="theirs"), claimed("handoff"))
        ours, theirs = await known(store, "handoff"), await known(store, "handoff", FOREIGN)
        assert (ours.headline, ours.status) == ("ours", WAITING)
        assert (theirs.headline, theirs.status) == ("theirs", CLAIMED)
        await store.delete(FOREIGN)
        assert await store.inbox.handoff(FOREIGN.tenant_id, "handoff") is None
        assert await known(store, "handoff") == ours

    @pytest.mark.parametrize("alike", LOOK_ALIKES)
    @on_store
    async def test_inbox_compares_byte_for_byte(self, store: Store, alike: str) -> None:
        """Handoff ids and tenants are equal only if all their bytes are."""
        one, other = LOOK_ALIKES[alike]
        await happen(store, KEY, handoff_of(one))
        await happen(store, OTHER, handoff_of(other), claimed(other))
        assert await standings(store) == {one: WAITING, other: CLAIMED}
        await happen(store, SessionKey(one, "c"), handoff_of("handoff"))
        assert await standings(store, other) == {}
        assert await standings(store, one) == {"handoff": WAITING}

    @pytest.mark.parametrize("odd", ODD_TEXTS)
    @on_store
    async def test_inbox_keeps_odd_texts(self, store: Store, odd: str) -> None:
        """Any valid text comes back as it was."""
        text = ODD_TEXTS[odd]
        await happen(store, KEY, handoff_of("handoff", headline=text, account_id=text))
        await happen(store, KEY, claimed("handoff", agent=text))
        entry = await known(store, "handoff")
        assert (entry.headline, entry.account_id, entry.agent) == (text, text, text)
        await happen(store, OTHER, handoff_of(text))
        assert (await known(store, text)).handoff_id == text

    @on_store
    async def test_inbox_knows_no_refused_commit(self, store: Store) -> None:
        """What was refused, or written before, changes nothing in the inbox."""
        commit = Commit((handoff_of("handoff"),), 0, "request", "digest")
        await store.append(KEY, commit)
        await happen(store, KEY, claimed("handoff"))
        entry = await known(store, "handoff")
        assert (await store.append(KEY, commit)).replayed
        assert (await store.append(KEY, replace(commit, expected_revision=2))).replayed
        for refused, error in (
            (Commit((resolved("handoff"),), 1, "next", "digest"), RevisionConflict),
            (Commit((resolved("handoff"),), 2, "request", "other"), RequestIdReused),
        ):
            with pytest.raises(error):
                await store.append(KEY, refused)
        assert await store.inbox.handoff_changes("tenant") == (entry,)

    @on_store
    async def test_inbox_forgets_a_deleted_session(self, store: Store) -> None:
        """Its handoffs go and are counted; positions do not come again."""
        await happen(store, OTHER, handoff_of("stays"))
        await happen(store, KEY, handoff_of("first"), handoff_of("second"))
        newest = await known(store, "second")
        assert (await store.delete(KEY))["handoffs"] == 2
        assert await standings(store) == {"stays": WAITING}
        await happen(store, KEY, handoff_of("second"))
        assert (await known(store, "second")).raised > newest.position
        assert (await store.delete(OTHER))["handoffs"] == 1
        assert (await store.delete(OTHER))["handoffs"] == 0

    @on_store
    async def test_inbox_survives_a_reopening(self, store: Store) -> None:
        """A new store on the same data has it, and its positions go on above the old ones."""
        if "test_reopen" in self.exceptions:
            return
        await happen(store, OTHER, handoff_of("stays"), claimed("stays"))
        await happen(store, KEY, handoff_of("goes"))
        newest = (await known(store, "goes")).position
        await store.delete(KEY)
        before = await store.inbox.handoff_changes("tenant")
        again = await self.reopen(store)
        try:
            assert await again.inbox.handoff_changes("tenant") == before
            await happen(again, KEY, handoff_of("new"))
            assert (await known(again, "new")).raised > newest
        finally:
            await again.aclose()

    @on_store
    async def test_inbox_after_close(self, store: Store) -> None:
        """A closed store says so."""
        await store.aclose()
        for call in (
            store.inbox.handoff("tenant", "handoff"),
            store.inbox.handoffs("tenant", EVERY),
            store.inbox.handoff_changes("tenant"),
        ):
            with pytest.raises(StoreClosed):
                await call
