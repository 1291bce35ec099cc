"""Keeps the index of whole stretches of turns in the store, and takes it from there.

A session that is loaded again is then not cut, tokenized and embedded again, but for its
newest turns.  Nothing waits for the keeping, and nothing is lost without it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.engine.remembering import Remembered
from contextd.errors import ContextdError
from contextd.policy.retrieval.packed_stretch import TURNS, method, read, write
from contextd.policy.retrieval.stretch import joined
from contextd.policy.rules import RetrievalRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.engine.sessions import View
    from contextd.model import Turn
    from contextd.policy.retrieval.stretch import Stretch
    from contextd.ports import Embedder, StretchStore, Tokenizer

log = logging.getLogger(__name__)

METHODS = 16
"""Encodings whose method is remembered: it takes a few milliseconds to tell."""


AT_ONCE = 8
"""Stretches that are appended before others get the event loop: some 2 ms."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept of indexes, and how turns are read for them."""

    store: StretchStore
    embedder: Embedder
    _methods: Remembered[str, str] = field(default_factory=lambda: Remembered(METHODS))

    async def keep(self, view: View) -> None:
        """Store the next whole stretch of *view*, if all of it is indexed by now.

        The store takes nothing that is of a session deleted meanwhile, here or elsewhere.
        """
        index, last = view.index, view.kept + TURNS
        if view.indexed < last:
            return
        named = await self._method(view.tokenizer, view.passage_words)
        if view.index is not index:
            return  # it is cut anew meanwhile, by other rules
        first = view.kept + 1
        state = view.state
        body = write(index.stretch(first, last), state.turns[first - 1 : last])
        try:
            await self.store.put_stretch(state.key, named, first, body, state.incarnation)
        except ContextdError as error:
            log.warning("an index cannot be stored: %s", error)
            return
        if view.index is index:
            view.kept = max(view.kept, last)

    async def take(self, view: View) -> None:
        """Give an index that is still empty what was stored for it; one read."""
        index = view.index
        if len(view.state.turns) < TURNS or len(index):
            return
        try:
            named = await self._method(view.tokenizer, view.passage_words)
            kept = await self.store.read_stretches(view.state.key, named)
        except ContextdError as error:
            log.warning("stored indexes cannot be read: %s", error)
            return
        found = await asyncio.to_thread(_readable, kept, view.state.turns)
        # Searches look at the index on the event loop, so that it must not grow in a thread.
        async with view.searching:
            for start in range(0, len(found), AT_ONCE):
                if view.index is not index:
                    return  # it is cut anew meanwhile, by other rules
                _adopt(view, found[start : start + AT_ONCE])
                await asyncio.sleep(0)

    async def _method(self, tokenizer: Tokenizer, passage_words: int) -> str:
        """Name all that an index follows from beside the turns; found out once, in a thread."""
        name = f"{tokenizer.name}:{self.embedder.model_id}:{passage_words}"
        known = self._methods.get(name)
        if known is None:
            rules = RetrievalRules(passage_words=passage_words)
            made = await asyncio.to_thread(method, rules, tokenizer.count, self.embedder.embed)
            known = f"{name}:{made}"
            self._methods.add(name, known)
        return known


def _readable(kept: Mapping[int, bytes], turns: Sequence[Turn]) -> list[Stretch]:
    """Return the stretches of *turns* from the first one on, up to what is missing or damaged."""
    found: list[Stretch] = []
    for first in range(1, len(turns) - TURNS + 2, TURNS):
        body = kept.get(first, b"")
        stretch = read(body, turns[first - 1 : first - 1 + TURNS])
        if stretch is None:
            break
        found.append(stretch)
    return found


def _adopt(view: View, stretches: Sequence[Stretch]) -> None:
    """Append the next *stretches* to the index of *view*."""
    whole = joined(stretches)
    sequences = whole.passages["sequence"].tolist()
    view.index.adopt(whole, [view.state.turns[sequence - 1] for sequence in sequences])
    view.indexed += TURNS * len(stretches)
    view.kept = view.indexed
