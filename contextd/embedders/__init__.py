"""Adapters of the Embedder port, chosen by the name of a model."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.embedders.manifest import read_verified
from contextd.errors import ConfigInvalid, DataFileCorrupt

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.ports import Embedder

STATIC = "static"
MINILM = "minilm"
LIBRARY = "sentence-transformers:"
MINILM_FILES = Path(__file__).parent / "data" / "minilm"
STATIC_FILES = Path(__file__).parent / "data" / "static"


def fine_embedder(model: str) -> Callable[[], Embedder] | None:
    """Return what loads *model*, which takes seconds; None for "static" alone.

    What can be checked without loading is checked now.

    Raises:
        ConfigInvalid: nobody knows such a model, or its library is not installed.
        DataFileCorrupt: the shipped files are damaged.
    """
    if model == STATIC:
        return None
    if model == MINILM:
        _check_minilm()
        return partial(_load, "onnx", "OnnxEmbedder", MINILM_FILES)
    name = model.removeprefix(LIBRARY)
    if name in {"", model}:
        raise ConfigInvalid(f"embedder.model {model!r} is not minilm, static or {LIBRARY}NAME")
    if find_spec("sentence_transformers") is None:
        raise ConfigInvalid(
            f"embedder.model {model!r} needs pip install 'contextd[sentence-transformers]'"
        )
    return partial(_load, "sentence_transformer", "SentenceTransformerEmbedder", name)


def check_static() -> None:
    """Raise DataFileCorrupt if the files without which no daemon starts are damaged."""
    read_verified(STATIC_FILES)


def _check_minilm() -> None:
    try:
        read_verified(MINILM_FILES)
    except DataFileCorrupt as error:
        message = f'{error}, or go without these files: embedder.model = "{STATIC}"'
        raise DataFileCorrupt(message, **error.metadata) from error


def _load(module: str, name: str, model: Path | str) -> Embedder:
    adapter = getattr(import_module(f"contextd.embedders.{module}"), name)
    embedder: Embedder = adapter(model)
    return embedder
