"""Records of every kind with every field filled, some with values that break careless stores."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from contextd.events import (
    AccountLinked,
    AccountUpdated,
    ContactRepeated,
    DeferralEnded,
    Folded,
    HandoffClaimed,
    HandoffRaised,
    HandoffResolved,
    Recapped,
    SessionClosed,
    SessionOpened,
    Summarized,
    TurnDeferred,
    TurnsRecorded,
)
from contextd.model import (
    AccountFact,
    AccountFactType,
    Action,
    AttemptedAction,
    Budget,
    ChannelMode,
    Cited,
    DeferralOutcome,
    Escalation,
    Evidence,
    Fact,
    FactKind,
    Fold,
    Framing,
    Handoff,
    HandoffOutcome,
    ModelState,
    Reason,
    Recap,
    RepeatContact,
    Retention,
    Retold,
    Role,
    Sentence,
    SessionKey,
    SessionOutcome,
    Signal,
    Tier,
    ToolCall,
    TranscriptLine,
    Turn,
    Usage,
)

ODD_TEXTS = MappingProxyType(
    {
        "empty": "",
        "spaces": "  leading and trailing  ",
        "lines": "one\ntwo\r\nthree\u2028four\tfive",
        "nul": "before\0after",
        "unicode": "naïve Ω 漢字 🧑‍🚀 e\u0301 \u202eright to left \ufeff \U0010ffff",
        "quotes": """'; DROP TABLE sessions; -- " \\ %s {} $1""",
        "megabyte": "contextd " * 116_509,
    }
)
"""Texts that must come back as they were, by what is odd about them."""

LOOK_ALIKES = MappingProxyType(
    {
        "case": ("order", "Order"),
        "trailing space": ("order", "order "),
        "composed": ("\u00e9", "e\u0301"),
        "compatible": ("\ufb01", "fi"),
        "sharp s": ("stra\u00dfe", "strasse"),
        "nul": ("order", "order\0"),
        "number": ("1", "01"),
        "pattern": ("order_1", "orderx1"),
        "plane": ("\uffff", "\U00010000"),
    }
)
"""Pairs of ids that a careless collation takes for one, by what is alike."""

SPLITS = (
    (SessionKey("a", "bc"), SessionKey("ab", "c")),
    (SessionKey("a", "b"), SessionKey("b", "a")),
    (SessionKey("a:b", "c"), SessionKey("a", "b:c")),
    (SessionKey("a\0b", "c"), SessionKey("a", "b\0c")),
    (SessionKey("a/b", "c"), SessionKey("a", "b/c")),
)
"""Keys whose parts make the same text when they are joined."""

SIGNALS = (Signal(Reason.FRUSTRATED_USER, "shouts", 0.1 + 0.2, (1, 2)),)


def turn(sequence: int = 1, text: str = "Where is my order?") -> Turn:
    """Return a turn with every field filled."""
    return Turn(
        turn_id=f"turn-{sequence}",
        role=Role.ASSISTANT,
        text=text,
        author="Ann",
        tool_calls=(ToolCall("call-1", "find_order", '{"id": 17}'), ToolCall("call-2", "", "")),
        tool_call_id="call-0",
        actions=(Action("refund", "failed", "card expired"),),
        evidence=(Evidence("doc/1", "wiki", "Refunds", "Within 30 days.", 0.25),),
        usage=Usage("openai", "gpt", 1, 2, 3, 4, 5),
        model_state=ModelState(0.75, "looked it up", "offer a refund"),
        retention=Retention.KEEP,
        occurred_at=1_700_000_000_000_001,
        sequence=sequence,
        tokens=5,
    )


def turns_recorded(text: str = "Where is my order?") -> TurnsRecorded:
    """Return turns as they are recorded, two of them, *text* in the first."""
    return TurnsRecorded(
        at=1_700_000_000_000_002,
        request_id="request-1",
        digest="d" * 64,
        turns=(turn(1, text), Turn("turn-2", Role.USER, "Hello?", sequence=2)),
        encoding="o200k_base",
        tier=Tier.KEY_FACTS,
        pressure=0.1,
        budget=Budget("gpt", 8192, 1024),
        framing=Framing(40, 60),
        escalation=Escalation(recommended=True, signals=SIGNALS),
    )


