"""The verbs of an account: look, suggest, change, forget."""

from __future__ import annotations

import asyncio

import pytest

from contextd.errors import FieldViolation, RequestIdReused, RevisionConflict
from contextd.model import (
    AccountChange,
    AccountFactType,
    AccountKey,
    EscalateRequest,
    Reason,
    SectionKind,
    SessionKey,
)
from contextd.stores.memory import MemoryStore
from tests.engine.account_kit import (
    OLENA,
    ask,
    change,
    engine,
    fact,
    first_contact,
    record,
    told,
)
from tests.engine.kit import Engine, bot, run, user


def test_an_escalation_tells_what_is_known() -> None:
    """The handoff holds the facts, and its session belongs to the account from then on."""

    async def main() -> None:
        on = engine()
        await on.account.update(change(fact("refund_limit", "50 EUR", "permission", source="crm")))
        key = SessionKey("acme", "c-9")
        await record(on, "c-9", user("I want my money back."), account="")
        request = EscalateRequest(key, "olena", Reason.USER_REQUEST)
        raised = await on.escalate(request)
        assert [cited.text for cited in raised.handoff.account_facts] == [
            "refund limit (permission; crm, 2023-11-14): 50 EUR"
        ]
        assert "50 EUR" in raised.markdown
        await on.account.forget(OLENA)
        assert not await on.store.read(key)

    run(main())


def test_candidates_are_offered_apart_and_not_twice() -> None:
    """What chats suggest is no fact, names where it was said, and goes once confirmed."""

    async def main() -> None:
        on = engine()
        await first_contact(on)
        await record(
            on,
            "c-2",
            user("I prefer the aisle seat. I am on the Pro plan, my e-mail is ann@example.com."),
            bot("Noted."),
        )
        view = await on.account.get(OLENA, include_candidates=True)
        assert not view.account.facts
        found = {each.key: each for each in view.candidates}
        assert found["plan"].value == "Pro"
        assert found["e_mail"].value == "ann@example.com"
        assert found["order_id"].value == "W-1234567"
        assert found["order_id"].conversation_id == "c-1"
        assert found["order_id"].turn_ids == ("id-4",)
        assert any(each.type is AccountFactType.PREFERENCE for each in view.candidates)
        built = await ask(on, "c-3", "hello")
        assert not told(built, SectionKind.ACCOUNT)
        await on.account.update(change(fact("order", "w-1234567"), fact("plan", "Pro")))
        view = await on.account.get(OLENA, include_candidates=True)
        assert not {"plan", "order_id"} & {each.key for each in view.candidates}
        assert not (await on.account.get(OLENA, include_candidates=False)).candidates

    run(main())


def test_a_change_is_made_once() -> None:
    """A retry is told so; another body under the id is refused; so is a stale revision."""

    async def main() -> None:
        on = engine()
        first = await on.account.update(change(fact("plan", "pro"), request_id="r", digest="1"))
        again = await on.account.update(change(fact("plan", "pro"), request_id="r", digest="1"))
        assert (first.replayed, again.replayed) == (False, True)
        assert again.account == first.account
        with pytest.raises(RequestIdReused):
            await on.account.update(change(fact("plan", "x"), request_id="r", digest="2"))
        with pytest.raises(RevisionConflict):
            await on.account.update(change(fact("plan", "x"), expected_revision=0))
        assert (await on.account.get(OLENA, include_candidates=False)).account.revision == 1

    run(main())


def test_a_retry_is_answered_though_the_account_is_full_by_now() -> None:
    """What was done before is not refused for what came after; nothing is half done."""

    async def main() -> None:
        on = engine()
        await on.account.update(change(fact("a", "1"), request_id="r", digest="1"))
        removed = change(named=frozenset({"a"}))
        await on.account.update(removed)
        await on.account.update(change(*[fact(f"b{at}", "x") for at in range(256)]))
        again = await on.account.update(change(fact("a", "1"), request_id="r", digest="1"))
        assert again.replayed
        before = (await on.account.get(OLENA, include_candidates=False)).account
        with pytest.raises(FieldViolation) as caught:
            await on.account.update(change(fact("b0", "y"), fact("c", "1")))
        assert caught.value.field == "facts"
        assert (await on.account.get(OLENA, include_candidates=False)).account == before

    run(main())


