"""A context beside what plain truncation would have sent.

Truncation is what most frontends do: the system prompt, this message, and as many of the
newest whole turns as fit in the same budget.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd.cli.player import Sent

QUOTED = re.compile(r"^- (\d+) ([^:]*): (.*)$", re.MULTILINE)
"""A line of stored text as the daemon quotes it."""

CARRIERS = (
    pb.SECTION_KIND_PINNED,
    pb.SECTION_KIND_SUMMARY,
    pb.SECTION_KIND_KEY_FACTS,
    pb.SECTION_KIND_RETRIEVED,
)


@dataclass(frozen=True, slots=True)
class Carried:
    """A line of the context that stands for a turn truncation would have lost."""

    section: str
    sequence: int
    said_by: str
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both ways to fill the same budget, for the same message.

    `truncated_*` is what truncation sends; `lost_turns` counts the older turns it does
    not; `carried` is what contextd sends of those.
    """

    sent_tokens: int
    sent_turns: int
    truncated_tokens: int
    truncated_turns: int
    lost_turns: int
    carried: tuple[Carried, ...]

    @property
    def carried_turns(self) -> int:
        """How many lost turns stand in the context, by at least a line."""
        return len({line.sequence for line in self.carried})


def compare(answer: pb.BuildContextResponse, before: Sequence[Sent]) -> Comparison:
    """Compare *answer* with truncation; *before* are the turns recorded before the message."""
    fixed = answer.token_count - sum(m.tokens for m in answer.messages)
    fixed += sum(
        m.tokens
        for m in answer.messages
        if m.section in {pb.SECTION_KIND_SYSTEM, pb.SECTION_KIND_MESSAGE}
    )
    used, first = fixed, len(before)
    while first and used + before[first - 1].tokens <= answer.input_budget_tokens:
        first -= 1
        used += before[first].tokens
    kept_from = before[first].sequence if first < len(before) else len(before) + 1
    carried = dict.fromkeys(line for line in _quoted(answer) if line.sequence < kept_from)
    verbatim = next((s for s in answer.sections if s.kind == pb.SECTION_KIND_VERBATIM), None)
    return Comparison(
        sent_tokens=answer.token_count,
        sent_turns=len(verbatim.turn_sequences) if verbatim else 0,
        truncated_tokens=used,
        truncated_turns=len(before) - first,
        lost_turns=first,
        carried=tuple(carried),
    )


def _quoted(answer: pb.BuildContextResponse) -> Iterator[Carried]:
    for message in answer.messages:
        if message.section in CARRIERS:
            section = pb.SectionKind.Name(message.section).removeprefix("SECTION_KIND_").lower()
            for sequence, said_by, text in QUOTED.findall(message.text):
                yield Carried(section.replace("_", " "), int(sequence), said_by, text)
