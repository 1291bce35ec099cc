"""What is no longer so: a corrected value goes, a repeated one counts once.

A value goes when its user corrects it under the same label, when a correction names it as
the thing changed ("change A to B", "B instead of A", "not A but B"), and when a tool
reports a newer state of the same record.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.model import FactKind, Role
from contextd.policy.facts.wording import SAID, normal, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contextd.model import Turn
    from contextd.policy.facts.gathering import Candidate
    from contextd.policy.reading.retention import Verdict

_ENDS = r"(?=[.,!?;](?: |$)| (?:and|please|for|on|at|but)\b|$)"
_THING = r"(?:the |my |a |an )?(?P<{0}>[\w'$€£:./@ -]{{1,40}}?)"
_REPLACED = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:change|changed|switch|update|correct|move)\b [^.?!]{0,40}?\bfrom "
        + _THING.format("old")
        + r" (?:to|into) \w",
        r"\binstead of " + _THING.format("old") + _ENDS,
        r"\brather than " + _THING.format("old") + _ENDS,
        r"\bnot " + _THING.format("old") + r"[,;]? (?:but|it'?s|make it|i meant)\b",
        r", not " + _THING.format("old") + _ENDS,
        r"\b(?!(?:am|is|are|was|were|do|does|did|have|has|had|can|could|will|would|should|may|"
        r"might|must|if|or|why|but|and|that'?s|it'?s|i'?m)\b)[\w']+ not (?:at |to |on |in |for )?"
        + _THING.format("old")
        + r"(?=[.!]?$)",
    )
)
_TAKEN_BACK = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bfrom " + _THING.format("old") + r"(?= (?:to|into) \w)",
        r",? ?\b(?:instead of|rather than) " + _THING.format("old") + _ENDS,
        r"\bnot (?P<old>[\w'$€£:./@ -]{1,40}?[,;]? but )",
        r", not " + _THING.format("old") + _ENDS,
    )
)
"""What `current` cuts out of a correction."""
_SINGLE = ("status", "state", "result", "outcome", "message", "error", "reason")
_BARE = 4
"""Characters below which a value means nothing without its label ("2", "633")."""
_PHRASE_WORDS = 8
"""Words of a phrase that goes with the value it holds; a longer one says more than that."""
_LOOK_BACK = 400
"""Candidates that a correction looks back over for the value it names."""
_NEAR = 12
"""Candidates of one turn among which the phrase around a value is looked for."""
_FADED = 0.35
"""What is left of a phrase's weight when a value in it was corrected."""
_LATELY = 12
"""Turns within which a change of plans varies what was said."""
_VARIED_WORDS = 4
"""Words up to which a phrase is a thing with its kind and not a clause."""


def outdated(turns: Sequence[Turn], verdicts: Sequence[Verdict]) -> tuple[tuple[int, str], ...]:
    """Return (turn, value) for each value that a user's correction names as no longer so.

    The value is as `normal` gives it; it no longer holds where it was said before the turn.
    """
    return tuple(
        (turn.sequence, value)
        for turn, verdict in zip(turns, verdicts, strict=True)
        for item in verdict.statements
        if item.kind is FactKind.CORRECTION
        for value in replaced_values(item.text)
    )


def replaced_values(correction: str) -> list[str]:
    """Return the values that a correction names as no longer so, as `normal` gives them."""
    text = correction.replace("\u2019", "'").lower()
    found = (match["old"] for pattern in _REPLACED for match in pattern.finditer(text))
    return [value for value in map(normal, found) if value]


def current(correction: str) -> str:
    """Return a correction without the values that it takes back: "48113, not 48131" → "48113"."""
    spans = sorted(
        (match.start(), match.end("old"))
        for pattern in _TAKEN_BACK
        for match in pattern.finditer(correction.replace("\u2019", "'"))
    )
    text, at = "", 0
    for start, end in spans:
        if start >= at:
            text, at = text + correction[at:start], end
    text = f"{text}{correction[at:]}"
    return re.sub(r"\s+(?=[.,!?;]|$)", "", " ".join(text.split()))


def states_old(text: str, sequence: int, old: Iterable[tuple[int, str]]) -> bool:
    """Say whether *text*, said in turn *sequence*, holds a value corrected later."""
    since = [value for at, value in old if sequence < at]
    return bool(since) and any(_holds(normal(text), value) for value in since)


