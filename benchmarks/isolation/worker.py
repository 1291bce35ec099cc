"""One tenant at work: random operations, each compared with the model of its sessions."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.isolation.canaries import sentence
from benchmarks.isolation.daemon import pair_token
from benchmarks.isolation.desk import Desk, Given, foreign_requests
from benchmarks.isolation.model import Talk, Talks
from contextd.v1 import account_service_pb2 as accounts
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb
from contextd.v1 import session_service_pb2 as sessions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from benchmarks.isolation.caller import Answer, Caller
    from benchmarks.isolation.canaries import Findings, Tenant

CONVERSATIONS = 5
"""Ids that every tenant uses, so that only the tenant tells the sessions apart."""

REQUEST_IDS = 40
LONGEST = 60
"""Turns after which a session is deleted, so that operations cost the same all the time."""

MOST_HANDOFFS = 6
"""The same for handoffs, so that some live to be taken and given back."""

WINDOWS = (700, 1_500, 6_000)
BUSY = frozenset({"OVERLOADED"})
STRANGE = ("", "ctxd_nobody", "x" * 200)


@dataclass
class Shared:
    """What all workers share: the tenants, and page tokens that others were given."""

    tenants: Sequence[Tenant]
    caller: Caller
    findings: Findings
    page_tokens: list[str] = field(default_factory=list)
    ids: list[Given] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    denied: tuple[Any, ...] | None = None


class Worker:
    """Works for one tenant, one operation after the other."""

    def __init__(self, shared: Shared, number: int, seed: int) -> None:
        """Work for tenant *number*; the same seed gives the same operations."""
        self.shared = shared
        self.me = shared.tenants[number]
        self._next = shared.tenants[(number + 1) % len(shared.tenants)]
        self.chance = random.Random(f"{seed}/{number}")
        self.talks = Talks()
        self._desk = Desk(self)
        self._operations: tuple[tuple[int, str, Callable[[], Awaitable[None]]], ...] = (
            (30, "record", self._record),
            (24, "build", self._build),
            (6, "get", self._get),
            (6, "list", self._list),
            (6, "turns", self._turns),
            (1, "delete", self._delete),
            (5, "confirm", self._confirm),
            (5, "account", self._account),
            (1, "forget", self._forget),
            (8, "replay", self._replay),
            (4, "foreign pages", self._foreign_pages),
            (8, "foreign tenant", self._foreign_tenant),
            (2, "strange token", self._strange_token),
            (2, "expected revision", self._expected_revision),
            *self._desk.operations,
        )

    async def one(self) -> None:
        """Do one operation, chosen at random."""
        weights = [weight for weight, _, _ in self._operations]
        _, name, operation = self.chance.choices(self._operations, weights)[0]
        counts = self.shared.counts
        counts[name] = counts.get(name, 0) + 1
        await operation()

    # ── what is said ──────────────────────────────────────────────────────────────────

    def text(self) -> str:
        """Return something that holds my canary."""
        return sentence(self.chance, self.me.canary)

    def turn(self, role: str, **rest: Any) -> common.Turn:  # noqa: ANN401 - fields of a turn
        """Return a turn whose every text is mine."""
        number = self.talks.next_number()
        return common.Turn(
            role=role,
            text=self.text(),
            turn_id=f"{self.me.canary}-{number}",
            author=f"{self.me.canary} {self.chance.choice(('Bo', 'Ada'))}",
            **rest,
        )

    def _exchange(self) -> list[common.Turn]:
        """Return what a message and its answer add, now and then with a tool in between."""
        turns = [self.turn("ROLE_USER", evidence=self._evidence())]
        if self.chance.random() < 0.3:  # noqa: PLR2004 - a share
            call = f"{self.me.canary}-call-{self.talks.next_number()}"
            arguments = f'{{"code": "{self.me.canary}"}}'
            asked = common.ToolCall(id=call, name="look_up", arguments_json=arguments)
            turns.append(self.turn("ROLE_ASSISTANT", tool_calls=[asked]))
            turns.append(self.turn("ROLE_TOOL", tool_call_id=call))
        state = common.ModelState(confidence=0.4, reasoning=self.text())
        turns.append(self.turn("ROLE_ASSISTANT", model_state=state, actions=self._actions()))
        return turns

    def _evidence(self) -> list[common.Evidence]:
        key = f"doc-{self.chance.randrange(9)}"
        return [common.Evidence(key=key, source="wiki", title=self.text(), snippet=self.text())]

    def _actions(self) -> list[common.Action]:
        return [common.Action(name="refund", status="failed", detail=self.text())]

    def ref(self, conversation: str) -> common.SessionRef:
        """Name a session; the tenant may go unsaid where the credential says it."""
        talk = self.talks.by_id.get(conversation)
        account = talk.account if talk else f"account-{self.chance.randrange(3)}"
        return common.SessionRef(
            tenant_id=self.me.name, conversation_id=conversation, account_id=account
        )

    def any_id(self) -> str:
        """Return one of the ids that all tenants use."""
        return f"conversation-{self.chance.randrange(CONVERSATIONS)}"

    async def call(self, method: str, request: Any) -> Answer:  # noqa: ANN401 - any request
        """Call with one of the credentials that are good for it."""
        token, kind = self.me.token, self.chance.random()
        if kind < 0.2:  # noqa: PLR2004 - a share
            token = pair_token(self.me, self._next)
        elif kind < 0.3:  # noqa: PLR2004 - a share
            request = type(request).FromString(request.SerializeToString())
            scope = request.session if hasattr(request, "session") else request
            scope.tenant_id = ""
        answer = await self.shared.caller.call(method, request, token, self.me)
        if answer.reason in BUSY:
            self.shared.counts["busy"] = self.shared.counts.get("busy", 0) + 1
        return answer

    def expect(self, holds: bool, what: str, answer: Answer) -> None:  # noqa: FBT001 - as it reads
        """Note a surprise unless it *holds*, or the daemon was busy."""
        self.shared.findings.expect(
            holds or answer.reason in BUSY, f"{what}: {answer.reason or 'answered'}"
        )

    # ── what is done ──────────────────────────────────────────────────────────────────

    async def _record(self) -> None:
        """Record an exchange; its numbers follow those of this tenant's session alone."""
        conversation = self.any_id()
        talk = self.talks.by_id.get(conversation)
        if talk and (len(talk.texts) >= LONGEST or talk.handoffs >= MOST_HANDOFFS):
            await self._delete_one(conversation)
            talk = self.talks.by_id.get(conversation)  # still there when the daemon was busy
        request = pb.RecordTurnRequest(session=self.ref(conversation), turns=self._exchange())
        if self.chance.random() < 0.5:  # noqa: PLR2004 - a share
            request.request_id = f"request-{self.chance.randrange(REQUEST_IDS)}"
        await self._send(conversation, talk, request)

    async def _send(
        self, conversation: str, talk: Talk | None, request: pb.RecordTurnRequest
    ) -> None:
        texts = tuple(turn.text for turn in request.turns)
        known = (talk.answered if talk else {}).get(request.request_id)
        account = request.session.account_id
        answer = await self.call("RecordTurn", request)
        if answer.message is None:
            reused = bool(known) and answer.reason == "REQUEST_ID_REUSED"
            human = self._desk.human(talk) and answer.reason == "HUMAN_IN_CONTROL"
            self.expect(reused or human, "record", answer)
            return
        self.expect(not self._desk.human(talk), "the assistant beside a human", answer)
        self.expect(not known, "an id of mine was taken for new", answer)
        self.expect(not answer.message.replayed, "a request of others was replayed", answer)
        talk = self.talks.by_id.setdefault(conversation, Talk(account))
        first = answer.message.first_sequence
        self.expect(first == len(talk.texts) + 1, f"first sequence {first}", answer)
        talk.texts += texts
        talk.revision = answer.message.revision
        if request.request_id:
            talk.answered[request.request_id] = texts

    async def _replay(self) -> None:
        """Use an id again that I used, or that others used and I did not."""
        conversation = self.any_id()
        talk = self.talks.by_id.get(conversation)
        request = pb.RecordTurnRequest(session=self.ref(conversation), turns=self._exchange())
        request.request_id = f"request-{self.chance.randrange(REQUEST_IDS)}"
        if talk is None or len(talk.texts) < LONGEST:
            await self._send(conversation, talk, request)

    async def _expected_revision(self) -> None:
        """A session that others have is not mine: it is new to me, or as I left it."""
        conversation = self.any_id()
        talk = self.talks.by_id.get(conversation)
        turns = [self.turn("ROLE_USER")]
        request = pb.RecordTurnRequest(session=self.ref(conversation), turns=turns)
        request.expected_revision = talk.revision if talk else self.chance.randrange(1, 50)
        account = request.session.account_id
        answer = await self.call("RecordTurn", request)
        if talk is None:
            self.expect(answer.reason == "REVISION_CONFLICT", "expected revision", answer)
            current = answer.metadata("current-revision")
            self.expect(current == "0", f"a session of others is at {current}", answer)
            return
        if answer.message is not None:
            sequence = answer.message.first_sequence
            self.expect(sequence == len(talk.texts) + 1, f"sequence {sequence}", answer)
            self.talks.by_id.setdefault(conversation, Talk(account)).texts.append(turns[0].text)
            talk.revision = answer.message.revision
        elif answer.reason == "REVISION_CONFLICT":  # it was folded meanwhile
            talk.revision = int(answer.metadata("current-revision"))

    async def _build(self) -> None:
        """Ask for a context, now and then recording the message."""
        conversation = self.any_id()
        talk = self.talks.by_id.get(conversation)
        recording = self.chance.random() < 0.3  # noqa: PLR2004 - a share
        if talk and len(talk.texts) >= LONGEST:
            recording = False
        window = self.chance.choice(WINDOWS)
        request = pb.BuildContextRequest(
            session=self.ref(conversation),
            message=self.turn("ROLE_USER"),
            system_prompt=f"You help {self.me.canary}.",
            budget=pb.Budget(context_window_tokens=window, reserved_output_tokens=100),
            evidence=self._evidence(),
            record_message=recording,
            explain=self.chance.random() < 0.2,  # noqa: PLR2004 - a share
            format=self.chance.choice((0, 1, 2, 3)),
        )
        account, text = request.session.account_id, request.message.text
        answer = await self.call("BuildContext", request)
        self.expect(answer.message is not None, "build", answer)
        if answer.message is not None and recording:
            talk = self.talks.by_id.setdefault(conversation, Talk(account))
            talk.texts.append(text)
            talk.revision = answer.message.revision

    async def _get(self) -> None:
        conversation = self.any_id()
        talk = self.talks.by_id.get(conversation)
        request = sessions.GetSessionRequest(session=self.ref(conversation))
        answer = await self.call("GetSession", request)
        if talk is None:
            self.expect(answer.reason == "SESSION_NOT_FOUND", "a session of others", answer)
            return
        self.expect(answer.message is not None, "my session is gone", answer)
        if answer.message is not None:
            found = answer.message.session
            mine = (found.session.tenant_id, found.session.account_id, found.turn_count)
            self.expect(mine == (self.me.name, talk.account, len(talk.texts)), f"{mine}", answer)
            self.expect(len(found.handoff_ids) == talk.handoffs, "handoffs of others", answer)

    async def _list(self) -> None:
        """List page by page: exactly my conversations."""
        found: list[str] = []
        request = sessions.ListSessionsRequest(tenant_id=self.me.name, page_size=2)
        while True:
            answer = await self.call("ListSessions", request)
            if answer.message is None:
                self.expect(False, "list", answer)  # noqa: FBT003 - never holds
                return
            found += [each.conversation_id for each in answer.message.sessions]
            request.page_token = answer.message.next_page_token
            if not request.page_token:
                break
            self._share(request.page_token)
        self.expect(found == sorted(self.talks.by_id), f"listed {found}", answer)

    async def _turns(self) -> None:
        conversation = self.any_id()
        talk = self.talks.by_id.get(conversation)
        request = sessions.ListTurnsRequest(session=self.ref(conversation), page_size=1_000)
        answer = await self.call("ListTurns", request)
        if talk is None:
            self.expect(answer.reason == "SESSION_NOT_FOUND", "turns of others", answer)
        elif answer.message is not None:
            texts = [turn.text for turn in answer.message.turns]
            self.expect(texts == talk.texts, "other turns than mine", answer)
        else:
            self.expect(False, "turns", answer)  # noqa: FBT003 - never holds

    async def _delete(self) -> None:
        await self._delete_one(self.any_id())

    async def _delete_one(self, conversation: str) -> None:
        """Delete a session: as many turns go as I had in it."""
        talk = self.talks.by_id.get(conversation)
        request = sessions.DeleteSessionRequest(session=self.ref(conversation))
        answer = await self.call("DeleteSession", request)
        self.expect(answer.message is not None, "delete", answer)
        if answer.message is not None:
            gone = answer.message.counts["turns"]
            self.expect(gone == len(talk.texts if talk else ()), f"{gone} turns went", answer)
            self.talks.forget(conversation)

    async def _confirm(self) -> None:
        """Confirm a fact of an account that others have, too; all of it is mine."""
        name, key = self._any_account(), f"fact_{self.chance.randrange(4)}"
        fact = accounts.AccountFact(key=key, value=self.text(), source=self.me.canary)
        request = accounts.UpdateAccountRequest(
            tenant_id=self.me.name, account_id=name, facts=[fact]
        )
        answer = await self.call("UpdateAccount", request)
        self.expect(answer.message is not None, "confirm", answer)
        if answer.message is not None:
            self.talks.facts.setdefault(name, {})[key] = fact.value
            self._compare(name, answer.message.account, answer)

    async def _account(self) -> None:
        """Look at an account: exactly my facts and my conversations."""
        name = self._any_account()
        request = accounts.GetAccountRequest(
            tenant_id=self.me.name, account_id=name, include_candidates=True
        )
        answer = await self.call("GetAccount", request)
        self.expect(answer.message is not None, "account", answer)
        if answer.message is not None:
            self._compare(name, answer.message.account, answer)
            found = {each.conversation_id for each in answer.message.conversations}
            mine = {each for each, talk in self.talks.by_id.items() if talk.account == name}
            self.expect(found == mine, f"conversations {found}", answer)

    async def _forget(self) -> None:
        """Forget an account: as much goes as I had in it, and others lose nothing."""
        name = self._any_account()
        request = accounts.ForgetAccountRequest(tenant_id=self.me.name, account_id=name)
        answer = await self.call("ForgetAccount", request)
        self.expect(answer.message is not None, "forget", answer)
        if answer.message is not None:
            mine = [each for each, talk in self.talks.by_id.items() if talk.account == name]
            turns = sum(len(self.talks.forget(each).texts) for each in mine)
            facts = len(self.talks.facts.pop(name, {}))
            counts = answer.message.counts
            gone = (counts["sessions"], counts["turns"], counts["account_facts"])
            self.expect(gone == (len(mine), turns, facts), f"{gone} went", answer)

    def _any_account(self) -> str:
        return f"account-{self.chance.randrange(3)}"

    def _compare(self, name: str, found: accounts.Account, answer: Answer) -> None:
        facts = {fact.key: fact.value for fact in found.facts}
        mine = self.talks.facts.get(name, {})
        self.expect((found.tenant_id, facts) == (self.me.name, mine), "facts", answer)

    # ── what must not work ────────────────────────────────────────────────────────────

    def _share(self, token: str) -> None:
        tokens = self.shared.page_tokens
        if len(tokens) < 1_000:  # noqa: PLR2004 - enough
            tokens.append(token)

    async def _foreign_pages(self) -> None:
        """A page token that another tenant was given leads nowhere but into what is mine."""
        if not self.shared.page_tokens:
            return
        token = self.chance.choice(self.shared.page_tokens)
        listing = sessions.ListSessionsRequest(tenant_id=self.me.name, page_token=token)
        answer = await self.call("ListSessions", listing)
        if answer.message is not None:
            found = {each.conversation_id for each in answer.message.sessions}
            self.expect(found <= self.talks.by_id.keys(), f"listed {found}", answer)
        turns = sessions.ListTurnsRequest(session=self.ref(self.any_id()), page_token=token)
        await self.call("ListTurns", turns)

    async def _foreign_tenant(self) -> None:
        """Ask for another's session with my credential: denied alike, be there one or not."""
        other = self.chance.choice([each for each in self.shared.tenants if each != self.me])
        conversation = self.chance.choice((self.any_id(), "never-was"))
        ref = common.SessionRef(tenant_id=other.name, conversation_id=conversation)
        turn = self.turn("ROLE_USER")
        method, request = self.chance.choice(
            (
                ("RecordTurn", pb.RecordTurnRequest(session=ref, turns=[turn])),
                ("BuildContext", pb.BuildContextRequest(session=ref, message=turn)),
                ("Escalate", pb.EscalateRequest(session=ref)),
                ("GetSession", sessions.GetSessionRequest(session=ref)),
                ("ListTurns", sessions.ListTurnsRequest(session=ref)),
                ("DeleteSession", sessions.DeleteSessionRequest(session=ref)),
                ("ListSessions", sessions.ListSessionsRequest(tenant_id=other.name)),
                *foreign_requests(other.name, ref),
            )
        )
        answer = await self.shared.caller.call(method, request, self.me.token, self.me)
        self.expect(answer.reason == "TENANT_DENIED", f"{method} for another", answer)
        if self.shared.denied is None:
            self.shared.denied = answer.trailers
        same = answer.trailers == self.shared.denied
        self.expect(same, "a denial that tells more than another", answer)

    async def _strange_token(self) -> None:
        """Without a good credential nothing is told."""
        request = sessions.GetSessionRequest(session=self.ref(self.any_id()))
        token = self.chance.choice(STRANGE)
        answer = await self.shared.caller.call("GetSession", request, token)
        expected = "CREDENTIAL_INVALID" if token else "CREDENTIAL_MISSING"
        self.expect(answer.reason == expected, "a stranger", answer)
