"""The sessions that nobody has used for long, looked up in all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import Idle
from contextd.projections import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from contextd.model import SessionKey


@dataclass(frozen=True, slots=True)
class Use:
    """When a session was last used; `number` is that of its opening."""

    key: SessionKey
    revision: int
    hour: int
    number: int
    incarnation: str


class MemoryIdle:
    """An IdleSessions."""

    def __init__(
        self,
        must_be_open: Callable[[], None],
        uses: Callable[[], Iterable[Use]],
        is_open: Callable[[SessionKey], bool],
        account: Callable[[SessionKey], str],
    ) -> None:
        """Look at *uses*; *must_be_open* raises when the store is closed."""
        self._must_be_open = must_be_open
        self._uses = uses
        self._is_open = is_open
        self._account = account

    async def page(self, before: int, after: Idle | None, limit: int) -> Sequence[Idle]:
        """Return a page, longest unused first."""
        self._must_be_open()
        first = after.position if after else (-1, 0)
        found = sorted(
            (each.hour, each.number, each)
            for each in self._uses()
            if (each.hour + 1) * HOUR <= before and (each.hour, each.number) > first
        )
        return tuple(
            Idle(
                use.key,
                use.revision,
                (hour + 1) * HOUR,
                (hour, number),
                self._account(use.key),
                self._is_open(use.key),
                use.incarnation,
            )
            for hour, number, use in found[:limit]
        )
