"""Messages from the wire, read so that what cannot be read has a reason."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from contextd.errors import FieldViolation

Request = TypeVar("Request", bound=Message)


def parse(kind: type[Request], payload: bytes) -> Request:
    """Return the message in *payload*.

    Raises:
        FieldViolation: it holds none of this *kind*.
    """
    try:
        return kind.FromString(payload)
    except DecodeError as error:
        raise FieldViolation(
            "request", f"is not a {kind.DESCRIPTOR.full_name}, or holds a string that is not UTF-8"
        ) from error
