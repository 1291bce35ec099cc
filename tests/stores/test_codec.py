"""The stored form of records: exact, self-checking, open to older versions only."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.errors import StoreCorrupt, StoreTooNew
from contextd.events import AccountUpdated, Folded, Record, SessionOpened, TurnsRecorded
from contextd.model import Escalation, Fact, FactKind, Fold, Role, Tier, Turn
from contextd.stores import codec
from contextd.testing.samples import RECORDS, turns_recorded

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN: Mapping[object, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    str: st.text(max_size=8),
    bool: st.booleans(),
    NoneType: st.none(),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return any values of a field's type, so that a new field is covered without a word."""
    if kind in PLAIN:
        return PLAIN[kind]
    if get_origin(kind) is tuple:
        return st.lists(values_of(get_args(kind)[0]), max_size=2).map(tuple)
    if isinstance(kind, UnionType):
        return st.one_of([values_of(each) for each in get_args(kind)])
    if is_dataclass(kind):
        assert isinstance(kind, type)
        hints = get_type_hints(kind)
        return st.builds(kind, **{each.name: values_of(hints[each.name]) for each in fields(kind)})
    assert issubclass(kind, Enum)
    return st.sampled_from(kind)


def stored(version: int, kind: int, body: bytes) -> bytes:
    """Return bytes with a right checksum, as another version would have written them."""
    content = bytes((version, kind)) + body
    return crc32(content).to_bytes(4, "big") + content


def fields_of(record: Record) -> dict[str, Any]:
    """Return the map inside the stored form."""
    return dict(msgspec.msgpack.decode(codec.encode(record)[6:]))


@given(values_of(Record))
@settings(max_examples=80, deadline=None)
def test_round_trip(record: Record) -> None:
    """Whatever the fields hold, the record comes back equal, of the same class and types."""
    again = codec.decode(codec.encode(record))
    assert again == record
    assert repr(again) == repr(record)


def test_every_kind_has_a_number() -> None:
    """No record class is without a number, and no number is used twice."""
    assert set(codec.KINDS) == {*get_args(Record), AccountUpdated}
    assert len(set(codec.KINDS.values())) == len(codec.KINDS)


def test_the_format_stays() -> None:
    """What was written yesterday has these bytes."""
    before = "114ebce1010182a26174" + "07" + "aa6163636f756e745f6964" + "a2c3a9"
    assert codec.decode(bytes.fromhex(before)) == SessionOpened(7, "é")
    now = codec.encode(SessionOpened(7, "é", "i")).hex()
    assert now == (
        "d0482be40101" + "83a26174" + "07" + "aa6163636f756e745f6964" + "a2c3a9"
        "ab696e6361726e6174696f6e" + "a169"
    )


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_flipped_bit_is_found(record: Record) -> None:
    """A record with any one bit wrong is refused as damaged, never served."""
    whole = codec.encode(record)
    for bit in range(len(whole) * 8):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(StoreCorrupt):
            codec.decode(bytes(damaged))


def test_every_cut_is_found() -> None:
    """A record that was cut short is refused."""
    whole = codec.encode(turns_recorded())
    for length in range(len(whole)):
        with pytest.raises(StoreCorrupt):
            codec.decode(whole[:length])


def test_a_record_older_than_a_field() -> None:
    """A record written before a field existed decodes to the field's default."""
    content = fields_of(turns_recorded())
    del content["escalation"], content["budget"]
    del content["turns"][0]["retention"]
    kind = codec.KINDS[TurnsRecorded]
    again = codec.decode(stored(1, kind, msgspec.msgpack.encode(content)))
    assert isinstance(again, TurnsRecorded)
    assert (again.escalation, again.budget) == (Escalation(), None)
    assert again.turns[1] == turns_recorded().turns[1]


@pytest.mark.parametrize(("version", "kind"), [(2, 1), (255, 1), (1, 200), (1, 0)])
def test_a_newer_version_is_refused(version: int, kind: int) -> None:
    """A version or kind from the future is not guessed at."""
    body = codec.encode(SessionOpened(1, ""))[6:]
    with pytest.raises(StoreTooNew):
        codec.decode(stored(version, kind, body))


@pytest.mark.parametrize("body", [b"", b"\x80", b"\xc1", b"\x82\xa2at\x07", b"\xa1a"])
def test_what_is_no_record(body: bytes) -> None:
    """Bytes with a right checksum that hold no record are damaged, not an error of msgspec."""
    with pytest.raises(StoreCorrupt) as failure:
        codec.decode(stored(1, 1, body))
    assert isinstance(failure.value.__cause__, msgspec.MsgspecError)


def test_turns_of_an_author_share_the_name() -> None:
    """A session of a thousand turns holds each author's name once."""
    turns = tuple(Turn(str(n), Role.USER, "hello", author="Ann of Leeds") for n in range(2))
    record = TurnsRecorded(1, "", "", turns, "o200k_base", Tier.VERBATIM, 0.1)
    first, second = (codec.decode(codec.encode(record)) for _ in range(2))
    assert isinstance(first, TurnsRecorded)
    assert isinstance(second, TurnsRecorded)
    names = {id(turn.author) for turn in (*first.turns, *second.turns)}
    assert len(names) == 1


def test_facts_with_a_label_share_it() -> None:
    """Folds of a session hold each label once, however many facts bear it."""
    facts = tuple(Fact(FactKind.ENTITY, f"{n}", n, "order id") for n in range(1, 3))
    record = Folded(1, Fold(2, (), facts, (), 9))
    first, second = (codec.decode(codec.encode(record)) for _ in range(2))
    assert isinstance(first, Folded)
    assert isinstance(second, Folded)
    assert len({id(fact.label) for fact in (*first.fold.facts, *second.fold.facts)}) == 1
