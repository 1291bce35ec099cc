"""Tells the kind of a message: by the rules, and by what it is like where that is known in time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.engine.remembering import Remembered
from contextd.model import Degradation, Relief
from contextd.policy.judgement.prototypes import Prototypes, sentences
from contextd.policy.judgement.routing import route
from contextd.policy.reading.utterance import hear
from contextd.policy.rules import TurnTypeTexts

if TYPE_CHECKING:
    from contextd.engine.meaning import Meaning
    from contextd.model import Routing
    from contextd.policy.judgement.prototypes import Like, Likeness
    from contextd.policy.policies import Policy
    from contextd.policy.state import SessionState
    from contextd.ports import Embedder

    Routed = tuple[Routing, tuple[Degradation, ...]]

PROFILES = 128
"""Policies whose prototypes are kept, some 200 KB each with a hundred own sentences."""

WAIT_SHARE, WAIT_SECONDS = 0.25, 0.5
"""How long a message waits for prototypes that are not made yet: of its time left, and at most."""

BUSY = Degradation("PRESSURE_RULES_ONLY", "the daemon is busy: the message was routed by rules")
LATE = Degradation("PROTOTYPES_LATE", "the policy's prototypes were not embedded in time")
COARSE = Degradation(
    "ROUTED_COARSELY", "the transformer did not say in time what the message is like"
)
_NONE = TurnTypeTexts()


class Router:
    """Routes messages; the prototypes of a policy become vectors once, in a thread."""

    def __init__(
        self, meaning: Meaning, embedder: Embedder, *, patience: float = WAIT_SECONDS
    ) -> None:
        """Let *embedder*, the static one of *meaning*, make the vectors of prototypes.

        A message waits *patience* seconds at most for prototypes that are not made yet.
        """
        self._patience = patience
        self.meaning = meaning
        self._embedder = embedder
        self._made = Remembered[tuple[str, str], Prototypes](PROFILES)
        self._making: dict[tuple[str, str], asyncio.Task[Prototypes]] = {}

    async def __call__(
        self,
        text: str,
        state: SessionState,
        policy: Policy,
        *,
        relief: Relief = Relief.NONE,
        left: float | None = None,
    ) -> Routed:
        """Return what kind *text* is, said next in the session, and what that lacks.

        *left* is the number of seconds the caller will still wait, None if that is open.
        """
        rules = policy.rules
        if not rules.routing.prototype_weight:
            return route(text, state, rules), ()
        if relief >= Relief.WORDS_ONLY:
            return route(text, state, rules), (BUSY,)
        known = await self.prototypes(policy, self._embedder, left)
        if known is None:
            return route(text, state, rules), (LATE,)

        def like(said: str) -> Likeness:
            return known.likeness(self.meaning.static_vector(said))

        if not rules.routing.transformer:
            return route(text, state, rules, like), ()
        finely = None if relief else await self._finely(text, policy, like, left)
        if finely is None:
            return route(text, state, rules, like), (COARSE,)
        return route(text, state, rules, finely), ()

    async def prototypes(
        self, policy: Policy, embedder: Embedder, left: float | None = None
    ) -> Prototypes | None:
        """Return the prototypes of *policy* by *embedder*, None when they are not made in time.

        Callers share one making, which goes on when nobody waits any more.
        """
        known = self._made.get(_key(policy, embedder))
        if known is not None:
            return known
        wait = self._patience if left is None else min(self._patience, left * WAIT_SHARE)
        done, _ = await asyncio.wait({self._begin(policy, embedder)}, timeout=wait)
        made = [task.result() for task in done if task.exception() is None]
        return made[0] if made else None

    async def prepare(self, policy: Policy) -> None:
        """Make the prototypes of *policy* for the calls to come, however long that takes."""
        await asyncio.wait({self._begin(policy, self._embedder)})

    def _begin(self, policy: Policy, embedder: Embedder) -> asyncio.Task[Prototypes]:
        key = _key(policy, embedder)
        if key not in self._making:
            own = policy.rules.routing.prototypes
            self._making[key] = asyncio.create_task(self._make(key, own, embedder))
        return self._making[key]

    async def _finely(
        self, text: str, policy: Policy, like: Like, left: float | None
    ) -> Like | None:
        """Return what says how like the message *text* is by the finer model, None if too late.

        How far it lies from what the product does, and what older turns are like, *like* says:
        the mark is one of static vectors.
        """
        finer = self.meaning.finer
        known = None if finer is None else await self.prototypes(policy, finer, left)
        if known is None:
            return None
        asked = hear(text).said
        vector = await self.meaning.fine_vector(asked, left)
        if vector is None:
            return None
        found = replace(known.likeness(vector), inside=like(asked).inside)
        return lambda said: found if said == asked else like(said)

    async def _make(
        self, key: tuple[str, str], own: TurnTypeTexts, embedder: Embedder
    ) -> Prototypes:
        try:
            known = sentences(own)
            texts = [each.text for each in known]
            made = Prototypes.of(known, await asyncio.to_thread(embedder.embed, texts))
            self._made.add(key, made)
            return made
        finally:
            del self._making[key]


def _key(policy: Policy, embedder: Embedder) -> tuple[str, str]:
    """Return what tells prototypes from others; policies without own ones share theirs."""
    own = policy.rules.routing.prototypes != _NONE
    return (policy.hash if own else "", embedder.model_id)
