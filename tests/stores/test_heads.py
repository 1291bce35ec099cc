"""What is known of newest revisions is never behind an acknowledged write."""

from __future__ import annotations

from contextd.model import SessionKey
from contextd.stores.sqlite.heads import Heads

KEY = SessionKey("tenant", "conversation")


def test_a_write_is_known() -> None:
    """After an acknowledged write exactly that revision is the newest."""
    heads = Heads(10)
    assert not heads.is_newest(KEY, 0)
    heads.written(KEY, 3)
    assert [heads.is_newest(KEY, revision) for revision in (2, 3, 4)] == [False, True, False]


def test_acknowledgements_may_overtake_each_other() -> None:
    """An older acknowledgement does not hide a newer one."""
    heads = Heads(10)
    heads.written(KEY, 4)
    heads.written(KEY, 3)
    assert heads.is_newest(KEY, 4)


def test_a_read_is_known() -> None:
    """A read tells the newest revision when nothing happened meanwhile."""
    heads = Heads(10)
    heads.read_ended(KEY, heads.read_begins(KEY), 5)
    assert heads.is_newest(KEY, 5)


def test_a_read_that_a_write_overtook() -> None:
    """A read that began before a write or a deletion says nothing."""
    heads = Heads(10)
    token = heads.read_begins(KEY)
    heads.written(KEY, 6)
    heads.forget(KEY)
    heads.read_ended(KEY, token, 5)
    assert not heads.is_newest(KEY, 5)


def test_of_two_reads_the_later_counts() -> None:
    """A read that began earlier than another one does not speak for it."""
    heads = Heads(10)
    early, late = heads.read_begins(KEY), heads.read_begins(KEY)
    heads.read_ended(KEY, early, 1)
    assert not heads.is_newest(KEY, 1)
    heads.read_ended(KEY, late, 2)
    assert heads.is_newest(KEY, 2)


def test_an_absent_session_takes_no_room() -> None:
    """Reading what does not exist is not remembered."""
    heads = Heads(10)
    heads.read_ended(KEY, heads.read_begins(KEY), 0)
    assert not heads.is_newest(KEY, 0)


def test_the_bound_holds() -> None:
    """Above its capacity the session known longest goes."""
    heads = Heads(2)
    keys = [SessionKey("tenant", str(number)) for number in range(3)]
    for key in keys:
        heads.written(key, 1)
    assert [heads.is_newest(key, 1) for key in keys] == [False, True, True]


def test_another_session_under_the_same_key() -> None:
    """Of a session that was deleted nobody is told that nothing is new."""
    heads = Heads(10)
    heads.written(KEY, 3, "one")
    assert heads.is_newest(KEY, 3, "one")
    assert heads.is_newest(KEY, 3)
    assert not heads.is_newest(KEY, 3, "two")
    heads.written(KEY, 4)
    assert heads.is_newest(KEY, 4, "one")
    heads.written(KEY, 2, "two")
    assert heads.is_newest(KEY, 2, "two")
    assert not heads.is_newest(KEY, 4)


def test_which_session_it_is_may_be_unknown() -> None:
    """Then whoever means a certain one is not told anything."""
    heads = Heads(10)
    heads.read_ended(KEY, heads.read_begins(KEY), 5)
    assert heads.is_newest(KEY, 5)
    assert not heads.is_newest(KEY, 5, "one")
    heads.read_ended(KEY, heads.read_begins(KEY), 5, "one")
    assert heads.is_newest(KEY, 5, "one")
