"""The enumerations of the contract and those of the model, side by side.

Numbers of the contract that are not listed (0 where it has no meaning, values of a newer
contract) are not known here, and validation refuses them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd import model
from contextd.v1 import account_service_pb2 as accounts
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import deferral_service_pb2 as deferrals
from contextd.v1 import handoff_service_pb2 as handoffs
from contextd.v1 import session_service_pb2 as sessions

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNGS: Mapping[service.RetrievalRung, model.Rung] = {
    service.RETRIEVAL_RUNG_NONE: model.Rung.NONE,
    service.RETRIEVAL_RUNG_LEXICAL: model.Rung.LEXICAL,
    service.RETRIEVAL_RUNG_STATIC: model.Rung.STATIC,
    service.RETRIEVAL_RUNG_TRANSFORMER: model.Rung.TRANSFORMER,
}

ROLES: Mapping[common.Role, model.Role] = {
    common.ROLE_SYSTEM: model.Role.SYSTEM,
    common.ROLE_USER: model.Role.USER,
    common.ROLE_ASSISTANT: model.Role.ASSISTANT,
    common.ROLE_TOOL: model.Role.TOOL,
    common.ROLE_HUMAN_AGENT: model.Role.HUMAN_AGENT,
}

RETENTIONS: Mapping[common.Retention, model.Retention] = {
    common.RETENTION_UNSPECIFIED: model.Retention.AUTO,
    common.RETENTION_KEEP: model.Retention.KEEP,
    common.RETENTION_SUMMARIZE: model.Retention.SUMMARIZE,
    common.RETENTION_DISCARD: model.Retention.DISCARD,
}

TIERS: Mapping[common.Tier, model.Tier] = {
    common.TIER_VERBATIM: model.Tier.VERBATIM,
    common.TIER_SUMMARY: model.Tier.SUMMARY,
    common.TIER_KEY_FACTS: model.Tier.KEY_FACTS,
    common.TIER_NOTICE: model.Tier.NOTICE,
}

DURABILITIES: Mapping[common.Durability, model.Durability] = {
    common.DURABILITY_MEMORY: model.Durability.MEMORY,
    common.DURABILITY_DISK: model.Durability.DISK,
    common.DURABILITY_REPLICATED: model.Durability.REPLICATED,
}

REASONS: Mapping[common.EscalationReason, model.Reason] = {
    common.ESCALATION_REASON_USER_REQUEST: model.Reason.USER_REQUEST,
    common.ESCALATION_REASON_FRUSTRATED_USER: model.Reason.FRUSTRATED_USER,
    common.ESCALATION_REASON_POLICY_RISK: model.Reason.POLICY_RISK,
    common.ESCALATION_REASON_HIGH_VALUE_ACTION: model.Reason.HIGH_VALUE_ACTION,
    common.ESCALATION_REASON_MISSING_EVIDENCE: model.Reason.MISSING_EVIDENCE,
    common.ESCALATION_REASON_LOW_CONFIDENCE: model.Reason.LOW_CONFIDENCE,
    common.ESCALATION_REASON_TOOL_FAILURE: model.Reason.TOOL_FAILURE,
    common.ESCALATION_REASON_MODEL_UNAVAILABLE: model.Reason.MODEL_UNAVAILABLE,
    common.ESCALATION_REASON_OTHER: model.Reason.OTHER,
}

HANDOFF_STATES: Mapping[common.HandoffState, model.HandoffState] = {
    common.HANDOFF_STATE_BOT: model.HandoffState.BOT,
    common.HANDOFF_STATE_WAITING_HUMAN: model.HandoffState.WAITING_HUMAN,
    common.HANDOFF_STATE_HUMAN: model.HandoffState.HUMAN,
    common.HANDOFF_STATE_CLOSED: model.HandoffState.CLOSED,
}

FORMATS: Mapping[service.Format, model.Format] = {
    service.FORMAT_NEUTRAL: model.Format.NEUTRAL,
    service.FORMAT_OPENAI_CHAT: model.Format.OPENAI_CHAT,
    service.FORMAT_ANTHROPIC_MESSAGES: model.Format.ANTHROPIC_MESSAGES,
}

SECTIONS: Mapping[service.SectionKind, model.SectionKind] = {
    service.SECTION_KIND_SYSTEM: model.SectionKind.SYSTEM,
    service.SECTION_KIND_ACCOUNT: model.SectionKind.ACCOUNT,
    service.SECTION_KIND_PINNED: model.SectionKind.PINNED,
    service.SECTION_KIND_SUMMARY: model.SectionKind.SUMMARY,
    service.SECTION_KIND_KEY_FACTS: model.SectionKind.KEY_FACTS,
    service.SECTION_KIND_VERBATIM: model.SectionKind.VERBATIM,
    service.SECTION_KIND_RETRIEVED: model.SectionKind.RETRIEVED,
    service.SECTION_KIND_EVIDENCE: model.SectionKind.EVIDENCE,
    service.SECTION_KIND_NOTICE: model.SectionKind.NOTICE,
    service.SECTION_KIND_MESSAGE: model.SectionKind.MESSAGE,
}

TURN_TYPES: Mapping[service.TurnType, model.TurnType] = {
    service.TURN_TYPE_INFO_QUESTION: model.TurnType.INFO_QUESTION,
    service.TURN_TYPE_ACTION_REQUEST: model.TurnType.ACTION_REQUEST,
    service.TURN_TYPE_ACCOUNT_ISSUE: model.TurnType.ACCOUNT_ISSUE,
    service.TURN_TYPE_UNSUPPORTED: model.TurnType.UNSUPPORTED,
    service.TURN_TYPE_ESCALATION_CANDIDATE: model.TurnType.ESCALATION_CANDIDATE,
}

ROUTES: Mapping[service.Route, model.Route] = {
    service.ROUTE_ANSWER: model.Route.ANSWER,
    service.ROUTE_ACT: model.Route.ACT,
    service.ROUTE_ESCALATE: model.Route.ESCALATE,
    service.ROUTE_DECLINE: model.Route.DECLINE,
}

CHANNEL_MODES: Mapping[service.ChannelMode, model.ChannelMode] = {
    service.CHANNEL_MODE_SYNC: model.ChannelMode.SYNC,
    service.CHANNEL_MODE_ASYNC: model.ChannelMode.ASYNC,
}

HANDOFF_STATUSES: Mapping[handoffs.HandoffStatus, model.HandoffStatus] = {
    handoffs.HANDOFF_STATUS_WAITING: model.HandoffStatus.WAITING,
    handoffs.HANDOFF_STATUS_CLAIMED: model.HandoffStatus.CLAIMED,
    handoffs.HANDOFF_STATUS_RESOLVED: model.HandoffStatus.RESOLVED,
    handoffs.HANDOFF_STATUS_SUPERSEDED: model.HandoffStatus.SUPERSEDED,
}

HANDOFF_OUTCOMES: Mapping[common.HandoffOutcome, model.HandoffOutcome] = {
    common.HANDOFF_OUTCOME_SOLVED: model.HandoffOutcome.SOLVED,
    common.HANDOFF_OUTCOME_UNSOLVED: model.HandoffOutcome.UNSOLVED,
    common.HANDOFF_OUTCOME_NOT_NEEDED: model.HandoffOutcome.NOT_NEEDED,
    common.HANDOFF_OUTCOME_CUSTOMER_LEFT: model.HandoffOutcome.CUSTOMER_LEFT,
}

SESSION_OUTCOMES: Mapping[sessions.SessionOutcome, model.SessionOutcome] = {
    sessions.SESSION_OUTCOME_RESOLVED: model.SessionOutcome.RESOLVED,
    sessions.SESSION_OUTCOME_UNRESOLVED: model.SessionOutcome.UNRESOLVED,
    sessions.SESSION_OUTCOME_ABANDONED: model.SessionOutcome.ABANDONED,
}

SESSION_EVENTS: Mapping[sessions.SessionEventKind, model.Happening] = {
    sessions.SESSION_EVENT_KIND_OPENED: model.Happening.OPENED,
    sessions.SESSION_EVENT_KIND_ACCOUNT_LINKED: model.Happening.ACCOUNT_LINKED,
    sessions.SESSION_EVENT_KIND_TURNS_RECORDED: model.Happening.TURNS_RECORDED,
    sessions.SESSION_EVENT_KIND_FOLDED: model.Happening.FOLDED,
    sessions.SESSION_EVENT_KIND_HANDOFF_RAISED: model.Happening.HANDOFF_RAISED,
    sessions.SESSION_EVENT_KIND_HANDOFF_CLAIMED: model.Happening.HANDOFF_CLAIMED,
    sessions.SESSION_EVENT_KIND_HANDOFF_RESOLVED: model.Happening.HANDOFF_RESOLVED,
    sessions.SESSION_EVENT_KIND_TURN_DEFERRED: model.Happening.TURN_DEFERRED,
    sessions.SESSION_EVENT_KIND_DEFERRAL_ENDED: model.Happening.DEFERRAL_ENDED,
    sessions.SESSION_EVENT_KIND_CLOSED: model.Happening.CLOSED,
}

NOTICE_STATES: Mapping[handoffs.NoticeState, model.NoticeState] = {
    handoffs.NOTICE_STATE_WAITING: model.NoticeState.WAITING,
    handoffs.NOTICE_STATE_DEAD: model.NoticeState.DEAD,
}

DEFERRAL_OUTCOMES: Mapping[deferrals.DeferralOutcome, model.Ending] = {
    deferrals.DEFERRAL_OUTCOME_DONE: model.Ending.DONE,
    deferrals.DEFERRAL_OUTCOME_RETRY: model.Ending.RETRY,
    deferrals.DEFERRAL_OUTCOME_FAILED: model.Ending.FAILED,
}

DEFERRAL_STATES: Mapping[deferrals.DeferralState, model.DeferralState] = {
    deferrals.DEFERRAL_STATE_WAITING: model.DeferralState.WAITING,
    deferrals.DEFERRAL_STATE_DONE: model.DeferralState.DONE,
    deferrals.DEFERRAL_STATE_DEAD: model.DeferralState.DEAD,
}

DESKS: Mapping[handoffs.DeskFormat, model.Desk] = {
    handoffs.DESK_FORMAT_MARKDOWN: model.Desk.MARKDOWN,
    handoffs.DESK_FORMAT_AMAZON_CONNECT: model.Desk.AMAZON_CONNECT,
    handoffs.DESK_FORMAT_DIALOGFLOW: model.Desk.DIALOGFLOW,
}

ACCOUNT_FACT_TYPES: Mapping[accounts.AccountFactType, model.AccountFactType] = {
    accounts.ACCOUNT_FACT_TYPE_PREFERENCE: model.AccountFactType.PREFERENCE,
    accounts.ACCOUNT_FACT_TYPE_ATTRIBUTE: model.AccountFactType.ATTRIBUTE,
    accounts.ACCOUNT_FACT_TYPE_PERMISSION: model.AccountFactType.PERMISSION,
}
