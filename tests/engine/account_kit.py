"""An account, its conversations, and what is asked in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contextd.embedders.static import StaticEmbedder
from contextd.model import (
    AccountChange,
    AccountFact,
    AccountFactType,
    AccountKey,
    RecordRequest,
    SectionKind,
    SessionKey,
)
from contextd.stores.memory import MemoryStore
from tests.engine.kit import Engine, bot, build_request, user

if TYPE_CHECKING:
    from contextd.model import Built, Turn

OLENA = AccountKey("acme", "olena")
DAY = 86_400
MACHINE = "My coffee machine, order W-1234567, leaks since Monday."


def fact(key: str, value: str, kind: str = "attribute", **rest: Any) -> AccountFact:
    """Confirm a fact."""
    return AccountFact(key, AccountFactType(kind), value, **rest)


def change(*facts: AccountFact, **rest: Any) -> AccountChange:
    """Ask for facts to be set."""
    return AccountChange(OLENA, facts, **{"digest": repr((facts, rest))} | rest)


def engine(store: MemoryStore | None = None) -> Engine:
    """Return an engine that knows what words mean."""
    return Engine(store or MemoryStore(), embedder=StaticEmbedder())


async def record(on: Engine, conversation: str, *turns: Turn, account: str = "olena") -> None:
    """Record turns of a conversation of the account."""
    key = SessionKey("acme", conversation)
    await on.record(RecordRequest(key, account, turns))


async def ask(on: Engine, conversation: str, text: str, **rest: Any) -> Built:
    """Build the context of a message in a conversation of the account."""
    request = build_request(text, **{"explain": True} | rest)
    key = SessionKey("acme", conversation)
    return await on.build(replace(request, key=key, account_id="olena"))


def told(built: Built, kind: SectionKind) -> str:
    """Return the text of a section."""
    return "".join(m.text for m in built.context.messages if m.section is kind)


async def first_contact(on: Engine) -> None:
    """Have a conversation about a machine that leaks."""
    await record(on, "c-1", user("Hi there"), bot("Hello!"))
    await record(on, "c-1", user(MACHINE), bot("I will send a replacement by Friday."))
    await record(on, "c-1", user("Thanks, bye."), bot("Goodbye."))
