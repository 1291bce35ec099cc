"""A conversation written for the golden handoff: a broken lamp, a failing refund, patience lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contextd.events import HandoffClaimed, HandoffRaised, HandoffResolved
from contextd.model import (
    Action,
    ChannelMode,
    EscalateRequest,
    Evidence,
    Fact,
    FactKind,
    HandoffOutcome,
    ModelState,
    Reason,
)
from contextd.policy.folding import digest
from contextd.policy.rules import Rules
from contextd.testing.fakes import WordTokenizer
from contextd.testing.samples import handoff_raised
from tests.policy.talks import (
    MINUTE,
    START,
    add,
    bot,
    calls,
    fold,
    human,
    session,
    tool,
    user,
)

if TYPE_CHECKING:
    from contextd.model import Fold
    from contextd.policy.state import SessionState

TALK = (
    user("Hello! The glass of the lamp I ordered came broken, I'd like my money back."),
    bot("I am sorry to hear that. May I have your order number?"),
    user("It's W-4417, the brass one. You can write to olena@example.org"),
    calls("get_order", '{"order_id": "W-4417"}', "c1"),
    tool('{"order_id": "W-4417", "status": "delivered", "total": 89.0, "currency": "EUR"}', "c1"),
    bot("Thank you. I will refund the 89.00 EUR to your card within three days."),
    calls("issue_refund", '{"order_id": "W-4417", "amount": 89.0}', "c2"),
    tool('{"error": {"code": 423, "message": "ledger is locked"}}', "c2"),
    bot(
        "The refund did not go through, let me try again.",
        model_state=ModelState(0.42, "The ledger may be locked by an open return.", ""),
    ),
    user("Actually send it to my bank account, not the card."),
    calls("issue_refund", '{"order_id": "W-4417", "amount": 89.0, "to": "bank"}', "c3"),
    tool("Error: ledger is locked", "c3"),
    bot(
        "I could not complete the refund. Do you have a photo of the damage?",
        evidence=(
            Evidence("kb-12", "help centre", "Refunds", "Refunds need an unlocked ledger.", 0.8),
            Evidence("kb-40", "help centre", "Damage", "Ask for a photo above 200 EUR.", 0.5),
        ),
        actions=(Action("offer_voucher", "declined", "customer wants money"),),
        model_state=ModelState(0.31, "No photo is needed below 200 EUR; the ledger blocks me.", ""),
    ),
    user(
        "I already told you everything!! Why do I need a photo now? # <b>PLEASE</b> "
        "see [this](http://shop.example/lamp)"
    ),
    user("Let me speak to a real person."),
)

FACTS = (
    Fact(FactKind.ENTITY, "W-4417", 12, "order id"),
    Fact(FactKind.ENTITY, "olena@example.org", 3, "e-mail"),
    Fact(FactKind.ENTITY, "89.0", 5, "total"),
    Fact(FactKind.DECISION, "I'd like my money back", 1),
    Fact(FactKind.CORRECTION, "send it to my bank account, not the card", 10),
    Fact(FactKind.COMMITMENT, "I will refund the 89.00 EUR to your card within three days", 6),
)


REFUNDED = "Refunded 89.00 EUR by hand, reference FX-2201; the ledger team knows of the lock."

LATER = (
    user("Hello, it has been five days and there is no money on my account."),
    bot("I am sorry to hear that. Let me look."),
    calls("get_payment", '{"reference": "FX-2201"}', "c9"),
    tool("Error: payments are not visible to assistants", "c9"),
    user("Then I want to talk to Ana again, please. When will the money come?"),
)


def second_desk_case() -> tuple[SessionState, EscalateRequest, Fold]:
    """The same customer five days after a human had helped, and a digest as it is made."""
    state = desk_case()[0]
    handoff = replace(handoff_raised().handoff, handoff_id="h-1", turn_count=len(state.turns))
    state.apply(HandoffRaised(START, "", "", handoff))
    state.apply(HandoffClaimed(START, "", "", "h-1", "Ana"))
    said = "I have refunded the 89.00 EUR to your bank account. It will arrive within three days."
    add(state, human(said, author="Ana"), user("Thank you, Ana!"))
    solved = HandoffOutcome.SOLVED
    state.apply(HandoffResolved(START + 18 * MINUTE, "", "", "h-1", "Ana", solved, REFUNDED))
    add(state, *LATER, days=5)
    request = EscalateRequest(state.key, "", Reason.USER_REQUEST, channel_mode=ChannelMode.ASYNC)
    return state, request, digest(state, rules=Rules(), meter=WordTokenizer())


def desk_case() -> tuple[SessionState, EscalateRequest, Fold]:
    """The session, the request to hand it over, and a digest of it made by hand."""
    state = session(*TALK)
    request = EscalateRequest(
        state.key,
        "",
        Reason.USER_REQUEST,
        note="Ledger lock seen by two customers today.",
        channel_mode=ChannelMode.SYNC,
    )
    return state, request, fold(state, (1, 6, 10, 13), FACTS)
