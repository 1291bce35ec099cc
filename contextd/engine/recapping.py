"""Puts what a conversation was about in a line, when a later one of its account asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.errors import RevisionConflict
from contextd.events import Recapped
from contextd.model import SessionKey
from contextd.policy.folding import digest
from contextd.policy.recounting.recap import recap
from contextd.ports import Commit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.engine.accounts import HotAccount
    from contextd.engine.sessions import HotSessions
    from contextd.model import AccountConversation, Fold, Recap
    from contextd.policy.rules import Rules
    from contextd.policy.state import SessionState
    from contextd.ports import Clock, Observer, SessionStore, Tokenizer


@dataclass(frozen=True, slots=True)
class Recapper:
    """Reads the newest conversations of an account, and writes down what each was about."""

    store: SessionStore
    sessions: HotSessions
    clock: Clock
    observer: Observer

    def lacking(
        self,
        hot: HotAccount,
        conversations: Sequence[AccountConversation],
        besides: str,
        most: int,
    ) -> list[AccountConversation]:
        """Return those of the *most* newest *conversations* that have said more than is recapped.

        One that was looked into at its revision is not among them, whatever came of it.
        """
        others = [each for each in conversations if each.conversation_id != besides]
        return [each for each in others[:most] if not _settled(hot, each)]

    async def catch_up(
        self, hot: HotAccount, conversations: list[AccountConversation], rules: Rules
    ) -> None:
        """Recap *conversations*; a race with their writers does no harm."""
        for entry in conversations:
            seen = await self._recap(hot.state.key.tenant_id, entry, rules)
            hot.settled[entry.conversation_id] = seen
        known = {each.conversation_id for each in hot.conversations}
        hot.settled = {each: at for each, at in hot.settled.items() if each in known}

    async def _recap(self, tenant: str, entry: AccountConversation, rules: Rules) -> int:
        """Write the recap that is due, and return the revision of the session after that."""
        key = SessionKey(tenant, entry.conversation_id)
        state, meter = await self.glimpse(key)
        seen = state.revision
        if not state.turns or (state.recap and state.recap.through == len(state.turns)):
            return seen
        made = await asyncio.to_thread(self.read, state, meter, rules)
        if made is None:
            return seen
        self.observer.count("recaps")
        try:
            recapped = Recapped(self.clock(), made)
            commit = Commit((recapped,), seen, incarnation=state.incarnation)
            return (await self.store.append(key, commit)).revision
        except RevisionConflict:
            return seen  # somebody said more, or the session is gone

    def read(self, state: SessionState, meter: Tokenizer, rules: Rules) -> Recap | None:
        """Return what *state* is about; in a thread, as it may take tens of milliseconds."""
        return recap(state, self.digest(state, meter, rules))

    def digest(self, state: SessionState, meter: Tokenizer, rules: Rules) -> Fold | None:
        """Compress a whole session; None when that fails."""
        try:
            return digest(state, rules=rules, meter=meter)
        except Exception:  # noqa: BLE001 - whoever asks gets on without
            self.observer.count("recap_failures")
            return None

    async def glimpse(self, key: SessionKey) -> tuple[SessionState, Tokenizer]:
        """Return a session as it stands, without giving it a place in memory."""
        view = await self.sessions.glimpse(key)
        return view.state.snapshot(), view.tokenizer


def _settled(hot: HotAccount, entry: AccountConversation) -> bool:
    """Say whether the session was looked into at its revision, here or by whoever wrote."""
    seen = entry.recap.revision + 1 if entry.recap and entry.recap.revision else -1
    return entry.revision in (seen, hot.settled.get(entry.conversation_id))
