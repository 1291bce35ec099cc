"""Who a caller is, and for whom it may ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.errors import TenantDenied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EVERY_TENANT = "*"
"""Stands for all tenants in what an operator writes; never in what a caller sends."""

SPIFFE = "spiffe://"
TENANT_PART = "{tenant}"
PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a call brought to say who asks.

    `authorization` holds the values of the header of that name; `spiffe_id` and
    `dns_names` are those of the client certificate that the TLS handshake has verified.
    """

    authorization: tuple[str, ...] = ()
    spiffe_id: str = ""
    dns_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and for what; None stands for every tenant, every method.

    `name` is the operator's name for the credential, "" when there is none.
    """

    name: str = ""
    tenants: frozenset[str] | None = None
    methods: frozenset[str] | None = None

    def __and__(self, other: Principal) -> Principal:
        """Return who may do what both may: a call that brings two credentials."""
        return Principal(
            f"{self.name} and {other.name}",
            _both(self.tenants, other.tenants),
            _both(self.methods, other.methods),
        )


def tenant_of(principal: Principal, asked: str) -> str:
    """Return the tenant that a call is for when it names *asked*.

    Whoever may ask for one tenant only need not name it.

    Raises:
        TenantDenied: it is another one; nothing more is said, be there such a tenant or not.
    """
    if principal.tenants is None or asked in principal.tenants:
        return asked
    if asked:
        raise TenantDenied
    return next(iter(principal.tenants)) if len(principal.tenants) == 1 else asked


class PatternInvalid(ValueError):
    """A pattern of identities cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Identities:
    """Which tenants the names in a client certificate stand for.

    A pattern is a SPIFFE id or a DNS name.  `*` stands for a part of one segment and
    `{tenant}` for a whole one, which may be used in the tenants.
    """

    rules: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = ()

    @classmethod
    def read(cls, patterns: Mapping[str, Sequence[str]]) -> Identities:
        """Return the identities that *patterns* map to tenants.

        Raises PatternInvalid for what would match nothing, or more than it seems to.
        """
        rules = []
        for pattern, tenants in patterns.items():
            if not tenants:
                raise PatternInvalid(f"{pattern!r} has no tenants")
            if TENANT_PART in "".join(tenants) and TENANT_PART not in pattern:
                raise PatternInvalid(f"{pattern!r} has no {TENANT_PART} for its tenants")
            rules.append((_compiled(pattern), tuple(tenants)))
        return cls(tuple(rules))

    def principal(self, credentials: Credentials) -> Principal | None:
        """Return whom a certificate stands for; None when no pattern knows it."""
        brought = (credentials.spiffe_id, *credentials.dns_names)
        names = [name for name in brought if PRINTABLE.fullmatch(name)]
        found = [tenant for name in names for tenant in self._tenants(name)]
        if not found:
            return None
        every = any(tenant is None for tenant in found)
        tenants = None if every else frozenset(tenant for tenant in found if tenant is not None)
        return Principal(names[0], tenants)

    def _tenants(self, name: str) -> Iterator[str | None]:
        """Yield the tenants of one name, None for all of them."""
        for pattern, tenants in self.rules:
            match = pattern.fullmatch(name)
            if match is None:
                continue
            part = match.groupdict().get("tenant", "")
            for tenant in tenants:
                yield None if tenant == EVERY_TENANT else tenant.replace(TENANT_PART, part)


def _both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _compiled(pattern: str) -> re.Pattern[str]:
    spiffe = pattern.startswith(SPIFFE)
    rest = pattern.removeprefix(SPIFFE)
    separator = "/" if spiffe else "."
    if not spiffe and not re.fullmatch(r"[A-Za-z0-9.*{}_-]+", pattern):
        raise PatternInvalid(f"{pattern!r} is neither a SPIFFE id ({SPIFFE}…) nor a DNS name")
    if spiffe and not re.fullmatch(r"[a-z0-9._-]+(/[^/]+)+", rest):
        raise PatternInvalid(f"{pattern!r} needs a trust domain in lower case, and a path")
    segments = [_segment(each, separator) for each in rest.split(separator)]
    if rest.count(TENANT_PART) > 1:
        raise PatternInvalid(f"{pattern!r} has {TENANT_PART} twice")
    flags = re.NOFLAG if spiffe else re.IGNORECASE
    prefix = re.escape(SPIFFE) if spiffe else ""
    return re.compile(prefix + re.escape(separator).join(segments), flags)


def _segment(text: str, separator: str) -> str:
    if text == TENANT_PART:
        return f"(?P<tenant>[^{separator}]+)"
    if not text or "{" in text or "}" in text:
        raise PatternInvalid(f"a segment is empty, or {TENANT_PART} is only a part of one")
    return f"[^{separator}]*".join(re.escape(part) for part in text.split("*"))
