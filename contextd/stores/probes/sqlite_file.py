"""Reads of an SQLite file and its place what can be read without opening it as a database."""

from __future__ import annotations

import os
import stat
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.stores.probes.findings import Looked, judged
from contextd.stores.probes.sqlite_rules import RULES, FileFacts

if TYPE_CHECKING:
    from contextd.stores.probes.findings import Surroundings

MAGIC = b"SQLite format 3\0"
HEADER_BYTES = 100
USER_VERSION = slice(60, 64)
SCRIPTS = Path(__file__).parents[1] / "sql" / "sqlite" / "migrations"
MOUNTS = Path("/proc/self/mounts")


async def look(url: str, around: Surroundings) -> Looked:  # noqa: ARG001 - every probe is called so
    """Look at the file that *url* names, or at the folder where it would be."""
    return looked(Path(url.partition(":///")[2]))


def looked(path: Path) -> Looked:
    """Look at *path*."""
    facts = read(path.absolute())
    return Looked("sqlite", {facts.path: asdict(facts)}, tuple(judged(RULES, facts, facts.path)))


def read(path: Path) -> FileFacts:
    """Return what there is to see; a file that is not there yet is nothing wrong."""
    folder = next(each for each in path.parents if each.exists())
    room = os.statvfs(folder)
    facts = FileFacts(
        path=str(path),
        may_write=os.access(path if path.exists() else folder, os.W_OK) and not path.is_dir(),
        file_system=_file_system(folder.resolve()),
        free_bytes=room.f_bavail * room.f_frsize,
        newest=len(list(SCRIPTS.glob("*.sql"))),
    )
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except OSError:
        return facts
    return replace(
        facts,
        mode=mode,
        is_database=not header or header.startswith(MAGIC),
        schema=int.from_bytes(header[USER_VERSION], "big"),
    )


def _file_system(folder: Path) -> str:
    """Return the type of the file system that *folder* is on, "" where nobody says."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found, longest = "", -1
    for line in lines:
        _, place, kind, *_ = line.split(" ")
        at = Path(place.encode().decode("unicode_escape"))
        if folder.is_relative_to(at) and len(at.parts) >= longest:
            found, longest = kind, len(at.parts)
    return found
