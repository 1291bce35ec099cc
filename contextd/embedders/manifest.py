"""Shipped model files, read and checked against their MANIFEST.sha256 in one go.

The manifest has the format of `sha256sum`, so that `sha256sum -c MANIFEST.sha256` checks a
folder by hand.  It guards against damage (a truncated layer, a half-finished copy, a Git
LFS pointer), not against an attacker, who would rewrite the manifest too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.errors import DataFileCorrupt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "MANIFEST.sha256"

REMEDY = "the installation is damaged: install contextd again"


@dataclass(frozen=True, slots=True)
class VerifiedFiles:
    """The files that a manifest names.

    `contents` maps names to bytes; `digest` is the manifest's own SHA-256 in hex: it
    changes when any of the files does.
    """

    contents: Mapping[str, bytes]
    digest: str


def read_verified(folder: Path) -> VerifiedFiles:
    """Read every file that the manifest in *folder* names.

    Raises DataFileCorrupt when the manifest or a file is missing, unreadable or altered.
    """
    manifest = _read(folder / MANIFEST)
    contents = {}
    for line in manifest.decode("utf-8", "replace").splitlines():
        expected, _, name = line.partition("  ")
        contents[name] = _read_checked(folder / name, expected)
    return VerifiedFiles(contents, hashlib.sha256(manifest).hexdigest())


def _read_checked(path: Path, expected: str) -> bytes:
    content = _read(path)
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise DataFileCorrupt(
            f"{path} does not match its manifest: SHA-256 {found}, expected {expected}; {REMEDY}",
            path=path,
        )
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise DataFileCorrupt(f"{path} cannot be read: {error}; {REMEDY}", path=path) from error
