"""The nouns: frozen values that every other module speaks in.

Tokens are whole tokens of the encoding named beside them, times are microseconds since
the Unix epoch (UTC), sequences count the turns of one session from 1.  Nothing here
reads a clock, makes an id or knows protobuf.
"""

from contextd.model.calls import (
    BuildRequest,
    Built,
    Degradation,
    Durability,
    Erased,
    Escalated,
    EscalateRequest,
    Recorded,
    RecordRequest,
    SessionView,
    Timing,
)
from contextd.model.contexts import (
    Budget,
    Context,
    Format,
    Message,
    Omitted,
    Section,
    SectionKind,
    Slice,
    StablePrefix,
    Tier,
)
from contextd.model.folds import (
    Fact,
    FactKind,
    Fold,
    Sentence,
)
from contextd.model.handoffs import (
    AttemptedAction,
    ChannelMode,
    Cited,
    Handoff,
    HandoffState,
    TranscriptLine,
)
from contextd.model.judgements import (
    Escalation,
    Reason,
    Route,
    Routing,
    Signal,
    TurnType,
)
from contextd.model.session import (
    Action,
    Evidence,
    ModelState,
    Retention,
    Role,
    SessionKey,
    ToolCall,
    Turn,
    Usage,
)

__all__ = [
    "Action",
    "AttemptedAction",
    "Budget",
    "BuildRequest",
    "Built",
    "ChannelMode",
    "Cited",
    "Context",
    "Degradation",
    "Durability",
    "Erased",
    "EscalateRequest",
    "Escalated",
    "Escalation",
    "Evidence",
    "Fact",
    "FactKind",
    "Fold",
    "Format",
    "Handoff",
    "HandoffState",
    "Message",
    "ModelState",
    "Omitted",
    "Reason",
    "RecordRequest",
    "Recorded",
    "Retention",
    "Role",
    "Route",
    "Routing",
    "Section",
    "SectionKind",
    "Sentence",
    "SessionKey",
    "SessionView",
    "Signal",
    "Slice",
    "StablePrefix",
    "Tier",
    "Timing",
    "ToolCall",
    "TranscriptLine",
    "Turn",
    "TurnType",
    "Usage",
]
