"""What every worker has in common: it is asked in lines of JSON, and answers in lines of JSON.

    {"op": "open", "budget": 2048}                   →  {"ok": true}
    {"op": "add", "turn": {…}}                       →  {"seconds": 0.001}
    {"op": "get", "query": "…"}                      →  {"seconds": 0.002, "items": […]}

A turn has `turn_id`, `role` (user, assistant, tool, system), `text`, `calls` ([{id, name,
arguments}]) and `answers` (the id of the call whose result it is, or "").  An item is what the
model would be sent: `turn_ids` that it holds, `role`, `text`, `calls` (ids), `answers`.  The time
is that of the library's own work; neither the line nor the process in between is counted.

A worker runs in its library's environment: beside that it may import the standard library,
tiktoken, numpy and what contextd's static embedder needs.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import tiktoken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Items = list[dict[str, Any]]

MESSAGE_OVERHEAD = 4
"""Tokens around a message, as contextd charges them."""


class Memory(Protocol):
    """A library's memory of one conversation; both methods may be coroutines."""

    def add(self, turn: dict[str, Any]) -> Awaitable[None] | None:
        """Take in what was said."""

    def get(self, query: str) -> Awaitable[Items] | Items:
        """Return the items to send for *query*, said now; the question is none of them."""


@lru_cache(maxsize=1)
def encoding() -> tiktoken.Encoding:
    """Return o200k_base from the rank file that TIKTOKEN_CACHE_DIR holds."""
    return tiktoken.get_encoding("o200k_base")


@lru_cache(maxsize=262_144)
def tokens(text: str) -> int:
    """Return the tokens of *text*, remembered: no library pays for counting twice."""
    return len(encoding().encode_ordinary(text))


def cost(turn: dict[str, Any]) -> int:
    """Return what a turn or item costs as a message of its own."""
    called = sum(tokens(call["name"]) + tokens(call["arguments"]) for call in turn["calls"])
    return tokens(turn["text"]) + called + MESSAGE_OVERHEAD


def item(turn: dict[str, Any]) -> dict[str, Any]:
    """Return a whole turn as an item."""
    return {
        "turn_ids": [turn["turn_id"]],
        "role": turn["role"],
        "text": turn["text"],
        "calls": [call["id"] for call in turn["calls"]],
        "answers": turn["answers"],
    }


def packed(turns: list[dict[str, Any]], budget: int) -> list[dict[str, Any]]:
    """Return the first of *turns*, best first, that fit in *budget*; others are passed over."""
    left, kept = budget, []
    for turn in turns:
        price = cost(turn)
        if price <= left:
            kept.append(item(turn))
            left -= price
    return kept


def serve(make: Callable[[int], Memory]) -> None:
    """Answer until the other side hangs up; *make* opens a memory with a budget in tokens."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    memory: Memory | None = None
    with asyncio.Runner() as runner:
        encoding()
        for line in sys.stdin:
            asked = json.loads(line)
            if asked["op"] == "open":
                memory = make(asked["budget"])
                said: dict[str, Any] = {"ok": True}
            elif memory is None:
                said = {"error": "no conversation is open"}
            else:
                said = _timed(runner, memory, asked)
            answers.write(json.dumps(said) + "\n")
            answers.flush()


def _timed(runner: asyncio.Runner, memory: Memory, asked: dict[str, Any]) -> dict[str, Any]:
    async def work() -> dict[str, Any]:
        began = time.perf_counter()
        adding = asked["op"] == "add"
        result: Any = memory.add(asked["turn"]) if adding else memory.get(asked["query"])
        if inspect.isawaitable(result):
            result = await result
        seconds = time.perf_counter() - began
        return {"seconds": seconds} if adding else {"seconds": seconds, "items": result}

    return runner.run(work())
