"""Static vectors: a text is the weighted mean of its tokens' vectors.

About 30 microseconds a query, no neural network at run time.  The files are in model2vec's
format, but read here with `tokenizers`, `safetensors` and numpy alone: the model2vec
package adds joblib, jinja2 and a hub client, and calls the tokenizer in a way that uses
every core (docs/decisions/0003-static-embedder.md has the figures).
"""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load
from tokenizers import Tokenizer

from contextd.embedders import STATIC_FILES
from contextd.embedders.manifest import read_verified
from contextd.embedders.wordpieces import WordPieces
from contextd.errors import DataFileCorrupt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from contextd.embedders.manifest import VerifiedFiles

SHIPPED = STATIC_FILES

MAX_CHARACTERS = 8_192
"""Characters of a text that count (about 2,000 tokens); the rest is not looked at.

A mean over more than that says little, and long turns are embedded by the passage anyway;
the bound keeps the worst input at a few milliseconds.
"""


_TOKENS_AT_ONCE = 2_048
"""Tokens whose vectors are fetched together, 3 MB of them; short texts share a fetch."""


class StaticEmbedder:
    """The `Embedder` port over a folder in model2vec's format.

    Thread-safe: nothing changes after construction but the memory of words.  Computes on the
    calling thread; an event loop beside it never waits longer than one text takes.
    """

    def __init__(self, folder: Path = SHIPPED) -> None:
        """Load the model, about 30 ms.

        Raises DataFileCorrupt when a file is missing, altered or not a model.
        """
        files = read_verified(folder)
        try:
            self._load(files)
        except (KeyError, IndexError, TypeError, ValueError, SafetensorError) as error:
            raise DataFileCorrupt(f"{folder} holds no static model: {error!r}") from error

    def _load(self, files: VerifiedFiles) -> None:
        config: dict[str, Any] = json.loads(files.contents["config.json"])
        tensors = load(files.contents["model.safetensors"])
        self._rows: NDArray[Any] = tensors["embeddings"]
        self._weights: NDArray[np.float32] = tensors["weights"]
        tokenizer = _tokenizer(files.contents["tokenizer.json"])
        self._pieces = WordPieces(tokenizer)
        if not len(self._rows) == len(self._weights) == tokenizer.get_vocab_size():
            raise ValueError("the tensors and the vocabulary differ in length")
        self._model_id = (
            f"{config['name']}-{self.dimensions}-{self._rows.dtype}@{files.digest[:12]}"
        )

    @property
    def model_id(self) -> str:
        """Name, dimensions, number format and the hash of the files."""
        return self._model_id

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return int(self._rows.shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, (len(texts), dimensions); a row of zeros where nothing is known.

        Never raises for a string.  Only the first MAX_CHARACTERS of a text count.
        """
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        first, waiting, tokens = 0, list[list[int]](), 0
        for text in texts:
            waiting.append(self._token_ids(text))
            tokens += len(waiting[-1])
            if tokens >= _TOKENS_AT_ONCE:
                self._sum_tokens(waiting, vectors[first:])
                first, waiting, tokens = first + len(waiting), [], 0
        self._sum_tokens(waiting, vectors[first:])
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
        np.divide(vectors, lengths, out=vectors, where=lengths > 0)
        return vectors

    def _sum_tokens(self, texts: Sequence[Sequence[int]], out: NDArray[np.float32]) -> None:
        """Write the weighted sum of the token vectors of each text to the rows of *out*.

        einsum rather than @: BLAS would start threads, and sum in an order that depends on
        their number.
        """
        tokens = np.fromiter(chain.from_iterable(texts), np.intp)
        weights = self._weights.take(tokens)
        rows = self._rows.take(tokens, axis=0).astype(np.float32)
        start = 0
        for row, text in zip(out, texts, strict=False):
            end = start + len(text)
            np.einsum("i,ij->j", weights[start:end], rows[start:end], out=row)
            start = end

    def _token_ids(self, text: str) -> list[int]:
        """Return the vocabulary's ids; unknown words give one whose weight is 0."""
        # The tokenizer is UTF-8 inside; a lone surrogate has no UTF-8 form.
        known = text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
        return self._pieces.ids(known)


def _tokenizer(description: bytes) -> Tokenizer:
    try:
        return Tokenizer.from_str(description.decode("utf-8"))
    except Exception as error:  # tokenizers raises bare Exception for a bad description
        raise ValueError(f"tokenizer.json: {error}") from error
