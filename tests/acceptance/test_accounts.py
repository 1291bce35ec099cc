"""Accounts of a real daemon: confirmed facts, a customer who returns, being forgotten."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from contextd.v1 import account_service_pb2 as accounts
from contextd.v1 import account_service_pb2_grpc, common_pb2
from contextd.v1 import context_service_pb2 as service
from tests.acceptance.caller import Conversation, bot, refused, said, user
from tests.acceptance.daemon import Daemon
from tests.acceptance.desks import files_left_with

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANTED = "PLANTED-W-9981277"
STORES = ("memory:", "")
"""The store in memory, and the embedded default."""


@pytest.fixture(scope="module", params=STORES, ids=["memory", "sqlite"])
def own(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """A daemon of these tests' own."""
    daemon = Daemon(tmp_path_factory.mktemp("accounts"), request.param)
    asyncio.run(daemon.start())
    yield daemon
    daemon.kill()


@pytest.fixture
def channel(own: Daemon) -> Iterator[grpc.Channel]:
    """A connection to it."""
    with grpc.insecure_channel(own.target) as channel:
        yield channel


class Customer:
    """An account, called as a CRM would."""

    def __init__(self, channel: grpc.Channel, name: str) -> None:
        self.channel = channel
        self.name = name
        self.stub = account_service_pb2_grpc.AccountServiceStub(channel)

    def talk(self) -> Conversation:
        """Begin a conversation of this account."""
        talk = Conversation(self.channel)
        talk.ref.account_id = self.name
        return talk

    def get(self, tenant: str = "t", **rest: Any) -> accounts.GetAccountResponse:
        """Look at the account."""
        request = accounts.GetAccountRequest(tenant_id=tenant, account_id=self.name, **rest)
        return self.stub.GetAccount(request, timeout=30)

    def update(self, *facts: accounts.AccountFact, **rest: Any) -> accounts.UpdateAccountResponse:
        """Change the account."""
        fields: dict[str, Any] = {"tenant_id": "t", "account_id": self.name, "facts": facts} | rest
        return self.stub.UpdateAccount(accounts.UpdateAccountRequest(**fields), timeout=30)

    def forget(self) -> dict[str, int]:
        """Forget the account."""
        request = accounts.ForgetAccountRequest(tenant_id="t", account_id=self.name)
        return dict(self.stub.ForgetAccount(request, timeout=30).counts)


def fact(key: str, value: str, **rest: Any) -> accounts.AccountFact:
    """Confirm a fact."""
    return accounts.AccountFact(key=key, value=value, **rest)


def ago(days: int, **rest: Any) -> dict[str, Any]:
    """Say something so many days ago."""
    return {"occurred_at": {"seconds": int(time.time()) - days * 86_400}} | rest


def test_an_account_returns_after_ten_days_and_is_recognised(channel: grpc.Channel) -> None:
    """The new conversation knows who is talking and what it was about; another one does not."""
    olena = Customer(channel, "olena")
    before = olena.talk()
    before.record(
        user("Hello", **ago(10)),
        bot("How can I help?", **ago(10)),
        user("My coffee machine, order W-1234567, leaks since Monday.", **ago(10)),
        bot("I am sorry! I will send you a replacement by Friday.", **ago(10)),
        user("Thank you, and please write to me in German.", **ago(10)),
    )
    olena.update(fact("language", "German", type="ACCOUNT_FACT_TYPE_PREFERENCE", source="crm"))

    now = olena.talk()
    built = now.build(
        "My coffee machine still leaks, where is the replacement?", system_prompt="Be kind."
    )
    assert built.messages[1].section == service.SECTION_KIND_ACCOUNT
    assert "German" in built.messages[1].text
    assert built.messages[1].role == common_pb2.ROLE_USER
    assert "W-1234567" in said(built, "RETRIEVED")
    assert "replacement by Friday" in said(built, "RETRIEVED")
    assert built.repeat_contact.conversation_id == before.ref.conversation_id
    assert built.repeat_contact.days_since == 10
    section = next(s for s in built.sections if s.kind == service.SECTION_KIND_RETRIEVED)
    assert list(section.conversation_ids) == [before.ref.conversation_id]

    now.record(user("My coffee machine still leaks."))
    known = [cited.text for cited in now.escalate().handoff.account_facts]
    assert len(known) == 1
    assert "German" in known[0]

    stranger = Customer(channel, "somebody").talk().build("My coffee machine still leaks.")
    assert not said(stranger, "RETRIEVED")
    assert not stranger.HasField("repeat_contact")
    unrelated = olena.talk().build("Do you sell bicycles?")
    assert not said(unrelated, "RETRIEVED")
    assert not unrelated.HasField("repeat_contact")

    listed = olena.get(include_candidates=True)
    assert [each.conversation_id for each in listed.conversations][-1] == before.ref.conversation_id
    assert "W-1234567" in listed.conversations[-1].recap
    assert {each.key for each in listed.candidates} >= {"order_id"}
    assert [each.key for each in listed.account.facts] == ["language"]


