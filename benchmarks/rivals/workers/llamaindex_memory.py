"""LlamaIndex' `Memory` with a `VectorMemoryBlock`: the newest messages, older ones searched.

`--tuned` flushes early, searches with the newest messages only, and gives the search nine tenths
of the room; without it everything is as the library has it, but for the token limit.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.memory import Memory, VectorMemoryBlock
from llama_index.core.vector_stores import SimpleVectorStore
from pydantic import PrivateAttr
from workers.embedding import vector
from workers.line import encoding, serve

if TYPE_CHECKING:
    from llama_index.core.schema import BaseNode
    from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryResult

TUNED = {"flush": 60, "top_k": 13, "window": 2, "ratio": 0.1}
DEFAULT = {"flush": 3_000, "top_k": 2, "window": 5, "ratio": 0.7}
MARK = re.compile(r"⟦(\S+?)⟧ ")
"""A turn's id stands before its text while the library has it, and is taken out again after."""


class Static(BaseEmbedding):
    """contextd's static embedder."""

    def _get_query_embedding(self, query: str) -> list[float]:
        return vector(MARK.sub("", query))

    def _get_text_embedding(self, text: str) -> list[float]:
        return vector(MARK.sub("", text))

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


class Kept(SimpleVectorStore):
    """The library's store in memory, which keeps no texts, with the texts: a block needs them."""

    stores_text: bool = True
    _nodes: dict[str, BaseNode] = PrivateAttr(default_factory=dict)

    def add(self, nodes: list[BaseNode], **rest: object) -> list[str]:
        """Keep the nodes beside their vectors."""
        self._nodes |= {node.node_id: node for node in nodes}
        return super().add(nodes, **rest)

    def query(self, query: VectorStoreQuery, **rest: object) -> VectorStoreQueryResult:
        """Return the nodes with what was found."""
        found = super().query(query, **rest)
        found.nodes = [self._nodes[each] for each in found.ids or []]
        return found


class Remembering:
    """A memory of one conversation."""

    def __init__(self, budget: int) -> None:
        chosen = TUNED if "--tuned" in sys.argv else DEFAULT
        self._block = VectorMemoryBlock(
            vector_store=Kept(),
            embed_model=Static(),
            similarity_top_k=chosen["top_k"],
            retrieval_context_window=chosen["window"],
        )
        self._memory = Memory.from_defaults(
            token_limit=budget,
            memory_blocks=[self._block],
            tokenizer_fn=lambda text: encoding().encode_ordinary(MARK.sub("", text)),
            chat_history_token_ratio=chosen["ratio"],
            token_flush_size=chosen["flush"],
        )

    async def add(self, turn: dict[str, Any]) -> None:
        """Put a message; what is too much is flushed into the block."""
        text = f"⟦{turn['turn_id']}⟧ {turn['text']}"
        calls = [{"id": call["id"], "name": call["name"]} for call in turn["calls"]]
        # What is given here is stored as text, so that nothing is where there is nothing.
        extra: dict[str, Any] = {"calls": calls} if calls else {}
        extra |= {"answers": turn["answers"]} if turn["answers"] else {}
        await self._memory.aput(
            ChatMessage(role=turn["role"], content=text, additional_kwargs=extra)
        )

    async def get(self, query: str) -> list[dict[str, Any]]:
        """Return history and block, for a question that is asked and then taken back."""
        found = await self._memory.aget(input=query)  # blocks see no ChatMessage given here
        return [_item(each) for each in found]


def _item(message: ChatMessage) -> dict[str, Any]:
    text = message.content or ""
    extra = message.additional_kwargs
    return {
        "turn_ids": MARK.findall(text),
        "role": str(message.role.value),
        "text": MARK.sub("", text),
        "calls": [call["id"] for call in extra.get("calls", ())],
        "answers": extra.get("answers", ""),
    }


if __name__ == "__main__":
    serve(Remembering)
