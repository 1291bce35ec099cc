"""A contextd in memory, for the tests of those who use the client.

fake = FakeContextd(tenant="acme")
await my_chat.reply(fake, "Hello")
assert fake.turns("chat-17")[-1].text == "Hi!"

It keeps what the daemon promises to callers (exactly once per request id, revisions,
budgets, the errors and their fields) and does no language work: a token is a word, the
context is the newest turns that fit, every message is a question.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar, cast

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import handoff_service_pb2 as handoffs
from contextd.v1 import session_service_pb2 as sessions

from contextd_client import decode
from contextd_client.client import ContextdClient
from contextd_client.errors import (
    BudgetTooSmall,
    InvalidRequest,
    RequestIdReused,
    RevisionConflict,
    SessionNotFound,
)
from contextd_client.fake_accounts import FakeAccounts
from contextd_client.fake_deferrals import FakeDeferrals
from contextd_client.fake_desk import Desk, Owner, handoff_id, happened
from contextd_client.fake_moves import taken, written

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from google.protobuf.message import Message

    from contextd_client.calls import Deadlines, Retry
    from contextd_client.errors import ContextdError
    from contextd_client.fake_moves import Answers
    from contextd_client.methods import Method, Q
    from contextd_client.methods import R as S
    from contextd_client.results import Handoff
    from contextd_client.turns import Turn

A = TypeVar("A", service.RecordTurnResponse, service.EscalateResponse)

ENCODING = "words"


class FakeContextd(ContextdClient):
    """A `ContextdClient` whose daemon is in memory."""

    def __init__(
        self,
        *,
        tenant: str = "test",
        deadlines: Deadlines | None = None,
        retry: Retry | None = None,
        fail_open: bool = False,
    ) -> None:
        """Start without sessions."""
        self._memory = _Memory()
        super().__init__(
            tenant=tenant,
            deadlines=deadlines,
            retry=retry,
            fail_open=fail_open,
            transport=self._memory,
        )

    def fail(self, *errors: ContextdError) -> None:
        """Let the next attempts fail, one with each of *errors*; retries are attempts too."""
        self._memory.failures.extend(errors)

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds go by, for messages that wait and for their leases."""
        self._memory.deferrals.ahead += seconds

    def turns(self, conversation: str, *, tenant: str = "") -> tuple[Turn, ...]:
        """Return what was recorded, in order."""
        log = self._memory.logs.get((tenant or self.tenant, conversation))
        return tuple(map(decode.turn, log.turns)) if log else ()

    def raised(self, conversation: str, *, tenant: str = "") -> tuple[Handoff, ...]:
        """Return the handoffs that were raised, in order."""
        log = self._memory.logs.get((tenant or self.tenant, conversation))
        return tuple(decode.escalated(answer).handoff for answer in log.raised) if log else ()


@dataclass(slots=True)
class _Log:
    """One session: its turns, its handoffs, and the answers given by request id."""

    account: str = ""
    revision: int = 0
    turns: list[common.Turn] = field(default_factory=list)
    raised: list[service.EscalateResponse] = field(default_factory=list)
    owner: Owner = field(default_factory=Owner)
    recorded: dict[str, tuple[bytes, service.RecordTurnResponse]] = field(default_factory=dict)
    escalated: dict[str, service.EscalateResponse] = field(default_factory=dict)


