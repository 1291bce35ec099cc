"""Keeps the index of a session's passages up with its turns, in small pieces."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.engine.offload import LONG_TEXT
from contextd.policy.retrieval.passages import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from contextd.engine.keeping import Keeping
    from contextd.engine.refining import Refining
    from contextd.engine.sessions import View
    from contextd.model import Turn
    from contextd.policy.retrieval.index import PassageIndex
    from contextd.policy.retrieval.passages import Passage
    from contextd.policy.rules import RetrievalRules
    from contextd.ports import Embedder

PIECE = 32
"""Passages that are appended to the index before others get the event loop: some 3 ms."""

Prepared = tuple[list["Passage"], "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class Indexer:
    """Cuts new turns into passages, embeds them, and adds them to the index.

    `embedder` is the static one; `refining`, if there is a finer one, is told of what is new;
    `keeping`, if there is one, has what was indexed before the session was loaded.
    """

    embedder: Embedder
    refining: Refining | None = None
    keeping: Keeping | None = None

    async def catch_up(
        self, view: View, rules: RetrievalRules, seconds: float | None = None
    ) -> bool:
        """Index every turn of *view*; say whether that was done within *seconds*.

        Concurrent callers share one run; a caller that stops waiting does not stop it.  An
        index that was cut by other rules begins anew.
        """
        view.cut_to(rules.passage_words)
        if view.indexed >= len(view.state.turns):
            return True
        if view.indexing is None or view.indexing.done():
            view.indexing = asyncio.create_task(self._run(view, rules))
        done, _ = await asyncio.wait({view.indexing}, timeout=seconds)
        for task in done:
            task.result()
        return bool(done)

    async def keep(self, view: View) -> None:
        """Store what is indexed by now, if that is to be kept; for the background."""
        if self.keeping is not None:
            await self.keeping.keep(view)

    async def _run(self, view: View, rules: RetrievalRules) -> None:
        index = view.index
        if self.keeping is not None and not view.indexed:
            await self.keeping.take(view)
            if self.refining is not None and view.index is index:
                _note(view, 0, view.index.rows["sequence"].tolist())
        while view.index is index and view.indexed < len(view.state.turns):
            batch = _next_batch(view)
            if sum(len(turn.text) for turn in batch) < LONG_TEXT:
                passages, vectors = self._prepare(view, batch, rules)
            else:
                passages, vectors = await asyncio.to_thread(self._prepare, view, batch, rules)
            async with view.searching:
                if not await self._extend(view, index, passages, vectors):
                    return
                view.indexed = batch[-1].sequence
            await asyncio.sleep(0)
        if self.refining is not None:
            await self.refining.recall(view)
            self.refining.nudge(view.state.key)

    async def _extend(
        self,
        view: View,
        index: PassageIndex,
        passages: list[Passage],
        vectors: NDArray[np.float32],
    ) -> bool:
        """Append *passages* a few at a time: a turn of a megabyte has thousands of them.

        Says whether *index* is still the view's; another one began when the rules changed.
        """
        for start in range(0, len(passages), PIECE):
            if start:
                await asyncio.sleep(0)
            if view.index is not index:
                return False
            piece = passages[start : start + PIECE]
            if self.refining is not None:
                _note(view, len(index), [passage.turn.sequence for passage in piece])
            index.extend(piece, vectors[start : start + PIECE])
        return view.index is index

    def _prepare(self, view: View, batch: list[Turn], rules: RetrievalRules) -> Prepared:
        count = view.tokenizer.count
        passages = [passage for turn in batch for passage in cut(turn, rules=rules, count=count)]
        return passages, self.embedder.embed([passage.text for passage in passages])


def _note(view: View, first: int, sequences: Sequence[int]) -> None:
    """Remember that the passages from number *first* on, of these turns, have no fine vectors."""
    for number, sequence in enumerate(sequences, first):
        start, count = view.unrefined.get(sequence, (number, 0))
        view.unrefined[sequence] = (start, count + 1)


def _next_batch(view: View) -> list[Turn]:
    """Return the next turns, as many as stay short together, at least one."""
    batch: list[Turn] = []
    length = 0
    for turn in view.state.turns[view.indexed : view.indexed + 16]:
        length += len(turn.text)
        if batch and length > LONG_TEXT:
            break
        batch.append(turn)
    return batch
