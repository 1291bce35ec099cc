"""Model folders to be spoilt."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ODD_TEXTS = [
    "refund\ud800please",
    "\udfff",
    "\x00refund\x00",
    "refund \U0001f4b8",
    "\u202erefund",
    "漢字",
    "[CLS] [SEP] [PAD]",
    "<|endoftext|>",
]


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
