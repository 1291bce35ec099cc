"""Agent Framework's compaction: whole groups, a call with its results, the oldest go first."""

from __future__ import annotations

from typing import Any

from agent_framework import (
    Content,
    Message,
    TokenBudgetComposedStrategy,
    ToolResultCompactionStrategy,
    apply_compaction,
)
from workers.line import serve, tokens


class Counter:
    """o200k_base, as the framework asks for it."""

    def count_tokens(self, text: str) -> int:
        """Return the tokens of *text*."""
        return tokens(text)


def message_of(turn: dict[str, Any]) -> Message:
    """Return *turn* as a message of its role."""
    contents: list[Any] = [Content.from_text(turn["text"])] if turn["text"] else []
    if turn["role"] == "tool" and turn["answers"]:
        contents = [Content.from_function_result(call_id=turn["answers"], result=turn["text"])]
    contents += [
        Content.from_function_call(
            call_id=each["id"], name=each["name"], arguments=each["arguments"]
        )
        for each in turn["calls"]
    ]
    return Message(role=turn["role"], contents=contents, message_id=turn["turn_id"])


class Compacting:
    """A list of messages, compacted when the model is to be called."""

    def __init__(self, budget: int) -> None:
        self._messages: list[Message] = []
        self._turns: dict[str, dict[str, Any]] = {}
        self._counter = Counter()
        self._strategy = TokenBudgetComposedStrategy(
            token_budget=budget,
            tokenizer=self._counter,
            strategies=[ToolResultCompactionStrategy(keep_last_tool_call_groups=2)],
        )

    def add(self, turn: dict[str, Any]) -> None:
        """Append."""
        self._turns[turn["turn_id"]] = turn
        self._messages.append(message_of(turn))

    async def get(self, _query: str) -> list[dict[str, Any]]:
        """Compact, and return what is left."""
        kept = await apply_compaction(
            self._messages, strategy=self._strategy, tokenizer=self._counter
        )
        return [_item(each) for each in kept]


def _item(message: Message) -> dict[str, Any]:
    results = [each for each in message.contents if each.type == "function_result"]
    calls = [each.call_id for each in message.contents if each.type == "function_call"]
    texts = [message.text, *(str(each.result) for each in results)]
    return {
        "turn_ids": [message.message_id or ""],
        "role": str(message.role),
        "text": "\n".join(filter(None, texts)),
        "calls": calls,
        "answers": results[0].call_id if results else "",
    }


if __name__ == "__main__":
    serve(Compacting)
