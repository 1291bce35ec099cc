"""Who is talking: what is confirmed of the account, and what its other conversations bring."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contextd.engine.offload import LONG_TEXT, maybe_in_thread
from contextd.model import AccountKey, Acquaintance, Degradation, Relief, Role
from contextd.policy.prompt.assembly import STRANGER
from contextd.policy.retrieval.recaps import recollected, repeated, texts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.engine.accounts import HotAccount, HotAccounts
    from contextd.engine.recapping import Recapper
    from contextd.engine.writing import Accepted
    from contextd.model import (
        AccountConversation,
        AccountFact,
        Recollection,
        RepeatContact,
    )
    from contextd.policy.rules import AccountRules, Rules
    from contextd.policy.state import SessionState
    from contextd.ports import Embedder

RECAP_SHARE = 0.25
"""The share of the time left that a context waits for recaps that are not made yet."""

RECAP_WAIT = 0.5
"""Seconds it waits when the caller set no deadline."""

BEHIND = Degradation(
    "RECAPS_BEHIND", "not all that other conversations of the account were about is read yet"
)


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said, and when: by the clock, and as the caller states it.

    `rules` are those of the call's policy.  `past` says that an earlier answer is given again;
    `left` is the time left in seconds, None for no limit; `dry` that nothing may be written.
    """

    text: str
    now: int
    occurred_at: int
    rules: Rules
    past: bool = False
    dry: bool = False
    left: float | None = None


@dataclass(frozen=True, slots=True)
class Met:
    """What is known of who is talking, and what that lacks."""

    known: Acquaintance = STRANGER
    degradations: tuple[Degradation, ...] = ()


@dataclass(frozen=True, slots=True)
class Returning:
    """Looks up the account of a conversation."""

    accounts: HotAccounts
    recapper: Recapper
    embedder: Embedder
    accepted: Accepted

    async def known(self, tenant_id: str, account_id: str) -> HotAccount:
        """Return the account as it is now.

        Raises:
            StoreUnavailable, StoreClosed.
        """
        return await self.accounts.refresh(AccountKey(tenant_id, account_id))

    async def meet(
        self, state: SessionState, hot: HotAccount, saying: Saying, relief: Relief
    ) -> Met:
        """Return what is known for the next message of *state*, whose account is *hot*.

        Raises:
            StoreUnavailable, StoreClosed.
        """
        rules = saying.rules.account
        repeat = await self.accounts.named(hot, state.repeat, state.key.conversation_id)
        known = Acquaintance(await self._facts(hot, saying), repeat=repeat)
        if relief >= Relief.NO_SEARCH or not saying.text.strip():
            return Met(known)
        relevant, complete = await self._relevant(hot, state, saying)
        if known.repeat is None and begins(state):
            found = repeated(relevant, saying.occurred_at, rules)
            known = replace(known, repeat=found and _dated(found, hot.conversations))
        known = replace(known, recollections=recollected(relevant, rules))
        return Met(known, () if complete else (BEHIND,))

    async def repeat(
        self, state: SessionState, account_id: str, text: str, at: int, rules: AccountRules
    ) -> RepeatContact | None:
        """Return what the first message of *state* repeats, by what is recapped already."""
        key = AccountKey(state.key.tenant_id, account_id)
        hot = await self.accounts.refresh(key)
        conversations = await self.accounts.listed(hot, anew=True)
        found = repeated(await self._search(hot, conversations, state, text), at, rules)
        return found and _dated(found, conversations)

    async def facts(self, tenant_id: str, account_id: str, now: int) -> tuple[AccountFact, ...]:
        """Return what is confirmed of an account at time *now*."""
        return (await self.accounts.refresh(AccountKey(tenant_id, account_id))).facts(now)

    async def _facts(self, hot: HotAccount, saying: Saying) -> tuple[AccountFact, ...]:
        if not saying.past:
            return hot.facts(saying.now)
        return (await self.accounts.as_of(hot.state.key, saying.now)).known(saying.now)

    async def _relevant(
        self, hot: HotAccount, state: SessionState, saying: Saying
    ) -> tuple[tuple[Recollection, ...], bool]:
        """Return what other conversations were about, best first, and whether that is all."""
        first, besides = begins(state), state.key.conversation_id
        conversations = await self.accounts.listed(hot, anew=first)
        most = saying.rules.account.recapped
        lacking = self.recapper.lacking(hot, conversations, besides, most)
        if not first:  # what was recapped once is told as it was; the next one reads on
            lacking = [each for each in lacking if each.recap is None]
        complete = saying.dry or not lacking
        if not complete:
            left = RECAP_WAIT if saying.left is None else saying.left * RECAP_SHARE
            complete = await self._catch_up(hot, lacking, left, saying.rules)
            conversations = await self.accounts.listed(hot, anew=True)
        found = await self._search(hot, conversations, state, saying.text)
        if not first and recollected(found, saying.rules.account):
            listed = await self.accounts.listed(hot, anew=True)
            if listed != conversations:  # nothing is told that was deleted since, elsewhere
                found = await self._search(hot, listed, state, saying.text)
        return found, complete

    async def _catch_up(
        self, hot: HotAccount, lacking: list[AccountConversation], wait: float, rules: Rules
    ) -> bool:
        """Read what is *lacking*; False when that takes longer than *wait*, or fails."""
        task = hot.recapping
        if task is None or task.done():
            reading = self.accepted.finish(self.recapper.catch_up(hot, lacking, rules))
            task = hot.recapping = asyncio.ensure_future(reading)
            task.add_done_callback(_heard)
        done, _ = await asyncio.wait({task}, timeout=max(0.0, wait))
        return bool(done) and not task.cancelled() and task.exception() is None

    async def _search(
        self,
        hot: HotAccount,
        conversations: Sequence[AccountConversation],
        state: SessionState,
        text: str,
    ) -> tuple[Recollection, ...]:
        lacking = hot.index.lacking(conversations)
        if lacking:
            seen, parts = hot.deletions, texts_of(lacking)
            long = sum(map(len, parts)) >= LONG_TEXT
            vectors = await maybe_in_thread(long, lambda: self.embedder.embed(parts))
            if hot.deletions == seen:
                hot.index.put(lacking, vectors)
        if not len(hot.index):
            return ()
        vector = self.embedder.embed([text])[0]
        return hot.index.relevant(text, vector, state.key.conversation_id)


def _dated(repeat: RepeatContact, among: Sequence[AccountConversation]) -> RepeatContact:
    """Return *repeat* with the time by which its conversation is found again."""
    began = (each.opened_at for each in among if each.conversation_id == repeat.conversation_id)
    return replace(repeat, began_at=next(began, 0))


def begins(state: SessionState) -> bool:
    """Say whether the customer has said nothing yet."""
    return all(state.turns[at - 1].role is not Role.USER for at in state.exchanges[:2])


def _heard(task: asyncio.Task[None]) -> None:
    """Ask a task how it ended, so that a failure nobody waits for is not logged as lost."""
    if not task.cancelled():
        task.exception()
