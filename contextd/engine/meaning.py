"""What a query means to each model: the static one always, the finer one if it is in time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

from contextd.engine.remembering import Remembered
from contextd.model import Degradation, Relief, Rung
from contextd.policy.retrieval.likeness import QueryVectors

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    from numpy.typing import NDArray

    from contextd.engine.sessions import View
    from contextd.ports import Embedder, Observer

KNOWN_QUERIES = 1_024
"""Query vectors kept, the least recently used first to go: 1.5 KB each."""

COARSE_TEXTS = 64
"""Static vectors kept: those of the calls under way."""

KEY_CHARACTERS = 32_768
"""Characters by which a query is known again; no model reads further."""

WAITING_QUERIES = 8
"""Queries that may wait for the model; one more would come too late anyway."""


class FineModel:
    """The finer model, which is loaded while the daemon serves already."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        """Have *embedder*, or wait for `loaded`."""
        self.embedder = embedder
        self.failed = False
        self.ready = asyncio.Event()
        if embedder is not None:
            self.ready.set()

    def loaded(self, embedder: Embedder) -> None:
        """Use *embedder* from now on."""
        self.embedder = embedder
        self.ready.set()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a query waits for the finer model.

    At most `seconds`, and at most this `share` of the time that the caller has left.
    """

    share: float = 0.25
    seconds: float = 0.025


@dataclass(frozen=True, slots=True)
class Meant:
    """A query's vectors, the rung they stand on, and what that lacks."""

    vectors: QueryVectors
    rung: Rung
    degradations: tuple[Degradation, ...] = ()


