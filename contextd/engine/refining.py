"""Gives passages the vectors of the finer model: in the background, a few at a time, once.

A passage is searchable by words and static vectors at once.  Its finer vector is read from
the store, if it was ever computed, and computed otherwise: in batches of what waits, shared
between the sessions, on one thread of its own.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from contextd.errors import ContextdError
from contextd.policy.retrieval.packed import pack, unpack
from contextd.policy.retrieval.passages import cut
from contextd.policy.rules import RetrievalRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from contextd.engine.meaning import FineModel
    from contextd.engine.sessions import HotSession, HotSessions, View
    from contextd.model import SessionKey, Turn
    from contextd.ports import Observer, VectorStore

log = logging.getLogger(__name__)

ROWS_A_STEP = 64
"""Turns whose stored vectors are taken over before the event loop has its turn."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A turn whose passages, cut to so many words, have no fine vectors yet."""

    hot: HotSession
    turn: Turn
    passage_words: int

    @property
    def rules(self) -> RetrievalRules:
        """What the turn is cut by."""
        return RetrievalRules(passage_words=self.passage_words)


class Refining:
    """Keeps the fine vectors of hot sessions up with their passages."""

    def __init__(
        self,
        model: FineModel,
        sessions: HotSessions,
        vectors: VectorStore,
        *,
        thread: Executor,
        observer: Observer,
        batch: int = 16,
    ) -> None:
        """Compute about *batch* passages at a time on *thread*."""
        self._model = model
        self._sessions = sessions
        self._vectors = vectors
        self._thread = thread
        self._observer = observer
        self._batch = batch
        self._waiting: dict[SessionKey, None] = {}
        self._wake = asyncio.Event()
        self._closing = False

    @property
    def waiting(self) -> int:
        """The sessions that wait."""
        return len(self._waiting)

    def nudge(self, key: SessionKey) -> None:
        """Ask for the vectors of a session's passages; returns at once."""
        if not self._model.failed:
            self._waiting[key] = None
            self._wake.set()

    async def run(self) -> None:
        """Work for whatever waits, until closed; begins when the model is loaded."""
        await self._model.ready.wait()
        while not self._closing:
            await self._wake.wait()
            while self._waiting and not self._closing:
                await self._round()
            self._wake.clear()

    def close(self) -> None:
        """Finish the batch under way; what waits is computed when it is needed again."""
        self._closing = True
        self._wake.set()
        self._model.ready.set()

    async def recall(self, view: View) -> None:
        """Take over the vectors that were stored for turns of *view*; one read, once."""
        embedder = self._model.embedder
        if view.recalled or embedder is None:
            return
        view.recalled = True
        try:
            kept = await self._vectors.read_vectors(view.state.key, embedder.model_id)
        except ContextdError as error:
            log.warning("stored vectors cannot be read: %s", error)
            return
        turns = [sequence for sequence in view.unrefined if sequence in kept]
        for start in range(0, len(turns), ROWS_A_STEP):
            _take_over(view, turns[start : start + ROWS_A_STEP], kept, embedder.dimensions)
            await asyncio.sleep(0)
        self._observer.count("refined_turns", len(turns), source="store")

    async def _round(self) -> None:
        """Embed one batch and store it; a turn that fails keeps its static vectors."""
        pieces = await self._next_pieces()
        if not pieces:
            return
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._thread, self._embed, pieces)
        except Exception:
            # A model that fails on one text must not end the refining of all others.
            log.exception("passages could not be embedded")
            self._observer.count("refined_turns", len(pieces), source="failed")
            found = []
        await self._keep(pieces, found)

    async def _next_pieces(self) -> list[Piece]:
        """Return the next turns, about a batch of passages, as many of each session."""
        pieces: list[Piece] = []
        keys = tuple(islice(self._waiting, self._batch))
        for key in keys:
            self._waiting.pop(key, None)
            hot = self._sessions.peek(key)
            if hot is None:
                continue
            for view in tuple(hot.views.values()):
                await self.recall(view)
            taken, more = _take(hot, self._batch // len(keys))
            pieces += taken
            if more:
                self._waiting[key] = None
        return pieces

    def _embed(self, pieces: Sequence[Piece]) -> list[NDArray[np.float32]]:
        """Cut the turns again and embed their passages, in the thread."""
        embedder = self._model.embedder
        found: list[NDArray[np.float32]] = []
        for piece in pieces:
            passages = cut(piece.turn, rules=piece.rules, count=_uncounted)
            texts = [passage.text for passage in passages]
            rows = []
            for start in range(0, len(texts), self._batch):
                if self._closing or embedder is None:
                    return found
                rows.append(embedder.embed(texts[start : start + self._batch]))
            found.append(np.concatenate(rows))
        return found

    async def _keep(self, pieces: Sequence[Piece], found: Sequence[NDArray[np.float32]]) -> None:
        """Put the vectors into the indexes, then into the store."""
        rows: dict[SessionKey, dict[int, bytes]] = {}
        of: dict[SessionKey, str] = {}
        for number, piece in enumerate(pieces):
            vectors = found[number] if number < len(found) else None
            view, prints = _give(piece, vectors)
            if vectors is None or prints is None or view is None:
                continue
            # A session that was deleted meanwhile must leave nothing behind.
            if self._sessions.peek(piece.hot.key) is piece.hot:
                rows.setdefault(piece.hot.key, {})[piece.turn.sequence] = pack(vectors, prints)
                of[piece.hot.key] = view.state.incarnation
        self._observer.count("refined_turns", sum(map(len, rows.values())), source="model")
        for key, kept in rows.items():
            self._sessions.account(key)
            try:
                await self._vectors.put_vectors(key, self._space, kept, of[key])
            except ContextdError as error:
                log.warning("vectors cannot be stored: %s", error)

    @property
    def _space(self) -> str:
        return self._model.embedder.model_id if self._model.embedder is not None else ""


def _take(hot: HotSession, passages: int) -> tuple[list[Piece], bool]:
    """Return turns of *hot* with about *passages* passages, and whether there are more."""
    for view in hot.views.values():
        taken: list[Piece] = []
        filled = 0
        for sequence, (_, count) in view.unrefined.items():
            if taken and filled + count > passages:
                return taken, True
            taken.append(Piece(hot, view.state.turns[sequence - 1], view.passage_words))
            filled += count
        if taken:
            return taken, len(hot.views) > 1
    return [], False


def _give(
    piece: Piece, vectors: NDArray[np.float32] | None
) -> tuple[View | None, NDArray[np.uint64] | None]:
    """Put *vectors* into every view of the session; return one, and the prints of its passages.

    None when there are no vectors, or no passages that they fit.
    """
    prints = found = None
    for view in piece.hot.views.values():
        if view.passage_words != piece.passage_words:
            continue  # cut anew since, by other rules; it waits for vectors of its own
        if not _says(view, piece.turn):
            continue  # another session by now, under the same key
        first, count = view.unrefined.pop(piece.turn.sequence, (0, 0))
        if vectors is not None and count == len(vectors):
            view.index.set_fine(first, vectors)
            found, prints = view, view.index.rows["print"][first : first + count]
    return found, prints


def _says(view: View, turn: Turn) -> bool:
    turns = view.state.turns[turn.sequence - 1 : turn.sequence]
    return any(each.text == turn.text for each in turns)


def _take_over(view: View, turns: Sequence[int], kept: Mapping[int, bytes], width: int) -> None:
    """Put stored vectors into the index, as many at once as lie side by side."""
    prints = view.index.rows["print"]
    run: list[NDArray[np.float32]] = []
    start = end = 0
    for sequence in turns:
        first, count = view.unrefined.get(sequence, (0, 0))
        vectors = unpack(kept[sequence], prints[first : first + count], width)
        if vectors is None:
            continue
        del view.unrefined[sequence]
        if run and first != end:
            view.index.set_fine(start, np.concatenate(run))
            run = []
        start = start if run else first
        end = first + count
        run.append(vectors)
    if run:
        view.index.set_fine(start, np.concatenate(run))


def _uncounted(_: str) -> int:
    return 0
