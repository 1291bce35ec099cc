"""Exact counts for any model that comes with a Hugging Face `tokenizer.json`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tokenizers import Tokenizer as Pipeline

from contextd.errors import DataFileCorrupt
from contextd.tokenizers.ends import cut_ends, plain

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Encoding


class HuggingFaceTokenizer:
    """The `Tokenizer` port over a `tokenizer.json`.

    The markers that the model's own template puts around a text are not counted, and special
    tokens written out in a text count as plain text.
    """

    exact = True

    def __init__(self, path: Path) -> None:
        """Load the file at *path*.

        Raises DataFileCorrupt when it is missing or no tokenizer.
        """
        try:
            content = path.read_bytes()
            self._pipeline = Pipeline.from_buffer(content)
        except Exception as error:  # tokenizers raises bare Exception for a bad file
            raise DataFileCorrupt(f"{path} is no tokenizer file: {error}", path=path) from error
        self._pipeline.no_truncation()
        self._pipeline.no_padding()
        self._pipeline.encode_special_tokens = True  # as plain text, that is
        self._name = f"hf:{hashlib.sha256(content).hexdigest()[:8]}"

    @property
    def name(self) -> str:
        """The letters "hf:" and the first 8 hex digits of the file's SHA-256."""
        return self._name

    def count(self, text: str) -> int:
        """Return the tokens of *text*; see the port."""
        return len(self._encode(text).ids)

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Return a beginning of at most *head* and an end of at most *tail* tokens."""
        return cut_ends(self, text, head, tail)

    def prefix(self, text: str, tokens: int) -> int:
        """Return how many characters of *text* its first *tokens* tokens hold."""
        offsets = self._encode(text).offsets
        return len(text) if len(offsets) <= tokens else offsets[tokens][0]

    def suffix(self, text: str, tokens: int) -> int:
        """Return how many characters of *text* its last *tokens* tokens hold."""
        offsets = self._encode(text).offsets
        return len(text) if len(offsets) <= tokens else len(text) - offsets[-tokens - 1][1]

    def _encode(self, text: str) -> Encoding:
        """Encode a batch of one: unlike `encode` it lets go of the GIL."""
        return self._pipeline.encode_batch([plain(text)], add_special_tokens=False)[0]
