"""What a session needs after it was written to: its index, and perhaps a fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.engine.composing import FEW_TURNS
from contextd.engine.offload import maybe_in_thread
from contextd.engine.recalling import index_evidence
from contextd.policy.retelling.asking import wanting

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.engine.fold import FoldSession
    from contextd.engine.indexing import Indexer
    from contextd.engine.sessions import HotSessions, View
    from contextd.model import SessionKey
    from contextd.policy.policies import Policy
    from contextd.ports import Policies


@dataclass(frozen=True, slots=True)
class Maintain:
    """Index a session that may soon be searched, and fold it when that is due.

    It is asked for by a call that has just read or written the session, and works on what that
    call saw: the store is asked again only before something is written.

    Where a model writes summaries, *summarize* asks for one, to be done elsewhere: nothing
    here waits for a model.
    """

    sessions: HotSessions
    indexer: Indexer
    fold: FoldSession
    policies: Policies
    summarize: Callable[[SessionKey], None] | None = None

    async def __call__(self, key: SessionKey) -> None:
        """Do what is due for the session; a short one needs nothing."""
        policy = self.policies.of(key.tenant_id)
        rules = policy.rules
        view = await self.sessions.at_hand(self.sessions.get(key))
        if view.state.revision == 0:  # deleted since it asked; its empty place would stay
            self.sessions.forget(key)
            return
        if view.state.pressure >= rules.tiers.low_water or view.state.fold is not None:
            await self.indexer.catch_up(view, rules.retrieval)
            await self.indexer.keep(view)
        await index_evidence(view, self.indexer.embedder)
        await _heed(view, policy)
        await self.fold(key)
        if self.summarize is not None and wanting(view.state) is not None:
            self.summarize(key)


async def _heed(view: View, policy: Policy) -> None:
    """Read what binds in the turns after the newest fold, before a message asks for it."""
    state, heeded = view.state, view.under(policy).heeded
    fold = state.fold or state.prepared
    if fold is None:
        return
    turns = [turn for turn in state.turns[fold.through :] if not heeded.knows(turn)]
    await maybe_in_thread(len(turns) > FEW_TURNS, lambda: [heeded(turn) for turn in turns])
