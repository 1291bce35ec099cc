"""The tokenizers this daemon has, by model and by name."""

from __future__ import annotations

from fnmatch import fnmatchcase
from threading import Lock
from typing import TYPE_CHECKING

from contextd.tokenizers.cached import CachedTokenizer
from contextd.tokenizers.deferred import DeferredTokenizer
from contextd.tokenizers.huggingface import HuggingFaceTokenizer
from contextd.tokenizers.margin import WidenedTokenizer, parse_name, widened_name
from contextd.tokenizers.models import DEFAULT_PERCENT, SHIPPED, bare_name, choose
from contextd.tokenizers.openai import CL100K, O200K

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from contextd.ports import Tokenizer
    from contextd.tokenizers.openai import Shipped

RANKS: Mapping[str, Shipped] = {shipped.name: shipped for shipped in (O200K, CL100K)}

MAX_PERCENT = 1_000
"""The largest margin that a name may ask for."""


class Catalog:
    """The `Tokenizers` port.  Thread-safe.

    An encoding is read when something is first counted in it, once.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Take *files* from patterns of model names ("llama-*") to `tokenizer.json` files.

        Raises DataFileCorrupt when one of them cannot be loaded.
        """
        self._lock = Lock()
        self._patterns: list[tuple[str, str]] = []
        self._loaded: dict[str, Tokenizer] = {}
        for pattern, path in files.items():
            tokenizer = CachedTokenizer(HuggingFaceTokenizer(path))
            self._patterns.append((pattern.casefold(), tokenizer.name))
            self._loaded[tokenizer.name] = tokenizer

    def for_model(self, model: str) -> Tokenizer:
        """Return the tokenizer for *model*: a configured file first, then OpenAI's table."""
        for pattern, name in self._patterns:
            if fnmatchcase(model.casefold(), pattern) or fnmatchcase(bare_name(model), pattern):
                return self._loaded[name]
        choice = choose(model)
        return self._get(choice.encoding, choice.percent)

    def named(self, encoding: str) -> Tokenizer:
        """Return the tokenizer called *encoding*.

        A name that is not known any more (a file was taken out of the configuration) gives
        the tokenizer of an unknown model; its own `name` tells.
        """
        loaded = self._loaded.get(encoding)
        if loaded is not None:
            return loaded
        name, percent = parse_name(encoding)
        if name in RANKS and 100 <= percent <= MAX_PERCENT:  # noqa: PLR2004  # never below the count
            return self._get(name, percent)
        return self._get(SHIPPED[0], DEFAULT_PERCENT)

    def _get(self, encoding: str, percent: int) -> Tokenizer:
        name = encoding if percent == 100 else widened_name(encoding, percent)  # noqa: PLR2004 - the whole
        loaded = self._loaded.get(name)
        return loaded if loaded is not None else self._load(name, encoding, percent)

    def _load(self, name: str, encoding: str, percent: int) -> Tokenizer:
        with self._lock:
            exact = self._loaded.get(encoding)
            if exact is None:
                exact = self._loaded[encoding] = CachedTokenizer(DeferredTokenizer(RANKS[encoding]))
            if percent > 100:  # noqa: PLR2004 - the whole
                self._loaded[name] = WidenedTokenizer(exact, percent)
            return self._loaded[name]
