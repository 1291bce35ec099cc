"""What a request must look like, checked before anything is done.

Every violation of a request is found, up to `MAX_VIOLATIONS`, so that a caller mends all of
them at once.  Descriptions never quote the caller's text: they end up in logs.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contextd.errors import FieldViolation
from contextd.rpc.enums import (
    CHANNEL_MODES,
    DURABILITIES,
    FORMATS,
    REASONS,
    RETENTIONS,
    ROLES,
)
from contextd.v1 import common_pb2 as common

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from typing import NoReturn

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

    from contextd.v1 import context_service_pb2 as service
    from contextd.v1 import session_service_pb2 as sessions

MAX_VIOLATIONS = 16
"""Violations reported of one request; the status must fit in 8 KiB of HTTP headers."""

MAX_ID_BYTES = 256
MAX_NOTE_BYTES = 4_096
MAX_TURNS = 256
MAX_ITEMS = 256
"""Tool calls, actions or evidence of one turn or request."""

FIRST_SECOND = -62_135_596_800
"""0001-01-01T00:00:00Z, where google.protobuf.Timestamp begins."""

LAST_SECOND = 253_402_300_799
"""9999-12-31T23:59:59Z, where it ends."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Limits:
    """The sizes a deployment may choose.

    `max_turn_bytes` bounds the text of a turn, the rest of a turn, and a system prompt;
    `max_import_bytes` the lines of a session that is imported.
    """

    max_turn_bytes: int = 1_048_576
    max_import_bytes: int = 67_108_864


class FieldViolations(FieldViolation):
    """Fields of the request are not acceptable; the first one speaks for all."""

    def __init__(self, found: Sequence[FieldViolation]) -> None:
        """*found* holds at least one violation."""
        super().__init__(found[0].field, found[0].description)
        self.found = tuple(found)


class Check:
    """Collects the violations of one request."""

    def __init__(self, limits: Limits) -> None:
        """Check against *limits*."""
        self.limits = limits
        self.found: list[FieldViolation] = []

    def refuse(self, field: str, description: str) -> None:
        """Note that *field* is not acceptable."""
        if len(self.found) < MAX_VIOLATIONS:
            self.found.append(FieldViolation(field, description))

    def close(self) -> None:
        """Raise FieldViolations if anything was noted."""
        if self.found:
            raise FieldViolations(self.found)

    def identifier(self, field: str, value: str, *, required: bool = True) -> None:
        """Take 1 to 256 bytes without control characters; none if not *required*."""
        if not value:
            if required:
                self.refuse(field, "is required")
        elif not fits(value, MAX_ID_BYTES):
            self.refuse(field, f"must have at most {MAX_ID_BYTES} bytes")
        elif CONTROL.search(value):
            self.refuse(field, "must not contain control characters")

    def text(self, field: str, value: str) -> None:
        """Take any text of at most the configured size."""
        if not fits(value, self.limits.max_turn_bytes):
            self.refuse(field, f"must have at most {self.limits.max_turn_bytes} bytes")

    def choice(self, field: str, value: int, known: Container[int]) -> None:
        """Take a value of an enumeration that this version knows."""
        if value not in known:
            self.refuse(field, f"has the unknown value {value}")

    def not_negative(self, field: str, value: int) -> None:
        """Take 0 or more."""
        if value < 0:
            self.refuse(field, "must not be negative")

    def note(self, field: str, value: str) -> None:
        """Take a remark of a few sentences."""
        if not fits(value, MAX_NOTE_BYTES):
            self.refuse(field, f"must have at most {MAX_NOTE_BYTES} bytes")

    def at_most(self, field: str, items: Sequence[object], limit: int = MAX_ITEMS) -> bool:
        """Take at most *limit* items; say whether they are worth looking at."""
        if len(items) > limit:
            self.refuse(field, f"must have at most {limit} items")
            return False
        return True


def fits(text: str, size: int) -> bool:
    """Say whether *text* has at most *size* bytes in UTF-8."""
    return len(text) * 4 <= size or len(text.encode("utf-8", "surrogatepass")) <= size