class _Memory:
    """A transport that ends in memory."""

    def __init__(self) -> None:
        self.logs: dict[tuple[str, str], _Log] = {}
        self.failures: deque[ContextdError] = deque()
        self.desk = Desk(lambda tenant, conversation: self.logs.get((tenant, conversation)))
        self.accounts = FakeAccounts(self._conversations, self._forget_session)
        self.deferrals = FakeDeferrals(self)

    async def build_context(
        self,
        request: service.BuildContextRequest,
        deadline: float,  # noqa: ARG002 - memory answers at once
    ) -> service.BuildContextResponse:
        """Take the newest turns that fit; record the message if asked to."""
        log = self.log(request.session)
        if not request.record_message or request.dry_run:
            return _assembled(request, log.turns, log.revision, log.owner.state)
        body = request.message.SerializeToString(deterministic=True)
        before = _before(log, request.request_id, body)
        told = log.turns[: before.first_sequence - 1] if before else list(log.turns)
        answer = _assembled(request, told, log.revision, log.owner.state)
        kept = before or self._append(log, request.session, [request.message])
        log.recorded[request.request_id] = (body, kept)
        answer.revision, answer.replayed = kept.revision, before is not None
        return answer

    async def record_turn(
        self,
        request: service.RecordTurnRequest,
        deadline: float,  # noqa: ARG002 - memory answers at once
    ) -> service.RecordTurnResponse:
        """Append the turns, exactly once per request id."""
        log = self.log(request.session)
        body = b"".join(turn.SerializeToString(deterministic=True) for turn in request.turns)
        before = _before(log, request.request_id, body)
        if before is not None:
            return _replayed(before)
        if not request.turns:
            raise _violation("turns", "must not be empty")
        if request.HasField("expected_revision") and request.expected_revision != log.revision:
            found = {"current_revision": str(log.revision)}
            raise RevisionConflict(reason="REVISION_CONFLICT", metadata=found)
        answer = self._append(log, request.session, request.turns)
        log.recorded[request.request_id] = (body, answer)
        return answer

    async def escalate(
        self,
        request: service.EscalateRequest,
        deadline: float,  # noqa: ARG002 - memory answers at once
    ) -> service.EscalateResponse:
        """Raise a handoff with the newest customer message as the open question."""
        log = self.log(request.session)
        if not log.turns:
            raise SessionNotFound(reason="SESSION_NOT_FOUND")
        if request.request_id in log.escalated:
            return _replayed(log.escalated[request.request_id])
        log.owner.check_free()
        handoff = _handoff(request, log)
        log.owner.state = common.HANDOFF_STATE_WAITING_HUMAN
        log.owner.handoff_id = handoff.handoff_id
        happened(log, sessions.SESSION_EVENT_KIND_HANDOFF_RAISED, handoff.handoff_id)
        answer = service.EscalateResponse(
            handoff=handoff, revision=log.revision, markdown="# Handoff\n"
        )
        log.raised.append(answer)
        self.desk.raised(handoff)
        log.escalated[request.request_id] = answer
        return answer

    async def unary(
        self,
        method: Method[Q, S],
        request: Q,
        deadline: float,  # noqa: ARG002 - memory answers at once
    ) -> S:
        """Answer any other call."""
        self._fail()
        if isinstance(request, sessions.CloseSessionRequest):
            return cast("S", self._close(request))
        if isinstance(request, sessions.ExportSessionRequest):
            return cast("S", written(request, self.log(request.session)))
        answer = self.accounts.answer(request)
        if answer is None:
            answer = await self.deferrals.answer(request)
        return cast("S", self.desk.answer(method, request) if answer is None else answer)

    async def stream(self, method: Method[Q, S], request: Q) -> AsyncGenerator[S, None]:
        """Tell what happened after a position, then what comes."""
        after, started = 0, False
        while True:
            waiting = self.desk.changed
            for position, answer in self._happened(method, request):
                if position > (after if started else _position(request)):
                    yield cast("S", answer)
                    after, started = position, True
            await waiting.wait()

    async def upload(
        self,
        method: Method[Q, S],
        requests: Sequence[Q],
        deadline: float,  # noqa: ARG002 - memory answers at once
    ) -> S:
        """Take a conversation that the fake has given out."""
        self._fail()
        parts = [each for each in requests if isinstance(each, sessions.ImportSessionRequest)]
        if not parts:
            raise InvalidRequest(f"the fake does not know {method.path}")
        return cast("S", taken(self.logs, parts, self._begin))

    def _begin(
        self, ref: common.SessionRef, turns: Sequence[common.Turn], recorded: Answers
    ) -> int:
        log = _Log(recorded=recorded)
        self._append(log, ref, turns)
        return log.revision

    def _happened(
        self, method: Method[Q, S], request: Q
    ) -> list[tuple[int, handoffs.WatchHandoffsResponse | sessions.WatchSessionResponse]]:
        if isinstance(request, handoffs.WatchHandoffsRequest):
            return [
                (entry.position, handoffs.WatchHandoffsResponse(handoff=entry))
                for entry in self.desk.changes(request.tenant_id, 0)
            ]
        if isinstance(request, sessions.WatchSessionRequest):
            log = self.log(request.session)
            if not log.turns:
                raise SessionNotFound(reason="SESSION_NOT_FOUND")
            return [(event.revision, event) for event in log.owner.events]
        raise InvalidRequest(f"the fake does not know {method.path}")

    def _close(self, request: sessions.CloseSessionRequest) -> sessions.CloseSessionResponse:
        log = self.log(request.session)
        if not log.turns:
            raise SessionNotFound(reason="SESSION_NOT_FOUND")
        body = request.SerializeToString(deterministic=True)
        before = log.owner.answered.get(request.request_id)
        if before is None:
            answer = self.desk.close(request, log)
            log.owner.answered[request.request_id] = (body, answer)
            return answer
        if before[0] != body:
            raise RequestIdReused(reason="REQUEST_ID_REUSED")
        revision = cast("sessions.CloseSessionResponse", before[1]).revision
        return sessions.CloseSessionResponse(revision=revision, replayed=True)

    async def aclose(self) -> None:
        """Keep everything: a test may still want to look."""

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.popleft()

    def _conversations(self, tenant: str, account: str) -> list[str]:
        """Return the conversations of an account, the newest first."""
        found = [
            key[1] for key, log in self.logs.items() if (key[0], log.account) == (tenant, account)
        ]
        return found[::-1]

    def _forget_session(self, tenant: str, conversation: str) -> int:
        log = self.logs.pop((tenant, conversation))
        self.desk.forget(tenant, conversation)
        self.deferrals.forget(tenant, conversation)
        return len(log.turns)

    def log(self, ref: common.SessionRef) -> _Log:
        """Return the session's log, or fail as the test wants."""
        self._fail()
        for name in ("tenant_id", "conversation_id"):
            if not getattr(ref, name):
                raise _violation(f"session.{name}", "must not be empty")
        log = self.logs.get((ref.tenant_id, ref.conversation_id), _Log())
        if ref.account_id and log.account not in {"", ref.account_id}:
            raise InvalidRequest(reason="ACCOUNT_MISMATCH")
        return log

    def add(self, ref: common.SessionRef, turns: Sequence[common.Turn]) -> _Log:
        """Record turns, and return their session."""
        log = self.log(ref)
        self._append(log, ref, turns)
        return log

    def _append(
        self, log: _Log, ref: common.SessionRef, turns: Sequence[common.Turn]
    ) -> service.RecordTurnResponse:
        log.owner.check_turns(turns)
        self.logs[ref.tenant_id, ref.conversation_id] = log
        if not log.turns:
            happened(log, sessions.SESSION_EVENT_KIND_OPENED)
        log.account = ref.account_id or log.account
        first = len(log.turns) + 1
        for sequence, turn in enumerate(turns, start=first):
            kept = common.Turn()
            kept.CopyFrom(turn)
            kept.turn_id = turn.turn_id or f"turn-{sequence}"
            kept.sequence, kept.tokens = sequence, _words(turn.text)
            log.turns.append(kept)
        happened(log, sessions.SESSION_EVENT_KIND_TURNS_RECORDED, turns=log.turns[first - 1 :])
        self.desk.wake()
        return service.RecordTurnResponse(
            revision=log.revision,
            first_sequence=first,
            token_counts=[turn.tokens for turn in log.turns[first - 1 :]],
            turn_ids=[turn.turn_id for turn in log.turns[first - 1 :]],
            tier=common.TIER_VERBATIM,
            durability=common.DURABILITY_MEMORY,
        )


