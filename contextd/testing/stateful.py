"""Random sequences of calls on a store, compared with the plainest model of what it means.

    class MyMachine(StoreMachine):
        async def open(self) -> Store: ...

    TestMyMachine = MyMachine.TestCase

Hypothesis finds a sequence on which the store and the model differ and shrinks it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contextd.errors import ContextdError
from contextd.events import (
    AccountLinked,
    DeferralEnded,
    HandoffClaimed,
    HandoffResolved,
    Recapped,
    SessionClosed,
    SessionOpened,
    TurnDeferred,
)
from contextd.model import (
    AccountKey,
    DeferralOutcome,
    HandoffOutcome,
    Lease,
    Queue,
    Recap,
    SessionKey,
    SessionOutcome,
)
from contextd.ports import Commit
from contextd.testing.folded import standing
from contextd.testing.modelled import LEASED_FOR, Model
from contextd.testing.samples import handoff_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from contextd.events import Record
    from contextd.ports import Store

Answer = TypeVar("Answer")

KEYS = st.builds(SessionKey, st.sampled_from(["a", "A"]), st.sampled_from(["x", "x ", "y"]))
REQUESTS = st.sampled_from(["", "r1", "r2"])
WHICH = st.sampled_from(["", "", "now", "before"])
DIGESTS = st.sampled_from(["d1", "d2"])
ACCOUNTS = tuple(AccountKey(tenant, account) for tenant in ("a", "A") for account in ("u", "v"))

HAPPENINGS: tuple[Callable[[int], Record], ...] = (
    lambda at: SessionOpened(at, ""),
    lambda at: SessionOpened(at, "u"),
    lambda at: SessionOpened(at, "", f"begun {at}"),
    lambda at: SessionOpened(at, "", f"begun {at}"),
    lambda at: AccountLinked(at, "u"),
    lambda at: AccountLinked(at, "v"),
    lambda at: Recapped(at, Recap(at, f"recap {at}")),
    lambda at: SessionClosed(at, "", "", SessionOutcome.RESOLVED),
    lambda at: handoff_of("h1", at, f"headline {at}", announce=bool(at % 2)),
    lambda at: handoff_of("h2", at),
    lambda at: handoff_of("h3", at),
    lambda at: HandoffClaimed(at, "", "", "h1", f"agent {at}", announce=bool(at % 2)),
    lambda at: HandoffClaimed(at, "", "", "h2", ""),
    lambda at: HandoffResolved(at, "", "", "h1", "", HandoffOutcome.SOLVED, closes=bool(at % 2)),
    lambda at: TurnDeferred(at, "", "", "j1", 1, at % 7),
    lambda at: TurnDeferred(at, "", "", "j2", 1, at % 7),
    lambda at: DeferralEnded(at, "", "", "j1", DeferralOutcome.DONE),
)
"""What can happen to a session, of all that matters beside its log; ids meet on purpose."""

RECORDS = st.lists(st.sampled_from(HAPPENINGS), min_size=1, max_size=8)


class StoreMachine(RuleBasedStateMachine):
    """The rules.  A subclass gives the store; `reopens` says that it survives closing.

    `in_order` says that commits to several sessions that are made at once take effect in the
    order in which they were made; those to one session always do.
    """

    reopens = False
    in_order = True

    async def open(self) -> Store:
        """Return an empty store, or one on the data of the last one closed."""
        raise NotImplementedError

    def __init__(self) -> None:
        """Open an empty store."""
        super().__init__()
        self._runner = asyncio.Runner()
        self._model = Model()
        self._made = 0
        self._now = 0
        self._leases = [Lease(Queue.DEFERRAL, "j1", "never given", "a")]
        self._store = self._run(self.open())

    def teardown(self) -> None:
        """Close it."""
        self._run(self._store.aclose())
        self._runner.close()

    def _run(self, call: Coroutine[Any, Any, Answer]) -> Answer:
        return self._runner.run(call)

    def _records(self, happened: list[Callable[[int], Record]]) -> tuple[Record, ...]:
        self._made += len(happened)
        return tuple(each(self._made - left) for left, each in enumerate(happened))

    @rule(
        key=KEYS,
        request=REQUESTS,
        digest=DIGESTS,
        happened=RECORDS,
        meant=st.tuples(st.sampled_from([-2, -1, 0, 0, 0, 0, 0, 0, 1, 2]), WHICH),
    )
    def append(
        self,
        key: SessionKey,
        request: str,
        digest: str,
        happened: list[Callable[[int], Record]],
        meant: tuple[int, str],
    ) -> None:
        """Append at the current revision or a little beside it, to whichever or a certain one."""
        stale, which = meant
        expected = max(0, len(self._model.logs.get(key, [])) + stale)
        records, named = self._records(happened), self._model.incarnation(key, which)
        commit = Commit(records, expected, request, digest, incarnation=named)
        assert self._run(_outcome(self._store.append(key, commit))) == self._model.append(
            key, commit
        )

    @rule(
        keys=st.lists(KEYS, min_size=2, max_size=5),
        request=REQUESTS,
        happened=st.sampled_from(HAPPENINGS),
    )
    def append_together(
        self, keys: list[SessionKey], request: str, happened: Callable[[int], Record]
    ) -> None:
        """Append several commits at once; they take effect in the order they were made."""
        keys = keys if self.in_order else keys[:1] * len(keys)
        commits = [
            (
                key,
                Commit(
                    self._records([happened]), len(self._model.logs.get(key, [])), request, "d1"
                ),
            )
            for key in keys
        ]
        expected = [self._model.append(*each) for each in commits]

        async def together() -> list[object]:
            calls = (_outcome(self._store.append(*each)) for each in commits)
            return list(await asyncio.gather(*calls))

        assert self._run(together()) == expected

    @rule(key=KEYS, after=st.integers(0, 8), limit=st.sampled_from([0, 0, 2]), which=WHICH)
    def read(self, key: SessionKey, after: int, limit: int, which: str) -> None:
        """Read what came after some revision, of whichever session or a certain one."""
        meant = self._model.incarnation(key, which)

        async def found() -> list[Record]:
            return list(await self._store.read(key, after, limit, meant))

        assert self._run(_read(found())) == self._model.read(key, after, limit, meant)

    @rule(key=KEYS)
    def delete(self, key: SessionKey) -> None:
        """Delete a session that may be there or not."""
        assert self._run(self._store.delete(key)) == self._model.delete(key)

    @rule(tenant=st.sampled_from(["a", "A"]), after=st.sampled_from(["", "x", "x "]))
    def sessions(self, tenant: str, after: str) -> None:
        """Ask for a page of sessions."""
        page = self._run(self._store.sessions(tenant, after, 2))
        every = sorted(
            (key.conversation_id, len(log))
            for key, log in self._model.logs.items()
            if key.tenant_id == tenant and key.conversation_id > after
        )
        assert list(page) == every[:2]

    @rule(
        queue=st.sampled_from(Queue),
        later=st.integers(0, 4),
        limit=st.integers(1, 3),
        tenant=st.sampled_from(["", "a", "A"]),
    )
    def lease(self, queue: Queue, later: int, limit: int, tenant: str) -> None:
        """Lease what is due, a little later than before."""
        self._now += later
        self._made += 1
        until, token = self._now + LEASED_FOR, f"lease {self._made}"
        given = self._run(
            self._store.work.lease(
                queue, now=self._now, until=until, token=token, limit=limit, tenant_id=tenant
            )
        )
        assert given == self._model.lease(queue, self._now, token, limit, tenant)
        self._leases += map(Lease.of, given)

    @rule(which=st.integers(0, 9), end=st.sampled_from(["postpone", "bury", "drop", "complete"]))
    def end(self, which: int, end: str) -> None:
        """Let a job wait, lie or go under a lease, one of the newest."""
        lease = self._leases[-1 - which % len(self._leases)]
        job = self._model.held(lease)
        if end == "postpone":
            until = self._now + 3
            given = self._run(self._store.work.postpone(lease, due_at=until, error="later"))
            assert given == (
                job and self._model.put(replace(job, due_at=until, leased_until=0, error="later"))
            )
        elif end == "bury":
            given = self._run(self._store.work.bury(lease, error="dead"))
            assert given == (
                job and self._model.put(replace(job, leased_until=0, dead=True, error="dead"))
            )
        elif end == "drop":
            assert self._run(self._store.work.drop(lease)) == (job is not None)
            self._model.drop(lease)
        else:
            self._complete(lease)

    def _complete(self, lease: Lease) -> None:
        key = SessionKey(lease.tenant_id, "y")
        ended = DeferralEnded(self._made, "", "", lease.job_id, DeferralOutcome.DONE)
        commit = Commit((ended,), len(self._model.logs.get(key, [])), "", "", lease)
        outcome = self._run(_outcome(self._store.append(key, commit)))
        assert outcome == self._model.append(key, commit)

    @rule(queue=st.sampled_from(Queue), tenant=st.sampled_from(["a", "A"]))
    def revive(self, queue: Queue, tenant: str) -> None:
        """Let the dead jobs of a tenant wait again, and one that is not dead."""
        jobs = [job for job in self._model.beside.jobs.values() if job.tenant_id == tenant]
        for job in jobs:
            given = self._run(self._store.work.revive(queue, tenant, job.job_id, self._now))
            wanted = self._model.beside.jobs.get((queue, tenant, job.job_id))
            if wanted is None or not wanted.dead:
                assert given is None
                continue
            alive = replace(wanted, due_at=self._now, attempts=0, lease="", dead=False)
            assert given == self._model.put(alive)

    @precondition(lambda self: self.reopens)
    @rule()
    def reopen(self) -> None:
        """Close the store and open it again."""
        self._run(self._store.aclose())
        self._store = self._run(self.open())

    @invariant()
    def is_ready(self) -> None:
        """The store can always take the next write."""
        assert self._run(self._store.ready())

    @invariant()
    def what_stands_beside_the_logs_follows_from_them(self) -> None:
        """Inbox, index and queues are what the model says, in its order."""
        assert self._run(standing(self._store, ACCOUNTS)) == self._model.beside.standing(ACCOUNTS)


async def _outcome(call: Awaitable[Any]) -> object:
    try:
        appended = await call
    except ContextdError as error:
        return type(error)
    return (appended.revision, appended.replayed)


async def _read(call: Awaitable[list[Record]]) -> list[Record] | type[Exception]:
    try:
        return await call
    except ContextdError as error:
        return type(error)
