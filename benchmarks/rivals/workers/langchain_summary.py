"""LangChain's `SummarizationMiddleware`: old messages become a summary when there are too many.

The model that would write it is a stand-in: it takes the first sentence of every message it is
given, newest last, up to SUMMARY_TOKENS.  It summarizes at four fifths of the budget, and keeps
the newest half of the budget as it is; the middleware is run before every answer of the model.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda
from workers.langchain_messages import count, items, message_of
from workers.line import serve, tokens

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

SUMMARY_TOKENS = 300
TRIGGER, KEEP = 0.8, 0.5
SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]?")


def summarized(messages: list[BaseMessage]) -> str:
    """Return first sentences, as many of the newest as fit, in order."""
    kept: list[str] = []
    left = SUMMARY_TOKENS
    for message in reversed(messages):
        found = SENTENCE.search(str(message.content))
        sentence = found.group().strip() if found else ""
        left -= tokens(sentence) + 1
        if left < 0:
            break
        kept.append(sentence)
    return "\n".join(reversed(kept)) or "Nothing yet."


class Summarizing:
    """The state of an agent, of which the middleware takes care."""

    def __init__(self, budget: int) -> None:
        self._messages: list[BaseMessage] = []
        self._middleware = SummarizationMiddleware(
            FakeListChatModel(responses=[""]),
            trigger=("tokens", int(budget * TRIGGER)),
            keep=("tokens", int(budget * KEEP)),
            token_counter=count,
            trim_tokens_to_summarize=None,
            summarizer=RunnableLambda(summarized),
        )

    def add(self, turn: dict[str, Any]) -> None:
        """Append; before the model answers a user, the middleware has its turn."""
        self._messages.append(message_of(turn))
        if turn["role"] != "assistant":
            self._compact()

    def get(self, _query: str) -> list[dict[str, Any]]:
        """Return the state as the model would be sent it."""
        self._compact()
        return items(self._messages)

    def _compact(self) -> None:
        state: Any = {"messages": self._messages}
        runtime: Any = None
        changed = self._middleware.before_model(state, runtime)
        if changed:
            self._messages = changed["messages"][1:]  # the first one removes all others


if __name__ == "__main__":
    serve(Summarizing)
