"""One session as the memory store keeps it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.errors import RevisionConflict
from contextd.projections import incarnation_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import Record


@dataclass(slots=True)
class Log:
    """One session; `answered` maps a request id to (digest, revision).

    `vectors` maps a turn to (space, packed vectors), `stretches` the first turn of one to
    (method, body).  `hour` is that of its last use, `number` tells it from older ones.
    `archived` is the revision up to which an archive has it, `behind_since` when the first record
    was appended that it lacks (seconds of the monotonic clock).
    """

    records: list[Record] = field(default_factory=list)
    answered: dict[str, tuple[str, int]] = field(default_factory=dict)
    vectors: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    stretches: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    hour: int = 0
    number: int = 0
    archived: int = 0
    behind_since: float = 0.0

    def extend(self, records: Sequence[Record]) -> None:
        """Take *records*, which the archive lacks from now on."""
        if self.archived == len(self.records):
            self.behind_since = time.monotonic()
        self.records.extend(records)

    def must_be(self, revision: int, incarnation: str) -> None:
        """Raise RevisionConflict unless it is at *revision* (0: at any) and *incarnation* (or "").

        A session that is not there is at 0, and has no incarnation.
        """
        current = len(self.records)
        if revision not in (0, current) or incarnation not in ("", incarnation_of(self.records)):
            raise RevisionConflict(revision, current)
