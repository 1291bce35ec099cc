"""What every AccountStore must do: the logs of accounts, and the conversations of each.

Subclass AccountStoreContract, as with the suite of sessions.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.errors import RequestIdReused, RevisionConflict, StoreClosed
from contextd.events import (
    AccountLinked,
    AccountUpdated,
    HandoffResolved,
    Recapped,
    SessionClosed,
    SessionOpened,
)
from contextd.model import (
    AccountConversation,
    AccountFact,
    AccountFactType,
    AccountKey,
    HandoffOutcome,
    Recap,
    SessionKey,
    SessionOutcome,
)
from contextd.testing.contracts.inbox import happen
from contextd.testing.harness import StoreHarness, on_store
from contextd.testing.samples import ACCOUNT_UPDATED, LOOK_ALIKES, ODD_TEXTS, SPLITS, turns_recorded

if TYPE_CHECKING:
    from contextd.ports import Store

ACCOUNT = AccountKey("tenant", "account")
OTHER = AccountKey("tenant", "another account")
KEY = SessionKey("tenant", "conversation")


def update(at: int = 1, request_id: str = "", digest: str = "digest") -> AccountUpdated:
    """Return a change of an account, told from others by its time."""
    return replace(ACCOUNT_UPDATED, at=at, request_id=request_id, digest=digest)


def conversation(number: int) -> SessionKey:
    """Return one of several sessions."""
    return SessionKey("tenant", f"conversation {number}")


async def conversations(store: Store, key: AccountKey = ACCOUNT) -> list[str]:
    """Return the ids of an account's conversations."""
    found = await store.accounts.account_conversations(key)
    return [each.conversation_id for each in found]


