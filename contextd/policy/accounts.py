"""What is known of an account: a fold over its log, and how a request changes it.

Only what a caller confirmed is ever in here.  What has expired is no longer known, and
leaves the account with the next change of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contextd.errors import FieldViolation, RequestIdReused
from contextd.model import Account, AccountFactType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contextd.events import AccountUpdated
    from contextd.model import AccountChange, AccountFact, AccountKey

MOST_FACTS = 256
"""Facts that an account holds, those that have expired left out."""

NEVER = 1 << 63
"""A time after all times."""

_BYTES = 300
"""What a fact takes in memory beside its texts, and an answered request; measured roughly."""

_BINDING = (AccountFactType.PREFERENCE, AccountFactType.PERMISSION)
_ORDER: Mapping[AccountFactType, int] = {
    AccountFactType.PREFERENCE: 0,
    AccountFactType.PERMISSION: 1,
    AccountFactType.ATTRIBUTE: 2,
}


@dataclass(slots=True)
class AccountState:
    """What is known of one account at `revision`; `answered` maps request ids to digests.

    `incarnation` tells it from one that was begun under the same key after it was forgotten.
    """

    key: AccountKey
    incarnation: str = ""
    revision: int = 0
    facts: dict[str, AccountFact] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)

    def apply(self, update: AccountUpdated) -> None:
        """Take in the next update of the log."""
        if self.revision == 0:
            self.incarnation = update.incarnation
        for key in update.removed:
            self.facts.pop(key, None)
        self.facts.update((fact.key, fact) for fact in update.facts)
        if update.request_id:
            self.answered[update.request_id] = update.digest
        self.revision += 1

    def known(self, now: int) -> tuple[AccountFact, ...]:
        """Return what has not expired at time *now*, by key."""
        return tuple(sorted(living(self.facts.values(), now), key=lambda fact: fact.key))

    def until(self, now: int) -> int:
        """Return when something of what is known at time *now* ends."""
        ends = (fact.expires_at for fact in self.facts.values() if fact.expires_at > now)
        return min(ends, default=NEVER)

    def at(self, now: int) -> Account:
        """Return the account as it stands at time *now*."""
        return Account(self.key, self.known(now), self.revision)

    def was_answered(self, change: AccountChange) -> bool:
        """Say whether *change* was made before.

        Raises:
            RequestIdReused: its id belongs to another change.
        """
        before = self.answered.get(change.request_id) if change.request_id else None
        if before is not None and before != change.digest:
            raise RequestIdReused(request_id=change.request_id)
        return before is not None

    @property
    def size_bytes(self) -> int:
        """About how much memory is held."""
        texts = sum(len(fact.value) + len(fact.source) for fact in self.facts.values())
        return 4 * texts + _BYTES * (1 + len(self.facts) + len(self.answered))


def living(facts: Iterable[AccountFact], now: int) -> list[AccountFact]:
    """Return those of *facts* that have not expired at time *now*."""
    return [fact for fact in facts if not 0 < fact.expires_at <= now]


def told_order(facts: Iterable[AccountFact]) -> list[AccountFact]:
    """Return *facts* as they are told: preferences and permissions first, then by key."""
    return sorted(facts, key=lambda fact: (_ORDER[fact.type], fact.key))


def binds(fact: AccountFact) -> bool:
    """Say whether *fact* is about what to do, so that it goes before what is merely so."""
    return fact.type in _BINDING


def resolve(
    state: AccountState, change: AccountChange, now: int
) -> tuple[tuple[AccountFact, ...], tuple[str, ...]]:
    """Return the facts that *change* sets and the keys that it removes, at time *now*.

    What has expired is removed with it.

    Raises:
        FieldViolation: the account would hold too many facts; nothing changes.
    """
    given = {fact.key: fact for fact in change.facts}
    named = set(given) if change.named is None else set(change.named)
    if change.replace:
        named |= {*given, *state.facts}
    facts = tuple(
        replace(fact, confirmed_at=fact.confirmed_at or now)
        for key, fact in given.items()
        if key in named
    )
    lasting = {fact.key for fact in living(state.facts.values(), now)}
    set_now = {fact.key for fact in facts}
    removed = tuple(
        sorted({key for key in state.facts if key in named or key not in lasting} - set_now)
    )
    held = state.facts.keys() - set(removed) | set_now
    if len(held) > MOST_FACTS:
        raise FieldViolation(
            "facts", f"the account would hold {len(held)} facts, more than {MOST_FACTS}"
        )
    return facts, removed
