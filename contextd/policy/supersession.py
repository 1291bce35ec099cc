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
from contextd.policy.gathering import SAID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contextd.policy.gathering import Candidate

_THING = r"(?:the |my |a |an )?(?P<{0}>[\w'$€£:./@ -]{{1,40}}?)"
_REPLACED = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:change|changed|switch|update|correct|move)\b [^.?!]{0,40}?\bfrom "
        + _THING.format("old")
        + r" (?:to|into) \w",
        r"\binstead of " + _THING.format("old") + r"(?=[.,!?;]| (?:and|please|for|on|at|but)\b|$)",
        r"\brather than " + _THING.format("old") + r"(?=[.,!?;]| (?:and|please|for|on|at|but)\b|$)",
        r"\bnot " + _THING.format("old") + r"[,;]? (?:but|it'?s|make it|i meant)\b",
        r", not " + _THING.format("old") + r"(?=[.,!?;]|$)",
    )
)
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
_STRAY = " .,;:!?\"'*()"


def normal(text: str) -> str:
    """Return *text* as it compares: lower case, single spaces, no marks around it."""
    return " ".join(text.lower().split()).strip(_STRAY)


def settle(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return what still holds of *candidates* (in the order stated), each value once."""
    return _once(_standing(candidates))


def _standing(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    gone: set[int] = set()
    faded: set[int] = set()
    newest: dict[str, int] = {}
    for at, candidate in enumerate(candidates):
        fact = candidate.fact
        if candidate.corrects:
            gone.update(_named_as_old(candidates[:at], fact.text))
        if fact.kind is not FactKind.ENTITY or fact.label == SAID:
            continue
        slot = _slot(candidate)
        before = newest.get(slot)
        replaced = before is not None and candidates[before].fact.sequence < fact.sequence
        if replaced and (candidate.corrects or candidate.role is Role.TOOL):
            gone.add(newest[slot])
            faded.update(_around(candidates, newest[slot]))
        if slot:
            newest[slot] = at
    for at, candidate in enumerate(candidates):
        if at not in gone:
            weight = candidate.weight * (_FADED if at in faded else 1.0)
            yield replace(candidate, weight=weight)


def _around(candidates: Sequence[Candidate], at: int) -> Iterator[int]:
    """Give the user's phrases around a value that no longer holds, and quote it."""
    value = normal(candidates[at].fact.text)
    for other in range(max(0, at - _NEAR), min(len(candidates), at + _NEAR)):
        fact = candidates[other].fact
        together = fact.label == SAID and fact.sequence == candidates[at].fact.sequence
        if together and _holds(normal(fact.text), value):
            yield other


def _slot(candidate: Candidate) -> str:
    """Name what can hold one value at a time; "" where many may stand side by side."""
    label = candidate.fact.label
    if candidate.role is Role.USER:
        return f"user {label}"
    if candidate.role is Role.TOOL and label.startswith(_SINGLE) and " of " in label:
        return f"tool {label}"
    return ""


def _named_as_old(earlier: Sequence[Candidate], correction: str) -> Iterator[int]:
    old = [value for found in _olds(correction) if (value := normal(found["old"]))]
    if not old:
        return
    for at in range(len(earlier) - 1, max(-1, len(earlier) - 1 - _LOOK_BACK), -1):
        candidate = earlier[at]
        if candidate.role is not Role.USER or candidate.fact.kind is not FactKind.ENTITY:
            continue
        text = normal(candidate.fact.text)
        short = len(text.split()) <= _PHRASE_WORDS
        if any(value == text or (short and _holds(text, value)) for value in old):
            yield at


def _olds(correction: str) -> Iterator[re.Match[str]]:
    text = correction.replace("\u2019", "'").lower()
    return (found for pattern in _REPLACED for found in pattern.finditer(text))


def _holds(text: str, value: str) -> bool:
    return f" {value} " in f" {text} "


def _once(candidates: Iterable[Candidate]) -> list[Candidate]:
    kept: dict[tuple[str, str], Candidate] = {}
    for candidate in candidates:
        fact = candidate.fact
        text = normal(fact.text)
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
    return replace(
        after,
        fact=replace(after.fact, label=label),
        weight=min(4.0, max(before.weight, after.weight) + bonus),
    )
