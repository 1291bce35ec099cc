"""Who waits for something to change, told at once of what this process writes.

Nothing is carried here but the news that there is some: who is told reads the store.  What
other processes write is found by reading now and then.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from contextd.events import HandoffClaimed, HandoffRaised, HandoffResolved

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from contextd.events import Record
    from contextd.model import SessionKey

Topic = TypeVar("Topic", bound="Hashable")

OF_HANDOFFS = (HandoffRaised, HandoffClaimed, HandoffResolved)


@dataclass(slots=True, eq=False)
class Bell:
    """Rings when something changed since it was last waited for."""

    _rung: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self) -> None:
        """Wake who waits, or who will."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return when it has rung since the last time, or after *seconds*.

        What is read after this returns has everything that it rang for.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()


@dataclass(frozen=True, slots=True)
class Changes:
    """The bells of those who watch sessions, and the handoffs of tenants."""

    _of_sessions: dict[SessionKey, set[Bell]] = field(default_factory=dict)
    _of_tenants: dict[str, set[Bell]] = field(default_factory=dict)

    def wrote(self, key: SessionKey, records: Sequence[Record]) -> None:
        """*records* are in the log of the session now."""
        _ring(self._of_sessions, key)
        if any(isinstance(record, OF_HANDOFFS) for record in records):
            _ring(self._of_tenants, key.tenant_id)

    def deleted(self, key: SessionKey) -> None:
        """The session is there no more."""
        _ring(self._of_sessions, key)

    @contextmanager
    def of_session(self, key: SessionKey) -> Iterator[Bell]:
        """Give a bell that rings for every record of the session, and for its end."""
        with _hung(self._of_sessions, key) as bell:
            yield bell

    @contextmanager
    def of_tenant(self, tenant_id: str) -> Iterator[Bell]:
        """Give a bell that rings for every change of a handoff of the tenant."""
        with _hung(self._of_tenants, tenant_id) as bell:
            yield bell


def _ring(bells: Mapping[Topic, set[Bell]], topic: Topic) -> None:
    for bell in bells.get(topic, ()):
        bell.ring()


@contextmanager
def _hung(bells: dict[Topic, set[Bell]], topic: Topic) -> Iterator[Bell]:
    bell = Bell()
    bells.setdefault(topic, set()).add(bell)
    try:
        yield bell
    finally:
        bells[topic].discard(bell)
        if not bells[topic]:
            del bells[topic]
