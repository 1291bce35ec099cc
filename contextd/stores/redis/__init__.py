"""Sessions in Redis, shared by many processes: one server, Sentinel, or a cluster.

`address` takes the URL apart, `servers` speaks to what it names, `opening` looks whether that
will do.  A `line` carries calls of `scripts` (the Lua files in contextd/stores/lua) in their
order, `shards` has the lines of a store; `store`, `inbox`, `accounts`, `idle` and `work` are the
ports.  In front of an archive they are `hot` and `tier`.  `keys` says what lies where.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.stores.redis.address import parse
from contextd.stores.redis.hot import RedisHotStore
from contextd.stores.redis.opening import look_over
from contextd.stores.redis.servers import Servers
from contextd.stores.redis.shards import Shards
from contextd.stores.redis.store import RedisStore

if TYPE_CHECKING:
    from contextd.model import Durability
    from contextd.stores.redis.address import Address

__all__ = ["RedisHotStore", "RedisStore", "open_hot", "open_url"]


async def open_url(url: str) -> RedisStore:
    """Open `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`.

    Raises:
        ConfigInvalid: see `address.parse` and `opening.look_over`.
        StoreUnavailable, StoreTooNew: see there.
    """
    return RedisStore(*await _opened(parse(url)))


async def open_hot(url: str) -> RedisHotStore:
    """Open the same in front of an archive, apart from what `open_url` keeps; raises like it."""
    address = parse(url)
    shards, durability = await _opened(replace(address, prefix=f"{address.prefix}-hot"))
    shards.layout = replace(shards.layout, spread=True)
    return RedisHotStore(shards, durability)


async def _opened(address: Address) -> tuple[Shards, Durability]:
    servers = Servers(address)
    try:
        layout, durability = await look_over(servers, address)
    except BaseException:
        await servers.aclose()
        raise
    return Shards(servers, layout), durability
