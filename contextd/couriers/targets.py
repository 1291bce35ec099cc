"""Where a tenant's notices go, as a value; needs no HTTP client."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from dataclasses import dataclass, field

from contextd.errors import ConfigInvalid

PREFIX = "whsec_"
LEAST_BYTES = 24
MOST_BYTES = 64
"""The length of a key, as the Standard Webhooks specification wants it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL and the keys that sign what is sent there: two while one is being replaced."""

    url: str = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)


def signing_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys in *text*, one a line: `whsec_` and 24 to 64 bytes in base64.

    Raises:
        ConfigInvalid: one is none; its text is not shown.
    """
    keys = tuple(_key(number, line) for number, line in enumerate(text.split(), 1))
    if not keys:
        raise ConfigInvalid("there is no webhook secret")
    return keys


def _key(number: int, line: str) -> bytes:
    try:
        key = b64decode(line.removeprefix(PREFIX), validate=True)
    except (Error, ValueError):
        key = b""
    if not line.startswith(PREFIX) or not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ConfigInvalid(
            f"webhook secret {number} is not {PREFIX} and {LEAST_BYTES} to {MOST_BYTES} bytes in "
            "base64; `contextd webhooks secret` makes one"
        )
    return key
