"""The desk of the contextd in memory: who has a conversation, and the inbox of handoffs."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import handoff_service_pb2 as handoffs
from contextd.v1 import session_service_pb2 as sessions

from contextd_client import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from contextd_client.methods import Method, Q, R

NEEDS_NOBODY = (common.HANDOFF_OUTCOME_NOT_NEEDED, common.HANDOFF_OUTCOME_CUSTOMER_LEFT)
OPEN = (handoffs.HANDOFF_STATUS_WAITING, handoffs.HANDOFF_STATUS_CLAIMED)


class Repeatable(Protocol):
    """A request that carries an id."""

    request_id: str

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes: ...  # noqa: D102, N802


@dataclass(slots=True)
class Owner:
    """Who has a conversation, and what was answered to those who asked for it."""

    state: common.HandoffState = common.HANDOFF_STATE_BOT
    handoff_id: str = ""
    events: list[sessions.WatchSessionResponse] = field(default_factory=list)
    answered: dict[str, tuple[bytes, Message]] = field(default_factory=dict)

    def check_turns(self, turns: Iterable[common.Turn]) -> None:
        """Raise HumanInControl or SessionOver unless *turns* may be recorded."""
        if self.state == common.HANDOFF_STATE_CLOSED:
            raise errors.SessionOver(reason="SESSION_CLOSED")
        if self.state == common.HANDOFF_STATE_HUMAN and any(
            turn.role == common.ROLE_ASSISTANT for turn in turns
        ):
            raise errors.HumanInControl(reason="HUMAN_IN_CONTROL")

    def check_free(self) -> None:
        """Raise HumanInControl or SessionOver where a human has it, or it is over."""
        self.check_turns([common.Turn(role=common.ROLE_ASSISTANT)])


class Conversation(Protocol):
    """A session of the fake."""

    revision: int
    owner: Owner
    raised: list[service.EscalateResponse]


@dataclass(slots=True)
class Desk:
    """The inbox of all tenants, and the conversations behind it."""

    conversation: Callable[[str, str], Conversation | None]
    entries: dict[tuple[str, str], handoffs.HandoffEntry] = field(default_factory=dict)
    position: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def raised(self, handoff: service.Handoff) -> None:
        """Let a handoff join the inbox; one of the same conversation that waits gives way."""
        ref = handoff.session
        for entry in self.entries.values():
            if entry.session == ref and entry.status == handoffs.HANDOFF_STATUS_WAITING:
                self._move(entry, handoffs.HANDOFF_STATUS_SUPERSEDED)
        entry = handoffs.HandoffEntry(
            handoff_id=handoff.handoff_id,
            session=ref,
            reason=handoff.reason,
            headline=handoff.headline,
            channel_mode=handoff.channel_mode,
        )
        self.entries[ref.tenant_id, handoff.handoff_id] = entry
        self._move(entry, handoffs.HANDOFF_STATUS_WAITING)

    def forget(self, tenant: str, conversation: str) -> None:
        """Let the handoffs of a conversation go with it."""
        self.entries = {
            key: entry
            for key, entry in self.entries.items()
            if (key[0], entry.session.conversation_id) != (tenant, conversation)
        }
        self.wake()

    def wake(self) -> None:
        """Tell everybody who watches that something happened."""
        self.changed.set()
        self.changed = asyncio.Event()

    def answer(self, method: Method[Q, R], request: Q) -> Message:
        """Answer a call of the desk."""
        if isinstance(request, handoffs.ListHandoffsRequest):
            return self._list(request)
        if isinstance(request, handoffs.GetHandoffRequest):
            return self._get(request)
        if isinstance(request, handoffs.ClaimHandoffRequest):
            return self._once(request, request.tenant_id, request.handoff_id, self._claim)
        if isinstance(request, handoffs.ResolveHandoffRequest):
            return self._once(request, request.tenant_id, request.handoff_id, self._resolve)
        if isinstance(request, handoffs.ListNoticesRequest):  # nobody is told, so nobody refuses
            return handoffs.ListNoticesResponse()
        if isinstance(request, handoffs.ResendNoticeRequest):
            raise errors.NoWebhook(reason="NO_WEBHOOK")
        raise errors.ContextdError(f"the fake does not know {method.path}", code="UNIMPLEMENTED")

    def changes(self, tenant: str, after: int) -> list[handoffs.HandoffEntry]:
        """Return what has changed after a position, in order."""
        mine = (entry for (of, _), entry in self.entries.items() if of == tenant)
        return sorted(
            (entry for entry in mine if entry.position > after), key=lambda entry: entry.position
        )

    def _list(self, request: handoffs.ListHandoffsRequest) -> handoffs.ListHandoffsResponse:
        wanted = tuple(request.statuses) or OPEN
        found = (entry for (of, _), entry in self.entries.items() if of == request.tenant_id)
        return handoffs.ListHandoffsResponse(
            handoffs=[entry for entry in found if entry.status in wanted]
        )

    def _get(self, request: handoffs.GetHandoffRequest) -> handoffs.GetHandoffResponse:
        entry, log = self._found(request.tenant_id, request.handoff_id)
        raised = _raised(log, request.handoff_id)
        wants = request.format == handoffs.DESK_FORMAT_MARKDOWN
        return handoffs.GetHandoffResponse(
            entry=entry, handoff=raised.handoff, rendered=raised.markdown if wants else ""
        )

    def _once(
        self,
        request: Repeatable,
        tenant: str,
        handoff_id: str,
        do: Callable[..., handoffs.ClaimHandoffResponse | handoffs.ResolveHandoffResponse],
    ) -> Message:
        entry, log = self._found(tenant, handoff_id)
        body = request.SerializeToString(deterministic=True)
        before = log.owner.answered.get(request.request_id)
        if before is None:
            answer = do(request, entry, log)
            log.owner.answered[request.request_id] = (body, answer)
            self.wake()
            return answer
        if before[0] != body:
            raise errors.RequestIdReused(reason="REQUEST_ID_REUSED")
        again = type(before[1])()
        again.CopyFrom(before[1])
        again.replayed = True  # type: ignore[attr-defined]  # both kinds have it
        return again

    def _claim(
        self,
        request: handoffs.ClaimHandoffRequest,
        entry: handoffs.HandoffEntry,
        log: Conversation,
    ) -> handoffs.ClaimHandoffResponse:
        if entry.status not in OPEN:
            raise errors.HandoffEnded(reason="HANDOFF_ENDED")
        if entry.agent and entry.agent != request.agent and not request.take_over:
            raise _taken(entry)
        known = entry.agent == request.agent
        if not known:
            entry.agent = request.agent
            self._move(entry, handoffs.HANDOFF_STATUS_CLAIMED)
            log.owner.state = common.HANDOFF_STATE_HUMAN
            happened(log, sessions.SESSION_EVENT_KIND_HANDOFF_CLAIMED, entry.handoff_id)
        payload = _raised(log, entry.handoff_id).handoff
        return handoffs.ClaimHandoffResponse(
            entry=entry, handoff=payload, revision=log.revision, replayed=known
        )

    def _resolve(
        self,
        request: handoffs.ResolveHandoffRequest,
        entry: handoffs.HandoffEntry,
        log: Conversation,
    ) -> handoffs.ResolveHandoffResponse:
        if entry.status not in OPEN:
            raise errors.HandoffEnded(reason="HANDOFF_ENDED")
        if request.agent and entry.agent and request.agent != entry.agent:
            raise _taken(entry)
        if not entry.agent and request.outcome not in NEEDS_NOBODY:
            raise errors.HandoffUnclaimed(reason="HANDOFF_UNCLAIMED")
        self._end(entry, log, request.outcome, request.agent)
        if request.disposition == handoffs.HANDOFF_DISPOSITION_CLOSE_SESSION:
            log.owner.state = common.HANDOFF_STATE_CLOSED
        return handoffs.ResolveHandoffResponse(
            entry=entry, handoff_state=log.owner.state, revision=log.revision
        )

    def close(
        self, request: sessions.CloseSessionRequest, log: Conversation
    ) -> sessions.CloseSessionResponse:
        """Close a conversation; a handoff that waits ends with it."""
        log.owner.check_free()
        entry = self.entries.get((request.session.tenant_id, log.owner.handoff_id))
        if entry is not None and entry.status == handoffs.HANDOFF_STATUS_WAITING:
            self._end(entry, log, common.HANDOFF_OUTCOME_CUSTOMER_LEFT, "")
        log.owner.state = common.HANDOFF_STATE_CLOSED
        happened(log, sessions.SESSION_EVENT_KIND_CLOSED)
        self.wake()
        return sessions.CloseSessionResponse(revision=log.revision)

    def _end(
        self,
        entry: handoffs.HandoffEntry,
        log: Conversation,
        outcome: common.HandoffOutcome,
        agent: str,
    ) -> None:
        entry.agent, entry.outcome = agent or entry.agent, outcome
        self._move(entry, handoffs.HANDOFF_STATUS_RESOLVED)
        log.owner.state, log.owner.handoff_id = common.HANDOFF_STATE_BOT, ""
        happened(log, sessions.SESSION_EVENT_KIND_HANDOFF_RESOLVED, entry.handoff_id)

    def _move(self, entry: handoffs.HandoffEntry, status: handoffs.HandoffStatus) -> None:
        self.position += 1
        entry.status, entry.position = status, self.position
        self.wake()

    def _found(self, tenant: str, handoff_id: str) -> tuple[handoffs.HandoffEntry, Conversation]:
        entry = self.entries.get((tenant, handoff_id))
        log = self.conversation(tenant, entry.session.conversation_id) if entry else None
        if entry is None or log is None:
            raise errors.HandoffNotFound(reason="HANDOFF_NOT_FOUND")
        return entry, log


def happened(
    log: Conversation,
    kind: sessions.SessionEventKind,
    handoff_id: str = "",
    turns: Iterable[common.Turn] = (),
) -> None:
    """Let something happen to a session, as one record of its log."""
    log.revision += 1
    log.owner.events.append(
        sessions.WatchSessionResponse(
            revision=log.revision,
            kind=kind,
            handoff_id=handoff_id,
            turns=turns,
            handoff_state=log.owner.state,
        )
    )


def handoff_id(ref: common.SessionRef, number: int) -> str:
    """Return an id that no other handoff has."""
    named = f"{ref.tenant_id}\0{ref.conversation_id}".encode()
    return f"handoff-{hashlib.sha256(named).hexdigest()[:8]}-{number}"


def _raised(log: Conversation, handoff_id: str) -> service.EscalateResponse:
    return next(each for each in log.raised if each.handoff.handoff_id == handoff_id)


def _taken(entry: handoffs.HandoffEntry) -> errors.HandoffTaken:
    return errors.HandoffTaken(reason="HANDOFF_CLAIMED", metadata={"claimed_by": entry.agent})
