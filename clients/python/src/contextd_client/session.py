"""A handle on one conversation: build a context, record turns, hand over."""

from __future__ import annotations

import logging
import uuid
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import session_service_pb2 as sessions

from contextd_client import decode, decode_desk, encode, methods
from contextd_client.calls import Deadlines, Retry, with_retries
from contextd_client.desk import Closed
from contextd_client.errors import ContextdError, DeadlineExceeded, InvalidRequest, Unavailable
from contextd_client.exchange import Exchange
from contextd_client.fallback import fallback
from contextd_client.turns import Budget, ChannelMode, Evidence, Format, Reason, Role, Turn
from contextd_client.watching import going_on

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from contextd_client.desk import SessionEvent, SessionOutcome
    from contextd_client.results import Context, Escalated, Recorded
    from contextd_client.transport import Transport
    from contextd_client.turns import Usage

FALLBACK_TURNS = 20
"""How many of the newest turns a session remembers for when contextd is away."""

log = logging.getLogger("contextd_client")


@dataclass(frozen=True, slots=True)
class Wire:
    """How the sessions of one client reach the daemon."""

    transport: Transport
    deadlines: Deadlines
    retry: Retry
    fail_open: bool


@dataclass(slots=True)
class Session:
    """One conversation.  Made by `ContextdClient.session`; costs nothing to make again.

    `budget` and `system` are the defaults of `build`.  The session remembers the newest
    turns that went through it, for `fail_open`.
    """

    wire: Wire
    tenant: str
    conversation: str
    account: str = ""
    budget: Budget | None = None
    system: str = ""
    recent: deque[Turn] = field(default_factory=lambda: deque(maxlen=FALLBACK_TURNS))

    async def build(
        self,
        message: str | Turn | None,
        *,
        budget: Budget | None = None,
        system: str | None = None,
        evidence: Sequence[Evidence] = (),
        history: Sequence[Turn] | None = None,
        form: Format = Format.NEUTRAL,
        record: bool = False,
        request_id: str = "",
        dry_run: bool = False,
        explain: bool = False,
        deadline: float | None = None,
    ) -> Context:
        """Return what to send to the model for *message* (None: go on after tool results).

        With *record* the message is recorded durably in the same call.  *history* is what
        `fail_open` falls back on, by default the turns that went through this session.

        Raises:
            BudgetTooSmall, InvalidRequest, Overloaded: the daemon said so.
            Unavailable, DeadlineExceeded: it did not answer; not with `fail_open`.
        """
        room = budget or self.budget
        if room is None:
            raise InvalidRequest("a budget is needed", metadata={"field": "budget"})
        said = Turn(Role.USER, message) if isinstance(message, str) else message
        prompt = self.system if system is None else system
        request = service.BuildContextRequest(
            session=self._ref(),
            message=encode.turn(said) if said else None,
            system_prompt=prompt,
            budget=encode.budget(room),
            evidence=map(encode.evidence, evidence),
            record_message=record,
            request_id=request_id or (_new_id() if record else ""),
            format=encode.form(form),
            dry_run=dry_run,
            explain=explain,
        )
        try:
            built = await with_retries(
                lambda left: self.wire.transport.build_context(request, left),
                deadline=self.wire.deadlines.build if deadline is None else deadline,
                retry=self.wire.retry,
            )
        except (Unavailable, DeadlineExceeded) as error:
            if not self.wire.fail_open:
                raise
            log.warning("contextd did not answer, going on without it: %s", error)
            past = tuple(self.recent if history is None else history)[-FALLBACK_TURNS:]
            return fallback(past, said, system=prompt, budget=room, form=form, cause=error)
        if record and said is not None:
            self.recent.append(said)
        return decode.context(built)

    async def record(
        self,
        *turns: Turn,
        user: str = "",
        assistant: str = "",
        usage: Usage | None = None,
        request_id: str = "",
        expected_revision: int | None = None,
        deadline: float | None = None,
    ) -> Recorded:
        """Remember turns durably, all or none, exactly once.

        *user* goes before *turns* and *assistant*, with its *usage*, after them.  A request
        id is made unless one is given; give the same one to repeat a call whose outcome is
        not known.  Never fails open: what is not recorded is said to be so.

        Raises:
            RevisionConflict: the session is not at *expected_revision*.
            RequestIdReused, InvalidRequest, HumanInControl, Overloaded: the daemon said so.
            Unavailable, DeadlineExceeded: it did not answer.
        """
        spoken = [*([Turn(Role.USER, user)] if user else []), *turns]
        if assistant or usage is not None:
            spoken.append(Turn(Role.ASSISTANT, assistant, usage=usage))
        request = service.RecordTurnRequest(
            session=self._ref(),
            turns=map(encode.turn, spoken),
            request_id=request_id or _new_id(),
            expected_revision=expected_revision,
        )
        answer = await with_retries(
            lambda left: self.wire.transport.record_turn(request, left),
            deadline=self.wire.deadlines.record if deadline is None else deadline,
            retry=self.wire.retry,
        )
        self.recent.extend(spoken)
        return decode.recorded(answer)

    async def escalate(
        self,
        reason: Reason,
        *,
        note: str = "",
        channel_mode: ChannelMode = ChannelMode.SYNC,
        request_id: str = "",
        deadline: float | None = None,
    ) -> Escalated:
        """Hand the conversation to a human, and return what they get to see.

        Raises:
            SessionNotFound: nothing was ever recorded.
            InvalidRequest, Overloaded, Unavailable, DeadlineExceeded: as for `record`.
        """
        request = service.EscalateRequest(
            session=self._ref(),
            reason=encode.reason(reason),
            note=note,
            channel_mode=encode.channel(channel_mode),
            request_id=request_id or _new_id(),
        )
        answer = await with_retries(
            lambda left: self.wire.transport.escalate(request, left),
            deadline=self.wire.deadlines.escalate if deadline is None else deadline,
            retry=self.wire.retry,
        )
        return decode.escalated(answer)

    async def close(
        self,
        outcome: SessionOutcome,
        *,
        rating: int = 0,
        note: str = "",
        request_id: str = "",
        deadline: float | None = None,
    ) -> Closed:
        """End the conversation; *rating* is the customer's, 1 to 5, 0 when not known.

        Raises:
            HumanInControl: a human has it; resolving the handoff closes it.
            SessionOver: it was closed before, by another request.
            SessionNotFound: nothing was ever recorded.
        """
        request = sessions.CloseSessionRequest(
            session=self._ref(),
            outcome=f"SESSION_OUTCOME_{outcome.name}",
            rating=rating,
            note=note,
            request_id=request_id or _new_id(),
        )
        answer = await with_retries(
            lambda left: self.wire.transport.unary(methods.CLOSE_SESSION, request, left),
            deadline=self.wire.deadlines.desk if deadline is None else deadline,
            retry=self.wire.retry,
        )
        return Closed(answer.revision, answer.replayed)

    async def export(self, *, deadline: float | None = None) -> bytes:
        """Return the conversation as lines of JSON, for `ContextdClient.import_session`.

        Raises:
            SessionNotFound: nothing was ever recorded, or it was deleted meanwhile.
        """
        request = sessions.ExportSessionRequest(session=self._ref())
        lines: list[bytes] = []
        while True:
            page = await with_retries(
                lambda left: self.wire.transport.unary(methods.EXPORT_SESSION, request, left),
                deadline=self.wire.deadlines.move if deadline is None else deadline,
                retry=self.wire.retry,
            )
            lines.append(page.lines)
            if not page.next_page_token:
                return b"".join(lines)
            request.page_token = page.next_page_token

    def watch(self, after: int = 0) -> AsyncGenerator[SessionEvent, None]:
        """Yield what happens after the revision *after*, until the session is deleted.

        When the daemon ends or cannot be reached it goes on from where it was.

        Raises:
            SessionNotFound: nothing was ever recorded, or nothing is there any more.
        """
        return going_on(
            self._watch, lambda event: event.revision, after=after, retry=self.wire.retry
        )

    async def _watch(self, after: int) -> AsyncGenerator[SessionEvent, None]:
        request = sessions.WatchSessionRequest(session=self._ref(), after_revision=after)
        async for answer in self.wire.transport.stream(methods.WATCH_SESSION, request):
            yield decode_desk.event(answer)

    @asynccontextmanager
    async def turn(
        self,
        message: str | Turn,
        *,
        budget: Budget | None = None,
        system: str | None = None,
        evidence: Sequence[Evidence] = (),
        history: Sequence[Turn] | None = None,
        form: Format = Format.NEUTRAL,
    ) -> AsyncIterator[Exchange]:
        """Build a context on entering the block, record the exchange on leaving it.

        Message, what was added and the answer are recorded in one atomic call.  When the
        block raises, the answer is left out, since the customer has not seen it, and the
        rest is recorded, since it was said and done: neither the customer's words nor a
        refund that went through may be forgotten because a model call failed.  The error
        of the block is raised in any case, with a note if recording failed too.

        With `fail_open` an unreachable daemon fails neither entering nor leaving; then
        `recorded` stays None, and the exchange can be recorded later:
        `await session.record(*exchange.turns, request_id=exchange.request_id)`.
        """
        said = Turn(Role.USER, message) if isinstance(message, str) else message
        context = await self.build(
            said, budget=budget, system=system, evidence=evidence, history=history, form=form
        )
        exchange = Exchange(said, context, _new_id())
        try:
            yield exchange
        except BaseException as error:
            exchange.withdraw_answer()
            try:
                await self._record(exchange)
            except ContextdError as failure:
                error.add_note(f"and the exchange could not be recorded: {failure}")
            raise
        try:
            await self._record(exchange)
        except (Unavailable, DeadlineExceeded) as failure:
            if not self.wire.fail_open:
                raise
            log.warning("an exchange was not recorded: %s", failure)

    async def _record(self, exchange: Exchange) -> None:
        exchange.recorded = await self.record(*exchange.turns, request_id=exchange.request_id)

    def _ref(self) -> common.SessionRef:
        return common.SessionRef(
            tenant_id=self.tenant, conversation_id=self.conversation, account_id=self.account
        )


def _new_id() -> str:
    return str(uuid.uuid4())
