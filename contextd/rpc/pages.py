"""Page sizes and page tokens (AIP-158).

A token holds the last item of the page before, so that pages neither skip nor repeat when
items come and go.  It is opaque to callers, not secret.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from contextd.errors import FieldViolation

DEFAULT_SIZE = 100
MAX_SIZE = 1_000

MAX_TOKEN = 1_024
"""Characters of a token; a conversation id has at most 256 bytes."""


def page_size(asked: int) -> int:
    """Return the number of items of a page; a size out of range is brought into it.

    Raises FieldViolation for a negative size.
    """
    if asked < 0:
        raise FieldViolation("page_size", "must not be negative")
    return min(asked, MAX_SIZE) or DEFAULT_SIZE


def token(cursor: str) -> str:
    """Return the token for the page after *cursor*."""
    return urlsafe_b64encode(f"1{cursor}".encode()).decode()


def cursor(token: str) -> str:
    """Return the cursor in *token*; "" for the first page.

    Raises FieldViolation for a token that `token` did not make.
    """
    if not token:
        return ""
    try:
        decoded = urlsafe_b64decode(token[:MAX_TOKEN].encode()).decode()
    except ValueError as error:
        raise _bad_token() from error
    if not decoded.startswith("1") or "\0" in decoded:
        raise _bad_token()
    return decoded[1:]


def sequence(token: str) -> int:
    """Return the sequence in *token*; 0 for the first page.

    Raises FieldViolation for a token that holds none.
    """
    text = cursor(token)
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 19):  # noqa: PLR2004  # 64 bits
        raise _bad_token()
    return int(text)


def _bad_token() -> FieldViolation:
    return FieldViolation("page_token", "is not a token that this method returned")
