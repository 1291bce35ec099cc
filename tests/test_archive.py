from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd import archive
from contextd.errors import ArchiveInvalid
from contextd.events import HandoffRaised
from contextd.stores.codec import KINDS
from contextd.testing.samples import ODD_TEXTS, RECORDS, turns_recorded

if TYPE_CHECKING:
    from contextd.events import Record

EVERY: tuple[Record, ...] = RECORDS
LINES = b"".join(
    [archive.header("conversation"), *map(archive.line, EVERY), archive.end(len(RECORDS))]
)


def read(*pieces: bytes, most: int = 1 << 24, line: int = 1 << 23) -> archive.Archive:
    """Return what is in *pieces*."""
    reader = archive.Reader("tenant", line, most)
    for each in pieces:
        reader.feed(each)
    return reader.close()


def quiet(record: Record) -> bytes:
    """Return what of a record a file tells."""
    return archive.line(record)


def test_every_kind_comes_back_equal() -> None:
    """All fields, but whether somebody is to be told."""
    found = read(LINES)
    assert found.conversation_id == "conversation"
    assert list(map(quiet, found.records)) == list(map(quiet, EVERY))
    for record, made in zip(RECORDS, found.records, strict=True):
        assert getattr(made, "announce", False) is False
        if not getattr(record, "announce", False):
            assert made == record


def test_every_record_has_a_kind() -> None:
    """What a store can keep of a session, a file can hold."""
    assert {each.__name__ for each in archive.KINDS.values()} == {
        each.__name__ for each in KINDS if each.__name__ != "AccountUpdated"
    }


@given(cuts=st.lists(st.integers(0, len(LINES)), max_size=12))
def test_where_it_is_cut_does_not_matter(cuts: list[int]) -> None:
    """A session may come in pieces of any size."""
    places = [0, *sorted(cuts), len(LINES)]
    pieces = [LINES[first:last] for first, last in pairwise(places)]
    assert read(*pieces) == read(LINES)


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_odd_texts(odd: str) -> None:
    """Every text comes back to the character, and no text ends a line."""
    record = turns_recorded(ODD_TEXTS[odd])
    text = archive.line(record)
    assert text.count(b"\n") == 1
    found = read(archive.header("c"), text, archive.end(1))
    assert found.records[0] == record


def test_the_file_does_not_say_whose_it_is() -> None:
    """No tenant stands in it, and one that does is refused."""
    assert b"tenant" not in LINES
    at = next(n for n, each in enumerate(RECORDS) if isinstance(each, HandoffRaised))
    value = json.loads(archive.line(RECORDS[at]))
    value["handoff"]["tenant_id"] = "another"
    with pytest.raises(ArchiveInvalid) as refused:
        read(archive.header("c"), json.dumps(value).encode(), b"\n", archive.end(1))
    assert refused.value.field == "handoff.tenant_id"


GOOD = archive.line(RECORDS[0])
HEADER, END = archive.header("c"), archive.end(1)
TURNS = json.loads(archive.line(turns_recorded()))


def turns(**changes: object) -> bytes:
    """Return the line of some turns with *changes* in the first."""
    first = {**TURNS["turns"][0], **changes}
    return json.dumps({**TURNS, "turns": [first, *TURNS["turns"][1:]]}).encode() + b"\n"


WRONG: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 1, ""),
    "no header": (GOOD + END, 1, "contextd_session"),
    "a later version": (b'{"contextd_session": 2, "conversation_id": "c"}\n', 1,
                        "contextd_session"),
    "true as version": (b'{"contextd_session": true, "conversation_id": "c"}\n', 1,
                        "contextd_session"),
    "no conversation": (b'{"contextd_session": 1}\n', 1, "conversation_id"),
    "a tenant in the header": (
        b'{"contextd_session": 1, "conversation_id": "c", "tenant_id": "t"}\n', 1, "tenant_id"),
    "no end": (HEADER + GOOD, 3, ""),
    "a cut line": (HEADER + GOOD + GOOD[:-9], 3, ""),
    "a wrong end": (HEADER + GOOD + archive.end(2), 3, "end"),
    "more after the end": (HEADER + GOOD + END + GOOD, 4, ""),
    "an empty line": (HEADER + b"\n" + GOOD + END, 2, ""),
    "no JSON": (HEADER + b"{kind}\n", 2, ""),
    "a list": (HEADER + b"[]\n", 2, ""),
    "not UTF-8": (HEADER + b'{"kind": "\xff"}\n', 2, ""),
    "half a character": (HEADER + turns(text="x").replace(b'"x"', b'"\\ud800"'), 2, ""),
    "deep": (HEADER + b"[" * 100_000 + b"\n", 2, ""),
    "no kind": (HEADER + b'{"at": 1}\n', 2, "kind"),
    "an unknown kind": (HEADER + b'{"kind": "erased", "at": 1}\n', 2, "kind"),
    "a kind that is none": (HEADER + b'{"kind": [1]}\n', 2, "kind"),
    "a missing field": (HEADER + b'{"kind": "session_opened"}\n', 2, ""),
    "a wrong type": (HEADER + turns(text=7), 2, "turns[0].text"),
    "an unknown role": (HEADER + turns(role="boss"), 2, "turns[0].role"),
    "an unknown field": (HEADER + turns(colour="red"), 2, "turns[0].colour"),
    "an odd name": (HEADER + turns(**{"<b>": 1}), 2, "turns[0].?"),
    "an order to tell": (
        HEADER + archive.line(RECORDS[6]).replace(b'{"kind"', b'{"announce":true,"kind"'),
        2, "announce"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_named(wrong: str) -> None:
    """By line and field, without a word of the file's own."""
    text, line, place = WRONG[wrong]
    with pytest.raises(ArchiveInvalid) as refused:
        read(text)
    assert (refused.value.line, refused.value.field) == (line, place)
    assert "boss" not in str(refused.value)
    assert "<b>" not in str(refused.value)


def test_sizes_are_bounded() -> None:
    """A line, and all of them: also one that never ends."""
    with pytest.raises(ArchiveInvalid, match="longer"):
        read(HEADER, b"x" * 2_000, line=1_000)
    with pytest.raises(ArchiveInvalid, match="larger"):
        read(HEADER, *[GOOD] * 100, most=1_000)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(noise: bytes) -> None:
    """Nothing but `ArchiveInvalid` comes out of bytes that anybody may send."""
    for text in (noise, HEADER + noise, HEADER + noise + b"\n" + END):
        with suppress(ArchiveInvalid):
            read(text)
