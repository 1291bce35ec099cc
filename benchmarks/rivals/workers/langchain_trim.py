"""LangChain's `trim_messages`: the newest messages that fit, beginning with a human's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import trim_messages
from workers.langchain_messages import count, items, message_of
from workers.line import serve

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage


class Trimming:
    """A list of messages."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._messages: list[BaseMessage] = []

    def add(self, turn: dict[str, Any]) -> None:
        """Append."""
        self._messages.append(message_of(turn))

    def get(self, _query: str) -> list[dict[str, Any]]:
        """Trim."""
        kept = trim_messages(
            self._messages,
            max_tokens=self._budget,
            token_counter=count,
            strategy="last",
            start_on="human",
        )
        return items(kept)


if __name__ == "__main__":
    serve(Trimming)
