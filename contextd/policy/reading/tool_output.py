"""Read what a tool gave or was given: the leaves of its JSON that a later turn may need.

Ids, amounts, dates, states and names are kept with their key as label; prose, flags and
nested structure are not.  Work is bounded by `MOST_CHARACTERS` and `MOST_LEAVES`.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from contextd.policy.reading.extraction import ID_LIKE, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CHARACTERS = 100_000
MOST_LEAVES = 400
LONGEST = 60
"""Characters of a value; a longer one is prose or a blob."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BREAKS = re.compile(r"[\s_.-]+")
_PAIR = re.compile(r'"([\w .-]{1,40})"\s{0,4}:\s{0,4}(?:"([^"\\]{1,60})"|(-?\d[\d.]{0,20}))')
_IDENTITY = re.compile(
    r"\b(?:id|ids|number|no|code|reference|ref|sku|pin|account|order|orders|reservation|"
    r"reservations|"
    r"booking|ticket|invoice|tracking|payment|flight|confirmation|key|uuid)\b"
)
_STATE = re.compile(r"\b(?:status|state|result|outcome|message|error|reason|confirmation)\b")
_AMOUNT = re.compile(
    r"\b(?:amount|total|price|balance|cost|fee|fare|refund|charge|paid|due|quantity|qty|count|"
    r"seats|bags|baggages|guests|people|nights)\b"
)
_WHEN = re.compile(r"\b(?:date|time|day|due|expires|expiry|dob|departure|arrival|at|on|when)\b")
_WHO = re.compile(
    r"\b(?:name|email|mail|phone|address|address1|city|zip|country|state|location|origin|"
    r"destination|"
    r"cabin|class|type|model|color|colour|size|brand|title|doctor|hotel|restaurant|company|"
    r"method|insurance)\b"
)
_SALIENCE = ((_IDENTITY, 1.0), (_STATE, 0.9), (_WHEN, 0.7), (_AMOUNT, 0.6), (_WHO, 0.5))


def leaves(text: str) -> Iterator[tuple[Value, float]]:
    """Give the values of a tool's output or arguments with their salience (0..1)."""
    text = text.strip()
    if text[:1] not in {"{", "["}:
        return
    tree = _parse(text)
    if tree is None:
        yield from _pairs(text[:MOST_CHARACTERS])
        return
    yield from islice(_walk(tree), MOST_LEAVES)


def gist(text: str, limit: int) -> str:
    """Return JSON as a person reads it, within *limit* characters: "status held, 5 warehouses".

    What it says at its top level comes first; lists are counted.  "" when it is not JSON.
    """
    tree = _parse(text.strip()) if structured(text) else None
    parts = [*_told(tree, ""), *_told_below(tree)]
    line = ", ".join(part for part in parts if part)
    if len(line) <= limit:
        return line
    end = line.rfind(", ", 0, limit - 2)
    return f"{line[:end] if end > 0 else line[: limit - 1]}, \u2026"[:limit]


def _told(tree: Any, label: str) -> Iterator[str]:  # noqa: ANN401 – JSON is any
    """Give the plain values of one level, lists counted."""
    if isinstance(tree, list):
        yield f"{len(tree)} {label or 'entries'}"
    for key, value in islice(tree.items(), MOST_LEAVES) if isinstance(tree, dict) else ():
        name = " ".join(part for part in (label, spoken(key)) if part)
        if isinstance(value, list):
            yield f"{len(value)} {name}" if value else ""
        elif value is not None and not isinstance(value, dict):
            said = str(value).lower() if isinstance(value, bool) else str(value)
            yield f"{name} {' '.join(said.split())}" if said.strip() else ""


def _told_below(tree: Any) -> Iterator[str]:  # noqa: ANN401 – JSON is any
    for key, value in islice(tree.items(), MOST_LEAVES) if isinstance(tree, dict) else ():
        if isinstance(value, dict):
            yield from _told(value, spoken(key))


def structured(text: str) -> bool:
    """Say whether *text* is JSON by its looks, so that its words are no prose."""
    return text.lstrip()[:2].rstrip() in {"{", "[", '{"', "[{", '["', "{}", "[]", "[["}


def _parse(text: str) -> Any:  # noqa: ANN401 – JSON is any
    if len(text) > MOST_CHARACTERS:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _pairs(text: str) -> Iterator[tuple[Value, float]]:
    for seen, match in enumerate(_PAIR.finditer(text)):
        if seen >= MOST_LEAVES:
            return
        found = _leaf(spoken(match[1]), match[2] or match[3])
        if found is not None:
            yield found


def _walk(tree: Any) -> Iterator[tuple[Value, float]]:  # noqa: ANN401 – JSON is any
    stack: list[tuple[str, Any]] = [("", tree)]
    seen = 0
    while stack and seen < MOST_LEAVES:
        label, node = stack.pop()
        seen += 1
        if isinstance(node, dict):
            inner = list(node.items())[:MOST_LEAVES]
            stack.extend((_key(label, key), value) for key, value in reversed(inner))
            yield from (
                (Value(_singular(label), key), 1.0)
                for key, _ in inner
                if len(key) <= LONGEST and label and ID_LIKE.fullmatch(key)
            )
        elif isinstance(node, list):
            stack.extend((_singular(label), item) for item in reversed(node[:MOST_LEAVES]))
        elif isinstance(node, str) and structured(node):
            stack.append((label, _parse(node)))
        elif node is not None and not isinstance(node, bool):
            found = _leaf(label, str(node))
            if found is not None:
                yield found


def _leaf(label: str, text: str) -> tuple[Value, float] | None:
    text = text.strip()
    if not text or len(text) > LONGEST:
        return None
    if ID_LIKE.fullmatch(text):
        return Value(label or "id", text), 1.0
    for pattern, salience in _SALIENCE:
        if pattern.search(label):
            return Value(label, text), salience
    return None


def spoken(key: str) -> str:
    """Return a JSON key as words: "reservation_id" and "ReservationId" → "reservation id"."""
    return _BREAKS.sub(" ", _CAMEL.sub(" ", key[:LONGEST])).strip().lower()


def _key(above: str, key: str) -> str:
    """Name a leaf: its key, with the key above it where the key alone says little."""
    if len(key) > LONGEST or ID_LIKE.fullmatch(key):
        return _singular(above)
    name = spoken(key)
    return f"{_singular(above)} {name}" if name in {"id", "name", "number"} and above else name


def _singular(label: str) -> str:
    return label[:-1] if label.endswith("s") and not label.endswith(("ss", "us")) else label
