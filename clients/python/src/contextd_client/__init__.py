"""The Python client of contextd.

    async with ContextdClient.from_env() as client:
        session = client.session("chat-17", account="olena", budget=Budget("gpt-4o", 16_000, 1_000))
        async with session.turn("Where is my order?") as exchange:
            exchange.answer(await ask_the_model(exchange.context.messages))

`contextd_client.sync` has the same without an event loop, `contextd_client.testing` a
daemon in memory for your tests.
"""

from __future__ import annotations

from contextd_client.access import Tls, TokenFile
from contextd_client.calls import Deadlines, Retry
from contextd_client.client import ContextdClient
from contextd_client.errors import (
    BudgetTooSmall,
    ContextdError,
    DeadlineExceeded,
    HumanInControl,
    InvalidRequest,
    Overloaded,
    PermissionDenied,
    RequestIdReused,
    RevisionConflict,
    SessionNotFound,
    Unauthenticated,
    Unavailable,
)
from contextd_client.exchange import Exchange
from contextd_client.results import (
    Attempt,
    Cited,
    Context,
    Degradation,
    Durability,
    Escalated,
    Escalation,
    Handoff,
    HandoffState,
    Message,
    Omitted,
    Recorded,
    Route,
    Rung,
    Section,
    SectionKind,
    Signal,
    Tier,
    TranscriptLine,
    TurnType,
)
from contextd_client.session import Session
from contextd_client.turns import (
    Action,
    Budget,
    ChannelMode,
    Evidence,
    Format,
    ModelState,
    Reason,
    Retention,
    Role,
    ToolCall,
    Turn,
    Usage,
)

__all__ = [
    "Action",
    "Attempt",
    "Budget",
    "BudgetTooSmall",
    "ChannelMode",
    "Cited",
    "Context",
    "ContextdClient",
    "ContextdError",
    "DeadlineExceeded",
    "Deadlines",
    "Degradation",
    "Durability",
    "Escalated",
    "Escalation",
    "Evidence",
    "Exchange",
    "Format",
    "Handoff",
    "HandoffState",
    "HumanInControl",
    "InvalidRequest",
    "Message",
    "ModelState",
    "Omitted",
    "Overloaded",
    "PermissionDenied",
    "Reason",
    "Recorded",
    "RequestIdReused",
    "Retention",
    "Retry",
    "RevisionConflict",
    "Role",
    "Route",
    "Rung",
    "Section",
    "SectionKind",
    "Session",
    "SessionNotFound",
    "Signal",
    "Tier",
    "Tls",
    "TokenFile",
    "ToolCall",
    "TranscriptLine",
    "Turn",
    "TurnType",
    "Unauthenticated",
    "Unavailable",
    "Usage",
]
