"""Finds the evidence of earlier turns that bears on a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.engine.offload import LONG_TEXT, maybe_in_thread
from contextd.policy.retrieval.evidence import recall, text_of
from contextd.policy.retrieval.search import query_text

if TYPE_CHECKING:
    from contextd.engine.sessions import View
    from contextd.model import Recalled
    from contextd.policy.rules import EvidenceRules
    from contextd.ports import Embedder


async def index_evidence(view: View, embedder: Embedder) -> None:
    """Embed the evidence of *view* that is new since the last time, long texts off the loop."""
    lacking = view.evidence.lacking(view.state.evidence)
    if not lacking:
        return
    texts = [text_of(item) for item in lacking]
    long = sum(map(len, texts)) >= LONG_TEXT
    vectors = await maybe_in_thread(long, lambda: embedder.embed(texts))
    view.evidence.put(lacking, vectors)


async def recalled(
    view: View, message: str, embedder: Embedder, rules: EvidenceRules
) -> tuple[Recalled, ...]:
    """Return the evidence of earlier turns that bears on *message*, best first."""
    if not rules.reused or not view.state.evidence:
        return ()
    await index_evidence(view, embedder)
    query = query_text(message, view.state)
    vector = embedder.embed([query])[0]
    worth = view.evidence.relevance(query, vector, rules)
    return recall(worth, view.state.evidence, view.state.brought_by, rules)
