"""Static bearer tokens: a file of their digests, one JSON object a line.

A token is 256 random bits, so its bare SHA-256 tells nothing of it and cannot be searched
for; a slow hash is for passwords, which people choose.  Looking a digest up compares
digests, whose timing tells nothing of a token either.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - msgspec reads the hints
from typing import TYPE_CHECKING

import msgspec

from contextd.errors import ConfigInvalid
from contextd.policy.access import EVERY_TENANT, Principal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PREFIX = "ctxd_"
"""How a token of ours begins, so that scanners for secrets know one when it leaks."""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of the file.

    `tenants` may be ["*"] for all of them; `methods`, if given, are the only calls it may
    make; after `expires` it is worth nothing.
    """

    name: str
    sha256: str
    tenants: list[str]
    methods: list[str] = []
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """Whom a token stands for, and until when (seconds since 1970)."""

    principal: Principal
    until: float = float("inf")


def digest_of(token: str) -> bytes:
    """Return what the file holds of *token*, as bytes."""
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).digest()


def line_for(token: str, name: str, tenants: list[str], **rest: object) -> str:
    """Return the line of the file that lets *token* in; *rest* are its other fields."""
    known = {"name": name, "sha256": digest_of(token).hex(), "tenants": tenants}
    return msgspec.json.encode(msgspec.convert(known | rest, Line)).decode()


def read_tokens(text: str, methods: Collection[str]) -> Mapping[bytes, Token]:
    """Return the tokens of a file by their digests; *methods* are the calls there are.

    Empty lines and those that begin with # mean nothing.

    Raises:
        ConfigInvalid: naming the line and what is wrong with it, and nothing that it holds.
    """
    found: dict[bytes, Token] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            entry = msgspec.json.decode(line, type=Line)
            _check(entry, methods)
        except ValueError as error:  # msgspec's errors are ValueErrors; they quote no value
            raise ConfigInvalid(f"line {number}: {error}") from error
        digest = bytes.fromhex(entry.sha256)
        if digest in found:
            raise ConfigInvalid(f"line {number}: this token was given before")
        found[digest] = _token(entry)
    if not found:
        raise ConfigInvalid("holds no token; an empty file is more likely half written")
    return found


def _check(entry: Line, methods: Collection[str]) -> None:
    for problem in _problems(entry, methods):
        raise ValueError(problem)


def _problems(entry: Line, methods: Collection[str]) -> Iterator[str]:
    if not re.fullmatch(r"[0-9a-f]{64}", entry.sha256):
        yield "sha256 must be 64 digits of hexadecimal, in lower case"
    if not entry.tenants or "" in entry.tenants:
        yield 'tenants must name at least one tenant, or be ["*"]'
    if EVERY_TENANT in entry.tenants and len(entry.tenants) > 1:
        yield 'tenants must be ["*"] alone for all of them'
    for method in entry.methods:
        if method not in methods:
            yield f"methods must be among {', '.join(sorted(methods))}"
    if entry.expires is not None and entry.expires.tzinfo is None:
        yield "expires must name its time zone (2027-01-31T00:00:00Z)"


def _token(entry: Line) -> Token:
    every = EVERY_TENANT in entry.tenants
    principal = Principal(
        entry.name,
        None if every else frozenset(entry.tenants),
        frozenset(entry.methods) or None,
    )
    return Token(principal, entry.expires.timestamp() if entry.expires else float("inf"))
