"""What a desk is told when a handoff is raised, claimed or resolved, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from contextd.events import HandoffClaimed, HandoffRaised

if TYPE_CHECKING:
    from contextd.events import HandoffResolved
    from contextd.model import Handoff

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES_OF_TIMES = frozenset({"created_at", "occurred_at"})


def told(record: HandoffRaised | HandoffClaimed | HandoffResolved, handoff: Handoff) -> bytes:
    """Return what to tell of *record*; the whole *handoff* only when it is raised."""
    data: dict[str, Any] = {
        "handoff_id": handoff.handoff_id,
        "tenant_id": handoff.tenant_id,
        "conversation_id": handoff.conversation_id,
        "account_id": handoff.account_id,
        "reason": handoff.reason.value,
        "headline": handoff.headline,
    }
    if isinstance(record, HandoffRaised):
        kind = "handoff.raised"
        data["handoff"] = _plain(asdict(handoff))
    elif isinstance(record, HandoffClaimed):
        kind = "handoff.claimed"
        data["agent"] = record.agent
    else:
        kind = "handoff.resolved"
        data |= {
            "agent": record.agent,
            "outcome": record.outcome.value,
            "note": record.note,
            "closes": record.closes,
        }
    body = {"type": kind, "timestamp": _time(record.at), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: object, name: str = "") -> object:
    """Return *value* as JSON has it: times in words, enumerations by their names."""
    if isinstance(value, dict):
        return {key: _plain(each, key) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if name in _NAMES_OF_TIMES and isinstance(value, int):
        return _time(value) if value else None
    return value


def _time(microseconds: int) -> str:
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