def test_writers_at_once_all_succeed() -> None:
    """Changes of one account follow one another, in this process and in another."""

    async def main() -> None:
        store = MemoryStore()
        first, second = engine(store), engine(store)
        await asyncio.gather(
            *(
                (first, second)[at % 2].account.update(change(fact(f"k{at}", "v")))
                for at in range(20)
            )
        )
        view = await first.account.get(OLENA, include_candidates=False)
        assert len(view.account.facts) == view.account.revision == 20

    run(main())


def test_memory_of_accounts_is_bounded() -> None:
    """The least recently used go; nothing is lost by that."""

    async def main() -> None:
        on = engine()
        for at in range(60):
            key = AccountKey("acme", f"a{at}")
            facts = tuple(fact(f"k{n}", "v" * 1_000) for n in range(50))
            await on.account.update(AccountChange(key, facts))
        assert len(on.accounts) < 10
        assert on.accounts.size_bytes <= 1 << 20
        view = await on.account.get(AccountKey("acme", "a0"), include_candidates=False)
        assert len(view.account.facts) == 50

    run(main())


def test_forgetting_leaves_nothing() -> None:
    """Log, conversations, recaps, caches: no planted string is left, and the counts say so."""

    async def main() -> None:
        on = engine()
        planted = "PLANTED-77123"
        await on.account.update(change(fact("plan", planted, source=planted)))
        for at in range(3):
            await record(
                on, f"c-{at}", user(f"My {planted} lamp flickers, number {at}."), bot("Oh")
            )
        await ask(on, "c-9", f"My {planted} lamp", record_message=True, request_id="r", digest="d")
        await on.escalate(EscalateRequest(SessionKey("acme", "c-1"), "olena", Reason.USER_REQUEST))
        await record(on, "other", user("a lamp"), account="somebody")
        assert planted in repr(everything(on))
        erased = (await on.account.forget(OLENA)).counts
        assert erased["account_facts"] == erased["account_updates"] == 1
        assert erased["sessions"] == erased["account_conversations"] == 4
        assert erased["handoffs"] == 1
        assert planted not in repr(everything(on))
        assert "other" in repr(everything(on))
        assert not any((await on.account.forget(OLENA)).counts.values())

    run(main())


def everything(on: Engine) -> object:
    """Return all that the store and the memories hold."""
    return (deep(on.store), deep(on.sessions), deep(on.accounts))


def deep(value: object, seen: frozenset[int] = frozenset()) -> object:
    """Return *value* with everything that hangs on it, to be written out."""
    if id(value) in seen or isinstance(value, str | bytes | int | float | type(None)):
        return value if isinstance(value, str | bytes | int | float) else None
    seen |= {id(value)}
    if isinstance(value, dict):
        return [(deep(key, seen), deep(each, seen)) for key, each in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [deep(each, seen) for each in value]
    names = {*getattr(value, "__dict__", ()), *slots(value)}
    held = {name: getattr(value, name, None) for name in names}
    return {name: deep(each, seen) for name, each in held.items() if not callable(each)}


def slots(value: object) -> list[str]:
    """Return the names of the slots of *value*."""
    return [
        f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") else name
        for kind in type(value).__mro__
        for name in getattr(kind, "__slots__", ())
    ]


def test_forgetting_while_a_conversation_opens() -> None:
    """Nothing is left, or a conversation that began after."""

    async def main() -> None:
        for delay in range(8):
            on = engine()
            await on.account.update(change(fact("plan", "pro")))
            await first_contact(on)

            async def open_late(on: Engine = on, delay: int = delay) -> None:
                for _ in range(delay):
                    await asyncio.sleep(0)
                on.clock.advance(1)
                await ask(on, "late", "hi", record_message=True, request_id="r", digest="d")

            began = on.clock.now
            await asyncio.gather(on.account.forget(OLENA), open_late())
            left = await on.accounts.store.account_conversations(OLENA)
            assert all(entry.opened_at > began for entry in left)
            assert {entry.conversation_id for entry in left} <= {"late"}
            assert not await on.store.read(SessionKey("acme", "c-1"))
            assert not await on.accounts.store.read_account(OLENA)

    run(main())
