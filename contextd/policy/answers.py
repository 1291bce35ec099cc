"""Which requests of a session were answered, and with what: a few numbers for each.

A retry must get the first answer again, so none may be forgotten, and a caller that records
turn by turn makes as many requests as turns.  Their records would take more memory than all
that was said; here a request takes 73 bytes, and its turns are those of the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from contextd.events import TurnsRecorded
from contextd.model import Escalation, Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import Answering
    from contextd.model import Budget, Turn

_ROW = Struct("=qIIIqdBI32s")
_FIELDS = np.dtype(
    "int64, uint32, uint32, uint32, int64, float64, uint8, uint32, V32"  # the same for numpy
)
"""The hash of the id, the revision, the first turn, how many, the time, the pressure, the
tier, which of the session's policies, the digest."""

_DIGEST_BYTES = 32
_PARTICULARS_BYTES = 250
_SIGNAL_BYTES = 250
_CITED_BYTES = 150
"""What a request with particulars holds beside its row, each of its signals, and each turn that
a signal goes back to; measured."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The record that holds the answer to a request, and its revision."""

    revision: int
    record: Answering


@dataclass(frozen=True, slots=True)
class Particulars:
    """What most records of turns have not; `digest` is None when it stands in the row."""

    encoding: str
    digest: str | None
    budget: Budget | None
    escalation: Escalation
    switched: bool


@dataclass(slots=True)
class Answers:
    """What was answered to the requests of one session, by their ids.

    An id is known by Python's 64-bit hash, keyed per process.  Two of a thousand ids are mixed
    up in one session of 10**13; then the later request is refused, for the digests differ.
    """

    _rows: bytearray = field(default_factory=bytearray)
    _encoding: str = ""
    _policies: list[str] = field(default_factory=list)
    _particular: dict[int, Particulars | Answering] = field(default_factory=dict)
    _particular_bytes: int = 0

    def __copy__(self) -> Answers:
        """Return answers that may grow apart from these."""
        return Answers(
            self._rows.copy(),
            self._encoding,
            self._policies.copy(),
            self._particular.copy(),
            self._particular_bytes,
        )

    def __len__(self) -> int:
        """Count the requests."""
        return len(self._rows) // _ROW.size

    @property
    def size_bytes(self) -> int:
        """About how much memory is held, spare room included."""
        return len(self._rows) * 9 // 8 + self._particular_bytes

    def add(self, record: Answering, revision: int) -> None:
        """Remember that *record*, of this *revision*, answered its request."""
        request = hash(record.request_id)
        if not isinstance(record, TurnsRecorded):
            self._particular[len(self)] = record
            self._rows += _ROW.pack(request, revision, 0, 0, 0, 0.0, 0, 0, b"")
            return
        self._encoding = self._encoding or record.encoding
        digest = _raw(record.digest)
        if _is_particular(record) or not digest or record.encoding != self._encoding:
            self._note(record, None if digest else record.digest)
        first = record.turns[0].sequence if record.turns else 0
        self._rows += _ROW.pack(
            request, revision, first, len(record.turns), record.at, record.pressure, record.tier,
            self._policy(record.policy_hash), digest,
        )  # fmt: skip

    def _policy(self, policy_hash: str) -> int:
        """Return which of the session's policies that is: they are few, and the newest is last."""
        if not self._policies or self._policies[-1] != policy_hash:
            self._policies.append(policy_hash)
        return len(self._policies) - 1

    def _note(self, record: TurnsRecorded, digest: str | None) -> None:
        """Remember the particulars of the next row."""
        particular = Particulars(
            record.encoding, digest, record.budget, record.escalation, record.switched
        )
        # What was noticed is told with several turns on end: one object for all of them.
        before = self._particular.get(len(self) - 1)
        if isinstance(before, Particulars) and before == particular:
            particular = before
        else:
            signals = record.escalation.signals
            self._particular_bytes += _PARTICULARS_BYTES + _SIGNAL_BYTES * len(signals)
            self._particular_bytes += _CITED_BYTES * sum(len(each.turn_ids) for each in signals)
        self._particular[len(self)] = particular

    def get(self, request_id: str, turns: Sequence[Turn]) -> Answered | None:
        """Return what answered *request_id* in the session of these *turns*, if anything."""
        rows = np.frombuffer(self._rows, _FIELDS)
        found = np.flatnonzero(rows["f0"] == hash(request_id))
        if not len(found):
            return None
        row = int(found[-1])
        _, revision, first, count, at, pressure, tier, policy, digest = _ROW.unpack_from(
            self._rows, row * _ROW.size
        )
        particular = self._particular.get(row)
        if particular is None:
            particular = Particulars(self._encoding, None, None, Escalation(), switched=False)
        elif not isinstance(particular, Particulars):
            return Answered(revision, particular)
        record = TurnsRecorded(
            at=at,
            request_id=request_id,
            digest=digest.hex() if particular.digest is None else particular.digest,
            turns=tuple(turns[first - 1 : first - 1 + count]) if count else (),
            encoding=particular.encoding,
            tier=Tier(tier),
            pressure=pressure,
            budget=particular.budget,
            escalation=particular.escalation,
            switched=particular.switched,
            policy_hash=self._policies[policy],
        )
        return Answered(revision, record)


def _is_particular(record: TurnsRecorded) -> bool:
    escalation = record.escalation
    return bool(record.budget or record.switched or escalation.recommended or escalation.signals)


def _raw(digest: str) -> bytes:
    """Return the bytes of a SHA-256 in hex, b"" for anything else."""
    try:
        raw = bytes.fromhex(digest)
    except ValueError:
        return b""
    return raw if len(raw) == _DIGEST_BYTES and raw.hex() == digest else b""
