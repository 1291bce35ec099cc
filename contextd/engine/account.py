"""The verbs of AccountService: look at an account, change its facts, forget it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from contextd.engine.contention import TRIES
from contextd.errors import RevisionConflict, SessionContended, StoreUnavailable
from contextd.events import AccountUpdated
from contextd.model import AccountChanged, AccountView, Erased, SessionKey
from contextd.policy.accounts import resolve
from contextd.policy.recounting.candidates import candidates, distinct

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from contextd.engine.accounts import HotAccount, HotAccounts
    from contextd.engine.recapping import Recapper
    from contextd.engine.writing import Accepted
    from contextd.model import (
        AccountCandidate,
        AccountChange,
        AccountConversation,
        AccountFact,
        AccountKey,
    )
    from contextd.policy.rules import Rules
    from contextd.ports import Clock, NewId, Policies

ROUNDS = 1_000
"""How often an account is looked through while it is forgotten; each removes 100 sessions."""


@dataclass(frozen=True, slots=True)
class AccountVerbs:
    """Reads and writes accounts; `delete_session` removes one of their conversations."""

    accounts: HotAccounts
    recapper: Recapper
    delete_session: Callable[[SessionKey], Awaitable[Erased]]
    accepted: Accepted
    clock: Clock
    new_id: NewId
    policies: Policies

    async def get(self, key: AccountKey, *, include_candidates: bool) -> AccountView:
        """Return what is known of an account, and what its newest chats suggest if asked."""
        hot = await self.accounts.refresh(key)
        account = hot.state.at(self.clock())
        conversations = tuple(await self.accounts.listed(hot, anew=True))
        found: tuple[AccountCandidate, ...] = ()
        if include_candidates:
            rules = self.policies.of(key.tenant_id).rules
            newest = conversations[: rules.account.recapped]
            found = await self._candidates(key, newest, account.facts, rules)
        return AccountView(account, conversations, found)

    async def update(self, change: AccountChange) -> AccountChanged:
        """Change the facts, all or none; a retry is told so.

        Raises:
            FieldViolation: the account would hold too many.
            RequestIdReused: the id belongs to another change.
            RevisionConflict: `expected_revision` was given and is not the account's.
            SessionContended: other writers were always first; nothing was written.
            StoreUnavailable: it is not known whether it was written.
        """
        hot = await self.accounts.refresh(change.key)
        async with hot.writing:
            for _ in range(TRIES):
                hot = await self.accounts.refresh(change.key)
                try:
                    replayed = await self._attempt(hot, change)
                except RevisionConflict as conflict:
                    another = conflict.current == conflict.expected  # it was forgotten since
                    if change.expected_revision is not None and not another:
                        raise
                    if another or conflict.current < conflict.expected:
                        self.accounts.forget(change.key)
                else:
                    hot = await self.accounts.refresh(change.key)
                    return AccountChanged(hot.state.at(self.clock()), replayed)
        raise SessionContended

    async def forget(self, key: AccountKey) -> Erased:
        """Remove the account with all its conversations; idempotent.

        A conversation that is opened meanwhile is removed, too, or began after.
        """
        facts = len((await self.accounts.refresh(key)).state.facts)
        counts = Counter(await self.accounts.store.delete_account(key))
        self.accounts.forget(key)
        counts["account_facts"] = facts
        for _ in range(ROUNDS):
            found = await self.accounts.store.account_conversations(key)
            if not found:
                break
            for each in found:
                erased = await self.delete_session(SessionKey(key.tenant_id, each.conversation_id))
                counts.update(erased.counts)
        else:
            raise StoreUnavailable("the account is in use all the time; call again")
        return Erased(dict(counts))

    async def _attempt(self, hot: HotAccount, change: AccountChange) -> bool:
        """Decide at the account's revision and write; say whether a retry was first."""
        if hot.state.was_answered(change):
            return True
        now, expected = self.clock(), change.expected_revision
        if expected is not None and expected != hot.state.revision:
            raise RevisionConflict(expected, hot.state.revision)
        facts, removed = resolve(hot.state, change, now)
        at, which = hot.state.revision, hot.state.incarnation
        begun = "" if at else self.new_id()
        update = AccountUpdated(now, change.request_id, change.digest, facts, removed, begun)
        write = self.accounts.store.append_account(change.key, update, at, which)
        return (await self.accepted.finish(write)).replayed

    async def _candidates(
        self,
        key: AccountKey,
        conversations: Sequence[AccountConversation],
        confirmed: Sequence[AccountFact],
        rules: Rules,
    ) -> tuple[AccountCandidate, ...]:
        """Read *conversations*, the newest first, one after the other in a thread."""
        found: list[AccountCandidate] = []
        for each in conversations:
            session = SessionKey(key.tenant_id, each.conversation_id)
            state, meter = await self.recapper.glimpse(session)
            digest = await asyncio.to_thread(self.recapper.digest, state, meter, rules)
            if digest is not None:
                found += await asyncio.to_thread(partial(candidates, state, digest, confirmed))
        return tuple(distinct(found))
