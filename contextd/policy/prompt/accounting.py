"""The account of a context: what each part took, what is missing, what stays the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from contextd.model import Omitted, Section, SectionKind, StablePrefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contextd.model import Fold, Message
    from contextd.policy.state import SessionState

FOLDED = (SectionKind.SUMMARY, SectionKind.KEY_FACTS)
"""The sections that stand for folded turns."""


def sections(messages: Iterable[Message], state: SessionState) -> tuple[Section, ...]:
    """Return what each part took and the turns it cites; *messages* are in prompt order."""
    found = []
    for kind, group in groupby(messages, key=attrgetter("section")):
        part = list(group)
        cited = tuple(sorted({at for message in part for at in message.sequences}))
        tokens = sum(message.tokens for message in part)
        others = tuple(dict.fromkeys(each for message in part for each in message.conversations))
        found.append(Section(kind, tokens, cited, _ids(cited, state), others))
    return tuple(found)


def unrepresented(
    head: Iterable[Message], first: int, fold: Fold | None, state: SessionState, *, told: bool
) -> tuple[Omitted, ...]:
    """Return the turns below *first* that nothing in *head* stands for.

    *told* says that facts of the fold stand elsewhere in the context.
    """
    shown = list(head)
    summarised = told or any(message.section in FOLDED for message in shown)
    through = fold.through if fold and summarised else 0
    if through >= first - 1:
        return ()
    cited = {sequence for message in shown for sequence in message.sequences}
    missing = tuple(at for at in range(through + 1, first) if at not in cited)
    tokens = sum(state.turns[at - 1].tokens for at in missing)
    return (Omitted("BUDGET", missing, tokens=tokens),) if missing else ()


def named(omitted: Iterable[Omitted], state: SessionState) -> tuple[Omitted, ...]:
    """Return *omitted* with the callers' ids of its turns."""
    return tuple(replace(item, turn_ids=_ids(item.sequences, state)) for item in omitted)


def stable_prefix(messages: Sequence[Message]) -> StablePrefix:
    """Return the length and the SHA-256 of what a provider sees of *messages*.

    The hash is over a JSON array with one array a message: role, author, text, calls
    (id, name, arguments) and the id of the call it answers; ASCII, no white space.
    """
    content = [
        [
            message.role.value,
            message.author,
            message.text,
            [[call.id, call.name, call.arguments_json] for call in message.tool_calls],
            message.tool_call_id,
        ]
        for message in messages
    ]
    canonical = json.dumps(content, separators=(",", ":"))
    return StablePrefix(len(messages), hashlib.sha256(canonical.encode("ascii")).hexdigest())


def _ids(sequences: Iterable[int], state: SessionState) -> tuple[str, ...]:
    turns = state.turns
    return tuple([turns[at - 1].turn_id for at in sequences])
