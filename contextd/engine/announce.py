"""Tells a tenant's desk of its handoffs: what the log has queued is brought, again and again.

At least once: a notice leaves the queue when its receiver has taken it, or lies there as dead
after its last try, until somebody sends it again.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.errors import ContextdError, DeliveryFailed, DeliveryRefused
from contextd.events import HandoffClaimed, HandoffRaised, HandoffResolved
from contextd.model import Lease, Queue, SessionKey
from contextd.policy.handoff.announcing import told
from contextd.policy.retrying import next_try
from contextd.ports import Notice
from contextd.projections import announcement, handoff_of

if TYPE_CHECKING:
    from contextd.model import Handoff, Job
    from contextd.ports import Clock, Courier, NewId, Observer, Policies, Store

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""How long a new notice waits at most before the first try."""

AT_ONCE = 16
"""Notices under way at the same time: a receiver that hangs must not hold up the others."""

LEASE_SECONDS = 120
"""How long a notice is this daemon's; a delivery must end before that."""

BACK_OFF_SECONDS = 5.0
"""How long is waited when the store does not answer."""

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Announce:
    """Brings what waits, until it is cancelled; what was under way is brought again then."""

    store: Store
    courier: Courier
    clock: Clock
    new_id: NewId
    observer: Observer
    policies: Policies

    async def run(self) -> None:
        """Look for what is due, for ever."""
        room = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as under_way:
            while True:
                await room.acquire()
                job = await self._next()
                if job is None:
                    room.release()
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                bringing = under_way.create_task(self._bring(job))
                bringing.add_done_callback(lambda _: room.release())

    async def _next(self) -> Job | None:
        now = self.clock()
        try:
            jobs = await self.store.work.lease(
                Queue.WEBHOOK,
                now=now,
                until=now + LEASE_SECONDS * _SECOND,
                token=self.new_id(),
                limit=1,
            )
        except ContextdError as error:
            log.warning("the queue of notices cannot be read: %s", error)
            await asyncio.sleep(BACK_OFF_SECONDS)
            return None
        return jobs[0] if jobs else None

    async def _bring(self, job: Job) -> None:
        """Try once; a store that fails meanwhile lets the lease run out."""
        try:
            await self._try(job)
        except ContextdError as error:
            log.warning("notice %s could not be brought: %s", job.job_id, error)

    async def _try(self, job: Job) -> None:
        lease = Lease.of(job)
        notice = await self._notice(job)
        if notice is None:  # its session was deleted
            await self.store.work.drop(lease)
            return
        try:
            await self.courier.deliver(notice)
        except DeliveryRefused as refused:
            await self._bury(lease, str(refused))
        except DeliveryFailed as failed:
            due_at = next_try(
                job.attempts,
                self.clock(),
                self.policies.of(job.tenant_id).rules.retries.webhooks,
            )
            if due_at is None:
                await self._bury(lease, str(failed))
            else:
                self.observer.count("notices", outcome="failed")
                await self.store.work.postpone(lease, due_at=due_at, error=str(failed))
        else:
            self.observer.count("notices", outcome="delivered")
            await self.store.work.drop(lease)

    async def _bury(self, lease: Lease, error: str) -> None:
        self.observer.count("notices", outcome="dead")
        log.error("notice %s was given up: %s", lease.job_id, error)
        await self.store.work.bury(lease, error=error)

    async def _notice(self, job: Job) -> Notice | None:
        """Return what to tell, from the session's log; None when it is not there any more."""
        key = SessionKey(job.tenant_id, job.conversation_id)
        handoffs: dict[str, Handoff] = {}
        for revision, record in enumerate(await self.store.read(key), 1):
            if isinstance(record, HandoffRaised):
                handoffs[record.handoff.handoff_id] = record.handoff
            if isinstance(record, HandoffRaised | HandoffClaimed | HandoffResolved):
                if announcement(record, revision) != job.job_id:
                    continue
                body = told(record, handoffs[handoff_of(job.job_id)])
                return Notice(job.job_id, job.tenant_id, record.at, body)
        return None
