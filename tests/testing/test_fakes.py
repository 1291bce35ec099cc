"""The stand-ins keep the contracts of what they stand for."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.errors import StoreUnavailable
from contextd.events import Folded, TurnsRecorded
from contextd.model import Role, SessionKey
from contextd.ports import Commit
from contextd.stores.memory import MemoryStore
from contextd.testing.fakes import (
    START,
    FakeClock,
    HashEmbedder,
    RecordingObserver,
    SequentialIds,
    WordTokenizer,
)
from contextd.testing.faults import FlakyStore, HangingStore, SlowStore
from contextd.testing.samples import RECORDS
from contextd.testing.scenario import Scenario

KEY = SessionKey("tenant", "conversation")
COMMIT = Commit(RECORDS[:1], 0, "request", "digest")


def test_the_clock_stands_still() -> None:
    """Time passes only when it is told to."""
    clock = FakeClock()
    assert (clock(), clock()) == (START, START)
    clock.advance(1.5)
    assert clock() == START + 1_500_000


def test_ids_are_counted() -> None:
    """Ids differ and come in order."""
    new_id = SequentialIds("turn-")
    assert [new_id(), new_id()] == ["turn-1", "turn-2"]


@given(st.text(alphabet="ab \n", max_size=30), st.integers(0, 8), st.integers(0, 8))
@settings(max_examples=100, deadline=None)
def test_ends(text: str, head: int, tail: int) -> None:
    """The ends are of the text, within their counts, and do not overlap."""
    words = WordTokenizer()
    beginning, end = words.ends(text, head, tail)
    assert text.startswith(beginning)
    assert text.endswith(end)
    assert len(beginning) + len(end) <= len(text)
    assert words.count(beginning) == min(head, words.count(text))
    assert words.count(end) == min(tail, words.count(text) - words.count(beginning))


def test_vectors() -> None:
    """Shared words make vectors similar."""
    rows = HashEmbedder().embed(["the order is late", "is the order late?", "cats"])
    assert rows[0] @ rows[1] == pytest.approx(1)
    assert rows[0] @ rows[2] < 0.5


def test_the_observer_remembers() -> None:
    """Counts add up over labels and apart."""
    heard = RecordingObserver()
    heard.stage("assemble", 0.1)
    heard.count("folds", tier="notice")
    heard.count("folds", 2, tier="summary")
    assert heard.stages == ["assemble"]
    assert heard.counts["folds"] == 3
    assert heard.labelled["folds", (("tier", "summary"),)] == 2


def test_a_refused_append_did_not_happen() -> None:
    """`refuse` fails before anything is written, as often as it says."""

    async def test() -> None:
        store = FlakyStore(MemoryStore())
        store.refuse = 1
        with pytest.raises(StoreUnavailable):
            await store.append(KEY, COMMIT)
        assert not await store.read(KEY)
        assert not (await store.append(KEY, COMMIT)).replayed

    asyncio.run(test())


def test_a_lost_acknowledgement_did() -> None:
    """`lose_acks` fails after the write, which a retry then finds."""

    async def test() -> None:
        store = FlakyStore(MemoryStore())
        store.lose_acks = store.refuse_reads = 1
        with pytest.raises(StoreUnavailable):
            await store.append(KEY, COMMIT)
        with pytest.raises(StoreUnavailable):
            await store.read(KEY)
        assert len(await store.read(KEY)) == 1
        assert (await store.append(KEY, COMMIT)).replayed

    asyncio.run(test())


def test_a_hanging_store_waits() -> None:
    """A call on a hanging store goes on when it is released, and `ready` does not wait."""

    async def test() -> None:
        store = HangingStore(MemoryStore())
        store.hang()
        append = asyncio.create_task(store.append(KEY, COMMIT))
        await asyncio.sleep(0)
        assert not await store.ready()
        assert not append.done()
        store.release()
        assert (await append).revision == 1
        assert await store.ready()

    asyncio.run(test())


def test_a_slow_store_lets_others_go_first() -> None:
    """What starts later on a quick store is done before."""

    async def test() -> None:
        inner = MemoryStore()
        slow = asyncio.create_task(SlowStore(inner).append(KEY, COMMIT))
        await asyncio.sleep(0)
        assert not (await inner.append(KEY, COMMIT)).replayed
        assert (await slow).replayed

    asyncio.run(test())


def test_a_scenario_is_a_log() -> None:
    """What a scenario says is what the state and the store hold."""
    talk = Scenario(KEY, "account").user("Where is A-17?").bot("On its way.").exchanges(2)
    talk.folded(2).human("Hello")
    state = talk.state()
    assert [turn.sequence for turn in state.turns] == list(range(1, 8))
    assert [turn.role for turn in state.turns[-2:]] == [Role.ASSISTANT, Role.HUMAN_AGENT]
    assert state.turns[0].tokens == 3
    assert state.prepared is not None
    assert [type(each) for each in talk.records[-2:]] == [Folded, TurnsRecorded]
    assert asyncio.run(talk.record_in(MemoryStore())) == state.revision == 9
