"""Any model of the sentence-transformers library, by name or by folder.

The library brings torch, so it is an extra: `pip install 'contextd[sentence-transformers]'`.
A folder is read without a network; a name is looked up in the local cache of the Hugging
Face hub and downloaded when it is not there.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_CHARACTERS = 32_768
"""Characters of a text that are tokenised; the model's own limit is below that."""

_WHOLE_BYTES = 1 << 20


class SentenceTransformerEmbedder:
    """The `Embedder` port over a SentenceTransformer.

    Thread-safe: the model is only read.  Computes on the calling thread without the GIL,
    and keeps torch, in the whole process, to one thread.
    """

    def __init__(self, name: str) -> None:
        """Load the model *name*, seconds.

        Raises whatever the library raises for a model that is not there or is damaged.
        """
        torch.set_num_threads(1)
        self._model = SentenceTransformer(name, device="cpu").eval()
        self._model_id = f"sentence-transformers:{name}@{_version(name, self._model)}"
        self._dimensions = len(self._encode(["a"])[0])

    @property
    def model_id(self) -> str:
        """The name, and the revision of the hub or a hash of the folder."""
        return self._model_id

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, (len(texts), dimensions); a row of zeros for a blank text."""
        vectors = np.zeros((len(texts), self._dimensions), np.float32)
        said = [number for number, text in enumerate(texts) if text.strip()]
        if said:
            vectors[said] = self._encode([texts[number] for number in said])
        return vectors

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode; the library sorts by length, so that batches have little padding."""
        # Tokenizers are UTF-8 inside; a lone surrogate has no UTF-8 form.
        known = [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode() for text in texts]
        vectors: NDArray[np.float32] = self._model.encode(
            known, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, np.float32)


def _version(name: str, model: SentenceTransformer) -> str:
    """Return what changes when the model does."""
    folder = Path(name)
    if folder.is_dir():
        return _hash_of(folder)
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    return str(getattr(config, "_commit_hash", None) or "unknown")[:12]


def _hash_of(folder: Path) -> str:
    """Hash the names and sizes of all files, and the contents: of large ones both ends."""
    found = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        size = path.stat().st_size
        found.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
        with path.open("rb") as content:
            found.update(content.read(_WHOLE_BYTES))
            content.seek(max(0, size - _WHOLE_BYTES))
            found.update(content.read())
    return found.hexdigest()[:12]
