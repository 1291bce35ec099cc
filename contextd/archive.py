"""Sessions as lines of JSON: how they leave a store, and how they come into another.

    {"contextd_session": 1, "conversation_id": "c-17"}
    {"kind": "session_opened", "at": 1700000000000000, "account_id": "a-1"}
    {"kind": "turns_recorded", "at": 1700000000000000, "turns": [{"turn_id": "t1", …}], …}
    {"end": 2}

A header, one line a record of the log, in order, and an end that counts them: without it a
file was cut off.  The fields are those of `events.py` and `model/`, named as there; what is at
its default is left out.  docs/sessions.md has all of it.  What the file does not say is told
when it is read: whose it is, and that nobody is to be told again of handoffs long past.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import msgspec

from contextd.errors import ArchiveInvalid
from contextd.events import (
    AccountLinked,
    ContactRepeated,
    DeferralEnded,
    Folded,
    HandoffClaimed,
    HandoffRaised,
    HandoffResolved,
    Recapped,
    SessionClosed,
    SessionOpened,
    Summarized,
    TurnDeferred,
    TurnsRecorded,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contextd.events import Record

FORMAT = 1
"""The version in the header; what an older reader could not read rightly needs a new one."""

HEADER = "contextd_session"
END = "end"

FIRST_RECORD = 2
"""The line of the first record."""

KINDS: Mapping[str, type] = MappingProxyType(
    {
        "session_opened": SessionOpened,
        "account_linked": AccountLinked,
        "turns_recorded": TurnsRecorded,
        "folded": Folded,
        "summarized": Summarized,
        "handoff_raised": HandoffRaised,
        "handoff_claimed": HandoffClaimed,
        "handoff_resolved": HandoffResolved,
        "turn_deferred": TurnDeferred,
        "deferral_ended": DeferralEnded,
        "session_closed": SessionClosed,
        "recapped": Recapped,
        "contact_repeated": ContactRepeated,
    }
)
"""Every record by its kind in the file."""

NAMES = MappingProxyType({kind: name for name, kind in KINDS.items()})

UNSAID = frozenset({"announce", "tenant_id", "conversation_id", "incarnation"})
"""Fields of a record, or of a handoff in one, that stand in no file: so only where it was."""

_PLACE = re.compile(r"^(.*?)(?: - at `\$\.?([^`]*)`)?$", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z_]{0,63}")


@dataclass(frozen=True, slots=True)
class Archive:
    """A session out of a file; `records[n]` stood in line n + 2."""

    conversation_id: str
    records: tuple[Record, ...]


def header(conversation_id: str) -> bytes:
    """Return the line that begins a session."""
    return _line({HEADER: FORMAT, "conversation_id": conversation_id})


def line(record: Record) -> bytes:
    """Return the line of a record."""
    return _line({"kind": NAMES[type(record)], **_plain(record)})


def end(records: int) -> bytes:
    """Return the line that ends a session of so many records."""
    return _line({END: records})


def _line(value: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a record holds
    """Return *value* in what JSON has, without what is at its default or stands in no file."""
    if is_dataclass(value):
        kind: Any = type(value)
        told = ((name, getattr(value, name), default) for name, default in _fields(kind))
        return {name: _plain(each) for name, each, default in told if each != default}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.value if isinstance(value, Enum) else value


@lru_cache(maxsize=64)
def _fields(kind: Any) -> tuple[tuple[str, object], ...]:  # noqa: ANN401 - a class of dataclass
    """Return the fields that a file tells, each with its default, MISSING for none."""
    unsaid = UNSAID if kind.__name__ in {*_BEARERS} else ()
    return tuple((each.name, each.default) for each in fields(kind) if each.name not in unsaid)


_BEARERS = ("SessionOpened", "Handoff", "HandoffRaised", "HandoffClaimed", "HandoffResolved")


@dataclass(slots=True)
class Reader:
    """Reads one session from bytes as they come; what is not said of it is *tenant_id*'s.

    A line has at most `line_bytes`, all of them together `most_bytes`.  After `close` has
    returned it is whole and every field has its type; whether it makes sense is for others.
    """

    tenant_id: str
    line_bytes: int
    most_bytes: int
    conversation_id: str = ""
    records: list[Record] = field(default_factory=list)
    _rest: bytearray = field(default_factory=bytearray)
    _read: int = 0
    _lines: int = 0
    _ended: bool = False

    def feed(self, data: bytes) -> None:
        """Take in the next bytes, which may end anywhere.

        Raises:
            ArchiveInvalid: a line is not what it should be; nothing more may be fed.
        """
        self._read += len(data)
        if self._read > self.most_bytes:
            said = f"the session is larger than the {self.most_bytes} bytes that are taken"
            raise ArchiveInvalid(self._lines + 1, "", said)
        *whole, rest = (bytes(self._rest) + data).split(b"\n")
        for each in whole:
            self._take(each)
        self._rest = bytearray(rest)
        self._check_length(rest)

    def close(self) -> Archive:
        """Return what was read.

        Raises:
            ArchiveInvalid: the end is missing.
        """
        if self._rest.strip():
            self._take(bytes(self._rest))
        if not self._ended:
            raise ArchiveInvalid(self._lines + 1, "", "the session is cut off: its end is missing")
        return Archive(self.conversation_id, tuple(self.records))

    def _check_length(self, text: bytes) -> None:
        if len(text) > self.line_bytes:
            said = f"is longer than the {self.line_bytes} bytes that a line may have"
            raise ArchiveInvalid(self._lines + 1, "", said)

    def _take(self, text: bytes) -> None:
        self._check_length(text)
        self._lines += 1
        if self._ended:
            raise ArchiveInvalid(self._lines, "", "comes after the end of the session")
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ArchiveInvalid(self._lines, "", "is not a line of JSON") from error
        if not isinstance(value, dict):
            raise ArchiveInvalid(self._lines, "", "is not a JSON object")
        if self._lines == 1:
            self._begin(value)
        elif END in value and "kind" not in value:
            self._finish(value)
        else:
            self.records.append(self._record(value))

    def _begin(self, value: dict[str, Any]) -> None:
        if HEADER not in value:
            raise ArchiveInvalid(1, HEADER, "is missing: a session begins with its header")
        version, conversation = value[HEADER], value.get("conversation_id")
        if version != FORMAT or isinstance(version, bool):
            said = f"must be {FORMAT}: of other versions this contextd knows nothing"
            raise ArchiveInvalid(1, HEADER, said)
        if not isinstance(conversation, str) or not conversation:
            raise ArchiveInvalid(1, "conversation_id", "is required, and must be a string")
        _know(value.keys(), {HEADER, "conversation_id"}, "", 1)
        self.conversation_id = conversation

    def _finish(self, value: dict[str, Any]) -> None:
        _know(value.keys(), {END}, "", self._lines)
        if value[END] != len(self.records) or isinstance(value[END], bool):
            said = f"must be the number of records, {len(self.records)}: some are missing"
            raise ArchiveInvalid(self._lines, END, said)
        self._ended = True

    def _record(self, value: dict[str, Any]) -> Record:
        kind = value.pop("kind", None)
        known = KINDS.get(kind) if isinstance(kind, str) else None
        if known is None:
            raise ArchiveInvalid(self._lines, "kind", "is missing, or none that is known")
        if known is HandoffRaised and isinstance(handoff := value.get("handoff"), dict):
            _know(handoff.keys(), handoff.keys() - UNSAID, "handoff.", self._lines)
            handoff |= {"tenant_id": self.tenant_id, "conversation_id": self.conversation_id}
        try:
            record: object = msgspec.convert(value, known, strict=True)
        except (msgspec.MsgspecError, RecursionError, OverflowError) as error:
            raise self._refused(str(error)) from error
        for path, names, told in _unknown(value, record):
            _know(names, told, path, self._lines)
        return cast("Record", record)

    def _refused(self, said: str) -> ArchiveInvalid:
        """Return what msgspec *said* as ours, without any text of the file."""
        found = _PLACE.match(said)
        description, place = (found[1], found[2] or "") if found else (said, "")
        if not description.startswith(("Expected", "Object missing")):
            description = "has a value that is not known"
        return ArchiveInvalid(self._lines, place, description)


def _unknown(raw: Any, value: Any, path: str = "") -> Iterator[tuple[str, set[str], set[str]]]:  # noqa: ANN401 - whatever a record holds
    """Yield where in *raw* fields stand, which, and which are known there."""
    if is_dataclass(value) and isinstance(raw, dict):
        known = {each.name for each in fields(value)}
        if not path:
            known -= UNSAID & {"announce", "incarnation"}
        yield path, set(raw), known
        for name in raw.keys() & known:
            yield from _unknown(raw[name], getattr(value, name), f"{path}{name}.")
    elif isinstance(value, tuple) and isinstance(raw, list):
        for at, (each, made) in enumerate(zip(raw, value, strict=True)):
            yield from _unknown(each, made, f"{path[:-1]}[{at}].")


def _know(found: Any, known: Any, path: str, number: int) -> None:  # noqa: ANN401 - sets, and views of dicts
    """Refuse a field that is not known; a name that looks like none is not repeated."""
    for name in sorted(set(found) - set(known)):
        shown = name if _NAME.fullmatch(name) else "?"
        raise ArchiveInvalid(number, f"{path}{shown}", "is no field that may stand here")
