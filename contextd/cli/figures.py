"""What a replay measured, added up event by event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contextd.cli.player import Asked, Recorded, Refused
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from contextd.cli.player import Event
    from contextd.cli.truncation import Comparison

PARTS = ("all", "first_tenth", "last_tenth")


def tier_name(tier: int) -> str:
    """Return "KEY_FACTS" for TIER_KEY_FACTS."""
    return common.Tier.Name(common.Tier.ValueType(tier)).removeprefix("TIER_")


def section_sequences(answer: pb.BuildContextResponse, kind: int) -> list[int]:
    """Return the turns that a section of *answer* stands for; empty when it has none."""
    return [
        number for each in answer.sections if each.kind == kind for number in each.turn_sequences
    ]


def folded_through(answer: pb.BuildContextResponse) -> int:
    """Return the last turn that is not verbatim any more, 0 when all are."""
    verbatim = section_sequences(answer, pb.SECTION_KIND_VERBATIM)
    folded = any(each.kind in FOLDED for each in answer.sections)
    return min(verbatim) - 1 if folded and verbatim else 0


FOLDED = (pb.SECTION_KIND_SUMMARY, pb.SECTION_KIND_KEY_FACTS)


@dataclass(slots=True)
class Timings:
    """Seconds of each call of one kind in one session, in order."""

    seconds: list[float] = field(default_factory=list)

    def parts(self) -> dict[str, list[float]]:
        """Return all of them, and those of the first and the last tenth of the session."""
        tenth = max(1, len(self.seconds) // 10)
        return dict(
            zip(PARTS, (self.seconds, self.seconds[:tenth], self.seconds[-tenth:]), strict=True)
        )


@dataclass(slots=True)
class Figures:
    """One session's figures."""

    session_id: str
    turns: int = 0
    tokens: int = 0
    violations: int = 0
    folds: int = 0
    retrieved: int = 0
    peak_pressure: float = 0.0
    crossings: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    build: Timings = field(default_factory=Timings)
    record: Timings = field(default_factory=Timings)
    rss_mib: float = 0.0
    against: Comparison | None = None
    _tier: int = common.TIER_VERBATIM
    _through: int = 0

    def add(self, event: Event) -> None:
        """Take one call into account."""
        if isinstance(event, Refused):
            self.refused.append(event.reason)
            return
        self._cross(event.answer.tier, event.answer.pressure)
        if isinstance(event, Recorded):
            self.turns += len(event.turns)
            self.tokens += sum(event.answer.token_counts)
            self.record.seconds.append(event.seconds)
        else:
            self._built(event)

    def _built(self, event: Asked) -> None:
        answer = event.answer
        self.build.seconds.append(event.seconds)
        self.violations += answer.token_count > answer.input_budget_tokens
        self.retrieved += len(section_sequences(answer, pb.SECTION_KIND_RETRIEVED))
        through = folded_through(answer)
        self.folds += through > self._through
        self._through = max(through, self._through)
        if event.message is not None:
            self.turns += 1
            self.tokens += answer.messages[-1].tokens

    def _cross(self, tier: int, pressure: float) -> None:
        self.peak_pressure = max(self.peak_pressure, pressure)
        if tier > self._tier:
            self.crossings.append(tier_name(tier))
        self._tier = tier

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values; durations in milliseconds."""
        return {
            "session_id": self.session_id,
            "turns": self.turns,
            "tokens": self.tokens,
            "builds": len(self.build.seconds),
            "violations": self.violations,
            "refused": counted(self.refused),
            "crossings": counted(self.crossings),
            "folds": self.folds,
            "retrieved": self.retrieved,
            "peak_pressure": round(self.peak_pressure, 4),
            "rss_mib": round(self.rss_mib, 1),
            "build_ms": durations([self.build]),
            "record_ms": durations([self.record]),
            "against_truncation": _comparison(self.against),
        }


def durations(many: list[Timings]) -> dict[str, dict[str, float]]:
    """Return p50, p95 and the maximum in milliseconds, by position in the session."""
    return {
        part: {
            "p50": quantile(values, 0.5),
            "p95": quantile(values, 0.95),
            "max": quantile(values, 1.0),
        }
        for part in PARTS
        if (values := [second for each in many for second in each.parts()[part]])
    }


def quantile(seconds: list[float], share: float) -> float:
    """Return the nearest-rank quantile of *seconds*, in milliseconds."""
    ordered = sorted(seconds)
    rank = min(len(ordered) - 1, int(share * len(ordered)))
    return round(ordered[rank] * 1000, 3)


def counted(names: list[str]) -> dict[str, int]:
    """Return how often each name occurs, in the order of first occurrence."""
    return {name: names.count(name) for name in dict.fromkeys(names)}


def _comparison(against: Comparison | None) -> dict[str, Any] | None:
    if against is None:
        return None
    return {
        "sent_tokens": against.sent_tokens,
        "truncated_tokens": against.truncated_tokens,
        "truncated_turns": against.truncated_turns,
        "lost_turns": against.lost_turns,
        "carried_turns": against.carried_turns,
        "carried": [
            {"section": line.section, "turn": line.sequence, "text": line.text}
            for line in against.carried
        ],
    }
