"""How sessions, handoffs, jobs and accounts are named in Redis, and in which shard they are.

A shard is all keys with one hash tag, so Redis Cluster keeps them on one server and a script may
change them together.  A tenant is in one shard: what it asks of its inbox, its accounts and its
work is then part of the transaction of the records it follows from (decision 0017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contextd.model import SessionKey

ESCAPED = b"\0\xff"
END = b"\0\x01"


def pair(first: str, second: str) -> bytes:
    """Return one name of two ids, which orders like the tuple of their bytes."""
    return first.encode().replace(b"\0", ESCAPED) + END + second.encode()


def parted(name: bytes) -> tuple[str, str]:
    """Return the two ids of a name."""
    first, _, second = name.partition(END)
    return first.replace(ESCAPED, b"\0").decode(), second.decode()


@dataclass(frozen=True, slots=True)
class Layout:
    """How a store lies in Redis: what every key begins with, and the number of shards.

    A `hot` one stands in front of an archive and has the logs of sessions alone.
    """

    prefix: str
    shards: int
    hot: bool = False

    def shard(self, tenant_id: str) -> int:
        """Return the shard of a tenant.  A stable hash: it must never change."""
        return crc32(tenant_id.encode()) % self.shards

    def of(self, key: SessionKey) -> int:
        """Return the shard of a session: in front of an archive nothing spans sessions here."""
        if self.hot:
            return crc32(pair(key.tenant_id, key.conversation_id)) % self.shards
        return self.shard(key.tenant_id)

    def with_sessions_of(self, tenant_id: str) -> Sequence[int]:
        """Return the shards that may have sessions of a tenant."""
        return range(self.shards) if self.hot else (self.shard(tenant_id),)

    def root(self, shard: int) -> bytes:
        """Return what the keys of a shard begin with."""
        return f"{self.prefix}:{{{shard:02d}}}:".encode()

    @property
    def roots(self) -> Iterator[bytes]:
        """What the keys of each shard begin with."""
        return map(self.root, range(self.shards))

    @property
    def key(self) -> str:
        """Where the layout itself is kept."""
        return f"{self.prefix}:layout"

    @property
    def openings(self) -> str:
        """Where it is counted how often the store was opened."""
        return f"{self.prefix}:openings"
