"""The facts of an account: a fold over its log, changed by masks, within limits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.errors import FieldViolation, RequestIdReused
from contextd.events import AccountUpdated
from contextd.model import AccountChange, AccountFact, AccountFactType, AccountKey
from contextd.policy.accounts import MOST_FACTS, AccountState, resolve, told_order

KEY = AccountKey("acme", "olena")
NOW = 1_000

FACTS = st.builds(
    AccountFact,
    key=st.sampled_from("abcde"),
    type=st.sampled_from(AccountFactType),
    value=st.sampled_from(["x", "y"]),
    expires_at=st.sampled_from([0, 0, NOW - 1, NOW, NOW + 1]),
)
CHANGES = st.builds(
    AccountChange,
    key=st.just(KEY),
    facts=st.lists(FACTS, max_size=4, unique_by=lambda fact: fact.key).map(tuple),
    named=st.none() | st.frozensets(st.sampled_from("abcde")),
    replace=st.booleans(),
)


def changed(state: AccountState, change: AccountChange, now: int = NOW) -> None:
    """Make a change."""
    facts, removed = resolve(state, change, now)
    state.apply(AccountUpdated(now, change.request_id, change.digest, facts, removed))


@given(changes=st.lists(CHANGES, max_size=8))
def test_a_change_does_what_its_mask_says(changes: list[AccountChange]) -> None:
    """Named facts are as given, or gone; all others are as they were, but for what expired."""
    state = AccountState(KEY)
    for change in changes:
        before = {fact.key: fact for fact in state.known(NOW)}
        changed(state, change)
        given_ = {f.key: replace(f, confirmed_at=NOW) for f in change.facts}
        named = set(given_) if change.named is None else set(change.named)
        if change.replace:
            named = set("abcde")
        wanted = {key: fact for key, fact in before.items() if key not in named}
        wanted |= {key: given_[key] for key in named & given_.keys()}
        living = [fact for fact in wanted.values() if not 0 < fact.expires_at <= NOW]
        assert state.known(NOW) == tuple(sorted(living, key=lambda fact: fact.key))
        assert set(state.facts) == set(wanted)
    assert state.revision == len(changes)


@given(changes=st.lists(CHANGES, max_size=8), now=st.integers(NOW - 2, NOW + 2))
def test_replaying_the_log_gives_the_same_state(changes: list[AccountChange], now: int) -> None:
    """What was ever known follows from the log alone."""
    state, log = AccountState(KEY), []
    for change in changes:
        facts, removed = resolve(state, change, NOW)
        log.append(AccountUpdated(NOW, "", "", facts, removed))
        state.apply(log[-1])
    again = AccountState(KEY)
    for update in log:
        again.apply(update)
    assert again == state
    assert again.known(now) == state.known(now)


def test_what_expires_is_known_until_then() -> None:
    """At the moment itself it is no longer known; 0 is never."""
    state = AccountState(KEY)
    fact = AccountFact("a", AccountFactType.ATTRIBUTE, "x", expires_at=NOW)
    changed(state, AccountChange(KEY, (fact, replace(fact, key="b", expires_at=0))), now=1)
    assert [each.key for each in state.known(NOW - 1)] == ["a", "b"]
    assert [each.key for each in state.known(NOW)] == ["b"]


def test_what_has_expired_makes_room() -> None:
    """A full account takes a new fact when an old one is over, and then only."""
    old = [
        AccountFact(f"k{at}", AccountFactType.ATTRIBUTE, "x", expires_at=NOW if at == 0 else 0)
        for at in range(MOST_FACTS)
    ]
    new = AccountChange(KEY, (AccountFact("new", AccountFactType.ATTRIBUTE, "x"),))
    state = AccountState(KEY)
    changed(state, AccountChange(KEY, tuple(old)), now=1)
    with pytest.raises(FieldViolation) as caught:
        resolve(state, new, NOW - 1)
    assert caught.value.field == "facts"
    changed(state, new)
    assert len(state.known(NOW)) == MOST_FACTS
    assert "k0" not in state.facts


def test_a_request_id_answers_one_change() -> None:
    """The same change is known again; another one under its id is refused."""
    change = AccountChange(KEY, (), frozenset({"a"}), request_id="r", digest="1")
    state = AccountState(KEY)
    assert not state.was_answered(change)
    changed(state, change)
    assert state.was_answered(change)
    assert not state.was_answered(replace(change, request_id=""))
    with pytest.raises(RequestIdReused):
        state.was_answered(replace(change, digest="2"))


def test_preferences_and_permissions_are_told_first() -> None:
    """The order is one of kinds, then of keys."""
    kinds = (AccountFactType.ATTRIBUTE, AccountFactType.PERMISSION, AccountFactType.PREFERENCE)
    facts = [AccountFact(key, kind, "x") for kind in kinds for key in "ba"]
    told = [(fact.type.value, fact.key) for fact in told_order(facts)]
    wanted = [(kind, key) for kind in ("preference", "permission", "attribute") for key in "ab"]
    assert told == wanted