def _before(log: _Log, request_id: str, body: bytes) -> service.RecordTurnResponse | None:
    """Return the answer this request id was given, if any."""
    if not request_id or request_id not in log.recorded:
        return None
    first_body, answer = log.recorded[request_id]
    if first_body != body:
        raise RequestIdReused(reason="REQUEST_ID_REUSED")
    return answer


def _replayed(answer: A) -> A:
    again = type(answer)()
    again.CopyFrom(answer)
    again.replayed = True
    return again


def _assembled(
    request: service.BuildContextRequest,
    told: Sequence[common.Turn],
    revision: int,
    state: common.HandoffState,
) -> service.BuildContextResponse:
    """Fill the budget: system prompt and message first, then turns, newest first."""
    budget = request.budget.context_window_tokens - request.budget.reserved_output_tokens
    said = [request.message] if request.HasField("message") else []
    needed = _words(request.system_prompt) + sum(_words(turn.text) for turn in said)
    if needed > budget:
        sizes = {"required_tokens": str(needed), "budget_tokens": str(budget)}
        raise BudgetTooSmall(reason="BUDGET_TOO_SMALL", metadata=sizes)
    used, start = needed, len(told)
    while start and used + _words(told[start - 1].text) <= budget:
        start -= 1
        used += _words(told[start].text)
    messages = [_message(turn, service.SECTION_KIND_VERBATIM) for turn in told[start:]]
    messages += [_message(turn, service.SECTION_KIND_MESSAGE) for turn in said]
    if request.system_prompt:
        prompt = common.Turn(role=common.ROLE_SYSTEM, text=request.system_prompt)
        messages.insert(0, _message(prompt, service.SECTION_KIND_SYSTEM))
    return service.BuildContextResponse(
        messages=messages,
        token_count=used,
        input_budget_tokens=budget,
        tier=common.TIER_VERBATIM,
        pressure=(needed + sum(_words(turn.text) for turn in told)) / max(1, budget),
        turn_type=service.TURN_TYPE_INFO_QUESTION,
        route=service.ROUTE_ANSWER,
        handoff_state=state,
        revision=revision,
        encoding=ENCODING,
        token_count_exact=True,
    )


