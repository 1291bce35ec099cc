"""Folding: prepare the compressed forms of old turns before they are needed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from contextd.errors import RevisionConflict
from contextd.events import Folded
from contextd.model import Tier
from contextd.policy.folding import extract, fault, plan
from contextd.policy.prompt.blocks import folded_limits
from contextd.policy.prompt.budget import standing
from contextd.ports import Commit

if TYPE_CHECKING:
    from contextd.engine.sessions import HotSession, HotSessions, View
    from contextd.engine.writing import Writer
    from contextd.model import Budget, Fold, SessionKey
    from contextd.policy.facts.summary import Embed
    from contextd.policy.policies import Policy
    from contextd.ports import Clock, Observer, Policies

    Standing = tuple[tuple[str, int], Fold | None, Fold | None]


@dataclass(frozen=True, slots=True)
class FoldSession:
    """Fold a session's oldest turns when pressure says so.  Runs in the background."""

    sessions: HotSessions
    writer: Writer
    clock: Clock
    observer: Observer
    policies: Policies
    default_budget: Budget
    embed: Embed | None = None

    async def __call__(self, key: SessionKey) -> Fold | None:
        """Publish the fold that is due, if one is; return it.

        It is decided on what this process saw last.  Publication is a compare-and-set: if
        another writer folded meanwhile, this fold is dropped and nothing has changed.
        """
        hot, policy = self.sessions.get(key), self.policies.of(key.tenant_id)
        view = await self.sessions.at_hand(hot)
        await self._choose(hot, view, policy)
        through = self._due(hot, view, policy)
        if through is None:
            return None
        before = _standing(view)
        asked = hot.budget is not None
        fold = await asyncio.to_thread(self._made, view, through, policy, asked=asked)
        wrong = fault(fold, view.state)
        if wrong:
            self.observer.count("folds", outcome="rejected")
            return None
        await self._choose(hot, view, policy, fold)
        async with hot.writing:
            return await self._publish(hot, fold, before)

    def _made(self, view: View, through: int, policy: Policy, *, asked: bool) -> Fold:
        """Make the fold; where contexts are *asked* for, the next one finds its facts ranked."""
        fold = extract(
            view.state,
            through,
            rules=policy.rules,
            meter=view.tokenizer,
            embed=self.embed,
            again=view.carried,
        )
        view.carried.keep(fold.facts)
        if asked:
            view.ranked(view.under(policy), fold.facts)
        return fold

    async def _choose(self, hot: HotSession, view: View, policy: Policy, *made: Fold) -> None:
        """Choose in a thread what prompts tell of folds in `KEY_FACTS`, before that mark.

        Most sessions never come near it.
        """
        state, tiers, memory = view.state, policy.rules.tiers, view.under(policy)
        near = state.pressure >= tiers.key_facts - tiers.prepare_margin
        if state.tier < Tier.KEY_FACTS and not near:
            return
        limit = folded_limits(self._budget(hot, view).input_tokens, policy.rules.fold).facts
        for fold in (state.fold, state.prepared, *made):
            if fold is not None and not memory.choices.known(fold.facts):
                await asyncio.to_thread(view.choose, memory, fold.facts, limit)

    def _budget(self, hot: HotSession, view: View) -> Budget:
        return hot.stated(view.state)[0] or self.default_budget

    def _due(self, hot: HotSession, view: View, policy: Policy) -> int | None:
        budget, memory = self._budget(hot, view), view.under(policy)
        _, framing = hot.stated(view.state)
        stands = standing(
            view.state,
            system_tokens=framing.system,
            message_tokens=0,
            input_budget=budget.input_tokens,
            meter=view.tokenizer,
            rules=policy.rules,
            choose=partial(view.choose, memory),
            remember=memory.told,
            account_tokens=framing.account,
        )
        return plan(view.state, stands, input_budget=budget.input_tokens, rules=policy.rules)

    async def _publish(self, hot: HotSession, fold: Fold, before: Standing) -> Fold | None:
        """Append the fold unless another one or a deletion came first; new turns do no harm."""
        view = await self.sessions.refresh(hot)
        if _standing(view) != before:
            self.observer.count("folds", outcome="stale")
            return None
        which = view.state.incarnation
        commit = Commit((Folded(self.clock(), fold),), view.state.revision, incarnation=which)
        try:
            await self.writer.write(view, commit)
        except RevisionConflict as conflict:
            hot.conflicted(conflict)
            self.observer.count("folds", outcome="stale")
            return None
        self.observer.count("folds", outcome="published")
        return fold


def _standing(view: View) -> Standing:
    """Return what a fold is made on: which session it is, and its folds so far."""
    return view.state.which, view.state.fold, view.state.prepared