def folded() -> Folded:
    """Return a fold with every form filled."""
    sentence = Sentence(1, Role.USER, "I want a refund.", 1 / 3)
    fact = Fact(FactKind.ENTITY, "A-17", 1, "order id")
    retold = (Retold(1, "The customer wants a refund."),)
    return Folded(3, Fold(2, (sentence,), (fact,), (sentence, sentence), 40, "extractive", retold))


def summarized() -> Summarized:
    """Return what a model wrote, with every field filled."""
    usage = Usage("llm.example", "small", 900, 100, 0, 80, 20)
    return Summarized(6, 2, (Retold(2, "They asked again."),), usage, estimated=True, fault="-")


def handoff_raised() -> HandoffRaised:
    """Return a handoff with every field filled."""
    cited = Cited("refund", ("turn-1",))
    handoff = Handoff(
        handoff_id="handoff-1",
        schema_version="1",
        created_at=4,
        tenant_id="tenant",
        conversation_id="conversation",
        account_id="account",
        reason=Reason.TOOL_FAILURE,
        reason_detail="three times",
        note="please",
        channel_mode=ChannelMode.ASYNC,
        headline="Refund stuck",
        customer_intent="refund",
        open_question=cited,
        summary=cited,
        summary_method="extractive",
        summary_status="COMPLETED",
        key_facts=(cited, cited),
        attempted_actions=(AttemptedAction("refund", "failed", "", "turn-1"),),
        commitments=(cited,),
        evidence=(Evidence("doc/1", score=-0.0),),
        account_facts=(cited,),
        confidence=0.5,
        uncertainty=("which card",),
        last_reasoning="none",
        suggested_next_action="call",
        do_not_ask=(cited,),
        signals=SIGNALS,
        last_turns=(TranscriptLine("turn-1", 1, Role.TOOL, "", "x", 0),),
        turn_count=2,
        total_tokens=9,
    )
    return HandoffRaised(5, "request-2", "e" * 64, handoff, announce=True)


def handoff_of(
    handoff_id: str,
    at: int = 5,
    headline: str = "",
    account_id: str = "",
    *,
    announce: bool = False,
) -> HandoffRaised:
    """Return a handoff of this id that is raised at *at*."""
    full = handoff_raised()
    handoff = replace(
        full.handoff,
        handoff_id=handoff_id,
        created_at=at,
        headline=headline,
        account_id=account_id,
    )
    return replace(full, at=at, request_id="", digest="", handoff=handoff, announce=announce)


RECORDS = (
    SessionOpened(1, "account"),
    AccountLinked(2, "account-2"),
    turns_recorded(),
    folded(),
    summarized(),
    handoff_raised(),
    HandoffClaimed(7, "request-3", "f" * 64, "handoff-1", "Ann", announce=True),
    HandoffResolved(
        8, "request-4", "a" * 64, "handoff-1", "Ann", HandoffOutcome.SOLVED, "paid", announce=True
    ),
    TurnDeferred(9, "request-5", "b" * 64, "deferral-1", 2, 12, "model down"),
    DeferralEnded(10, "request-6", "c" * 64, "deferral-1", DeferralOutcome.DEAD, "still down"),
    Recapped(11, Recap(2, "A refund.", ("turn-1",), at=9, revision=10)),
    ContactRepeated(11, RepeatContact("conversation-2", 10, 2 / 3)),
    SessionClosed(12, "request-7", "9" * 64, SessionOutcome.RESOLVED, 5, "thanked us"),
)
"""One record of every kind, in an order a session could have them."""

ACCOUNT_UPDATED = AccountUpdated(
    at=1,
    request_id="request-1",
    digest="d" * 64,
    facts=(AccountFact("plan", AccountFactType.ATTRIBUTE, "pro", "crm", 2, 3),),
    removed=("seat",),
)
"""A change of an account with every field filled."""
