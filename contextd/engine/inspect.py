"""Look at sessions and delete them: for operators and for erasure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.engine.changes import Changes
from contextd.errors import SessionNotFound
from contextd.model import AccountKey, Erased, SessionView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.engine.accounts import HotAccounts
    from contextd.engine.sessions import HotSession, HotSessions
    from contextd.model import Fact, Idle, SessionKey, Turn
    from contextd.policy.state import SessionState
    from contextd.ports import SessionStore


@dataclass(frozen=True, slots=True)
class Inspection:
    """The verbs of SessionService."""

    store: SessionStore
    sessions: HotSessions
    changes: Changes = field(default_factory=Changes)
    accounts: HotAccounts | None = None

    async def get_session(self, key: SessionKey) -> SessionView:
        """Return the state of a session.

        Raises:
            SessionNotFound: nothing was ever recorded under this key.
        """
        state = await self._state(key)
        fold, closing = state.fold, state.owner.closing
        repeat = state.repeat
        if self.accounts is not None and state.account_id and repeat is not None:
            account = await self.accounts.refresh(AccountKey(key.tenant_id, state.account_id))
            repeat = await self.accounts.named(account, repeat, key.conversation_id)
        return SessionView(
            key=key,
            account_id=state.account_id,
            revision=state.revision,
            turn_count=len(state.turns),
            total_tokens=state.total_tokens,
            tier=state.tier,
            pressure=state.pressure,
            folded_through=fold.through if fold else 0,
            summary=" ".join(each.text for each in fold.retold or fold.summary) if fold else "",
            key_facts=tuple(map(_stated, fold.facts)) if fold else (),
            handoff_state=state.handoff_state,
            handoff_ids=tuple(handoff.handoff_id for handoff in state.handoffs),
            encoding=state.encoding,
            opened_at=state.opened_at,
            outcome=closing.outcome if closing else None,
            rating=closing.rating if closing else 0,
            repeat=repeat,
        )

    async def list_sessions(
        self, tenant_id: str, after: str, limit: int
    ) -> Sequence[tuple[str, int]]:
        """Return (conversation id, revision) pairs in byte order of the id."""
        return await self.store.sessions(tenant_id, after, limit)

    async def list_turns(self, key: SessionKey, after: int, limit: int) -> Sequence[Turn]:
        """Return the turns with a sequence above *after*, at most *limit*.

        Raises:
            SessionNotFound: nothing was ever recorded under this key.
        """
        return (await self._state(key)).turns[after : after + limit]

    async def delete_session(self, key: SessionKey) -> Erased:
        """Remove a session from the store and from memory; idempotent."""
        hot = self.sessions.get(key)
        async with hot.writing:
            state = (await self.sessions.refresh(hot)).state
            turns, account = len(state.turns), state.account_id
            counts = await self._erase(hot, account)
        return Erased({**counts, "turns": turns})

    async def expire(self, idle: Idle) -> None:
        """Remove a session that nobody uses, as it was found; its log is not read for that.

        Raises:
            RevisionConflict: somebody has used it meanwhile, or begun another under its key;
                nothing changed.
            StoreUnavailable: it is not known whether it was removed.
        """
        hot = self.sessions.get(idle.key)
        async with hot.writing:
            await self._erase(hot, idle.account_id, idle.revision, idle.incarnation)

    async def _erase(
        self, hot: HotSession, account: str, at_revision: int = 0, incarnation: str = ""
    ) -> dict[str, int]:
        key = hot.key
        try:
            return await self.store.delete(key, at_revision, incarnation)
        finally:
            hot.views.clear()  # for those who wait to write; they have this place in hand
            self.sessions.forget(key)
            self.changes.deleted(key)
            if self.accounts is not None and account:
                self.accounts.unlist(AccountKey(key.tenant_id, account))

    async def _state(self, key: SessionKey) -> SessionState:
        view = await self.sessions.refresh(self.sessions.get(key))
        if view.state.revision == 0:
            self.sessions.forget(key)  # a name that somebody guesses takes no place in memory
            raise SessionNotFound
        return view.state


def _stated(fact: Fact) -> str:
    """Return the fact with its name: a bare value says nothing to a reader."""
    return f"{fact.label or fact.kind.value.replace('_', ' ')}: {fact.text}"
