"""What reads texts: counts their tokens, gives them vectors, retells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from contextd.model import Draft, Retelling


class Tokenizer(Protocol):
    """Counts the tokens of one encoding.  Pure, thread-safe, no network."""

    @property
    def name(self) -> str:
        """The encoding ("o200k_base"); stored beside every count."""

    @property
    def exact(self) -> bool:
        """False when counts stand for another model's encoding, with a safety margin."""

    def count(self, text: str) -> int:
        """Return the tokens of *text*; special tokens count as plain text.

        Must not raise for any string.  Must take time proportional to its length.
        """

    def ends(self, text: str, head: int, tail: int) -> tuple[str, str]:
        """Return a beginning of at most *head* and an end of at most *tail* tokens.

        Must not split a character; together they must not exceed *text*.
        """


class Tokenizers(Protocol):
    """Chooses the tokenizer of a model."""

    def for_model(self, model: str) -> Tokenizer:
        """Return the tokenizer for *model*; must answer for every name, also ""."""

    def named(self, encoding: str) -> Tokenizer:
        """Return the tokenizer called *encoding* in an earlier count."""


class Embedder(Protocol):
    """Turns texts into unit vectors.  Pure, thread-safe, no network."""

    @property
    def model_id(self) -> str:
        """Names the model and its version; vectors of two ids must not be compared."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row a text, shape (len(texts), dimensions), each of unit length.

        A text without a known token gives a row of zeros.  Must not raise for any string.
        A row must not depend on the texts beside it, but for rounding, nor be changed by a
        later call.  Must look at a bounded beginning of a text only, so that a huge one takes
        no longer than that.
        """


class Summarizer(Protocol):
    """Asks a model to retell turns.  Slow, and not to be trusted: what it gives is checked.

    Only work in the background may wait for it.
    """

    async def write(self, task: Retelling) -> Draft:
        """Return what the model answers to *task*.

        Must answer or give up within a bounded time, also while the model hangs, and must
        be cancellable at every moment.  Must not show a key or the task's text in an error.
        It need not look at what the answer says.

        Raises:
            SummarizerUnavailable: there is no answer; another time there may be one.
        """

    async def aclose(self) -> None:
        """Let go of every connection.  Must be idempotent."""
