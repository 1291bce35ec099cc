"""Where a store is and how it is reached: what a URL says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
PORT = 5432

DRIVERS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"})
"""Parameters that the driver reads as libpq does."""

LARGEST_POOL = 1000
LONGEST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Target:
    """One database and how to use it; times are seconds.

    `user`, `password` and `database` are None where the URL leaves them out: the driver then
    looks at PGUSER, PGPASSWORD, PGDATABASE and ~/.pgpass.  `prepare` keeps statements prepared on
    their connections, which a pooler in transaction mode does not allow.
    """

    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    tls: Mapping[str, str]
    schema: str = "contextd"
    pool_size: int = 10
    connect_seconds: float = 1.0
    statement_seconds: float = 5.0
    migrate: bool = True
    prepare: bool = False

    @property
    def named(self) -> str:
        """What errors and logs may say of it."""
        where = ",".join(
            f"{host}:{port}" for host, port in zip(self.hosts, self.ports, strict=True)
        )
        return f"PostgreSQL at {where}/{self.database or ''}"

    @property
    def dsn(self) -> str:
        """What only the driver's own URL can say."""
        return f"postgresql://?{urlencode(self.tls)}"


def parsed(url: str) -> Target:
    """Return what `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?…` says.

    Raises:
        ConfigInvalid: it says something else, or more; the password is not shown.
    """
    parts = urlsplit(url)
    credentials, _, where = parts.netloc.rpartition("@")
    user, colon, password = credentials.partition(":")
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    places = [asked.pop("host")] if "host" in asked else where.split(",")
    if parts.fragment or not all(places) or parts.path.count("/") > 1:
        raise ConfigInvalid(f"the store URL is not {FORM}; for a store in memory use memory:")
    hosts, ports = zip(*map(_place, places), strict=True)
    return Target(
        hosts,
        ports,
        unquote(user) or None,
        unquote(password) if colon else None,
        unquote(parts.path[1:]) or None,
        {name: asked.pop(name) for name in sorted(DRIVERS & asked.keys())},
        **_options(asked),
    )


def _place(text: str) -> tuple[str, int]:
    if text.startswith("/"):
        return text, PORT
    match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:]+)(?::(\d{1,5}))?", text)
    if match is None:
        raise ConfigInvalid(f"the store URL is not {FORM}: no host and port in {text!r}")
    return unquote(match[1].strip("[]")), int(match[2] or PORT)


def _options(asked: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in asked.items():
        if name not in _OPTIONS:
            known = ", ".join(sorted({*_OPTIONS, *DRIVERS, "host"}))
            raise ConfigInvalid(f"the store URL has a parameter {name!r}; there are {known}")
        option, read = _OPTIONS[name]
        try:
            found[option] = read(value)
        except (KeyError, ValueError) as error:
            raise ConfigInvalid(f"the store URL: {name} cannot be {value!r}") from error
    return found


def _schema(text: str) -> str:
    if re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", text) is None or text.startswith("pg_"):
        raise ValueError(text)
    return text


def _count(text: str) -> int:
    if not 1 <= int(text) <= LARGEST_POOL:
        raise ValueError(text)
    return int(text)


def _seconds(text: str) -> float:
    if not 0 < float(text) <= LONGEST_SECONDS:
        raise ValueError(text)
    return float(text)


def _switch(text: str) -> bool:
    return {"yes": True, "no": False}[text]


_OPTIONS: Mapping[str, tuple[str, Callable[[str], Any]]] = MappingProxyType(
    {
        "schema": ("schema", _schema),
        "pool_size": ("pool_size", _count),
        "connect_timeout": ("connect_seconds", _seconds),
        "statement_timeout": ("statement_seconds", _seconds),
        "migrate": ("migrate", _switch),
        "prepare": ("prepare", _switch),
    }
)
"""Each parameter of ours: the field of `Target` it gives, and how it is read."""