def settle(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return what still holds of *candidates* (in the order stated), each value once."""
    return _once(_standing(candidates))


def _standing(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    gone = _taken_back(candidates) | _replaced(candidates) | _varied(candidates)
    faded = {around for at in sorted(gone) for around in _around(candidates, at)}
    for at, candidate in enumerate(candidates):
        if at not in gone:
            faint = at in faded
            yield replace(candidate, weight=candidate.weight * _FADED) if faint else candidate


def _taken_back(candidates: Sequence[Candidate]) -> set[int]:
    """Return where the values stand that a correction names, also within itself."""
    gone: set[int] = set()
    old: set[tuple[int, str]] = set()
    for at, candidate in enumerate(candidates):
        fact = candidate.fact
        if fact.kind is FactKind.CORRECTION:
            named = replaced_values(fact.text)
            old = {(fact.sequence, value) for value in named}
            gone.update(_named_as_old(candidates, at, named))
        elif old and (fact.sequence, candidate.wording.text) in old:
            gone.add(at)
    return gone


def _replaced(candidates: Sequence[Candidate]) -> set[int]:
    """Return where the values stand whose place a correction or a newer state took."""
    gone: set[int] = set()
    newest: dict[str, int] = {}
    for at, candidate in enumerate(candidates):
        slot = _slot(candidate)
        if not slot:
            continue
        before = newest.get(slot, at)
        later = candidates[before].fact.sequence < candidate.fact.sequence
        if later and (candidate.corrects or candidate.role is Role.TOOL):
            gone.add(before)
        newest[slot] = at
    return gone


def _varied(candidates: Sequence[Candidate]) -> set[int]:
    """Return where phrases stand that a change of plans varied: "Thai food" by "Greek food".

    It does where the last word is the same, the words before it are not, and the user said
    both within `_LATELY` turns.
    """
    gone: set[int] = set()
    heads: dict[str, list[int]] = {}
    for at, candidate in enumerate(candidates):
        head = _head(candidate)
        if not head:
            continue
        sequence, text = candidate.fact.sequence, candidate.wording.text
        if candidate.revises:
            gone.update(
                before
                for before in heads.get(head, ())
                if sequence - _LATELY <= candidates[before].fact.sequence < sequence
                and not _holds(text, candidates[before].wording.text)
            )
        heads.setdefault(head, []).append(at)
    return gone


def _head(candidate: Candidate) -> str:
    """Return the last word of a user's short phrase, "" for anything else."""
    if candidate.role is not Role.USER or candidate.fact.label != SAID:
        return ""
    words = candidate.wording.text.split()
    return words[-1] if 1 < len(words) <= _VARIED_WORDS else ""


def _around(candidates: Sequence[Candidate], at: int) -> Iterator[int]:
    """Give the user's phrases around a value that no longer holds, and quote it."""
    value = candidates[at].wording.text
    for other in range(max(0, at - _NEAR), min(len(candidates), at + _NEAR)):
        fact = candidates[other].fact
        together = fact.label == SAID and fact.sequence == candidates[at].fact.sequence
        if together and _holds(candidates[other].wording.text, value):
            yield other


def _slot(candidate: Candidate) -> str:
    """Name what can hold one value at a time; "" where many may stand side by side."""
    label = candidate.fact.label
    if candidate.fact.kind is not FactKind.ENTITY or label == SAID:
        return ""
    if candidate.role is Role.USER:
        return f"user {label}"
    if candidate.role is Role.TOOL and label.startswith(_SINGLE) and " of " in label:
        return f"tool {label}"
    return ""


def _named_as_old(candidates: Sequence[Candidate], end: int, old: Sequence[str]) -> Iterator[int]:
    """Give where the user's values before *end* stand that are one of *old*, or hold it."""
    for at in range(max(0, end - _LOOK_BACK) if old else end, end):
        candidate = candidates[at]
        if candidate.role is not Role.USER or candidate.fact.kind is not FactKind.ENTITY:
            continue
        text = candidate.wording.text
        short = len(text.split()) <= _PHRASE_WORDS
        if any(value == text or (short and _holds(text, value)) for value in old):
            yield at


def _holds(text: str, value: str) -> bool:
    return f" {value} " in f" {text} "


def _once(candidates: Iterable[Candidate]) -> list[Candidate]:
    kept: dict[tuple[str, str], Candidate] = {}
    for candidate in candidates:
        text = candidate.wording.text
        key = (text, _group(candidate, text))
        before = kept.pop(key, None)
        if before is not None:
            candidate = _joined(before, candidate)  # noqa: PLW2901 – the joined one takes its place
        if text:
            kept[key] = candidate
    return list(kept.values())


def _group(candidate: Candidate, text: str) -> str:
    if candidate.fact.kind is not FactKind.ENTITY:
        return "statement"
    return candidate.fact.label if len(text) < _BARE else ""


def _joined(before: Candidate, after: Candidate) -> Candidate:
    """Join two statements of one value: the newer turn, the better label, more weight."""
    label = after.fact.label if before.fact.label in {SAID, "id", ""} else before.fact.label
    bonus = 0.4 if before.role is not after.role else 0.1
    weight = min(4.0, max(before.weight, after.weight) + bonus)
    if label == after.fact.label:
        return replace(after, weight=weight)
    fact = replace(after.fact, label=label)
    return replace(after, fact=fact, weight=weight, wording=worded(fact))
