"""Model folders to be made and spoilt."""

from __future__ import annotations

import hashlib
from importlib import import_module
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from contextd.embedders import MINILM_FILES

if TYPE_CHECKING:
    from pathlib import Path


def small_model(path: Path) -> Path:
    """Save a small model of sentence-transformers, which must be installed, at *path*."""
    library = import_module("sentence_transformers")
    modules = import_module("sentence_transformers.sentence_transformer.modules")
    tokenizer = Tokenizer.from_file(str(MINILM_FILES / "tokenizer.json"))
    module = modules.StaticEmbedding(tokenizer, embedding_dim=24)
    library.SentenceTransformer(modules=[module], device="cpu").save(str(path))
    return path


def remanifest(folder: Path, name: str, content: bytes) -> None:
    """Replace a file and let the manifest agree with it."""
    old = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / name).write_bytes(content)
    manifest = folder / "MANIFEST.sha256"
    new = hashlib.sha256(content).hexdigest()
    manifest.write_text(manifest.read_text().replace(old, new))


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
