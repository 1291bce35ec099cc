"""Calls of scripts in the order in which they were made, many in one round trip.

Whatever waits while a round trip is under way goes together in the next one, on one connection:
so calls take effect in their order, and under load they cost the server and the loop less.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

from contextd.errors import Overloaded, StoreUnavailable
from contextd.stores.redis.failures import (
    RedisClusterException,
    RedisError,
    down,
    lost,
    unavailable,
    undone,
)
from contextd.stores.redis.scripts import SCRIPTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.stores.redis.breaker import Breaker
    from contextd.stores.redis.servers import Command, Servers

LOG = logging.getLogger(__name__)

Argument = bytes | str | int

MOST_WAITING = 1024
MOST_TOGETHER = 128
PAUSES = (0.0, 0.02, 0.1, 0.3)
"""Seconds before each try: four, of a quarter of a second at most when nothing comes back."""


@dataclass(slots=True)
class Call:
    """One script on one shard.  `again`: another try does no harm when an answer was lost.

    `tries` counts those whose answer was lost, so that it may have been done before.
    """

    script: str
    root: bytes
    args: tuple[Argument, ...]
    again: bool
    answer: asyncio.Future[Any]
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script returned; `doubtful` when an earlier try of it may have been done, too.

    `replicated`: as many replicas as are waited for have what it wrote.
    """

    value: Any
    doubtful: bool
    replicated: bool


class Line:
    """A queue of calls, and the task that makes them while there are any."""

    def __init__(self, servers: Servers, breaker: Breaker, place: str, *, waits: bool) -> None:
        """Call the server at *place*, unless *breaker* says that it is down.

        With *waits* each round trip ends when its writes are on replicas, or in vain.
        """
        self._servers = servers
        self._place = place if waits else None
        self._breaker = breaker
        self._waiting: deque[Call] = deque()
        self._task: asyncio.Task[None] | None = None

    async def call(self, script: str, root: bytes, *args: Argument, again: bool = True) -> Answer:
        """Run *script* on the shard whose keys begin with *root*.

        Cancelled before its turn it is not made, later it is finished.

        Raises:
            Overloaded: too many wait.
            StoreUnavailable, StoreCorrupt: see `failures`.
        """
        if self._breaker.open:
            cause = self._breaker.cause
            raise StoreUnavailable("Redis did not answer; it is left alone a moment") from cause
        if len(self._waiting) >= MOST_WAITING:
            raise Overloaded(f"{MOST_WAITING} calls wait for Redis")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(Call(script, root, args, again, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return Answer(*await answer)

    async def finish(self) -> None:
        """Return when every call was answered."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                together = [
                    self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))
                ]
                calls = [each for each in together if not each.answer.done()]
                try:
                    await self._make(calls)
                except Exception as error:  # the driver's own faults are no reason to hang
                    LOG.exception("a call of Redis failed in its driver")
                    for call in calls:
                        call.tries += 1
                        _fail(call, error)
        finally:
            self._task = None

    async def _make(self, calls: Sequence[Call]) -> None:
        """Make *calls*, some of them again; a server that was down is tried once."""
        left: Sequence[Call] = calls
        cause = self._breaker.cause
        for pause in PAUSES if cause is None else PAUSES[:1]:
            if not left:
                return
            await asyncio.sleep(pause)
            left, cause = await self._try(left)
        for call in left:
            assert cause is not None  # noqa: S101 - nothing is left without one
            _fail(call, cause)

    async def _try(self, calls: Sequence[Call]) -> tuple[list[Call], BaseException | None]:
        """Answer what can be answered; return what to try again, and why."""
        values, replicated = await self._results(calls)
        again: list[Call] = []
        cause: BaseException | None = None
        for call, value in zip(calls, values, strict=True):
            if not isinstance(value, BaseException):
                _answer(call, value, replicated=replicated and self._here(call))
                continue
            call.tries += lost(value)
            if undone(value) or (lost(value) and call.again):
                again.append(call)
                cause = value
            else:
                _fail(call, value)
        faults = [each for each in values if isinstance(each, BaseException)]
        failed = next(filter(down, faults), None)
        if failed is None:
            self._breaker.succeeded()
        else:
            self._breaker.failed(failed)
        if again or failed is not None:
            await self._servers.look_again()
        return again, cause

    def _here(self, call: Call) -> bool:
        """Say whether what was waited for is the server that has the shard."""
        return self._servers.place(call.root) == self._place

    async def _results(self, calls: Sequence[Call]) -> tuple[list[Any], bool]:
        """Return what came back for each call, value or error, and whether replicas have it."""
        try:
            values, replicated = await self._sent(
                [("EVALSHA", SCRIPTS[each.script].sha, *_rest(each)) for each in calls]
            )
            missing = [at for at, each in enumerate(values) if isinstance(each, NoScriptError)]
            if missing:
                whole = [
                    ("EVAL", SCRIPTS[calls[at].script].source, *_rest(calls[at])) for at in missing
                ]
                sent, later = await self._sent(whole)
                replicated = replicated and later
                for at, value in zip(missing, sent, strict=True):
                    values[at] = value
        except (RedisError, RedisClusterException, OSError) as error:
            return [error for _ in calls], False
        return values, replicated

    async def _sent(self, commands: Sequence[Command]) -> tuple[list[Any], bool]:
        values = await self._servers.run(commands, self._place)
        if self._place is None:
            return values, False
        *values, replicas = values
        return values, isinstance(replicas, int) and replicas >= self._servers.replicas


def _rest(call: Call) -> tuple[Argument, ...]:
    """Return the key and the arguments of a script.

    No key has that name.  So while Redis moves the shard's slot to another server the old one
    answers ASK and the new one MOVED, and neither runs a script on half of the keys: `Servers`
    never follows an ASK.
    """
    return (1, call.root, *call.args)


def _answer(call: Call, value: object, *, replicated: bool) -> None:
    if not call.answer.done():
        call.answer.set_result((value, call.tries > 0, replicated))


def _fail(call: Call, cause: BaseException) -> None:
    if not call.answer.done():
        error = unavailable(cause, unknown=call.tries > 0)
        error.__cause__ = cause
        call.answer.set_exception(error)
