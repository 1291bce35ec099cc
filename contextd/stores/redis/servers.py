"""The servers behind a store: one, one that Sentinel chooses, or a cluster of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.stores.redis.address import Address

MOST_CONNECTIONS = 64


Command = tuple[bytes | str | int, ...]


class Servers:
    """Runs commands on them, without any retry of its own."""

    def __init__(self, address: Address) -> None:
        """Connect to *address* when first asked."""
        seconds = address.timeout_ms / 1000
        self._address = address
        self._sentinel: Any = None
        options: dict[str, Any] = {
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "protocol": 2,
        }
        if address.tls:
            options |= {"ssl": True, "ssl_ca_certs": address.ca or None}
        if address.kind == "sentinel":
            # untyped in the driver, hence by name
            self._sentinel = cast("Any", Sentinel)([*address.hosts], sentinel_kwargs=options)
        self._client = self._connect(
            options
            | {
                "username": address.username,
                "password": address.password,
                "max_connections": MOST_CONNECTIONS,
                "retry": Retry(NoBackoff(), 0),
            }
        )

    def _connect(self, options: dict[str, Any]) -> Any:  # noqa: ANN401 - of three classes
        address = self._address
        if address.kind == "cluster":
            nodes = [ClusterNode(host, port) for host, port in address.hosts]
            return RedisCluster(startup_nodes=nodes, **options)
        if self._sentinel is not None:
            return self._sentinel.master_for(address.master, db=address.database, **options)
        host, port = address.hosts[0]
        return Redis(host=host, port=port, db=address.database, **options)

    @property
    def replicas(self) -> int:
        """How many replicas must have a write."""
        return self._address.replicas

    @property
    def in_one_place(self) -> bool:
        """Whether every shard is on the same server."""
        return self._address.kind != "cluster"

    async def run(self, commands: Sequence[Command], place: str | None = None) -> list[Any]:
        """Send *commands* together and return what came back for each, errors as values.

        With a *place* the last value is how many replicas of that server have all that was
        written before; it counts only for what was written there.

        Raises:
            RedisError, OSError: nothing is known of any of them.
        """
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        if place is not None:
            node = {}
            if not self.in_one_place:
                node = {"target_nodes": self._client.get_node(node_name=place)}
            half = self._address.timeout_ms // 2  # the driver's own patience ends after the whole
            pipeline.execute_command("WAIT", self._address.replicas, half, **node)
        # a slot that moves: the line looks again who has it, and never asks the one who gets it
        stay = {} if self.in_one_place else {"allow_redirections": False}
        return cast("list[Any]", await pipeline.execute(raise_on_error=False, **stay))

    async def ask(self, *command: str) -> dict[str, Any]:
        """Return the answer of the server, or of every master of the cluster by its name."""
        if self.in_one_place:
            return {"": await self._client.execute_command(*command)}
        await self._client.initialize()
        return {
            node.name: await self._client.execute_command(*command, target_nodes=node)
            for node in self._client.get_primaries()
        }

    def place(self, root: bytes) -> str:
        """Return the name of the server that has the keys of a shard, "" when there is one."""
        if self.in_one_place:
            return ""
        slot = self._client.keyslot(root)
        return cast("str", self._client.nodes_manager.get_node_from_slot(slot).name)

    async def look_again(self) -> None:
        """Ask anew who has what; connections that are in use are left to those who use them."""
        if self.in_one_place:
            await self._client.connection_pool.disconnect(inuse_connections=False)
            return
        with suppress(RedisError, RedisClusterException, OSError):
            await self._client.nodes_manager.initialize()

    async def aclose(self) -> None:
        """Drop all connections."""
        await self._client.aclose()
        if self._sentinel is not None:
            for each in self._sentinel.sentinels:
                await each.aclose()
