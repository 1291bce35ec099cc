"""What must stand beside the logs of a store, and what does.

The plainest form of `contextd.projections`: stores are compared with it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contextd.model import AccountConversation, AccountKey, HandoffStatus, Queue
from contextd.projections import Done, Ended, Filed, Linked, Moved, Queued, Retitled, projected

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from contextd.events import Record
    from contextd.model import HandoffEntry, Job, SessionKey
    from contextd.ports import Store
    from contextd.projections import Projection

PAGE = 2

Standing = dict[str, list[object]]
"""What stands beside some logs: lists, in the order in which a store gives them."""


@dataclass(slots=True)
class Folded:
    """The fold over logs; each dict is in the order of the last change of its entries."""

    handoffs: dict[tuple[str, str], HandoffEntry] = field(default_factory=dict)
    conversations: dict[SessionKey, tuple[str, AccountConversation]] = field(default_factory=dict)
    jobs: dict[tuple[Queue, str, str], Job] = field(default_factory=dict)
    revisions: dict[SessionKey, int] = field(default_factory=lambda: defaultdict(int))
    raisings: int = 0

    def take(self, key: SessionKey, record: Record) -> None:
        """Fold the next *record* of a session."""
        self.revisions[key] += 1
        for change in projected(key, self.revisions[key], record):
            if isinstance(change, Filed | Moved):
                self._take_handoff(key, change)
            elif isinstance(change, Queued):
                self.jobs[change.job.queue, key.tenant_id, change.job.job_id] = change.job
            elif isinstance(change, Done):
                self.jobs.pop((change.queue, key.tenant_id, change.job_id), None)
            else:
                self._take_conversation(key, change)

    def _take_handoff(self, key: SessionKey, change: Filed | Moved) -> None:
        if isinstance(change, Moved):
            at = (key.tenant_id, change.handoff_id)
            if at in self.handoffs:
                entry = self.handoffs[at]
                agent, outcome = change.agent or entry.agent, change.outcome or entry.outcome
                moved = replace(entry, status=change.status, agent=agent, outcome=outcome)
                self._put(replace(moved, changed_at=change.at))
            return
        for entry in list(self.handoffs.values()):
            if _ids_of(entry) == _ids(key) and entry.status is HandoffStatus.WAITING:
                superseded = replace(entry, status=HandoffStatus.SUPERSEDED)
                self._put(replace(superseded, changed_at=change.entry.raised_at))
        self.raisings += 1
        self._put(replace(change.entry, raised=self.raisings))

    def _put(self, entry: HandoffEntry) -> None:
        """Keep *entry* as the one that changed last."""
        self.handoffs.pop((entry.tenant_id, entry.handoff_id), None)
        self.handoffs[entry.tenant_id, entry.handoff_id] = entry

    def _take_conversation(self, key: SessionKey, change: Projection) -> None:
        if isinstance(change, Linked):
            self.conversations.pop(key, None)
            entry = AccountConversation(key.conversation_id, change.at, 0)
            self.conversations[key] = (change.account_id, entry)
        elif key in self.conversations:
            account, entry = self.conversations[key]
            if isinstance(change, Retitled):
                entry = replace(entry, recap=change.recap)
            elif isinstance(change, Ended):
                entry = replace(entry, closed=True)
            self.conversations[key] = (account, entry)

    def forget(self, key: SessionKey) -> dict[str, int]:
        """Remove a session and count what followed from it."""
        self.revisions.pop(key, None)
        handoffs = [at for at, each in self.handoffs.items() if _ids_of(each) == _ids(key)]
        jobs = [at for at, each in self.jobs.items() if _ids_of(each) == _ids(key)]
        for handoff in handoffs:
            del self.handoffs[handoff]
        for job in jobs:
            del self.jobs[job]
        return {
            "handoffs": len(handoffs),
            "jobs": len(jobs),
            "account_conversations": int(self.conversations.pop(key, None) is not None),
        }

    def standing(self, accounts: Collection[AccountKey]) -> Standing:
        """Return what a store must show of the tenants of *accounts*."""
        found: Standing = {}
        for tenant in {key.tenant_id for key in accounts}:
            changes = [each for each in self.handoffs.values() if each.tenant_id == tenant]
            found[f"changes of {tenant}"] = [replace(each, raised=0) for each in changes]
            raised = sorted(changes, key=lambda each: each.raised)
            found[f"handoffs of {tenant}"] = [replace(each, raised=0) for each in raised]
            for queue in Queue:
                jobs = [each for (of, *_), each in self.jobs.items() if of is queue]
                jobs = [each for each in jobs if each.tenant_id == tenant]
                jobs.sort(key=lambda job: (job.dead, job.job_id))
                found[f"{queue.value} of {tenant}"] = [*jobs]
        for account in accounts:
            found[f"{account}"] = [
                replace(each, revision=self.revisions[key])
                for key, (account_id, each) in reversed(self.conversations.items())
                if AccountKey(key.tenant_id, account_id) == account
            ]
        return found


def folded(logs: Mapping[SessionKey, Collection[Record]]) -> Folded:
    """Return the fold over whole *logs*, one session after the other."""
    result = Folded()
    for key, log in logs.items():
        for record in log:
            result.take(key, record)
    return result


async def standing(store: Store, accounts: Collection[AccountKey]) -> Standing:
    """Return what *store* shows of the tenants of *accounts*, read in small pages."""
    found: Standing = {}
    for tenant in {key.tenant_id for key in accounts}:
        found[f"changes of {tenant}"] = await _changes(store, tenant)
        found[f"handoffs of {tenant}"] = await _handoffs(store, tenant)
        for queue in Queue:
            living = await _jobs(store, queue, tenant, dead=False)
            dead = await _jobs(store, queue, tenant, dead=True)
            found[f"{queue.value} of {tenant}"] = [*living, *dead]
    for account in accounts:
        found[f"{account}"] = list(await store.accounts.account_conversations(account))
    return found


async def _handoffs(store: Store, tenant: str) -> list[object]:
    found: list[HandoffEntry] = []
    while page := await store.inbox.handoffs(
        tenant, tuple(HandoffStatus), found[-1].raised if found else 0, PAGE
    ):
        found += page
    for entry in found:
        assert await store.inbox.handoff(tenant, entry.handoff_id) == entry
    return [replace(each, raised=0, position=0) for each in found]


async def _changes(store: Store, tenant: str) -> list[object]:
    found: list[HandoffEntry] = []
    while page := await store.inbox.handoff_changes(
        tenant, found[-1].position if found else 0, PAGE
    ):
        found += page
    return [replace(each, raised=0, position=0) for each in found]


async def _jobs(store: Store, queue: Queue, tenant: str, *, dead: bool) -> list[Job]:
    found: list[Job] = []
    while page := await store.work.jobs(
        queue, tenant, dead=dead, after=found[-1].job_id if found else "", limit=PAGE
    ):
        found += page
    return found


def unordered(shown: Standing) -> Standing:
    """Return *shown* without the order, which is not that of the logs of single sessions."""
    return {name: sorted(each, key=repr) for name, each in shown.items()}


def _ids(key: SessionKey) -> tuple[str, str]:
    return key.tenant_id, key.conversation_id


def _ids_of(each: HandoffEntry | Job) -> tuple[str, str]:
    return each.tenant_id, each.conversation_id
