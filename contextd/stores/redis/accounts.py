"""The accounts of a tenant, in its shard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from contextd.errors import AccountReplaced, RequestIdReused, RevisionConflict
from contextd.model import AccountConversation, Recap
from contextd.ports import Appended
from contextd.stores import codec
from contextd.stores.redis.keys import pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import AccountUpdated
    from contextd.model import AccountKey
    from contextd.stores.redis.shards import Shards

REPLACED = b"replaced"
DECODER = msgspec.msgpack.Decoder(Recap)


class RedisAccounts:
    """An AccountStore."""

    def __init__(self, shards: Shards) -> None:
        """Ask *shards*."""
        self._shards = shards

    async def append_account(
        self,
        key: AccountKey,
        update: AccountUpdated,
        expected_revision: int,
        incarnation: str = "",
    ) -> Appended:
        """Append in one round trip; again only under a request id, which tells a repeat."""
        answer = await self._shards.write(
            "append_account",
            self._shards.layout.shard(key.tenant_id),
            pair(key.tenant_id, key.account_id),
            update.request_id,
            update.digest,
            expected_revision,
            codec.encode(update),
            incarnation,
            again=bool(update.request_id),
        )
        said, *values = answer.value
        if said == b"reused":
            raise RequestIdReused(request_id=update.request_id)
        if said == b"conflict":
            raise RevisionConflict(expected_revision, int(values[0]))
        return Appended(int(values[0]), replayed=said == b"replayed" and not answer.doubtful)

    async def read_account(
        self, key: AccountKey, after: int = 0, incarnation: str = ""
    ) -> Sequence[AccountUpdated]:
        """Read in one round trip."""
        shard, name = self._shards.layout.shard(key.tenant_id), pair(key.tenant_id, key.account_id)
        said = await self._shards.read("account", shard, "updates", name, after, incarnation)
        if said == REPLACED:
            raise AccountReplaced
        return tuple(map(codec.decode_update, said))

    async def delete_account(self, key: AccountKey) -> dict[str, int]:
        """Remove the updates and the request ids."""
        shard, name = self._shards.layout.shard(key.tenant_id), pair(key.tenant_id, key.account_id)
        answer = await self._shards.write("delete_account", shard, name, again=False)
        return {"account_updates": answer.value}

    async def account_conversations(
        self, key: AccountKey, limit: int = 100
    ) -> Sequence[AccountConversation]:
        """Return those linked last first."""
        said = await self._shards.read(
            "account",
            self._shards.layout.shard(key.tenant_id),
            "conversations",
            pair(key.tenant_id, key.account_id),
            limit,
            pair(key.tenant_id, ""),
        )
        return tuple(
            AccountConversation(
                name.decode(),
                int(opened),
                int(revision),
                DECODER.decode(recap) if recap else None,
                closed=closed == b"1",
            )
            for name, opened, revision, recap, closed in said
        )
