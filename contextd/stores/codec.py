"""Records as bytes: the one format every store on disk keeps.

A stored record is a header of six bytes and a MessagePack map of the record's fields:

    crc32 (4 bytes, big-endian, over all that follows) | version | kind | map

The map names its fields, so a field that joins with a default needs no migration: records
written before it existed decode to the default.  Anything an older daemon could not read
rightly (a new kind, a new value of an enum, a new meaning) must come with a new `VERSION`
or kind, which the older one then refuses instead of guessing.
"""

from __future__ import annotations

import sys
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast
from zlib import crc32

import msgspec

from contextd.errors import StoreCorrupt, StoreTooNew
from contextd.events import (
    AccountLinked,
    AccountUpdated,
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
    from collections.abc import Mapping

    from contextd.events import Record

VERSION = 1

KINDS = MappingProxyType(
    {
        SessionOpened: 1,
        AccountLinked: 2,
        TurnsRecorded: 3,
        Folded: 4,
        HandoffRaised: 5,
        Summarized: 6,
        HandoffClaimed: 7,
        HandoffResolved: 8,
        TurnDeferred: 9,
        DeferralEnded: 10,
        SessionClosed: 11,
        Recapped: 12,
        AccountUpdated: 13,
        ContactRepeated: 14,
    }
)
"""The number of each record class on disk.  A number is never used again for another."""

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a map can be refused with: no record, a text that is not UTF-8, or nested too deep."""

_CHECKSUM = Struct(">I")
_HEADER = Struct(">IBB")
_ENCODER = msgspec.msgpack.Encoder()
_DECODERS: Mapping[int, msgspec.msgpack.Decoder[Any]] = MappingProxyType(
    {number: msgspec.msgpack.Decoder(kind) for kind, number in KINDS.items()}
)


def encode(record: Record | AccountUpdated) -> bytes:
    """Return the stored form of *record*.

    Texts must be valid Unicode: a lone surrogate raises UnicodeEncodeError.
    """
    body = bytes((VERSION, KINDS[type(record)])) + _ENCODER.encode(record)
    return _CHECKSUM.pack(crc32(body)) + body


def decode(stored: bytes) -> Record:
    """Return the record of a session that was stored, equal in every field.

    Raises:
        StoreCorrupt: the bytes are not what `encode` made, be it by a single bit.
        StoreTooNew: a newer contextd wrote them.
    """
    record = _decoded(stored)
    if isinstance(record, AccountUpdated):
        raise StoreCorrupt("a session's log holds a record of an account")
    _share_names(record)
    return record


def decode_update(stored: bytes) -> AccountUpdated:
    """Return the record of an account that was stored, equal in every field.

    Raises:
        StoreCorrupt, StoreTooNew: as `decode`.
    """
    record = _decoded(stored)
    if not isinstance(record, AccountUpdated):
        raise StoreCorrupt("an account's log holds a record of a session")
    return record


def _decoded(stored: bytes) -> Record | AccountUpdated:
    if len(stored) < _HEADER.size:
        raise StoreCorrupt("a stored record is shorter than its header")
    checksum, version, kind = _HEADER.unpack_from(stored)
    if crc32(memoryview(stored)[_CHECKSUM.size :]) != checksum:
        raise StoreCorrupt("a stored record does not match its checksum")
    if version > VERSION or kind not in _DECODERS:
        raise StoreTooNew(
            f"a stored record has version {version} and kind {kind}; "
            f"this contextd reads up to version {VERSION} and kind {max(_DECODERS)}"
        )
    try:
        record = _DECODERS[kind].decode(memoryview(stored)[_HEADER.size :])
    except UNREADABLE as error:
        raise StoreCorrupt("a stored record cannot be decoded") from error
    return cast("Record | AccountUpdated", record)


def _share_names(record: Record) -> None:
    """Let all that bears a name have one string of it: a session has few names, many bearers."""
    if isinstance(record, TurnsRecorded):
        _share(record, "encoding")
        for turn in record.turns:
            _share(turn, "author")
    elif isinstance(record, Folded):
        for fact in record.fold.facts:
            _share(fact, "label")


def _share(value: object, name: str) -> None:
    text = getattr(value, name)
    if text:
        object.__setattr__(value, name, sys.intern(text))
