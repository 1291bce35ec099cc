from __future__ import annotations

import asyncio

from contextd.background import Background
from contextd.errors import StoreUnavailable
from contextd.events import Folded, TurnsRecorded
from contextd.model import Budget, SessionKey, Tier
from contextd.stores.memory import MemoryStore
from contextd.testing.fakes import RecordingObserver
from tests.engine.kit import KEY, Engine, build_request, record_request, run, user


def test_a_fold_is_published_when_due() -> None:
    """Past the mark a fold is recorded, covers old turns only, and lowers the pressure."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(30)
        before = (await engine.build(build_request("x"))).context.pressure
        fold = await engine.fold(KEY)
        after = await engine.build(build_request("x"))

        assert fold is not None
        assert 0 < fold.through < 60
        assert after.context.pressure < before
        assert after.context.tier >= Tier.SUMMARY

    run(main())


def test_nothing_is_folded_before_its_time() -> None:
    """A short session stays as it is."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(2)
        assert await engine.fold(KEY) is None

    run(main())


def test_two_folders_publish_one_fold() -> None:
    """Folding the same session in two processes at once leaves one fold in the log."""

    async def main() -> None:
        store = MemoryStore()
        await Engine(store).chat(30)
        await asyncio.gather(Engine(store).fold(KEY), Engine(store).fold(KEY))
        folds = [record for record in await store.read(KEY) if isinstance(record, Folded)]
        assert len(folds) == 1

    run(main())


def test_turns_recorded_meanwhile_do_not_stop_a_fold() -> None:
    """A session that goes on during folding is folded all the same, and loses no turn."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(30)
        folding = asyncio.ensure_future(engine.fold(KEY))
        await asyncio.sleep(0)
        await engine.record(record_request(user("meanwhile")))
        assert await folding is not None
        assert len(await engine.inspection.list_turns(KEY, 0, 1000)) == 61

    run(main())


def test_the_prefix_holds_between_folds() -> None:
    """While no fold comes in, the earlier messages stay the same, byte for byte."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(30)
        await engine.fold(KEY)
        one = (await engine.build(build_request("x"))).context
        await engine.chat(1, first=31)
        two = (await engine.build(build_request("y"))).context
        held = one.stable_prefix.message_count

        assert held > 1
        assert two.messages[:held] == one.messages[:held]

    run(main())


def test_the_worker_folds_what_was_nudged_and_outlives_trouble() -> None:
    """A failing session neither stops the worker nor is forgotten."""

    async def main() -> None:
        failures = {"bad": 1}
        seen: list[str] = []

        async def work(key: SessionKey) -> None:
            if failures.get(key.conversation_id, 0):
                failures[key.conversation_id] -= 1
                raise StoreUnavailable
            seen.append(key.conversation_id)
            if len(seen) == 2:
                background.close()

        background = Background(RecordingObserver())
        background.nudge(SessionKey("t", "bad"))
        background.nudge(SessionKey("t", "good"))
        await asyncio.wait_for(background.run(work), 10)
        assert sorted(seen) == ["bad", "good"]

    run(main())


def test_each_fold_waits_for_its_mark() -> None:
    """Folds are prepared below the mark and come into force when the pressure reaches it."""

    async def main() -> None:
        engine = Engine()
        await engine.build(build_request("hi", budget=Budget("", 3_000, 0)))
        mark = engine.rules.tiers.summary
        published = []
        for number in range(1, 200):
            await engine.chat(1, words=12, first=number)
            state = (await engine.sessions.refresh(engine.sessions.get(KEY))).state
            in_force, pressure = state.fold, state.pressure
            if await engine.fold(KEY) is not None:
                published.append(pressure)
                assert state.fold is in_force
        records = await engine.store.read(KEY)
        turns = [record for record in records if isinstance(record, TurnsRecorded)]
        after = [record.pressure for record in turns if record.switched]

        assert len(published) >= 3
        assert all(pressure < mark for pressure in published)
        assert len(published) - 1 <= len(after) <= len(published)
        assert all(pressure < mark - engine.rules.tiers.prepare_margin for pressure in after)
        assert max(record.pressure for record in turns) < mark

    run(main())


def test_an_operator_sees_facts_by_name() -> None:
    """A folded session shows its facts with what they are."""

    async def main() -> None:
        engine = Engine()
        await engine.record(record_request(user("My order number is W2378156, please refund it.")))
        for _ in range(60):
            await engine.record(record_request(user("The weather is nice and the sea is calm.")))
        await engine.fold(KEY)
        await engine.record(record_request(user("The weather is nice and the sea is calm.")))
        facts = (await engine.inspection.get_session(KEY)).key_facts
        assert any(fact.startswith("order") and "W2378156" in fact for fact in facts), facts

    run(main())
