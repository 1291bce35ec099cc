"""Random sequences of calls on a store, compared with the plainest model of what it means.

    class MyMachine(StoreMachine):
        async def open(self) -> SessionStore: ...

    TestMyMachine = MyMachine.TestCase

Hypothesis finds a sequence on which the store and the model differ and shrinks it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contextd.errors import ContextdError, RequestIdReused, RevisionConflict
from contextd.events import SessionOpened
from contextd.model import SessionKey
from contextd.ports import Commit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine

    from contextd.events import Record
    from contextd.ports import SessionStore

Answer = TypeVar("Answer")

KEYS = st.builds(SessionKey, st.sampled_from(["a", "A"]), st.sampled_from(["x", "x ", "y"]))
REQUESTS = st.sampled_from(["", "r1", "r2"])
DIGESTS = st.sampled_from(["d1", "d2"])
SIZES = st.integers(1, 3)


@dataclass(slots=True)
class Model:
    """What a store means, without any of its difficulties."""

    logs: dict[SessionKey, list[Record]] = field(default_factory=dict)
    answers: dict[SessionKey, dict[str, tuple[str, int]]] = field(default_factory=dict)

    def append(self, key: SessionKey, commit: Commit) -> object:
        """Return (revision, replayed), or the class of the error."""
        log, answers = self.logs.get(key, []), self.answers.get(key, {})
        if commit.request_id in answers:
            digest, revision = answers[commit.request_id]
            return (revision, True) if digest == commit.digest else RequestIdReused
        if commit.expected_revision != len(log):
            return RevisionConflict
        self.logs[key] = log + list(commit.records)
        if commit.request_id:
            answers[commit.request_id] = (commit.digest, len(self.logs[key]))
        self.answers[key] = answers
        return (len(self.logs[key]), False)

    def delete(self, key: SessionKey) -> dict[str, int]:
        """Return the counts of what was there."""
        return {
            "sessions": int(key in self.logs),
            "records": len(self.logs.pop(key, [])),
            "request_ids": len(self.answers.pop(key, {})),
            "vectors": 0,
            "stretches": 0,
        }


class StoreMachine(RuleBasedStateMachine):
    """The rules.  A subclass gives the store; `reopens` says that it survives closing."""

    reopens = False

    async def open(self) -> SessionStore:
        """Return an empty store, or one on the data of the last one closed."""
        raise NotImplementedError

    def __init__(self) -> None:
        """Open an empty store."""
        super().__init__()
        self._runner = asyncio.Runner()
        self._model = Model()
        self._made = 0
        self._store = self._run(self.open())

    def teardown(self) -> None:
        """Close it."""
        self._run(self._store.aclose())
        self._runner.close()

    def _run(self, call: Coroutine[Any, Any, Answer]) -> Answer:
        return self._runner.run(call)

    def _records(self, count: int) -> tuple[Record, ...]:
        self._made += count
        return tuple(SessionOpened(self._made - left, "") for left in range(count))

    @rule(key=KEYS, request=REQUESTS, digest=DIGESTS, size=SIZES, stale=st.integers(-2, 2))
    def append(self, key: SessionKey, request: str, digest: str, size: int, stale: int) -> None:
        """Append at the current revision, or a little beside it."""
        expected = max(0, len(self._model.logs.get(key, [])) + stale)
        commit = Commit(self._records(size), expected, request, digest)
        assert self._run(_outcome(self._store.append(key, commit))) == self._model.append(
            key, commit
        )

    @rule(keys=st.lists(KEYS, min_size=2, max_size=5), request=REQUESTS)
    def append_together(self, keys: list[SessionKey], request: str) -> None:
        """Append several commits at once; they take effect in the order they were made."""
        commits = [
            (key, Commit(self._records(1), len(self._model.logs.get(key, [])), request, "d1"))
            for key in keys
        ]
        expected = [self._model.append(*each) for each in commits]

        async def together() -> list[object]:
            calls = (_outcome(self._store.append(*each)) for each in commits)
            return list(await asyncio.gather(*calls))

        assert self._run(together()) == expected

    @rule(key=KEYS, after=st.integers(0, 8))
    def read(self, key: SessionKey, after: int) -> None:
        """Read what came after some revision."""
        assert (
            list(self._run(self._store.read(key, after))) == (self._model.logs.get(key, [])[after:])
        )

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


async def _outcome(call: Awaitable[Any]) -> object:
    try:
        appended = await call
    except ContextdError as error:
        return type(error)
    return (appended.revision, appended.replayed)
