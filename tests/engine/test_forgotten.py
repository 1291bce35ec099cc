"""An account that another process forgot is forgotten here, whatever is known of it by then."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from contextd.errors import RevisionConflict
from contextd.model import SectionKind, SessionKey
from contextd.stores.memory import MemoryStore
from tests.engine.account_kit import OLENA, ask, change, engine, fact, record, told
from tests.engine.kit import bot, user

if TYPE_CHECKING:
    from tests.engine.kit import Engine

OLD, NEW = "the old secret", "what is new"


async def confirm(on: Engine, text: str, times: int = 2) -> None:
    """Let the account's log go on by so many updates."""
    for at in range(times):
        await on.account.update(change(fact(f"fact-{at}", text)))


async def forgotten(updates: int) -> tuple[Engine, Engine]:
    """Return two engines: the first knows an account that the second forgot.

    Then it was confirmed anew, with so many updates.
    """
    store = MemoryStore()
    here, there = engine(store), engine(store)
    await confirm(here, OLD)
    assert OLD in told(await ask(here, "c", "hi"), SectionKind.ACCOUNT)
    await there.account.forget(OLENA)
    await confirm(there, NEW, updates)
    return here, there


@pytest.mark.parametrize("updates", [0, 1, 2, 3])
def test_no_context_tells_what_was_forgotten(updates: int) -> None:
    """Though the new log may be as long as the old one was."""

    async def main() -> None:
        here, there = await forgotten(updates)
        section = told(await ask(here, "c", "hi"), SectionKind.ACCOUNT)
        assert OLD not in section
        assert (NEW in section) == (updates > 0)
        assert (await here.account.get(OLENA, include_candidates=False)).account == (
            await there.account.get(OLENA, include_candidates=False)
        ).account

    asyncio.run(main())


@pytest.mark.parametrize("updates", [0, 1, 2, 3])
def test_a_change_goes_to_the_account_that_is_there(updates: int) -> None:
    """And is decided on what that holds."""

    async def main() -> None:
        here, there = await forgotten(updates)
        changed = await here.account.update(change(fact("more", "x")))
        assert changed.account.revision == updates + 1
        assert OLD not in repr(changed.account)
        known = (await there.account.get(OLENA, include_candidates=False)).account
        assert known == changed.account

    asyncio.run(main())


@pytest.mark.parametrize("expected", [None, 2])
def test_a_change_decided_on_what_was_forgotten_is_decided_anew(expected: int | None) -> None:
    """Also where the revision fits; only a conflict of two numbers is the caller's."""

    async def main() -> None:
        here, there = await forgotten(2)
        append: Any = here.accounts.store.append_account
        tries = 0

        async def overtaken(*rest: Any, **named: Any) -> Any:
            nonlocal tries
            tries += 1
            if tries == 1:
                await there.account.forget(OLENA)
                await confirm(there, NEW)
            return await append(*rest, **named)

        here.accounts.store.append_account = overtaken  # type: ignore[method-assign]
        wanted = change(fact("more", "x"), expected_revision=expected)
        assert (await here.account.update(wanted)).account.revision == 3
        assert tries == 4  # the first, two of the other, and again
        with pytest.raises(RevisionConflict):
            await here.account.update(change(fact("y", "y"), expected_revision=2))

    asyncio.run(main())


def test_a_conversation_deleted_elsewhere_is_not_recalled() -> None:
    """Though the list of the account's conversations was read a moment ago."""

    async def main() -> None:
        store = MemoryStore()
        here, there = engine(store), engine(store)
        text = "My coffee machine leaks, the secret is 4711."
        await record(here, "old", user(text), bot("I will send another."))
        built = await ask(here, "new", "The coffee machine leaks!", record_message=True)
        assert "4711" in told(built, SectionKind.RETRIEVED)
        again = await ask(here, "new", "What of the coffee machine that leaks?")
        assert "4711" in told(again, SectionKind.RETRIEVED)
        await there.inspection.delete_session(SessionKey("acme", "old"))
        after = await ask(here, "new", "What of the coffee machine that leaks?")
        assert "4711" not in repr(after.context)

    asyncio.run(main())