def _message(turn: common.Turn, section: service.SectionKind) -> service.Message:
    return service.Message(
        role=turn.role,
        text=turn.text,
        author=turn.author,
        tool_calls=turn.tool_calls,
        tool_call_id=turn.tool_call_id,
        section=section,
        tokens=_words(turn.text),
    )


def _handoff(request: service.EscalateRequest, log: _Log) -> service.Handoff:
    asked = [turn for turn in log.turns if turn.role == common.ROLE_USER][-1:]
    return service.Handoff(
        handoff_id=handoff_id(request.session, len(log.raised) + 1),
        schema_version="1",
        session=request.session,
        reason=request.reason,
        note=request.note,
        channel_mode=request.channel_mode,
        headline=request.note[:140],
        open_question=service.CitedText(
            text="".join(turn.text for turn in asked), turn_ids=[turn.turn_id for turn in asked]
        ),
        summary_status="INSUFFICIENT_CONTENT",
        turn_count=len(log.turns),
        total_tokens=sum(turn.tokens for turn in log.turns),
    )


def _position(request: Message) -> int:
    """Return from where on a watch is wanted."""
    if isinstance(request, handoffs.WatchHandoffsRequest):
        return request.after_position
    return request.after_revision if isinstance(request, sessions.WatchSessionRequest) else 0


def _violation(name: str, description: str) -> InvalidRequest:
    return InvalidRequest(
        f"{name}: {description}", reason="FIELD_VIOLATION", metadata={"field": name}
    )


def _words(text: str) -> int:
    return len(text.split())
