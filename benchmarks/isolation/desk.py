"""What a tenant's desk and its workers do: handoffs taken and given back, messages put aside.

Each operation is compared with the model of the tenant's handoffs and of what waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.isolation.model import Case, Talk, Waiting
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import deferral_service_pb2 as deferrals
from contextd.v1 import handoff_service_pb2 as handoffs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.isolation.caller import Answer
    from benchmarks.isolation.worker import Worker

WAITING, CLAIMED = handoffs.HANDOFF_STATUS_WAITING, handoffs.HANDOFF_STATUS_CLAIMED
RESOLVED, SUPERSEDED = handoffs.HANDOFF_STATUS_RESOLVED, handoffs.HANDOFF_STATUS_SUPERSEDED
EVERY = (WAITING, CLAIMED, RESOLVED, SUPERSEDED)
NOT_NEEDED, SOLVED = common.HANDOFF_OUTCOME_NOT_NEEDED, common.HANDOFF_OUTCOME_SOLVED
LONG_AGO = 1_500_000_000
"""What is put aside until then is due."""

FOREVER = 3_600
"""Seconds of a lease: longer than it takes to complete what was lent, so that nobody else is."""

MOST = 100
"""What is lent at a time: more than a tenant ever has waiting."""

FEW = 1_000
"""Ids of others that are kept to be tried."""


@dataclass(frozen=True)
class Given:
    """An id that a tenant was given, of a handoff, a notice or a deferral."""

    tenant: str
    kind: str
    name: str
    token: str = ""


def foreign_requests(tenant: str, ref: common.SessionRef) -> tuple[tuple[str, Any], ...]:
    """Return calls of the desk and of workers for *tenant*, whose session is *ref*."""
    whose = {"tenant_id": tenant}
    return (
        ("ListHandoffs", handoffs.ListHandoffsRequest(**whose)),
        ("GetHandoff", handoffs.GetHandoffRequest(handoff_id="h", **whose)),
        ("ClaimHandoff", handoffs.ClaimHandoffRequest(handoff_id="h", agent="a", **whose)),
        ("ListNotices", handoffs.ListNoticesRequest(**whose)),
        ("ResendNotice", handoffs.ResendNoticeRequest(notice_id="h:1", **whose)),
        ("DeferTurn", deferrals.DeferTurnRequest(session=ref)),
        ("LeaseDeferredTurns", deferrals.LeaseDeferredTurnsRequest(**whose)),
    )


class Desk:
    """The operations of one tenant's desk."""

    def __init__(self, worker: Worker) -> None:
        """Work as *worker* does, with its model."""
        self._worker = worker
        self._me, self._talks = worker.me, worker.talks
        self._chance, self._shared = worker.chance, worker.shared
        self.operations: tuple[tuple[int, str, Callable[[], Awaitable[None]]], ...] = (
            (4, "escalate", self._escalate),
            (4, "handoffs", self._list),
            (4, "handoff", self._get),
            (4, "claim", self._claim),
            (4, "resolve", self._resolve),
            (2, "watch", self._watch),
            (4, "notices", self._notices),
            (2, "resend", self._resend),
            (5, "defer", self._defer),
            (4, "lease", self._lease),
            (5, "complete", self._complete),
            (6, "foreign desk", self._foreign),
        )

    # ── handoffs ──────────────────────────────────────────────────────────────────────

    async def _escalate(self) -> None:
        conversation = self._worker.any_id()
        talk = self._talks.by_id.get(conversation)
        ref = self._worker.ref(conversation)
        request = pb.EscalateRequest(session=ref, note=self._worker.text(), reason=1)
        answer = await self._worker.call("Escalate", request)
        if talk is None:
            self._expect(answer.reason == "SESSION_NOT_FOUND", "escalate", answer)
        elif self.human(talk):
            self._expect(answer.reason == "HUMAN_IN_CONTROL", "escalate beside a human", answer)
        else:
            self._expect(answer.message is not None, "escalate", answer)
            if answer.message is not None:
                self._raised(conversation, answer.message.handoff.handoff_id)

    async def _list(self) -> None:
        """List page by page: exactly my handoffs, as they stand."""
        request = handoffs.ListHandoffsRequest(tenant_id=self._me.name, statuses=EVERY, page_size=3)
        found: list[handoffs.HandoffEntry] = []
        while True:
            answer = await self._worker.call("ListHandoffs", request)
            if answer.message is None:
                self._expect(False, "handoffs", answer)  # noqa: FBT003 - never holds
                return
            found += answer.message.handoffs
            request.page_token = answer.message.next_page_token
            if not request.page_token:
                break
        self._compare(found, "listed", answer)

    async def _watch(self) -> None:
        """Watch from the beginning: exactly my handoffs, as they stand."""
        if self._talks.cases:
            request = handoffs.WatchHandoffsRequest(tenant_id=self._me.name)
            caller, count = self._shared.caller, len(self._talks.cases)
            answer = await caller.watch("WatchHandoffs", request, self._me, count)
            found = [each.handoff for each in answer.message or ()]
            self._compare(found, "watched", answer)

    async def _get(self) -> None:
        handoff_id = self._any_case()
        if handoff_id is None:
            return
        case = self._talks.cases[handoff_id]
        request = handoffs.GetHandoffRequest(
            tenant_id=self._me.name, handoff_id=handoff_id, format=self._chance.randrange(4)
        )
        answer = await self._worker.call("GetHandoff", request)
        self._expect(answer.message is not None, "my handoff is gone", answer)
        if answer.message is not None:
            session = answer.message.handoff.session
            mine = (session.tenant_id, session.conversation_id) == (
                self._me.name,
                case.conversation,
            )
            self._expect(mine, "a handoff of another conversation", answer)

    async def _claim(self) -> None:
        handoff_id = self._any_case()
        if handoff_id is None:
            return
        case = self._talks.cases[handoff_id]
        request = handoffs.ClaimHandoffRequest(
            tenant_id=self._me.name, handoff_id=handoff_id, agent=self._me.canary
        )
        answer = await self._worker.call("ClaimHandoff", request)
        if case.status in {RESOLVED, SUPERSEDED}:
            self._expect(answer.reason == "HANDOFF_ENDED", "claim of what has ended", answer)
            return
        self._expect(answer.message is not None, "claim", answer)
        if answer.message is not None:
            case.status = CLAIMED

    async def _resolve(self) -> None:
        handoff_id = self._any_case()
        if handoff_id is None:
            return
        case = self._talks.cases[handoff_id]
        request = handoffs.ResolveHandoffRequest(
            tenant_id=self._me.name,
            handoff_id=handoff_id,
            outcome=self._chance.choice((NOT_NEEDED, SOLVED)),
            note=self._worker.text(),
        )
        answer = await self._worker.call("ResolveHandoff", request)
        if case.status in {RESOLVED, SUPERSEDED}:
            self._expect(answer.reason == "HANDOFF_ENDED", "resolve of what has ended", answer)
        elif case.status == WAITING and request.outcome == SOLVED:
            self._expect(answer.reason == "HANDOFF_UNCLAIMED", "solved by nobody", answer)
        else:
            self._expect(answer.message is not None, "resolve", answer)
            if answer.message is not None:
                case.status = RESOLVED

    # ── notices ───────────────────────────────────────────────────────────────────────

    async def _notices(self) -> None:
        """What the desk was not told is of my handoffs."""
        state = self._chance.choice((handoffs.NOTICE_STATE_WAITING, handoffs.NOTICE_STATE_DEAD))
        request = handoffs.ListNoticesRequest(tenant_id=self._me.name, state=state, page_size=1_000)
        answer = await self._worker.call("ListNotices", request)
        self._expect(answer.message is not None, "notices", answer)
        for notice in answer.message.notices if answer.message else ():
            case = self._talks.cases.get(notice.handoff_id)
            mine = case is not None and case.conversation == notice.session.conversation_id
            self._expect(mine and notice.state == state, "a notice of others", answer)
            if notice.state == handoffs.NOTICE_STATE_DEAD:
                self._talks.dead_notice = notice.notice_id
                self._share("notice", notice.notice_id)

    async def _resend(self) -> None:
        """Send one again that was given up, unless its conversation was deleted meanwhile."""
        notice = self._talks.dead_notice
        if not notice:
            return
        request = handoffs.ResendNoticeRequest(tenant_id=self._me.name, notice_id=notice)
        answer = await self._worker.call("ResendNotice", request)
        there = notice.rpartition(":")[0] in self._talks.cases
        wanted = "" if there else "NOTICE_NOT_FOUND"
        self._expect(answer.reason == wanted, "resend", answer)

    # ── what waits ────────────────────────────────────────────────────────────────────

    async def _defer(self) -> None:
        """Put a message aside; a customer on the line is handed over."""
        conversation = self._worker.any_id()
        talk = self._talks.by_id.get(conversation)
        waits = self._chance.random() < 0.8  # noqa: PLR2004 - a share
        message = self._worker.turn("ROLE_USER")
        request = deferrals.DeferTurnRequest(
            session=self._worker.ref(conversation),
            message=message,
            note=self._worker.text(),
            channel_mode=pb.CHANNEL_MODE_ASYNC if waits else pb.CHANNEL_MODE_SYNC,
        )
        request.not_before.seconds = LONG_AGO
        account = request.session.account_id
        answer = await self._worker.call("DeferTurn", request)
        if self.human(talk):
            self._expect(answer.reason == "HUMAN_IN_CONTROL", "defer beside a human", answer)
            return
        self._expect(answer.message is not None, "defer", answer)
        if answer.message is None:
            return
        talk = self._talks.by_id.setdefault(conversation, Talk(account))
        talk.texts.append(message.text)
        if waits:
            waiting = Waiting(conversation, message.text)
            self._talks.waiting[answer.message.deferral_id] = waiting
        else:
            self._raised(conversation, answer.message.handoff.handoff_id)

    async def _lease(self) -> None:
        """Exactly what waits of mine and is not lent is lent, but for what a human has."""
        free = {name: each for name, each in self._talks.waiting.items() if not each.lease}
        request = deferrals.LeaseDeferredTurnsRequest(
            tenant_id=self._me.name, max_turns=MOST, lease_seconds=FOREVER
        )
        answer = await self._worker.call("LeaseDeferredTurns", request)
        self._expect(answer.message is not None, "lease", answer)
        if answer.message is None:
            return
        wanted = {}
        for name, each in free.items():
            if self.human(self._talks.by_id[each.conversation]):
                del self._talks.waiting[name]  # it needs the bot no more
            else:
                wanted[name] = (each.conversation, each.text)
        found = {}
        for lent in answer.message.turns:
            found[lent.deferral_id] = (lent.session.conversation_id, lent.message.text)
            if lent.deferral_id in self._talks.waiting:
                self._talks.waiting[lent.deferral_id].lease = lent.lease_token
            self._share("deferral", lent.deferral_id, lent.lease_token)
        self._expect(found == wanted, f"lent {found} for {wanted}", answer)

    async def _complete(self) -> None:
        """Answer what was lent, or give it up: then a human has it."""
        lent = [name for name, each in self._talks.waiting.items() if each.lease]
        if not lent:
            return
        name = self._chance.choice(lent)
        waiting = self._talks.waiting[name]
        talk = self._talks.by_id[waiting.conversation]
        done = self._chance.random() < 0.7  # noqa: PLR2004 - a share
        turns = [self._worker.turn("ROLE_ASSISTANT")] if done else []
        request = deferrals.CompleteDeferredTurnRequest(
            session=self._worker.ref(waiting.conversation),
            deferral_id=name,
            lease_token=waiting.lease,
            outcome="DEFERRAL_OUTCOME_DONE" if done else "DEFERRAL_OUTCOME_FAILED",
            turns=turns,
            error="" if done else self._worker.text(),
        )
        answer = await self._worker.call("CompleteDeferredTurn", request)
        if done and self.human(talk):
            self._expect(answer.reason == "HUMAN_IN_CONTROL", "answer beside a human", answer)
            return
        self._expect(answer.message is not None, "complete", answer)
        if answer.message is not None:
            del self._talks.waiting[name]
            talk.texts += [turn.text for turn in turns]
            if answer.message.handoff_id:
                self._raised(waiting.conversation, answer.message.handoff_id)

    # ── what must not work ────────────────────────────────────────────────────────────

    async def _foreign(self) -> None:
        """An id that another tenant was given is nothing under my name."""
        ids = [each for each in self._shared.ids if each.tenant != self._me.name]
        if not ids:
            return
        kind = self._chance.choice(sorted({each.kind for each in ids}))
        given = self._chance.choice([each for each in ids if each.kind == kind])
        method, request, reason = self._with(given)
        answer = await self._worker.call(method, request)
        self._expect(answer.reason == reason, f"{method} of another's", answer)

    def _with(self, given: Given) -> tuple[str, Any, str]:
        """Return a call with what another was given, and what it must be refused with."""
        mine, name = {"tenant_id": self._me.name}, given.name
        if given.kind == "deferral":
            request: Any = deferrals.CompleteDeferredTurnRequest(
                session=self._worker.ref(self._worker.any_id()),
                deferral_id=name,
                lease_token=given.token,
                outcome="DEFERRAL_OUTCOME_DONE",
                turns=[self._worker.turn("ROLE_ASSISTANT")],
            )
            return "CompleteDeferredTurn", request, "DEFERRAL_NOT_FOUND"
        if given.kind == "notice":
            request = handoffs.ResendNoticeRequest(notice_id=name, **mine)
            return "ResendNotice", request, "NOTICE_NOT_FOUND"
        method = self._chance.choice(("GetHandoff", "ClaimHandoff", "ResolveHandoff"))
        agent = {} if method == "GetHandoff" else {"agent": self._me.canary}
        outcome = {"outcome": NOT_NEEDED} if method == "ResolveHandoff" else {}
        kind_of = getattr(handoffs, f"{method}Request")
        request = kind_of(handoff_id=name, **mine, **agent, **outcome)
        return method, request, "HANDOFF_NOT_FOUND"

    # ── the model ─────────────────────────────────────────────────────────────────────

    def _any_case(self) -> str | None:
        return self._chance.choice(list(self._talks.cases)) if self._talks.cases else None

    def human(self, talk: Talk | None) -> bool:
        """Say whether a human has the conversation."""
        case = self._talks.cases.get(talk.handoff) if talk else None
        return case is not None and case.status == CLAIMED

    def _raised(self, conversation: str, handoff_id: str) -> None:
        talk = self._talks.by_id[conversation]
        before = self._talks.cases.get(talk.handoff)
        if before is not None and before.status == WAITING:
            before.status = SUPERSEDED
        talk.handoff, talk.handoffs = handoff_id, talk.handoffs + 1
        self._talks.cases[handoff_id] = Case(conversation, WAITING)
        self._share("handoff", handoff_id)

    def _share(self, kind: str, name: str, token: str = "") -> None:
        if len(self._shared.ids) < FEW or self._chance.random() < 0.1:  # noqa: PLR2004 - a share
            self._shared.ids.append(Given(self._me.name, kind, name, token))
            del self._shared.ids[:-FEW]

    def _compare(self, found: list[handoffs.HandoffEntry], what: str, answer: Answer) -> None:
        seen = {each.handoff_id: (each.session.conversation_id, each.status) for each in found}
        mine = {name: (each.conversation, each.status) for name, each in self._talks.cases.items()}
        alike = seen == mine and len(found) == len(mine)
        self._expect(alike, f"{what} {seen} for {mine}", answer)

    def _expect(self, holds: bool, what: str, answer: Answer) -> None:  # noqa: FBT001 - as it reads
        self._worker.expect(holds, what, answer)
