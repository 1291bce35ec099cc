"""Tokens, counted beside the daemon: o200k_base, as the daemon does by default."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from contextd.tokenizers.openai import O200K, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.tokenizers.openai import BytePairTokenizer

MESSAGE_OVERHEAD = 4
"""Tokens around a message, as the daemon charges them by default (`policy.cost.message`)."""


@lru_cache(maxsize=1)
def tokenizer() -> BytePairTokenizer:
    """Return the encoding, loaded once a process."""
    return load(O200K)


@lru_cache(maxsize=131_072)
def tokens(text: str) -> int:
    """Return the tokens of *text*."""
    return tokenizer().count(text)


def cost(turn: Mapping[str, Any]) -> int:
    """Return what *turn* costs as a message of its own."""
    return tokens(turn["text"]) + MESSAGE_OVERHEAD


def cut(text: str, limit: int) -> str:
    """Return the beginning of *text* that its first *limit* tokens hold whole."""
    return text[: tokenizer().prefix(text, limit)]


def cut_front(text: str, limit: int) -> str:
    """Return the end of *text* that its last *limit* tokens hold whole."""
    return text[len(text) - tokenizer().suffix(text, limit) :]
