"""Work that must not be forgotten: what waits, who has it, how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Queue(Enum):
    """What the work is: a message that waits for the model, a change of a handoff to tell."""

    DEFERRAL = "deferral"
    WEBHOOK = "webhook"


class NoticeState(Enum):
    """Where a notice stands that nobody has taken: it is still tried, or was given up."""

    WAITING = "waiting"
    DEAD = "dead"


class DeferralOutcome(Enum):
    """How a deferred message ended: answered, or given up."""

    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work of one session.

    `job_id` is unique in its queue and tenant; what is to be done stands in the session's log
    under it.  `due_at` is when it may be leased (microseconds since 1970), `attempts` how
    often it was, `lease` names the lease in force or the last one, which runs until
    `leased_until`.  A `dead` job is leased no more; `error` says what went wrong last.
    """

    queue: Queue
    job_id: str
    tenant_id: str
    conversation_id: str
    due_at: int
    attempts: int = 0
    lease: str = ""
    leased_until: int = 0
    dead: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to end a job: void once somebody else was given it.

    An empty `token` is no lease of any job.
    """

    queue: Queue
    job_id: str
    token: str
    tenant_id: str

    @classmethod
    def of(cls, job: Job) -> Lease:
        """Return the lease that *job* was given out with."""
        return cls(job.queue, job.job_id, job.lease, job.tenant_id)
