"""The URL of a store in Redis, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from urllib.parse import SplitResult

PORT, SENTINEL_PORT = 6379, 26379
OPTIONS = ("prefix", "shards", "durability", "timeout_ms", "ca")
PREFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
FORMS = (
    "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, "
    "redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DATABASE] or "
    "redis+cluster://[USER:PASSWORD@]HOST[:PORT],…"
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the servers are and what is wanted of them.

    `kind` is "", "sentinel" or "cluster"; `shards` 0 takes what is there.  `durability` is ""
    (whatever the server gives), "memory", "fsync" or "replicas:N".  `timeout_ms` is how long
    anything may take on the way to a server and back, once.
    """

    kind: str
    hosts: tuple[tuple[str, int], ...]
    username: str | None = None
    password: str | None = None
    master: str = ""
    database: int = 0
    tls: bool = False
    ca: str = ""
    prefix: str = "contextd"
    shards: int = 0
    durability: str = ""
    timeout_ms: int = 250

    @property
    def replicas(self) -> int:
        """How many replicas must have a write, 0 for none."""
        return int(self.durability.partition("replicas:")[2] or 0)

    @property
    def shown(self) -> str:
        """The servers, without any password."""
        return ",".join(f"{host}:{port}" for host, port in self.hosts)


def parse(url: str) -> Address:
    """Return what *url* says.

    Raises:
        ConfigInvalid: it is none of FORMS, or has an option that there is not.
    """
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    where, _, hosts = parts.netloc.rpartition("@")
    user, _, password = where.partition(":")
    if parts.fragment:
        raise ConfigInvalid(f"the store URL ends in #{parts.fragment}; it is {FORMS}")
    master, database = _path(parts, kind)
    options = _options(parts)
    return Address(
        kind=kind,
        hosts=_hosts(hosts, kind),
        username=unquote(user) or None,
        password=unquote(password) or None,
        master=master,
        database=database,
        tls=scheme == "rediss",
        ca=options.get("ca", ""),
        prefix=options.get("prefix", "contextd"),
        shards=int(options.get("shards", 0)),
        durability=options.get("durability", ""),
        timeout_ms=int(options.get("timeout_ms", 250)),
    )


def _hosts(text: str, kind: str) -> tuple[tuple[str, int], ...]:
    found, port = [], SENTINEL_PORT if kind == "sentinel" else PORT
    if "," in text and not kind:
        raise ConfigInvalid(
            "redis:// names one server; several are redis+sentinel:// or redis+cluster://"
        )
    for each in text.split(","):
        host, _, number = each.rpartition(":") if re.search(r":\d+$", each) else (each, "", "")
        if not host:
            raise ConfigInvalid(f"the store URL names no host; it is {FORMS}")
        found.append((host.strip("[]"), int(number or port)))
    return tuple(found)


def _path(parts: SplitResult, kind: str) -> tuple[str, int]:
    """Return the name of the master and the number of the database."""
    names = [unquote(each) for each in parts.path.split("/")[1:]]
    master = names.pop(0) if kind == "sentinel" and names else ""
    if kind == "sentinel" and not master:
        raise ConfigInvalid("redis+sentinel:// names no master: …/MASTER or …/MASTER/DATABASE")
    number = names.pop(0) if names else ""
    if names or not re.fullmatch(r"\d{0,4}", number):
        raise ConfigInvalid(f"{parts.path!r} in the store URL names no database; it is {FORMS}")
    if kind == "cluster" and number not in {"", "0"}:
        raise ConfigInvalid("a Redis Cluster has no database but 0; name none in the store URL")
    return master, int(number or 0)


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name, value in options.items():
        if name not in OPTIONS:
            raise ConfigInvalid(f"the store URL has ?{name}=; known are {', '.join(OPTIONS)}")
        if name == "prefix" and not PREFIX.fullmatch(value):
            raise ConfigInvalid("?prefix= takes 1 to 64 letters, digits, dots, dashes and _")
        if name == "shards" and not re.fullmatch(r"[1-9]\d{0,2}", value):
            raise ConfigInvalid("?shards= takes a number from 1 to 999")
        if name == "timeout_ms" and not re.fullmatch(r"[1-9]\d{1,3}", value):
            raise ConfigInvalid("?timeout_ms= takes a number from 10 to 9999")
        if name == "durability" and not re.fullmatch(r"memory|fsync|replicas:[1-9]", value):
            raise ConfigInvalid("?durability= is memory, fsync or replicas:N (N from 1 to 9)")
    return options
