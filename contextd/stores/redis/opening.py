"""What is looked at before a store in Redis serves, so that it fails at start and not later."""

from __future__ import annotations

import asyncio
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from redis.exceptions import AuthenticationError, AuthorizationError, ResponseError

from contextd.errors import ConfigInvalid, StoreTooNew, StoreUnavailable
from contextd.model import Durability
from contextd.stores.redis.failures import RedisClusterException, RedisError, unavailable
from contextd.stores.redis.keys import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.stores.redis.address import Address
    from contextd.stores.redis.servers import Servers

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "DB index is out of range": (
            "Redis at {address.shown} has no database {address.database}; "
            "see `databases` in its configuration"
        ),
        "Cluster mode is not enabled": "Redis at {address.shown} is no cluster: use redis://",
    }
)
"""Settings that do not fit, as the server or the driver says it."""

OLDEST = (7, 0)
LAYOUT = 1
"""The version of the keys.  An older contextd refuses a higher one."""

SHARDS = 64

PAUSES = (0.1, 0.2, 0.4, 0.0)
"""Seconds after each try to reach the servers."""


async def look_over(
    servers: Servers, address: Address, *, hot: bool = False
) -> tuple[Layout, Durability]:
    """Return how the store lies, and how safe an acknowledged write in it is.

    Raises:
        ConfigInvalid: the servers, or what the URL asks of them, do not fit.
        StoreTooNew: a newer contextd has laid it out.
        StoreUnavailable: there is no answer, or no write would go through.
    """
    cause: BaseException | None = None
    for pause in PAUSES:
        try:
            for facts in (await _facts(servers)).values():
                _must_suit(facts, address)
            layout = await _layout(servers, address, hot=hot)
            return layout, await _level(servers, address)
        except (RedisError, RedisClusterException, OSError) as error:
            cause = error
            if isinstance(error, AuthenticationError | AuthorizationError | ResponseError):
                break
        await asyncio.sleep(pause)
    assert cause is not None  # noqa: S101 - there is one try at least
    for said, means in MEANINGS.items():
        if said in str(cause):
            raise ConfigInvalid(means.format(address=address)) from cause
    raise StoreUnavailable(f"{unavailable(cause)} ({address.shown})") from cause


async def name_of_opening(servers: Servers, layout: Layout) -> str:
    """Return a name that no other opening of the store has, made of its clock and a count.

    The clock tells it from one whose count was lost in a failover.
    """
    ((seconds, micros), *_) = (await servers.ask("TIME")).values()
    (number,) = await _values(servers, ("INCR", layout.openings))
    return f"{seconds}.{micros}.{number}"


async def _facts(servers: Servers) -> dict[str, Mapping[str, Any]]:
    """Return what each server says of itself."""
    return {name: _mapping(said) for name, said in (await servers.ask("INFO")).items()}


def _mapping(said: Any) -> Mapping[str, Any]:  # noqa: ANN401 - bytes, or what the driver made of it
    if isinstance(said, dict):
        return said
    lines = (line.partition(":") for line in said.decode().splitlines() if ":" in line)
    return {name: value for name, _, value in lines}


def _must_suit(facts: Mapping[str, Any], address: Address) -> None:
    version = tuple(map(int, re.findall(r"\d+", str(facts["redis_version"]))[:2]))
    if version < OLDEST:
        raise ConfigInvalid(
            f"Redis at {address.shown} is {facts['redis_version']}; 7.0 or newer is needed"
        )
    if facts["role"] != "master":
        raise StoreUnavailable(
            f"Redis at {address.shown} is a replica and takes no writes: "
            "name its master, or use redis+sentinel://"
        )
    clustered = str(facts.get("cluster_enabled", "0")) == "1"
    if clustered and address.kind != "cluster":
        raise ConfigInvalid(f"Redis at {address.shown} is a cluster: use redis+cluster://")
    policy = facts.get("maxmemory_policy", "noeviction")
    if int(facts.get("maxmemory", 0)) and policy != "noeviction":
        raise ConfigInvalid(
            f"Redis at {address.shown} drops keys when its memory is full (maxmemory-policy "
            f"{policy}), and sessions would lose parts: set it to noeviction"
        )


async def _layout(servers: Servers, address: Address, *, hot: bool) -> Layout:
    """Return the layout that is there; lay it out when there is none."""
    wanted = Layout(address.prefix, address.shards or SHARDS, hot)
    ours = f"{LAYOUT}:{wanted.shards}{':hot' if hot else ''}".encode()
    (_, said) = await _values(servers, ("SET", wanted.key, ours, "NX"), ("GET", wanted.key))
    known = re.fullmatch(rb"(\d+):(\d+)(:hot)?", said or b"")
    if not known:
        raise StoreUnavailable(f"{wanted.key} in Redis is not what contextd wrote there: {said!r}")
    version, shards = int(known[1]), int(known[2])
    if version > LAYOUT:
        raise StoreTooNew(
            f"the store in Redis has layout {version}; this contextd knows up to {LAYOUT}"
        )
    if address.shards not in {0, shards}:
        raise ConfigInvalid(
            f"?shards={address.shards}, but the store in Redis has {shards}: "
            "the number is fixed when a store is made"
        )
    if hot != (known[3] is not None):
        raise ConfigInvalid(
            f"the store {address.prefix!r} in Redis {'is whole' if hot else 'needs its archive'}: "
            "give this one another ?prefix="
        )
    return Layout(address.prefix, shards, hot)


async def _values(servers: Servers, *commands: tuple[bytes | str, ...]) -> list[Any]:
    values = await servers.run(commands)
    for each in values:
        if isinstance(each, BaseException):
            raise each
    return values


async def _level(servers: Servers, address: Address) -> Durability:
    """Return what every write reaches by the configuration of the servers alone."""
    synced = await _synced(servers)
    if address.durability not in {"", "memory"} and not synced:
        raise ConfigInvalid(
            f"?durability={address.durability}, but Redis at {address.shown} does not sync "
            "each write: set appendonly yes and appendfsync always, and allow CONFIG GET"
        )
    if address.durability == "memory" or not synced:
        return Durability.MEMORY
    return Durability.REPLICATED if address.replicas else Durability.DISK


async def _synced(servers: Servers) -> bool:
    wanted = {"appendonly": "yes", "appendfsync": "always"}
    for name, value in wanted.items():
        try:
            answers = await servers.ask("CONFIG", "GET", name)
        except ResponseError:  # not for this user, or hidden by whoever runs the server
            return False
        for said in answers.values():
            if value not in _flat(said):
                return False
    return True


def _flat(said: Any) -> set[str]:  # noqa: ANN401 - a list or a dict, as the driver likes
    values = [*said.values()] if isinstance(said, dict) else said
    return {each.decode() if isinstance(each, bytes) else str(each) for each in values}