class Meaning:
    """The ladder: static and words always, the finer model in its share of the deadline."""

    def __init__(
        self,
        static: Embedder,
        fine: FineModel | None,
        thread: Executor,
        *,
        patience: Patience,
        observer: Observer,
    ) -> None:
        """Ask *fine*, if there is one, on *thread*, which should do nothing else."""
        self._static = static
        self._fine = fine
        self._thread = thread
        self._patience = patience
        self._observer = observer
        self._known: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._coarse: Remembered[bytes, NDArray[np.float32]] = Remembered(COARSE_TEXTS)
        self._asked: dict[bytes, asyncio.Future[NDArray[np.float32]]] = {}

    def static_vector(self, text: str) -> NDArray[np.float32]:
        """Return the static vector of *text*; all zeros when the model knows no word of it.

        One call asks for the same text more than once: to route it, and to search by it.
        """
        return self._coarse.of(_key(text), lambda: self._static.embed([text])[0])

    @property
    def finer(self) -> Embedder | None:
        """The finer model; None where there is none, or it is not loaded yet."""
        return self._fine.embedder if self._fine is not None else None

    async def fine_vector(self, text: str, left: float | None) -> NDArray[np.float32] | None:
        """Return what the finer model makes of *text*, None when that is not in time.

        *left* is the number of seconds the caller will still wait, None if that is open.
        """
        return None if self.finer is None else await self._fine_vector(text, left)

    def begin(self, query: str, view: View) -> None:
        """Let the finer model start on *query*, where its answer will be of use."""
        if view.index.fine.dimensions:
            self._ask(query)

    async def of(self, query: str, view: View, *, before: int, left: float | None) -> Meant:
        """Return the vectors of *query* for a search of the turns before *before*.

        *left* is the number of seconds the caller will still wait, None if that is open.
        """
        static = _known(self.static_vector(query))
        if self._fine is None:
            return self._meant(QueryVectors(static), ())
        lacks = self._lacks(view, before)
        fine = None
        if view.index.fine.dimensions and self._fine.embedder is not None:
            fine = await self._fine_vector(query, left)
            if fine is None:
                lacks = (Degradation("TRANSFORMER_LATE", "the query's vector was not in time"),)
        return self._meant(QueryVectors(static, None if fine is None else _known(fine)), lacks)

    def spared(self, query: str, relief: Relief) -> Meant:
        """Return what is had of *query* without the models that *relief* spares."""
        if relief >= Relief.WORDS_ONLY:
            lack = Degradation("PRESSURE_WORDS_ONLY", "the daemon is busy: no model was asked")
            self._observer.count("retrievals", rung=Rung.LEXICAL.value)
            return Meant(QueryVectors(None), Rung.LEXICAL, (lack,))
        static = _known(self.static_vector(query))
        if self._fine is None:
            return self._meant(QueryVectors(static), ())
        busy = "the daemon is busy: the transformer was not asked"
        return self._meant(QueryVectors(static), (Degradation("PRESSURE_STATIC_ONLY", busy),))

    def _lacks(self, view: View, before: int) -> tuple[Degradation, ...]:
        """Say what keeps the passages before *before* from being compared finely."""
        if self._fine is not None and self._fine.embedder is None:
            if self._fine.failed:
                return (Degradation("TRANSFORMER_UNAVAILABLE", "the model could not be loaded"),)
            return (Degradation("TRANSFORMER_LOADING", "the model is being loaded"),)
        behind = sum(sequence < before for sequence in view.unrefined)
        if not behind:
            return ()
        detail = f"{behind} turns have no transformer vectors yet"
        return (Degradation("TRANSFORMER_BEHIND", detail),)

    def _meant(self, vectors: QueryVectors, lacks: tuple[Degradation, ...]) -> Meant:
        rung = Rung.TRANSFORMER
        if vectors.fine is None:
            rung = Rung.STATIC
            if vectors.static is None:
                rung = Rung.LEXICAL
                lacks += (Degradation("LEXICAL_ONLY", "no model knows a word of the query"),)
        self._observer.count("retrievals", rung=rung.value)
        return Meant(vectors, rung, lacks)

    async def _fine_vector(self, query: str, left: float | None) -> NDArray[np.float32] | None:
        """Wait for the finer model as long as patience lasts."""
        known = self._known.get(_key(query))
        if known is not None:
            self._known.move_to_end(_key(query))
            self._observer.count("query_vectors", outcome="cached")
            return known
        asked = self._ask(query)
        if asked is None:
            self._observer.count("query_vectors", outcome="refused")
            return None
        share = self._patience.seconds if left is None else left * self._patience.share
        done, _ = await asyncio.wait({asked}, timeout=min(share, self._patience.seconds))
        if not done or asked.exception() is not None:
            self._observer.count("query_vectors", outcome="failed" if done else "late")
            return None
        self._observer.count("query_vectors", outcome="computed")
        return asked.result()

    def _ask(self, query: str) -> asyncio.Future[NDArray[np.float32]] | None:
        """Let the model compute the vector, unless too much is waiting for it already."""
        key = _key(query)
        asked = self._asked.get(key)
        if asked is not None or key in self._known or len(self._asked) >= WAITING_QUERIES:
            return asked
        embedder = self._fine.embedder if self._fine is not None else None
        if embedder is None:
            return None
        asked = asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: embedder.embed([query])[0]
        )
        self._asked[key] = asked
        asked.add_done_callback(partial(self._keep, key))
        return asked

    def _keep(self, key: bytes, done: asyncio.Future[NDArray[np.float32]]) -> None:
        """Remember the vector, also when nobody waits for it any more."""
        del self._asked[key]
        if done.cancelled() or done.exception() is not None:
            return
        self._known[key] = done.result()
        if len(self._known) > KNOWN_QUERIES:
            self._known.popitem(last=False)


def _key(query: str) -> bytes:
    """Return what stands for *query* in the cache, short however long it is."""
    said = query[:KEY_CHARACTERS].encode("utf-8", "surrogatepass")
    return blake2b(said, digest_size=16).digest()


def _known(vector: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return *vector* unless it is all zeros: the model knew no token."""
    return vector if vector.any() else None