def check_build(request: service.BuildContextRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = Check(limits)
    session_ref(check, request)
    if request.HasField("message"):
        check_turn(check, "message", request.message)
        check_call_ids(check, (("message", request.message),))
    elif request.record_message:
        check.refuse("message", "is required to be recorded")
    check.text("system_prompt", request.system_prompt)
    _budget(check, request)
    _evidence(check, "evidence", request.evidence)
    check.identifier("request_id", request.request_id, required=False)
    check.choice("format", request.format, (0, *FORMATS))
    check.close()


def check_record(request: service.RecordTurnRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = Check(limits)
    session_ref(check, request)
    if not request.turns:
        check.refuse("turns", "must have at least one item")
    check_turns(check, request.turns)
    check.identifier("request_id", request.request_id, required=False)
    check.not_negative("expected_revision", request.expected_revision)
    check.choice("durability", request.durability, (0, *DURABILITIES))
    check.close()


def check_escalate(request: service.EscalateRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = Check(limits)
    session_ref(check, request)
    check.choice("reason", request.reason, (0, *REASONS))
    check.note("note", request.note)
    check.choice("channel_mode", request.channel_mode, (0, *CHANNEL_MODES))
    check.identifier("request_id", request.request_id, required=False)
    check.close()


def check_session(request: Message, limits: Limits) -> None:
    """Raise FieldViolations unless *request* names a session."""
    check = Check(limits)
    session_ref(check, request)
    check.close()


def check_tenant(
    request: sessions.ListSessionsRequest | sessions.ImportSessionRequest, limits: Limits
) -> None:
    """Raise FieldViolations unless *request* names a tenant."""
    check = Check(limits)
    check.identifier("tenant_id", request.tenant_id)
    check.close()


def session_ref(check: Check, request: Any) -> None:  # noqa: ANN401 - what has a `session`
    """Take a request that names its session."""
    if not request.HasField("session"):
        check.refuse("session", "is required")
        return
    check.identifier("session.tenant_id", request.session.tenant_id)
    check.identifier("session.conversation_id", request.session.conversation_id)
    check.identifier("session.account_id", request.session.account_id, required=False)


def _budget(check: Check, request: service.BuildContextRequest) -> None:
    budget = request.budget
    check.identifier("budget.model", budget.model, required=False)
    check.not_negative("budget.reserved_output_tokens", budget.reserved_output_tokens)
    if budget.context_window_tokens <= 0:
        check.refuse("budget.context_window_tokens", "is required and must be positive")
    elif budget.reserved_output_tokens >= budget.context_window_tokens:
        check.refuse("budget.reserved_output_tokens", "must be less than the context window")


def check_turns(check: Check, found: Sequence[common.Turn]) -> None:
    """Take turns that can be recorded together."""
    if check.at_most("turns", found, MAX_TURNS):
        turns = tuple((f"turns[{at}]", turn) for at, turn in enumerate(found))
        for path, turn in turns:
            check_turn(check, path, turn)
        check_call_ids(check, turns)
        check_turn_ids(check, turns)


def check_turn(check: Check, path: str, turn: common.Turn) -> None:
    """Take a turn that can be recorded."""
    check.identifier(f"{path}.turn_id", turn.turn_id, required=False)
    check.identifier(f"{path}.author", turn.author, required=False)
    _role(check, path, turn)
    _size(check, path, turn)
    check.choice(f"{path}.retention", turn.retention, RETENTIONS)
    if turn.tool_calls and check.at_most(f"{path}.tool_calls", turn.tool_calls):
        _tool_calls(check, path, turn)
    check.at_most(f"{path}.actions", turn.actions)
    if turn.evidence:
        _evidence(check, f"{path}.evidence", turn.evidence)
    if turn.HasField("usage"):
        _usage(check, f"{path}.usage", turn.usage)
    if turn.HasField("model_state"):
        _confidence(check, f"{path}.model_state", turn.model_state)
    if turn.HasField("occurred_at"):
        check_time(check, f"{path}.occurred_at", turn.occurred_at)


def _role(check: Check, path: str, turn: common.Turn) -> None:
    if turn.role == common.ROLE_UNSPECIFIED:
        check.refuse(f"{path}.role", "is required")
    elif turn.role == common.ROLE_SYSTEM:
        check.refuse(f"{path}.role", "must not be ROLE_SYSTEM; use system_prompt")
    else:
        check.choice(f"{path}.role", turn.role, ROLES)
    if turn.tool_calls and turn.role != common.ROLE_ASSISTANT:
        check.refuse(f"{path}.tool_calls", "are for ROLE_ASSISTANT only")
    if turn.tool_call_id:
        check.identifier(f"{path}.tool_call_id", turn.tool_call_id)
        if turn.role != common.ROLE_TOOL:
            check.refuse(f"{path}.tool_call_id", "is for ROLE_TOOL only")


def _size(check: Check, path: str, turn: common.Turn) -> None:
    limit = check.limits.max_turn_bytes
    if turn.ByteSize() <= limit:
        return
    check.text(f"{path}.text", turn.text)
    if turn.ByteSize() - len(turn.text.encode()) > limit:
        check.refuse(path, f"must have at most {limit} bytes beside its text")


def _tool_calls(check: Check, path: str, turn: common.Turn) -> None:
    for at, call in enumerate(turn.tool_calls):
        check.identifier(f"{path}.tool_calls[{at}].id", call.id)
        check.identifier(f"{path}.tool_calls[{at}].name", call.name)
        if call.arguments_json and not _is_json(call.arguments_json):
            check.refuse(f"{path}.tool_calls[{at}].arguments_json", "must be JSON")


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's


def _evidence(check: Check, path: str, items: Sequence[common.Evidence]) -> None:
    if not check.at_most(path, items):
        return
    for at, item in enumerate(items):
        check.identifier(f"{path}[{at}].key", item.key)
        if not math.isfinite(item.score):
            check.refuse(f"{path}[{at}].score", "must be a finite number")


def _usage(check: Check, path: str, usage: common.Usage) -> None:
    check.identifier(f"{path}.provider", usage.provider, required=False)
    check.identifier(f"{path}.model", usage.model, required=False)
    check.not_negative(f"{path}.input_tokens", usage.input_tokens)
    check.not_negative(f"{path}.cached_input_tokens", usage.cached_input_tokens)
    check.not_negative(f"{path}.cache_write_input_tokens", usage.cache_write_input_tokens)
    check.not_negative(f"{path}.output_tokens", usage.output_tokens)
    check.not_negative(f"{path}.reasoning_tokens", usage.reasoning_tokens)


def _confidence(check: Check, path: str, state: common.ModelState) -> None:
    # A comparison with NaN is false, so this refuses it too.
    if state.HasField("confidence") and not 0 <= state.confidence <= 1:
        check.refuse(f"{path}.confidence", "must be between 0 and 1")


def check_time(check: Check, path: str, time: Timestamp) -> None:
    """Take a time that a Timestamp may hold."""
    if not (FIRST_SECOND <= time.seconds <= LAST_SECOND and 0 <= time.nanos < 10**9):
        check.refuse(path, "must be a time between the years 1 and 9999")


def check_call_ids(check: Check, turns: Sequence[tuple[str, common.Turn]]) -> None:
    """Refuse a call id given twice: results could not be told apart."""
    seen: set[str] = set()
    for path, turn in turns:
        for at, call in enumerate(turn.tool_calls):
            if call.id and call.id in seen:
                check.refuse(f"{path}.tool_calls[{at}].id", "is used by an earlier call")
            seen.add(call.id)


def check_turn_ids(check: Check, turns: Sequence[tuple[str, common.Turn]]) -> None:
    """Refuse a turn id given twice."""
    seen: set[str] = set()
    for path, turn in turns:
        if turn.turn_id and turn.turn_id in seen:
            check.refuse(f"{path}.turn_id", "is used by an earlier turn of this request")
        seen.add(turn.turn_id)