def test_masks_revisions_and_retries(channel: grpc.Channel) -> None:
    """A change does what its mask says, once, at the revision that was expected."""
    crm = Customer(channel, "masks")
    first = crm.update(fact("a", "1"), fact("b", "2"), request_id="r1")
    assert (first.account.revision, first.replayed) == (1, False)
    assert crm.update(fact("a", "1"), fact("b", "2"), request_id="r1").replayed
    refusal = refused(lambda: crm.update(fact("a", "9"), request_id="r1"))
    assert refusal.reason == "REQUEST_ID_REUSED"

    crm.update(fact("a", "3"), fact("ignored", "x"), update_mask={"paths": ["facts.a", "facts.b"]})
    assert {each.key: each.value for each in crm.get().account.facts} == {"a": "3"}
    crm.update(fact("c", "4"), update_mask={"paths": ["facts"]})
    assert {each.key: each.value for each in crm.get().account.facts} == {"c": "4"}
    refusal = refused(lambda: crm.update(fact("c", "5"), expected_revision=1))
    assert (refusal.reason, refusal.metadata["current_revision"]) == ("REVISION_CONFLICT", "3")
    assert crm.update(fact("c", "5"), expected_revision=3).account.revision == 4
    crm.update(update_mask={"paths": ["facts"]})
    assert not crm.get().account.facts


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"facts": [fact("Bad Key", "x")]}, "facts[0].key"),
        ({"facts": [fact("k" * 65, "x")]}, "facts[0].key"),
        ({"facts": [fact("k", "x" * 1_025)]}, "facts[0].value"),
        ({"facts": [fact("k", "  ")]}, "facts[0].value"),
        ({"facts": [fact("k", "x", source="s" * 257)]}, "facts[0].source"),
        ({"facts": [fact("k", "x"), fact("k", "y")]}, "facts[1].key"),
        ({"facts": [fact("k", "x", type=9)]}, "facts[0].type"),
        ({"facts": [fact("k", "x", expires_at={"seconds": -1})]}, "facts[0].expires_at"),
        ({"facts": [fact(f"k{at}", "x") for at in range(257)]}, "facts"),
        ({"facts": [fact("k", "x")], "update_mask": {"paths": ["key"]}}, "update_mask"),
        ({}, "facts"),
        ({"facts": [fact("k", "x")], "account_id": ""}, "account_id"),
        ({"facts": [fact("k", "x")], "tenant_id": ""}, "tenant_id"),
    ],
)
def test_what_an_account_cannot_hold_is_refused_whole(
    channel: grpc.Channel, fields: dict[str, Any], field: str
) -> None:
    """Every refusal names the field, and nothing of the request is kept."""
    crm = Customer(channel, "refused")
    refusal = refused(lambda: crm.update(**fields))
    assert (refusal.code, refusal.field) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    assert not crm.get().account.facts


def test_what_has_expired_is_told_to_nobody(channel: grpc.Channel) -> None:
    """Neither by the service nor in a context."""
    crm = Customer(channel, "expired")
    crm.update(fact("old", "gone", expires_at={"seconds": 1_000}), fact("new", "here"))
    assert [each.key for each in crm.get().account.facts] == ["new"]
    told = said(crm.talk().build("hi"), "ACCOUNT")
    assert "here" in told
    assert "gone" not in told


def test_an_account_of_another_tenant_is_another_account(channel: grpc.Channel) -> None:
    """The same name under another tenant is empty, and forgetting it touches nothing."""
    crm = Customer(channel, "shared-name")
    crm.update(fact("plan", "pro"))
    assert not crm.get(tenant="other").account.facts
    other = accounts.ForgetAccountRequest(tenant_id="other", account_id="shared-name")
    assert not any(crm.stub.ForgetAccount(other, timeout=30).counts.values())
    assert crm.get().account.facts


def test_forgetting_leaves_nothing_on_disk(own: Daemon, channel: grpc.Channel) -> None:
    """No file of the store holds a planted string any more, and the counts say what went."""
    crm = Customer(channel, "to-forget")
    crm.update(fact("plan", PLANTED, source=PLANTED))
    talks = [crm.talk() for _ in range(3)]
    for at, talk in enumerate(talks):
        talk.record(user(f"My lamp {PLANTED} flickers, number {at}.", author=PLANTED), bot("Oh."))
    talks[-1].escalate(note=PLANTED)
    built = crm.talk().build(
        f"My lamp {PLANTED} flickers again.", record_message=True, request_id="r"
    )
    assert PLANTED in said(built, "RETRIEVED")
    counts = crm.forget()
    assert (counts["account_facts"], counts["sessions"], counts["handoffs"]) == (1, 4, 1)
    assert counts["turns"] == 7
    assert not any(crm.forget().values())
    assert not crm.get(include_candidates=True).conversations
    assert not said(crm.talk().build(f"My lamp {PLANTED} flickers again."), "RETRIEVED")
    assert files_left_with(own.folder, PLANTED) == []
