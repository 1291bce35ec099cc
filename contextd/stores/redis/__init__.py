"""Sessions in Redis, shared by many processes: one server, Sentinel, or a cluster.

`address` takes the URL apart, `servers` speaks to what it names, `opening` looks whether that
will do.  A `line` carries calls of `scripts` (the Lua files in contextd/stores/lua) in their
order, `shards` has the lines of a store; `store`, `inbox`, `accounts`, `idle`, `work` and `tier`
are the ports.  `keys` says what lies where.
"""

from __future__ import annotations

from contextd.stores.redis.address import parse
from contextd.stores.redis.opening import look_over, name_of_opening
from contextd.stores.redis.servers import Servers
from contextd.stores.redis.shards import Shards
from contextd.stores.redis.store import RedisStore

__all__ = ["RedisStore", "open_hot", "open_url"]


async def open_url(url: str) -> RedisStore:
    """Open `redis://`, `rediss://`, `redis+sentinel://` or `redis+cluster://`.

    Raises:
        ConfigInvalid: see `address.parse` and `opening.look_over`.
        StoreUnavailable, StoreTooNew: see there.
    """
    return await _open(url, hot=False)


async def open_hot(url: str) -> RedisStore:
    """Open one that stands in front of an archive; raises as `open_url` does."""
    return await _open(url, hot=True)


async def _open(url: str, *, hot: bool) -> RedisStore:
    address = parse(url)
    servers = Servers(address)
    try:
        layout, durability = await look_over(servers, address, hot=hot)
        name = await name_of_opening(servers, layout)
    except BaseException:
        await servers.aclose()
        raise
    return RedisStore(Shards(servers, layout, name), durability)
