"""Messages of any type of the contract, with values that a caller should not send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

ODD_TEXTS = st.sampled_from(
    [
        "",
        "\0",
        "t",
        "c" * 257,
        "e\u0301" * 90,
        "[" * 2_000,
        '{"a": NaN}',
        "\u202e",
        "🙂" * 70,
        "1e999",
    ]
)
TEXT = st.text(max_size=8) | ODD_TEXTS
SMALL = st.sampled_from([0, 1, 2, -1, 5, 255, 2**31 - 1, -(2**31)])

VALUES: Mapping[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=8),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_INT32: SMALL,
    FieldDescriptor.TYPE_INT64: SMALL | st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.TYPE_FLOAT: st.floats(width=32),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_ENUM: SMALL,
}


def messages(kind: type[Message]) -> st.SearchStrategy[Message]:
    """Return messages of *kind* with any of its fields, of any value its types allow."""
    return st.builds(kind, **_optional(kind.DESCRIPTOR))


def _optional(descriptor: Any) -> dict[str, st.SearchStrategy[Any]]:
    """Return a strategy a field; None is a field that is not there."""
    return {field.name: st.none() | _values(field) for field in descriptor.fields}


def _values(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    kind: Any = field.message_type
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        one: st.SearchStrategy[Any] = messages(GetMessageClass(kind))
    else:
        one = VALUES[field.type]
    return st.lists(one, max_size=3) if field.is_repeated else one
