"""Each call goes by one policy, and nothing that is remembered outlives the one it was made by."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.engine.meaning import FineModel
from contextd.model import Reason, Retention
from contextd.policy.policies import Policy, PolicySet
from contextd.policy.rules import (
    EscalationRules,
    FoldRules,
    IdRules,
    MessageCost,
    RetentionRules,
    RetrievalRules,
    Rules,
    ShareRules,
    SignalRules,
    WindowRules,
)
from contextd.stores.memory import MemoryStore
from tests.engine.fine import FineEmbedder, refine, until, view_of
from tests.engine.kit import (
    KEY,
    Engine,
    bot,
    build_request,
    escalate_request,
    record_request,
    run,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import Record, TurnsRecorded
    from contextd.model import SessionKey

LESS = Rules(window=WindowRules(min_exchanges=2, max_exchanges=3))
OTHERS = (
    LESS,
    Rules(shares=ShareRules(detail_window=0.5)),
    Rules(ids=IdRules({"word": r"word\d{1,2}x\d{1,2}"})),
    Rules(cost=MessageCost(message=9)),
    Rules(fold=FoldRules(facts_share=0.02, pinned_share=0.02, orders_share=0.02)),
    Rules(retrieval=RetrievalRules(passage_words=9)),
    Rules(escalation=EscalationRules(signals=SignalRules(user_request=0))),
)


def use(engine: Engine, rules: Rules) -> Policy:
    """Put *rules* in force for everybody."""
    policy = Policy.of(rules)
    engine.policies.use(PolicySet(policy))
    return policy


class LateStore(MemoryStore):
    """Lets others work before it answers."""

    async def read(
        self, key: SessionKey, after: int = 0, limit: int = 0, incarnation: str = ""
    ) -> Sequence[Record]:
        """Read as the memory does, a little later."""
        await asyncio.sleep(0)
        return await super().read(key, after, limit, incarnation)


async def conversation(rules: Rules) -> Engine:
    """Return an engine with a session that is far too long for its budget."""
    engine = Engine(LateStore(), rules=rules)
    await engine.chat(20)
    await engine.record(
        record_request(user("I prefer e-mail. Always answer in Spanish."), bot("Ok."))
    )
    await engine.chat(20, first=21)
    return engine


@pytest.mark.parametrize("rules", OTHERS)
def test_after_a_change_a_session_answers_as_one_that_never_knew_another_policy(
    rules: Rules,
) -> None:
    """What was remembered under the one does not show under the other, in both directions."""

    async def main() -> None:
        engine, fresh = await conversation(Rules()), await conversation(Rules())
        ask = build_request("What did I ask of word3x3? Let me talk to a human.")
        before = await engine.build(ask)
        use(engine, rules)
        use(fresh, rules)
        changed, expected = await engine.build(ask), await fresh.build(ask)
        assert (changed.context, changed.escalation) == (expected.context, expected.escalation)
        assert changed.policy_hash == expected.policy_hash != before.policy_hash
        assert (changed.context, changed.escalation) != (before.context, before.escalation)
        use(engine, Rules())
        again = await engine.build(ask)
        assert (again.context, again.policy_hash) == (before.context, before.policy_hash)

    run(main())


def test_a_call_that_has_begun_goes_on_by_the_policy_it_began_with() -> None:
    """Also where it waits, and is overtaken by a change."""

    async def main() -> None:
        engine = await conversation(Rules())
        ask = build_request("What did I ask of word3x3?")
        expected = await engine.build(ask)
        task = asyncio.create_task(engine.build(ask))
        await asyncio.sleep(0)
        use(engine, LESS)
        overtaken, after = await task, await engine.build(ask)
        assert (overtaken.context, overtaken.policy_hash) == (
            expected.context,
            expected.policy_hash,
        )
        assert after.context != expected.context

    run(main())


def test_an_old_call_leaves_nothing_to_new_ones() -> None:
    """Its memory is its own; that of the new policy begins empty."""

    async def main() -> None:
        engine = await conversation(Rules())
        await engine.build(build_request("And now?"))
        (view,) = engine.sessions.get(KEY).views.values()
        old = view.memory
        assert old.folds
        new = view.under(use(engine, LESS))
        assert view.memory is new
        old.folds[1, 1] = next(iter(old.folds.values()))
        assert not new.folds

    run(main())


def test_tenants_are_decided_by_their_own_rules() -> None:
    """The same words, two answers; the hash says by which rules."""

    async def main() -> None:
        engine = Engine()
        own = Policy.of(Rules(escalation=EscalationRules(signals=SignalRules(user_request=0))))
        engine.policies.use(PolicySet(engine.policies.policies.base, {"beta": own}))
        asks = record_request(user("Let me talk to a human"))
        theirs = replace(asks, key=replace(KEY, tenant_id="beta"))
        first, second = await engine.record(asks), await engine.record(theirs)
        assert [each.reason for each in first.escalation.signals] == [Reason.USER_REQUEST]
        assert second.escalation.signals == ()
        assert (first.policy_hash, second.policy_hash) == (Policy.of(Rules()).hash, own.hash)

    run(main())


def test_a_retry_is_told_the_policy_of_the_first_answer() -> None:
    """What was recorded was decided then, also for another daemon."""

    async def main() -> None:
        engine = Engine()
        asks = record_request(user("Hello"), request_id="r")
        first = await engine.record(asks)
        raised = await engine.escalate(escalate_request("e"))
        use(engine, OTHERS[0])
        for each in (engine, Engine(engine.store, rules=OTHERS[0])):
            again = await each.record(asks)
            assert (again.replayed, again.policy_hash) == (True, first.policy_hash)
            handed = await each.escalate(escalate_request("e"))
            assert (handed.replayed, handed.policy_hash) == (True, raised.policy_hash)
        record: TurnsRecorded = (await engine.store.read(KEY))[1]  # type: ignore[assignment]
        assert record.policy_hash == first.policy_hash == Policy.of(Rules()).hash

    run(main())


def test_phrases_of_the_policy_keep_turns_from_when_they_are_recorded() -> None:
    """Of messages that are built for, too; what the caller says of a turn goes first."""

    async def main() -> None:
        rules = Rules(retention=RetentionRules(keep=("reference",), discard=("rate us",)))
        engine = Engine(rules=rules)
        told = replace(user("My reference is 2"), retention=Retention.SUMMARIZE)
        await engine.record(record_request(user("My reference is 1"), bot("Rate us!"), told))
        await engine.build(build_request("My reference is 3", "b", record_message=True))
        state = (await view_of(engine)).state
        kinds = [turn.retention for turn in state.turns]
        keep = Retention.KEEP
        assert kinds == [keep, Retention.DISCARD, Retention.SUMMARIZE, keep]

    run(main())


def test_other_passages_are_cut_and_refined_anew() -> None:
    """An index holds passages of one length; vectors of the former length do not fit it."""

    async def main() -> None:
        store = MemoryStore()
        engine = Engine(store=store, vectors=store, fine=FineModel(FineEmbedder()))
        await engine.chat(5, words=60)
        view = await view_of(engine)
        long, short = RetrievalRules(), RetrievalRules(passage_words=5)
        assert await engine.build.indexer.catch_up(view, long)
        few, before = len(view.index), view.index
        assert await engine.build.indexer.catch_up(view, short)
        assert view.index is not before
        assert len(view.index) > 2 * few
        assert len(before) == few
        await refine(engine)
        assert view.unrefined == {}
        assert await engine.build.indexer.catch_up(view, long)
        assert len(view.index) == few

    run(main())


def test_an_index_that_is_replaced_while_it_is_made_is_not_made_further() -> None:
    """The new one holds each turn once, by the new rules alone."""

    async def main() -> None:
        engine = Engine()
        await engine.chat(3, words=2_000)  # so much that a thread cuts it
        view = await view_of(engine)
        indexer = engine.build.indexer
        long, short = RetrievalRules(), RetrievalRules(passage_words=20)
        old = asyncio.create_task(indexer.catch_up(view, long))
        await until(lambda: view.indexing is not None)
        assert view.indexed == 0
        assert await indexer.catch_up(view, short)
        await old
        found = len(view.index)
        view.cut_to(long.passage_words)
        assert await indexer.catch_up(view, short)
        assert len(view.index) == found

    run(main())
