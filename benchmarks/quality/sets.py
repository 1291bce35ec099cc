"""Sets of conversations on disk: `<set>.jsonl` or `<set>.jsonl.gz`, one session a line."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SUFFIXES = (".jsonl.gz", ".jsonl")


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation with what is known about it.

    `turns` are as the file has them, `turn_id` made text; `truth` is the set's own.
    """

    dataset: str
    session_id: str
    turns: tuple[Mapping[str, Any], ...]
    truth: Mapping[str, Any]


def available(folder: Path) -> dict[str, Path]:
    """Return the sets of *folder* by name."""
    found = {}
    for path in sorted(folder.iterdir()):
        suffix = next((each for each in SUFFIXES if path.name.endswith(each)), "")
        if suffix:
            found[path.name.removesuffix(suffix)] = path
    return found


def load(path: Path) -> list[Session]:
    """Return the sessions of the file *path*."""
    return list(_read(path))


def stitch(sessions: Sequence[Session], size: int) -> list[Session]:
    """Return sessions of *size* dialogues each, one after the other, in the file's order.

    Ids of turns and slots become `<dialogue>/<turn>`; of the truth only the slots stay.
    """
    return [
        _stitched(sessions[start : start + size], start // size)
        for start in range(0, len(sessions), size)
    ]


def _read(path: Path) -> Iterator[Session]:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield _session(json.loads(line))


def _session(document: Mapping[str, Any]) -> Session:
    turns = tuple({**turn, "turn_id": str(turn["turn_id"])} for turn in document["turns"])
    return Session(document["dataset"], str(document["session_id"]), turns, document["truth"])


def _stitched(sessions: Sequence[Session], number: int) -> Session:
    turns, slots = [], []
    for place, session in enumerate(sessions):
        turns += [{**turn, "turn_id": f"{place}/{turn['turn_id']}"} for turn in session.turns]
        slots += [
            {**slot, "turn_id": f"{place}/{slot['turn_id']}", "dialogue": place}
            for slot in session.truth["slots"]
        ]
    return Session(sessions[0].dataset, f"stitched-{number}", tuple(turns), {"slots": slots})
