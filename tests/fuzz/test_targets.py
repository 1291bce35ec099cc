"""Hostile bytes at every door: refused with a reason, never a surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.errors import StoreCorrupt
from contextd.stores import codec
from contextd.testing.samples import RECORDS
from tests.fuzz import targets
from tests.fuzz.messages import messages

if TYPE_CHECKING:
    from contextd.rpc.call import Method

EXAMPLES = 5 * settings().max_examples


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Return one of *seeds* with some bytes changed, put in, or taken out."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(data)


@pytest.mark.parametrize("method", targets.METHODS, ids=lambda method: method.name)
def test_any_message_is_served_or_refused_by_name(method: Method[Any]) -> None:
    """Whatever the fields hold, the caller learns the reason, and which field is wrong."""
    met = set()

    @given(messages(method.request))
    @settings(max_examples=EXAMPLES)
    def check(message: Any) -> None:
        call = targets.answered(method, message.SerializeToString())
        targets.check_answer(call)
        met.add(call.code)

    check()
    assert "INVALID_ARGUMENT" in met


@pytest.mark.parametrize("name", ["request", "record", "sealed_record"])
def test_any_bytes_are_taken_or_refused(name: str) -> None:
    """Bytes at random, and good ones spoilt, give a value or an error of ours."""

    @given(st.binary(max_size=200) | mutated(targets.seeds(name)))
    @settings(max_examples=EXAMPLES)
    def check(data: bytes) -> None:
        targets.TARGETS[name](data)

    check()


@pytest.mark.parametrize("name", targets.TARGETS)
def test_every_seed_is_good(name: str) -> None:
    """What a fuzzer begins with passes."""
    for seed in targets.seeds(name):
        targets.TARGETS[name](seed)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x81\xa3new" + b"\x91" * 100_000 + b"\xc0", id="arrays"),
        pytest.param(b"\x81\xa3new" + b"\x81\xa1a" * 100_000 + b"\xc0", id="maps"),
        pytest.param(b"\x82\xa2at\x07\xaaaccount_id\xa2\xff\xfe", id="no UTF-8"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="a map of four billion fields"),
        pytest.param(b"\x81\xa3new\xdb\xff\xff\xff\xff", id="a text of four gigabytes"),
    ],
)
def test_a_record_that_no_contextd_wrote(content: bytes) -> None:
    """Nesting without end, other encodings and sizes that lie are damage, checksum or not."""
    data = bytes((codec.VERSION, 1)) + content
    targets.sealed_record(data)
    with pytest.raises(StoreCorrupt):
        codec.decode(targets.sealed(data))


def test_two_flipped_bits_are_found() -> None:
    """Of every two wrong bits that stand at most 64 bits apart, none is missed."""
    whole = codec.encode(RECORDS[0])
    bits = len(whole) * 8
    for first in range(bits):
        for second in range(first + 1, min(bits, first + 64)):
            damaged = int.from_bytes(whole, "big") ^ 1 << first ^ 1 << second
            with pytest.raises(StoreCorrupt):
                codec.decode(damaged.to_bytes(len(whole), "big"))
