"""Models that write summaries, asked in the background; none by default."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from contextd.ports import Summarizer
    from contextd.summarizers.endpoint import Endpoint


def open_summarizer(endpoint: Endpoint) -> Summarizer:
    """Return the summarizer that asks *endpoint*; no connection is made yet.

    Raises:
        ConfigInvalid: the HTTP client is not installed, or the key cannot be sent.
    """
    if not endpoint.key.isascii() or not endpoint.key.isprintable() or " " in endpoint.key:
        raise ConfigInvalid("the summarizer's API key holds characters that no header may hold")
    try:
        adapter = import_module("contextd.summarizers.openai")  # its client is an extra
    except ImportError as error:
        raise ConfigInvalid(
            "summarizer.kind openai needs an HTTP client: pip install 'contextd[serve,llm]'"
        ) from error
    made: Summarizer = adapter.OpenAISummarizer(endpoint)
    return made
