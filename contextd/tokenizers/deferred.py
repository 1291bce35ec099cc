"""An encoding whose ranks are read when something is counted in it for the first time."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from contextd.tokenizers.openai import load

if TYPE_CHECKING:
    from contextd.ports import Tokenizer
    from contextd.tokenizers.openai import Shipped


class DeferredTokenizer:
    """The `Tokenizer` port over a shipped encoding.  Thread-safe; the ranks are read once.

    They take 45 MB (o200k_base) and 23 MB (cl100k_base), and most daemons count in one only.
    """

    exact = True

    def __init__(self, shipped: Shipped) -> None:
        """Take the encoding, and read nothing yet."""
        self._shipped = shipped
        self._lock = Lock()
        self._tokenizer: Tokenizer | None = None

    @property
    def name(self) -> str:
        """The encoding's name ("o200k_base")."""
        return self._shipped.name

    def count(self, text: str) -> int:
        """Return the tokens of *text*.  The first call takes 0.1 to 0.2 seconds.

        Raises DataFileCorrupt when the file is missing or differs from its SHA-256.
        """
        return (self._tokenizer or self._load()).count(text)

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Return a beginning of at most *head* and an end of at most *tail* tokens."""
        return (self._tokenizer or self._load()).ends(text, head, tail)

    def _load(self) -> Tokenizer:
        with self._lock:
            if self._tokenizer is None:
                self._tokenizer = load(self._shipped)
            return self._tokenizer
