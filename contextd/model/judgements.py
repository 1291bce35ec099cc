"""What is thought of a message: its kind, and whether a human should take over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class TurnType(Enum):
    """What kind of request an incoming message is."""

    INFO_QUESTION = "info_question"
    ACTION_REQUEST = "action_request"
    ACCOUNT_ISSUE = "account_issue"
    UNSUPPORTED = "unsupported"
    ESCALATION_CANDIDATE = "escalation_candidate"


class Route(Enum):
    """What the frontend is advised to do with the message."""

    ANSWER = "answer"
    ACT = "act"
    ESCALATE = "escalate"
    DECLINE = "decline"


class Reason(Enum):
    """Why a conversation should go, or goes, to a human."""

    USER_REQUEST = "user_request"
    FRUSTRATED_USER = "frustrated_user"
    POLICY_RISK = "policy_risk"
    HIGH_VALUE_ACTION = "high_value_action"
    MISSING_EVIDENCE = "missing_evidence"
    LOW_CONFIDENCE = "low_confidence"
    TOOL_FAILURE = "tool_failure"
    MODEL_UNAVAILABLE = "model_unavailable"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Signal:
    """One reason to think of a human, with the turns that show it.

    `strength` is within 0..1; sequence 0 stands for the message not yet recorded.
    `turn_ids` are the recorded ones among the turns, as the caller gave them.
    """

    reason: Reason
    detail: str
    strength: float
    sequences: tuple[int, ...] = ()
    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """The advice drawn from all signals."""

    recommended: bool = False
    signals: tuple[Signal, ...] = ()

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The distinct reasons, strongest signal first."""
        ordered = sorted(self.signals, key=lambda signal: -signal.strength)
        return tuple(dict.fromkeys(signal.reason for signal in ordered))


@dataclass(frozen=True, slots=True)
class Routing:
    """The kind of an incoming message, how sure we are (0..1), and what to do with it.

    An `acknowledgement` ("thanks") asks for nothing, whatever its kind.
    """

    turn_type: TurnType
    confidence: float
    route: Route
    acknowledgement: bool = False
