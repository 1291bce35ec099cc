"""ListNotices and ResendNotice: what a tenant's desk was not told, and telling it after all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.engine.escalate import nobody
from contextd.errors import NoticeNotFound, NoWebhook
from contextd.model import NoticeState, Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contextd.model import Job
    from contextd.ports import Clock, Observer, WorkQueue


@dataclass(frozen=True, slots=True)
class Notices:
    """The notices that have not been taken.  `announce` says whether a tenant wants any."""

    work: WorkQueue
    clock: Clock
    observer: Observer
    announce: Callable[[str], bool] = nobody

    async def list(
        self, tenant_id: str, state: NoticeState, after: str, limit: int
    ) -> Sequence[Job]:
        """Return those that stand so, in byte order of their ids, from the one after *after*."""
        dead = state is NoticeState.DEAD
        return await self.work.jobs(Queue.WEBHOOK, tenant_id, dead=dead, after=after, limit=limit)

    async def resend(self, tenant_id: str, notice_id: str) -> Job:
        """Let one that was given up be brought again; one that waits already is left as it is.

        Raises:
            NoWebhook: there is nowhere to bring it.
            NoticeNotFound: it was taken, or its session was deleted.
        """
        if not self.announce(tenant_id):
            raise NoWebhook
        revived = await self.work.revive(Queue.WEBHOOK, tenant_id, notice_id, self.clock())
        if revived is not None:
            self.observer.count("notices", outcome="resent")
            return revived
        waiting = await self.work.job(Queue.WEBHOOK, tenant_id, notice_id)
        if waiting is None:
            raise NoticeNotFound
        return waiting
