"""contextd.v1.DeferralService: decode, call the verb, encode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contextd.model import ChannelMode, CompleteRequest, DeferRequest, Role
from contextd.rpc import decode, encode, enums, validation
from contextd.rpc.call import Method
from contextd.rpc.lines import Priority
from contextd.rpc.validation import Check
from contextd.v1 import common_pb2 as common
from contextd.v1 import deferral_service_pb2 as service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from contextd.model import Completed, Deferred, LeasedTurn

SERVICE = service.DESCRIPTOR.services_by_name["DeferralService"]
DEFERRAL_SERVICE: str = SERVICE.full_name

MOST_LEASED = 100
LONGEST_LEASE = 3_600
USUAL_LEASED = 10
USUAL_LEASE = 60

STATES = encode.numbers(enums.DEFERRAL_STATES)


@dataclass(frozen=True, slots=True)
class DeferralVerbs:
    """What the service asks of the engine."""

    defer: Callable[[DeferRequest, float | None], Awaitable[Deferred]]
    lease: Callable[[str, int, int], Awaitable[Sequence[LeasedTurn]]]
    complete: Callable[[CompleteRequest, float | None], Awaitable[Completed]]


@dataclass(frozen=True, slots=True)
class DeferralServicer:
    """The methods; what puts aside and what records goes before what lends out."""

    verbs: DeferralVerbs
    limits: validation.Limits = field(default_factory=validation.Limits)

    def methods(self) -> tuple[Method[Any], ...]:
        """Return the methods with their priorities."""
        return (
            Method(
                "DeferTurn",
                Priority.ESCALATE,
                service.DeferTurnRequest,
                self.defer,
                lambda message: message.session,
                turns=lambda message: int(message.HasField("message")),
            ),
            Method(
                "LeaseDeferredTurns",
                Priority.INSPECT,
                service.LeaseDeferredTurnsRequest,
                self.lease,
                lambda message: message,
            ),
            Method(
                "CompleteDeferredTurn",
                Priority.RECORD,
                service.CompleteDeferredTurnRequest,
                self.complete,
                lambda message: message.session,
                turns=lambda message: len(message.turns),
            ),
        )

    async def defer(
        self, message: service.DeferTurnRequest, left: float | None
    ) -> service.DeferTurnResponse:
        """Put a message aside."""
        _check_defer(message, self.limits)
        return _deferred(await self.verbs.defer(_defer_request(message), left))

    async def lease(
        self, message: service.LeaseDeferredTurnsRequest, _left: float | None
    ) -> service.LeaseDeferredTurnsResponse:
        """Lend out what is due."""
        _check_lease(message, self.limits)
        lent = await self.verbs.lease(
            message.tenant_id,
            message.max_turns or USUAL_LEASED,
            message.lease_seconds or USUAL_LEASE,
        )
        response = service.LeaseDeferredTurnsResponse()
        for each in lent:
            _leased(each, response.turns.add())
        return response

    async def complete(
        self, message: service.CompleteDeferredTurnRequest, left: float | None
    ) -> service.CompleteDeferredTurnResponse:
        """Take back what was lent."""
        _check_complete(message, self.limits)
        return _completed(await self.verbs.complete(_complete_request(message), left))


def _check_defer(request: service.DeferTurnRequest, limits: validation.Limits) -> None:
    check = Check(limits)
    validation.session_ref(check, request)
    if request.HasField("message"):
        validation.check_turn(check, "message", request.message)
        if request.message.role not in (common.ROLE_USER, common.ROLE_UNSPECIFIED):
            check.refuse("message.role", f"must be ROLE_{Role.USER.name}")
    check.note("note", request.note)
    check.choice("channel_mode", request.channel_mode, (0, *enums.CHANNEL_MODES))
    if request.HasField("not_before"):
        validation.check_time(check, "not_before", request.not_before)
    check.identifier("request_id", request.request_id, required=False)
    check.close()


def _check_lease(request: service.LeaseDeferredTurnsRequest, limits: validation.Limits) -> None:
    check = Check(limits)
    check.identifier("tenant_id", request.tenant_id)
    if not 0 <= request.max_turns <= MOST_LEASED:
        check.refuse("max_turns", f"must be between 0 and {MOST_LEASED}")
    if not 0 <= request.lease_seconds <= LONGEST_LEASE:
        check.refuse("lease_seconds", f"must be between 0 and {LONGEST_LEASE}")
    check.close()


def _check_complete(
    request: service.CompleteDeferredTurnRequest, limits: validation.Limits
) -> None:
    check = Check(limits)
    validation.session_ref(check, request)
    check.identifier("deferral_id", request.deferral_id)
    check.identifier("lease_token", request.lease_token)
    check.choice("outcome", request.outcome, enums.DEFERRAL_OUTCOMES)
    if request.turns and request.outcome != service.DEFERRAL_OUTCOME_DONE:
        check.refuse("turns", "are for DEFERRAL_OUTCOME_DONE only")
    validation.check_turns(check, request.turns)
    check.note("error", request.error)
    check.identifier("request_id", request.request_id, required=False)
    check.close()


def _defer_request(message: service.DeferTurnRequest) -> DeferRequest:
    stated = message.HasField("not_before")
    return DeferRequest(
        key=decode.session_key(message.session),
        account_id=message.session.account_id,
        message=decode.turn(message.message) if message.HasField("message") else None,
        note=message.note,
        channel_mode=enums.CHANNEL_MODES.get(message.channel_mode, ChannelMode.SYNC),
        not_before=decode.microseconds(message.not_before) if stated else 0,
        request_id=message.request_id,
        digest=decode.digest(message),
    )


def _complete_request(message: service.CompleteDeferredTurnRequest) -> CompleteRequest:
    return CompleteRequest(
        key=decode.session_key(message.session),
        account_id=message.session.account_id,
        deferral_id=message.deferral_id,
        token=message.lease_token,
        ending=enums.DEFERRAL_OUTCOMES[message.outcome],
        turns=tuple(map(decode.turn, message.turns)),
        error=message.error,
        request_id=message.request_id,
        digest=decode.content_digest(message),  # without an id, the lease stands for it
    )


def _deferred(value: Deferred) -> service.DeferTurnResponse:
    response = service.DeferTurnResponse(
        deferral_id=value.deferral_id, revision=value.revision, replayed=value.replayed
    )
    if value.due_at:
        encode.time(value.due_at, response.due_at)
    if value.escalated is not None:
        encode.handoff(value.escalated.handoff, response.handoff)
        response.markdown = value.escalated.markdown
    return response


def _leased(value: LeasedTurn, out: service.LeasedTurn) -> None:
    out.deferral_id, out.lease_token = value.deferral_id, value.token
    encode.time(value.leased_until, out.leased_until)
    out.session.tenant_id = value.key.tenant_id
    out.session.conversation_id = value.key.conversation_id
    out.session.account_id = value.account_id
    out.message.CopyFrom(encode.turn(value.message))
    out.attempt = value.attempt
    encode.time(value.deferred_at, out.deferred_at)
    out.last_error = value.last_error


def _completed(value: Completed) -> service.CompleteDeferredTurnResponse:
    response = service.CompleteDeferredTurnResponse(
        state=STATES[value.state],
        handoff_id=value.handoff_id,
        revision=value.revision,
        replayed=value.replayed,
    )
    if value.due_at:
        encode.time(value.due_at, response.due_at)
    return response
