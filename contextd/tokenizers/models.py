"""Which encoding counts a model's tokens, and how far the count can be trusted.

The one table to edit when a family of models appears or a margin proves wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tiktoken.model import encoding_name_for_model

if TYPE_CHECKING:
    from collections.abc import Mapping

SHIPPED = ("o200k_base", "cl100k_base")
"""The encodings whose ranks are shipped, the default one first."""

SAME_TEXT: Mapping[str, str] = {"o200k_harmony": "o200k_base"}
"""Encodings that differ from a shipped one in special tokens only (gpt-oss)."""

DEFAULT_PERCENT = 115
"""The margin for families that publish no tokenizer we could ship, over o200k_base.

Modern vocabularies (100,000 entries and up: Gemini, Llama 3, Mistral's Tekken, Qwen,
DeepSeek) stay within 5 to 15 % of o200k_base on English prose.  Other scripts can differ by
more; a Hugging Face tokenizer file for the model makes the count exact.
"""

CLAUDE_PERCENT = 130
"""Claude up to 4.6: published comparisons with GPT-4o's encoding see 16 % more tokens on
English articles, 21 % on mathematics and 30 % on Python code."""

CLAUDE_NEW_PERCENT = 170
"""Claude from Opus 4.7 on: Anthropic's token counting guide states about 30 % more tokens
than the models before, so 1.3 times the margin above."""

SMALL_VOCABULARY_PERCENT = 135
"""SentencePiece vocabularies of 32,000 entries (Llama 1 and 2, the first Mistral models)
need 20 to 35 % more tokens than o200k_base on English prose."""

MARGINS = (
    ("claude-1", CLAUDE_PERCENT),
    ("claude-2", CLAUDE_PERCENT),
    ("claude-3", CLAUDE_PERCENT),
    ("claude-instant", CLAUDE_PERCENT),
    ("claude-opus-4-0", CLAUDE_PERCENT),
    ("claude-opus-4-1", CLAUDE_PERCENT),
    ("claude-opus-4-2", CLAUDE_PERCENT),  # dated names: claude-opus-4-20250514
    ("claude-opus-4-5", CLAUDE_PERCENT),
    ("claude-opus-4-6", CLAUDE_PERCENT),
    ("claude-sonnet-4", CLAUDE_PERCENT),
    ("claude-haiku-4", CLAUDE_PERCENT),
    ("claude", CLAUDE_NEW_PERCENT),
    ("llama-2", SMALL_VOCABULARY_PERCENT),
    ("llama2", SMALL_VOCABULARY_PERCENT),
    ("mistral-7b", SMALL_VOCABULARY_PERCENT),
    ("mixtral", SMALL_VOCABULARY_PERCENT),
)
"""(beginning of the model's name, margin in percent); the first match counts."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The encoding for a model; `percent` is 100 when it is the model's own."""

    encoding: str
    percent: int


def choose(model: str) -> Choice:
    """Return the encoding for *model*; every name gets an answer.

    A caller that names no model is counted in the default encoding as it is: there is
    nothing to be careful about that it has not left out itself.
    """
    name = bare_name(model)
    if not name:
        return Choice(SHIPPED[0], 100)
    try:
        encoding = encoding_name_for_model(name)
    except KeyError:
        return Choice(SHIPPED[0], _margin(name))
    encoding = SAME_TEXT.get(encoding, encoding)
    if encoding in SHIPPED:
        return Choice(encoding, 100)
    return Choice(SHIPPED[0], DEFAULT_PERCENT)


def bare_name(model: str) -> str:
    """Return *model* in lower case without the provider that routers put before it.

    "openai/gpt-4o" is "gpt-4o", "us.anthropic.claude-opus-4-1-v1:0" is "claude-opus-4-1-v1:0".
    """
    name = model.rpartition("/")[2].casefold()
    return name.partition("anthropic.")[2] or name


def _margin(name: str) -> int:
    return next((percent for start, percent in MARGINS if name.startswith(start)), DEFAULT_PERCENT)
