"""Other writers of a session: how often a call that came second decides again.

Whoever writes decides at one revision of the session and appends there.  When somebody else
was first the store refuses, and the call reads and decides anew.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from contextd.errors import RevisionConflict, SessionContended, SessionReplaced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from contextd.engine.sessions import HotSession

Answer = TypeVar("Answer")

TRIES = 48
"""How often a call decides and writes before it gives up.

In each of these rounds another writer has succeeded; the writers of this process wait for
one another and cost no round.  Where three processes write to one session all the time, and the
store answers one of them three times as late as the others, that one gave up some 3 of 100 calls
after 16 rounds, and none of 360 after 48.
"""

FINDING = 2
"""Rounds that finding the answer of a retry takes: the refused write, and the reading."""

AT_ONCE = 2
"""Rounds that follow at once.  Before each later one the call waits a little: what is decided and
then refused is work that is lost."""

WAIT = 0.001
"""Seconds between two later rounds."""


async def written(
    hot: HotSession, attempt: Callable[[], Awaitable[Answer | None]], *, tries: int = TRIES
) -> Answer:
    """Return what *attempt* does, tried again while others are first.

    *attempt* reads the session anew, and gives None when a retry of its own request was
    first, whose answer it will find.  With one try a conflict is the answer.

    Raises:
        RevisionConflict: the one try was too late.
        SessionContended: so were all of several.
    """
    async with hot.writing:
        for number in range(max(tries, FINDING)):
            if number > AT_ONCE:
                await asyncio.sleep(WAIT)
            try:
                done = await attempt()
            except SessionReplaced:
                continue  # what is under its key now is read anew
            except RevisionConflict as conflict:
                if tries == 1 and conflict.current != conflict.expected:
                    raise  # the expectation was the caller's, and says nothing of ours
                hot.conflicted(conflict)
            else:
                if done is not None:
                    return done
    raise SessionContended
