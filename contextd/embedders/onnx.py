"""all-MiniLM-L6-v2 itself, quantised to int8, through onnxruntime.

About 2 ms a short query and 5 ms a passage on one core.  Texts go through the model one at
a time: a batch is no faster on one thread, and since activations are quantised over the
whole tensor, a text's vector would depend on its neighbours in it
(docs/decisions/0006-transformer-rung.md has the figures).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from contextd.embedders.manifest import read_verified
from contextd.errors import DataFileCorrupt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from contextd.embedders.manifest import VerifiedFiles

MAX_CHARACTERS = 8_192
"""Characters of a text that are tokenised; the model takes 256 tokens of them at most."""

_ERRORS_ONLY = 3


class OnnxEmbedder:
    """The `Embedder` port over a folder made by `scripts/export_minilm.py`.

    Thread-safe: nothing changes after construction.  Computes on the calling thread alone,
    without the GIL, and never keeps a core busy while it waits.
    """

    def __init__(self, folder: Path) -> None:
        """Load the model, a fifth of a second.

        Raises DataFileCorrupt when a file is missing, altered or not a model.
        """
        files = read_verified(folder)
        try:
            self._load(files)
        except Exception as error:  # onnxruntime's errors have no class in common
            raise DataFileCorrupt(f"{folder} holds no model: {error!r}", path=folder) from error

    def _load(self, files: VerifiedFiles) -> None:
        config: dict[str, Any] = json.loads(files.contents["config.json"])
        self._dimensions = int(config["dimensions"])
        self._first, self._last = int(config["first_token"]), int(config["last_token"])
        self._unknown = int(config["unknown_token"])
        self._room = int(config["max_tokens"]) - 2
        self._tokenizer = Tokenizer.from_str(files.contents["tokenizer.json"].decode("utf-8"))
        self._session = _session(files.contents["model.onnx"])
        self._model_id = f"{config['name']}-{self._dimensions}-int8@{files.digest[:12]}"
        if self._run([]).shape != (self._dimensions,):
            raise ValueError("the model and its description differ in dimensions")

    @property
    def model_id(self) -> str:
        """Name, dimensions, number format and the hash of the files."""
        return self._model_id

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors, (len(texts), dimensions); a row of zeros where nothing is known.

        Never raises for a string.  The first 254 tokens of a text count.
        """
        vectors = np.zeros((len(texts), self._dimensions), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            tokens = self._token_ids(text)
            if any(token != self._unknown for token in tokens):
                row[:] = self._run(tokens)
        return vectors

    def _run(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return the unit vector of a text's *tokens*."""
        ids = np.array([[self._first, *tokens[: self._room], self._last]], np.int64)
        vector: NDArray[np.float32] = self._session.run(None, {"ids": ids})[0][0]
        return vector

    def _token_ids(self, text: str) -> list[int]:
        """Return the vocabulary's ids, without the GIL: `encode` would keep it."""
        # The tokenizer is UTF-8 inside; a lone surrogate has no UTF-8 form.
        known = text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
        ids: list[int] = self._tokenizer.encode_batch_fast([known], add_special_tokens=False)[0].ids
        return ids


def _session(model: bytes) -> onnxruntime.InferenceSession:
    """Open *model* on one thread that sleeps when there is nothing to do.

    Without an arena: texts of many lengths would leave it at the size of the largest.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _ERRORS_ONLY
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    session._model_bytes = b""  # noqa: SLF001  # 23 MB that only another provider would need
    return session
