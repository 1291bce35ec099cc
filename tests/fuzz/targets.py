"""What must hold of any bytes at all: one function a door, which raises where it does not.

The functions are run with bytes that Hypothesis draws in `make test`, and with those that a
coverage-guided fuzzer finds in `make fuzz`.
"""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zlib import crc32

from contextd.errors import StoreCorrupt, StoreTooNew
from contextd.observers import NullObserver
from contextd.rpc.admission import Admission, Capacity
from contextd.rpc.call import Calls
from contextd.rpc.servicer import ContextServicer, SessionServicer
from contextd.stores import codec
from contextd.testing.samples import RECORDS
from tests.policy.prompt.test_assembly_properties import test_every_context_keeps_every_promise
from tests.rpc.fakes import FakeEngine, build_message, record_message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from contextd.rpc.call import Method

ENGINE = FakeEngine().verbs()
METHODS: tuple[Method[Any], ...] = (
    *ContextServicer(ENGINE).methods(),
    *SessionServicer(ENGINE).methods(),
)


class Call:
    """A call without a wire: keeps the status it is answered with."""

    def __init__(self) -> None:
        self.code = "OK"
        self.trailers: dict[str, str | bytes] = {}

    def time_remaining(self) -> None:
        """Return that the caller set no deadline."""

    def set_code(self, code: Any) -> None:
        """Keep the code."""
        self.code = code.name

    def set_details(self, details: str) -> None:
        """Take the message; it must be text that a header can hold."""
        details.encode()

    def set_trailing_metadata(self, trailers: Sequence[tuple[str, str | bytes]]) -> None:
        """Keep the trailers."""
        self.trailers = dict(trailers)


def answered(method: Method[Any], payload: bytes) -> Call:
    """Serve *payload* as the daemon does, up to a verb that answers anything.

    Nothing in it has to wait, so it needs no event loop: thousands of calls a second.
    """
    call = Call()
    calls = Calls(Admission(Capacity(), time.monotonic), NullObserver(), time.monotonic)
    handler: Any = calls.handler(method)
    try:
        handler.unary_unary(payload, call).send(None)
    except StopIteration:
        return call
    raise AssertionError("the call waits for something")


def request(data: bytes) -> None:
    """Any bytes to any method are served or refused with a reason, and a field if one is wrong.

    The first byte chooses the method, the rest is what it gets.
    """
    method = METHODS[data[0] % len(METHODS)] if data else METHODS[0]
    check_answer(answered(method, data[1:]))


def check_answer(call: Call) -> None:
    """An error has a code of the caller's making, a reason, and a field where one is wrong."""
    if call.code == "OK":
        return
    reason = call.trailers["contextd-reason"]
    assert call.code == "INVALID_ARGUMENT", (call.code, reason)
    assert reason != "INTERNAL"
    assert reason != "FIELD_VIOLATION" or call.trailers["contextd-field"]
    assert sum(len(name) + len(value) for name, value in call.trailers.items()) < 8_192


def record(data: bytes) -> None:
    """Any bytes in a store are a record, or damaged, or from a newer version."""
    try:
        codec.decode(data)
    except (StoreCorrupt, StoreTooNew):
        return


def sealed(data: bytes) -> bytes:
    """Return *data* under a right checksum."""
    return crc32(data).to_bytes(4, "big") + data


def sealed_record(data: bytes) -> None:
    """The same with a right checksum over *data*; a record comes back as it was read.

    So it is not the checksum alone that keeps other errors out.
    """
    try:
        found = codec.decode(sealed(data))
    except (StoreCorrupt, StoreTooNew):
        return
    again = codec.decode(codec.encode(found))
    assert repr(again) == repr(found)  # NaN is not equal to itself


def packing(data: bytes) -> None:
    """Whatever session and budget *data* stands for, the context keeps every promise."""
    test_every_context_keeps_every_promise.hypothesis.fuzz_one_input(data)  # type: ignore[attr-defined]


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {each.__name__: each for each in (request, record, sealed_record, packing)}
)
"""Every target by its name."""


def seeds(name: str) -> tuple[bytes, ...]:
    """Return inputs to begin with, made of the samples of the test kit."""
    stored = tuple(codec.encode(each) for each in RECORDS)
    requests = (build_message(record_message=True, request_id="r"), record_message(request_id="r"))
    payloads = tuple(each.SerializeToString() for each in requests)
    return {
        "request": tuple(
            bytes([at]) + payload for at in range(len(METHODS)) for payload in payloads
        ),
        "record": stored,
        "sealed_record": tuple(each[4:] for each in stored),
        "packing": tuple(bytes([at]) * 64 * (at + 1) for at in range(8)),
    }[name]