class AccountStoreContract(StoreHarness):
    """The cases."""

    # ── logs ──

    @on_store
    async def test_account_updates_come_back(self, store: Store) -> None:
        """They come back equal in every field, in order, from any revision."""
        updates = (ACCOUNT_UPDATED, update(2), update(3))
        for revision, each in enumerate(updates):
            appended = await store.accounts.append_account(ACCOUNT, each, revision)
            assert (appended.revision, appended.replayed) == (revision + 1, False)
        for after in range(5):
            assert tuple(await store.accounts.read_account(ACCOUNT, after)) == updates[after:]
        assert not await store.accounts.read_account(OTHER)

    @pytest.mark.parametrize("odd", ODD_TEXTS)
    @on_store
    async def test_account_keeps_odd_texts(self, store: Store, odd: str) -> None:
        """Any valid text comes back as it was, also in an id."""
        text = ODD_TEXTS[odd]
        fact = AccountFact(text, AccountFactType.PREFERENCE, text, text)
        said = AccountUpdated(1, text, text, (fact,), (text,))
        await store.accounts.append_account(AccountKey(text, text), said, 0)
        assert tuple(await store.accounts.read_account(AccountKey(text, text))) == (said,)

    @on_store
    async def test_account_replay(self, store: Store) -> None:
        """The same request again writes nothing, wherever the account is by now."""
        await store.accounts.append_account(ACCOUNT, update(1, "request"), 0)
        await store.accounts.append_account(ACCOUNT, update(2, "next"), 1)
        for expected in (0, 2, 99):
            again = await store.accounts.append_account(ACCOUNT, update(1, "request"), expected)
            assert (again.revision, again.replayed) == (1, True)
        assert len(await store.accounts.read_account(ACCOUNT)) == 2

    @on_store
    async def test_account_request_id_reused(self, store: Store) -> None:
        """A request id with another digest is an error and changes nothing."""
        await store.accounts.append_account(ACCOUNT, update(1, "request"), 0)
        for expected in (0, 1):
            with pytest.raises(RequestIdReused):
                await store.accounts.append_account(
                    ACCOUNT, update(2, "request", "other"), expected
                )
        assert tuple(await store.accounts.read_account(ACCOUNT)) == (update(1, "request"),)
        other = await store.accounts.append_account(OTHER, update(2, "request", "other"), 0)
        assert not other.replayed

    @on_store
    async def test_account_without_request_id(self, store: Store) -> None:
        """Updates without a request id are never taken for each other."""
        for revision in range(3):
            appended = await store.accounts.append_account(ACCOUNT, update(), revision)
            assert (appended.revision, appended.replayed) == (revision + 1, False)

    @pytest.mark.parametrize("expected", [0, 1, 3])
    @on_store
    async def test_account_stale_revision(self, store: Store, expected: int) -> None:
        """An update at another revision is refused, says both, and leaves no trace."""
        for revision in range(2):
            await store.accounts.append_account(ACCOUNT, update(), revision)
        with pytest.raises(RevisionConflict) as conflict:
            await store.accounts.append_account(ACCOUNT, update(3, "request"), expected)
        assert (conflict.value.expected, conflict.value.current) == (expected, 2)
        appended = await store.accounts.append_account(ACCOUNT, update(3, "request"), 2)
        assert (appended.revision, appended.replayed) == (3, False)

    @pytest.mark.parametrize(("one", "other"), SPLITS, ids=repr)
    @on_store
    async def test_account_keys_have_two_parts(
        self, store: Store, one: SessionKey, other: SessionKey
    ) -> None:
        """Keys are never joined to one text."""
        first = AccountKey(one.tenant_id, one.conversation_id)
        second = AccountKey(other.tenant_id, other.conversation_id)
        await self._accounts_are_apart(store, first, second)

    @pytest.mark.parametrize("alike", LOOK_ALIKES)
    @on_store
    async def test_account_ids_compare_byte_for_byte(self, store: Store, alike: str) -> None:
        """Tenants, accounts and request ids are equal only if all their bytes are."""
        one, other = LOOK_ALIKES[alike]
        await self._accounts_are_apart(store, AccountKey("t", one), AccountKey("t", other))
        await self._accounts_are_apart(store, AccountKey(one, "a"), AccountKey(other, "a"))
        await store.accounts.append_account(ACCOUNT, update(1, one), 0)
        assert not (await store.accounts.append_account(ACCOUNT, update(2, other), 1)).replayed

    async def _accounts_are_apart(self, store: Store, one: AccountKey, other: AccountKey) -> None:
        await store.accounts.append_account(one, update(1, "request"), 0)
        await store.accounts.append_account(other, update(2, "request", "other"), 0)
        for number, key in enumerate((one, other)):
            session = SessionKey(key.tenant_id, f"{number}")
            await happen(store, session, SessionOpened(1, key.account_id))
            assert len(await store.accounts.read_account(key)) == 1
        assert await conversations(store, one) == ["0"]
        assert (await store.accounts.delete_account(one)) == {"account_updates": 1}
        assert len(await store.accounts.read_account(other)) == 1
        assert await conversations(store, other) == ["1"]

    @on_store
    async def test_account_racing_writers(self, store: Store) -> None:
        """With many writers every update is there once."""

        async def write(writer: int) -> None:
            for number in range(6):
                change = update(writer * 6 + number, f"request-{writer}-{number}")
                while True:
                    revision = len(await store.accounts.read_account(ACCOUNT))
                    try:
                        await store.accounts.append_account(ACCOUNT, change, revision)
                    except RevisionConflict:
                        continue
                    break

        await asyncio.gather(*map(write, range(6)))
        log = await store.accounts.read_account(ACCOUNT)
        assert sorted(each.at for each in log) == list(range(36))

    @on_store
    async def test_account_delete(self, store: Store) -> None:
        """The log goes and is counted, its request ids are free again; sessions stay."""
        await store.accounts.append_account(ACCOUNT, update(1, "request"), 0)
        await store.accounts.append_account(ACCOUNT, update(2), 1)
        await store.accounts.append_account(OTHER, update(3), 0)
        await happen(store, KEY, SessionOpened(1, "account"))
        assert await store.accounts.delete_account(ACCOUNT) == {"account_updates": 2}
        assert await store.accounts.delete_account(ACCOUNT) == {"account_updates": 0}
        assert not await store.accounts.read_account(ACCOUNT)
        assert len(await store.accounts.read_account(OTHER)) == 1
        assert await conversations(store) == ["conversation"]
        appended = await store.accounts.append_account(ACCOUNT, update(4, "request", "other"), 0)
        assert (appended.revision, appended.replayed) == (1, False)

    # ── conversations ──

    @on_store
    async def test_account_knows_its_conversations(self, store: Store) -> None:
        """Those opened or linked last come first; anonymous ones are nobody's."""
        for number in range(4):
            await happen(store, conversation(number), SessionOpened(number, "account"))
        await happen(store, conversation(4), SessionOpened(4, ""))
        await happen(store, SessionKey("another tenant", "c"), SessionOpened(4, "account"))
        await happen(store, conversation(5), SessionOpened(5, "another account"))
        expected = [conversation(number).conversation_id for number in (3, 2, 1, 0)]
        assert await conversations(store) == expected
        page = await store.accounts.account_conversations(ACCOUNT, 2)
        assert [each.conversation_id for each in page] == expected[:2]
        await happen(store, conversation(4), AccountLinked(9, "account"))
        assert (await conversations(store))[:2] == ["conversation 4", "conversation 3"]

    @on_store
    async def test_account_link_moves_a_conversation(self, store: Store) -> None:
        """A session that is linked anew belongs to the other account, and only to it."""
        await happen(store, KEY, SessionOpened(1, "account"), AccountLinked(2, "another account"))
        assert await conversations(store) == []
        (found,) = await store.accounts.account_conversations(OTHER)
        assert (found.conversation_id, found.opened_at) == ("conversation", 2)
        await happen(store, KEY, AccountLinked(3, "account"))
        assert await conversations(store) == ["conversation"]
        assert await conversations(store, OTHER) == []

    @on_store
    async def test_account_conversation_follows_its_log(self, store: Store) -> None:
        """Revision, recap and end are those of the log, at every moment."""
        recaps = Recap(2, "A refund.", ("turn-1",)), Recap(4, "Paid out. \0 é")
        closing = SessionClosed(9, "", "", SessionOutcome.RESOLVED)
        steps = (
            (SessionOpened(5, "account"), AccountConversation("conversation", 5, 1)),
            (turns_recorded(), AccountConversation("conversation", 5, 2)),
            (Recapped(6, recaps[0]), AccountConversation("conversation", 5, 3, recaps[0])),
            (turns_recorded(), AccountConversation("conversation", 5, 4, recaps[0])),
            (Recapped(8, recaps[1]), AccountConversation("conversation", 5, 5, recaps[1])),
            (closing, AccountConversation("conversation", 5, 6, recaps[1], closed=True)),
        )
        for record, expected in steps:
            await happen(store, KEY, record)
            assert await store.accounts.account_conversations(ACCOUNT) == (expected,)

    @on_store
    async def test_account_conversation_ends_with_a_handoff(self, store: Store) -> None:
        """A handoff that closes its conversation shows in the index; another does not."""
        end = HandoffResolved(7, "", "", "handoff", "Ann", HandoffOutcome.SOLVED)
        await happen(store, KEY, SessionOpened(5, "account"), end)
        assert not (await store.accounts.account_conversations(ACCOUNT))[0].closed
        await happen(store, KEY, replace(end, closes=True))
        assert (await store.accounts.account_conversations(ACCOUNT))[0].closed

    @on_store
    async def test_account_index_is_of_linked_sessions(self, store: Store) -> None:
        """A recap and an end of an anonymous session are in no index."""
        closing = SessionClosed(9, "", "", SessionOutcome.RESOLVED)
        await happen(store, KEY, SessionOpened(5, ""), Recapped(6, Recap(1, "x")), closing)
        assert await conversations(store) == []
        assert (await store.delete(KEY))["account_conversations"] == 0

    @on_store
    async def test_account_forgets_a_deleted_session(self, store: Store) -> None:
        """It leaves the index and is counted; the account's log stays."""
        await store.accounts.append_account(ACCOUNT, update(), 0)
        await happen(store, KEY, SessionOpened(1, "account"), Recapped(6, Recap(1, "x")))
        await happen(store, conversation(1), SessionOpened(2, "account"))
        assert (await store.delete(KEY))["account_conversations"] == 1
        assert await conversations(store) == ["conversation 1"]
        assert len(await store.accounts.read_account(ACCOUNT)) == 1
        await happen(store, KEY, SessionOpened(3, ""))
        assert await conversations(store) == ["conversation 1"]

    # ── life ──

    @on_store
    async def test_account_survives_a_reopening(self, store: Store) -> None:
        """A new store on the same data has the logs, their request ids and the index."""
        if "test_reopen" in self.exceptions:
            return
        await store.accounts.append_account(ACCOUNT, update(1, "request"), 0)
        for number in range(3):
            await happen(store, conversation(number), SessionOpened(1, "account"))
        await store.delete(conversation(2))
        again = await self.reopen(store)
        try:
            assert tuple(await again.accounts.read_account(ACCOUNT)) == (update(1, "request"),)
            appended = await again.accounts.append_account(ACCOUNT, update(1, "request"), 7)
            assert (appended.revision, appended.replayed) == (1, True)
            await happen(again, conversation(3), SessionOpened(1, "account"))
            expected = [conversation(number).conversation_id for number in (3, 1, 0)]
            assert await conversations(again) == expected
        finally:
            await again.aclose()

    @on_store
    async def test_account_after_close(self, store: Store) -> None:
        """A closed store says so."""
        await store.aclose()
        for call in (
            store.accounts.append_account(ACCOUNT, update(), 0),
            store.accounts.read_account(ACCOUNT),
            store.accounts.delete_account(ACCOUNT),
            store.accounts.account_conversations(ACCOUNT),
        ):
            with pytest.raises(StoreClosed):
                await call
