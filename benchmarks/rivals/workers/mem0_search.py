"""mem0 without a language model (`infer=False`): every turn is kept, the best are searched.

Vectors lie in its local Qdrant, made by contextd's static embedder, and beside them the BM25 of
fastembed, with stop words of ours: its own would be downloaded.  What it finds is packed, best
first, into the budget, and sent in the order of the conversation; that loop is ours.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ |= {"MEM0_TELEMETRY": "False", "OPENAI_API_KEY": "none", "HF_HUB_OFFLINE": "1"}
os.environ["MEM0_DIR"] = tempfile.mkdtemp(prefix="rival-")

import fastembed
from mem0 import Memory
from workers.embedding import embedder, vector
from workers.line import packed, serve

from benchmarks.quality.words import STOP_WORDS

FOUND = 100
WHO = {"user_id": "rival"}


class Bm25(fastembed.SparseTextEmbedding):
    """fastembed's BM25, which finds its list of stop words here."""

    def __init__(self, model_name: str) -> None:
        place = Path(os.environ["MEM0_DIR"]) / "bm25"
        place.mkdir(exist_ok=True)
        (place / "english.txt").write_text("\n".join(sorted(STOP_WORDS)), encoding="utf-8")
        super().__init__(model_name, specific_model_path=str(place))


fastembed.SparseTextEmbedding = Bm25


class Embedding:
    """contextd's static embedder, as mem0 asks for it."""

    def __init__(self) -> None:
        self.config = SimpleNamespace(embedding_dims=embedder().dimensions, model="static")

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:  # noqa: ARG002
        """Return the vector of *text*."""
        return vector(text)

    def embed_batch(self, texts: list[str], memory_action: str | None = None) -> list[list[float]]:  # noqa: ARG002
        """Return the vectors of *texts*."""
        return [vector(text) for text in texts]


class Searching:
    """A memory on disk."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._folder = tempfile.TemporaryDirectory(prefix="rival-")
        place = self._folder.name
        store = {"path": f"{place}/qdrant", "embedding_model_dims": embedder().dimensions}
        self._memory = Memory.from_config(
            {
                "vector_store": {"provider": "qdrant", "config": {**store, "on_disk": True}},
                "history_db_path": f"{place}/history.db",
            }
        )
        self._memory.embedding_model = Embedding()
        self._order: dict[str, int] = {}
        self._turns: dict[str, dict[str, Any]] = {}

    def add(self, turn: dict[str, Any]) -> None:
        """Keep the turn as it is."""
        self._order[turn["turn_id"]] = len(self._order)
        self._turns[turn["turn_id"]] = turn
        role = turn["role"] if turn["role"] in {"user", "assistant"} else "user"
        text = turn["text"] or " ".join(call["name"] for call in turn["calls"]) or "-"
        said = [{"role": role, "content": text}]
        self._memory.add(said, infer=False, metadata={"turn_id": turn["turn_id"]}, **WHO)

    def get(self, query: str) -> list[dict[str, Any]]:
        """Search, and pack."""
        found = self._memory.search(query, filters=WHO, top_k=FOUND, threshold=0.0)["results"]
        ids = dict.fromkeys(each["metadata"]["turn_id"] for each in found)
        kept = packed([self._turns[each] for each in ids], self._budget)
        return sorted(kept, key=lambda each: self._order[each["turn_ids"][0]])


if __name__ == "__main__":
    serve(Searching)
