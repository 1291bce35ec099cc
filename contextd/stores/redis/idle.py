"""The sessions that nobody has used for long, of all shards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from contextd.model import Idle, SessionKey
from contextd.projections import HOUR
from contextd.stores.redis.keys import parted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.stores.redis.shards import Shards

HOUR_DIGITS, NUMBER_DIGITS = 10, 16


class RedisIdle:
    """An IdleSessions."""

    def __init__(self, shards: Shards) -> None:
        """Ask *shards*."""
        self._shards = shards

    async def page(self, before: int, after: Idle | None, limit: int) -> Sequence[Idle]:
        """Return a page of the pages of all shards, longest unused first."""
        self._shards.must_be_open()
        end = f"({max(0, before // HOUR):0{HOUR_DIGITS}d}"
        first = "-"
        if after is not None:
            hour, number = after.position
            first = f"[{hour:0{HOUR_DIGITS}d}{number + 1:0{NUMBER_DIGITS}d}"
        pages = await asyncio.gather(
            *(
                self._shards.read("idle", shard, first, end, limit)
                for shard in range(self._shards.layout.shards)
            )
        )
        found = sorted((_idle(each) for page in pages for each in page), key=_position)
        return tuple(found[:limit])


def _position(idle: Idle) -> tuple[int, int]:
    return idle.position


def _idle(said: list[Any]) -> Idle:
    use, revision, account, is_open, incarnation = said
    hour, number = int(use[:HOUR_DIGITS]), int(use[HOUR_DIGITS : HOUR_DIGITS + NUMBER_DIGITS])
    return Idle(
        SessionKey(*parted(use[HOUR_DIGITS + NUMBER_DIGITS :])),
        int(revision),
        (hour + 1) * HOUR,
        (hour, number),
        parted(account)[1] if account else "",
        is_open == 1,
        incarnation.decode(),
    )
