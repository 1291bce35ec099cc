"""Accounts in use, kept ready in memory within a bound.

As with sessions, an account is loaded by reading its log once; afterwards each use asks the
store only for the updates it lacks.  What its conversations were about is read anew from
time to time, and when one begins.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contextd.errors import AccountReplaced
from contextd.policy.accounts import AccountState
from contextd.policy.retrieval.recaps import RecapIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.engine.timing import Monotonic
    from contextd.model import AccountConversation, AccountFact, AccountKey, RepeatContact
    from contextd.ports import AccountStore

LISTED_SECONDS = 5.0
"""How long the list of an account's conversations is taken for new."""

LISTED = 100
"""Conversations of an account that are looked at, the newest ones."""

BYTES_AN_ENTRY = 600
"""What a conversation in the list takes in memory beside its recap."""


@dataclass(slots=True)
class HotAccount:
    """One account in memory.

    `writing` serialises the writers of this process.  `conversations` are the newest ones as
    they were `listed_at`, in seconds; `settled` maps those that were looked into to the
    revision that was seen, and `recapping` looks into others now.  `deletions` counts how
    often one of them was deleted, so that nothing of it comes back.  `told` keeps the facts of
    one moment as one tuple until they change, so that what follows from it can be remembered;
    `told_at` says at which revision, since when, and until when that is so.
    """

    state: AccountState
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    conversations: Sequence[AccountConversation] = ()
    listed_at: float | None = None
    settled: dict[str, int] = field(default_factory=dict)
    index: RecapIndex = field(default_factory=RecapIndex)
    recapping: asyncio.Task[None] | None = None
    deletions: int = 0
    told: tuple[AccountFact, ...] = ()
    told_at: tuple[int, int, int] = (-1, 0, 0)

    def facts(self, now: int) -> tuple[AccountFact, ...]:
        """Return what is known at time *now*; the same object until that changes."""
        revision, since, until = self.told_at
        if revision != self.state.revision or not since <= now < until:
            self.told = self.state.known(now)
            self.told_at = (self.state.revision, now, self.state.until(now))
        return self.told

    @property
    def size_bytes(self) -> int:
        """About how much memory the account takes."""
        listed = BYTES_AN_ENTRY * (len(self.conversations) + len(self.settled))
        return 1_024 + self.state.size_bytes + self.index.size_bytes + listed


class HotAccounts:
    """The accounts in memory, least recently used first to go."""

    def __init__(self, store: AccountStore, monotonic: Monotonic, *, capacity_bytes: int) -> None:
        """Keep accounts up to about *capacity_bytes*; the one in use always stays."""
        self.store = store
        self._monotonic = monotonic
        self._capacity = capacity_bytes
        self._hot: OrderedDict[AccountKey, HotAccount] = OrderedDict()
        self._sizes: dict[AccountKey, int] = {}
        self._total = 0

    def __len__(self) -> int:
        """The number of accounts in memory."""
        return len(self._hot)

    @property
    def size_bytes(self) -> int:
        """About how much memory all of them take."""
        return self._total

    async def refresh(self, key: AccountKey) -> HotAccount:
        """Return the account at its newest revision: one read, of what is lacking only.

        Where it was forgotten since, by whichever process, it is read as it is now.
        """
        hot = self._get(key)
        after = hot.state.revision
        try:
            updates = await self.store.read_account(key, after, hot.state.incarnation)
        except AccountReplaced:
            self.forget(key)
            return await self.refresh(key)
        for revision, update in enumerate(updates, after + 1):
            if revision == hot.state.revision + 1:
                hot.state.apply(update)
        if updates or key not in self._sizes:
            self._account(key, hot)
        return hot

    async def as_of(self, key: AccountKey, at: int) -> AccountState:
        """Return the account as it was at the time *at*, apart from what is in memory."""
        state = AccountState(key)
        for update in await self.store.read_account(key):
            if update.at <= at:
                state.apply(update)
        return state

    async def listed(self, hot: HotAccount, *, anew: bool) -> Sequence[AccountConversation]:
        """Return the account's conversations, the newest first; *anew*, or as known lately."""
        key, now = hot.state.key, self._monotonic()
        if anew or hot.listed_at is None or now - hot.listed_at > LISTED_SECONDS:
            hot.conversations, hot.listed_at = await self._list(hot), now
            hot.index.keep(hot.conversations)
            self._account(key, hot)
        return hot.conversations

    async def named(
        self, hot: HotAccount, repeat: RepeatContact | None, besides: str
    ) -> RepeatContact | None:
        """Return *repeat*, of the log of *besides*, with the id of the conversation it means.

        It is "" once that is deleted.
        """
        if repeat is None:
            return None
        listed = await self.listed(hot, anew=False)
        found = (
            each.conversation_id
            for each in listed
            if each.conversation_id != besides
            and repeat.conversation_id in ("", each.conversation_id)
            and repeat.began_at in (0, each.opened_at)
        )
        known = repeat.conversation_id or repeat.began_at
        return replace(repeat, conversation_id=next(found, "") if known else "")

    async def _list(self, hot: HotAccount) -> Sequence[AccountConversation]:
        """Read the list, again if something of it was deleted meanwhile."""
        while True:
            seen = hot.deletions
            found = await self.store.account_conversations(hot.state.key, LISTED)
            if hot.deletions == seen:
                return found

    def unlist(self, key: AccountKey) -> None:
        """Forget what the account's conversations were about, since one was deleted."""
        hot = self._hot.get(key)
        if hot is not None:
            hot.deletions += 1
            hot.conversations, hot.listed_at = (), None
            hot.index.keep(())

    def forget(self, key: AccountKey) -> None:
        """Drop the account from memory."""
        self.unlist(key)
        if self._hot.pop(key, None) is not None:
            self._total -= self._sizes.pop(key, 0)

    def _get(self, key: AccountKey) -> HotAccount:
        hot = self._hot.get(key)
        if hot is None:
            hot = self._hot[key] = HotAccount(AccountState(key))
        self._hot.move_to_end(key)
        return hot

    def _account(self, key: AccountKey, hot: HotAccount) -> None:
        """Take note of how large an account has become; others may have to go."""
        if self._hot.get(key) is hot:
            size = hot.size_bytes
            self._total += size - self._sizes.get(key, 0)
            self._sizes[key] = size
        while self._total > self._capacity and len(self._hot) > 1:
            self.forget(next(iter(self._hot)))
