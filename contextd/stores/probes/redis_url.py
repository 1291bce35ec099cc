"""What a store URL says of Redis servers: who they are, how to get in, what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qs, unquote, urlsplit

from contextd.errors import ConfigInvalid

PORTS = MappingProxyType({"single": 6379, "cluster": 6379, "sentinel": 26379})


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A parsed URL; `asked` is "single", "cluster" or "sentinel", `master` a Sentinel's name."""

    asked: str
    encrypted: bool
    hosts: tuple[tuple[str, int], ...]
    user: str | None
    password: str | None
    database: int
    master: str
    durability: str
    replicas: int


def parsed(url: str) -> RedisUrl:
    """Read *url*.

    Raises:
        ConfigInvalid: it names no server, or something that is no number where one must be.
    """
    parts = urlsplit(url)
    scheme, _, topology = parts.scheme.partition("+")
    asked = topology or "single"
    credentials, _, where = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    path = [unquote(each) for each in parts.path.split("/") if each]
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    master = path.pop(0) if asked == "sentinel" and path else options.get("master", "")
    try:
        replicas = int(options.get("replicas", 0))
        return RedisUrl(
            asked=asked,
            encrypted=scheme == "rediss",
            hosts=tuple(_host(each, PORTS[asked]) for each in where.split(",") if each),
            user=unquote(user) or None,
            password=unquote(password) or None,
            database=int(path[0]) if path else int(options.get("db", 0)),
            master=master,
            durability=options.get("durability", "replicas" if replicas else "memory").lower(),
            replicas=replicas,
        )
    except (ValueError, KeyError) as error:
        raise ConfigInvalid(
            "a Redis URL is redis[s][+cluster|+sentinel]://[USER:PASSWORD@]HOST:PORT[,…][/…]"
        ) from error


def _host(text: str, port: int) -> tuple[str, int]:
    found = urlsplit(f"//{text}")
    return found.hostname or "127.0.0.1", found.port or port
