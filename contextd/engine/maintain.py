"""What a session needs after it was written to: its index, and perhaps a fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.engine.recalling import index_evidence
from contextd.policy.retelling.asking import wanting

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.engine.fold import FoldSession
    from contextd.engine.indexing import Indexer
    from contextd.engine.sessions import HotSessions
    from contextd.model import SessionKey
    from contextd.ports import Policies


@dataclass(frozen=True, slots=True)
class Maintain:
    """Index a session that may soon be searched, and fold it when that is due.

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
        rules = self.policies.of(key.tenant_id).rules
        view = await self.sessions.refresh(self.sessions.get(key))
        if view.state.revision == 0:  # deleted since it asked; its empty place would stay
            self.sessions.forget(key)
            return
        if view.state.pressure >= rules.tiers.low_water or view.state.fold is not None:
            await self.indexer.catch_up(view, rules.retrieval)
            await self.indexer.keep(view, self.sessions.holds)
        await index_evidence(view, self.indexer.embedder)
        await self.fold(key)
        if self.summarize is not None and wanting(view.state) is not None:
            self.summarize(key)
