"""The accounts of a `FakeContextd`: facts and masks as the daemon has them, no language work."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.v1 import account_service_pb2 as service

from contextd_client.errors import InvalidRequest, RequestIdReused, RevisionConflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

MOST_FACTS = 256


@dataclass(slots=True)
class _Account:
    facts: dict[str, service.AccountFact] = field(default_factory=dict)
    revision: int = 0
    answered: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class FakeAccounts:
    """Accounts in memory; `conversations` and `forget_session` look at the fake's sessions."""

    conversations: Callable[[str, str], list[str]]
    forget_session: Callable[[str, str], int]
    known: dict[tuple[str, str], _Account] = field(default_factory=dict)

    def answer(self, request: Message) -> Message | None:
        """Answer a call of the AccountService; None for those of others."""
        match request:
            case service.GetAccountRequest():
                return self.get(request)
            case service.UpdateAccountRequest():
                return self.update(request)
            case service.ForgetAccountRequest():
                return self.forget(request)
            case _:
                return None

    def get(self, request: service.GetAccountRequest) -> service.GetAccountResponse:
        """Return the facts that have not expired, and the conversations, the newest first."""
        answer = service.GetAccountResponse(account=self._shown(*_key(request)))
        for conversation in self.conversations(*_key(request)):
            answer.conversations.add(conversation_id=conversation)
        return answer

    def update(self, request: service.UpdateAccountRequest) -> service.UpdateAccountResponse:
        """Change the facts, exactly once per request id."""
        key = _key(request)
        account = self.known.get(key, _Account())
        body = service.UpdateAccountRequest()
        body.CopyFrom(request)
        content = body.SerializeToString(deterministic=True)
        before = account.answered.get(request.request_id)
        if before is not None and before != content:
            raise RequestIdReused(reason="REQUEST_ID_REUSED")
        if before is None:
            if request.HasField("expected_revision"):
                _check_revision(account, request.expected_revision)
            account.facts = _changed(account.facts, request)
            account.revision += 1
            account.answered[request.request_id] = content
            self.known[key] = account
        return service.UpdateAccountResponse(account=self._shown(*key), replayed=before is not None)

    def forget(self, request: service.ForgetAccountRequest) -> service.ForgetAccountResponse:
        """Remove the account and its sessions."""
        tenant, name = _key(request)
        account = self.known.pop((tenant, name), _Account())
        gone = self.conversations(tenant, name)
        turns = sum(self.forget_session(tenant, conversation) for conversation in gone)
        counts = {"account_facts": len(account.facts), "sessions": len(gone), "turns": turns}
        return service.ForgetAccountResponse(counts=counts)

    def _shown(self, tenant: str, name: str) -> service.Account:
        account, now = self.known.get((tenant, name), _Account()), time.time()
        facts = [
            fact
            for _, fact in sorted(account.facts.items())
            if not fact.HasField("expires_at") or fact.expires_at.seconds > now
        ]
        return service.Account(
            tenant_id=tenant, account_id=name, facts=facts, revision=account.revision
        )


def _key(
    request: service.GetAccountRequest
    | service.UpdateAccountRequest
    | service.ForgetAccountRequest,
) -> tuple[str, str]:
    for name in ("tenant_id", "account_id"):
        if not getattr(request, name):
            raise _violation(name, "is required")
    return request.tenant_id, request.account_id


def _check_revision(account: _Account, expected: int) -> None:
    if expected != account.revision:
        found = {"current_revision": str(account.revision)}
        raise RevisionConflict(reason="REVISION_CONFLICT", metadata=found)


def _changed(
    facts: dict[str, service.AccountFact], request: service.UpdateAccountRequest
) -> dict[str, service.AccountFact]:
    given = {fact.key: fact for fact in request.facts}
    named = {path.removeprefix("facts.") for path in request.update_mask.paths} or set(given)
    if "facts" in request.update_mask.paths:
        named |= {*facts, *given}
    kept = {key: fact for key, fact in facts.items() if key not in named}
    kept |= {key: fact for key, fact in given.items() if key in named}
    if len(kept) > MOST_FACTS:
        raise _violation("facts", f"the account would hold {len(kept)} facts")
    return kept


def _violation(name: str, description: str) -> InvalidRequest:
    return InvalidRequest(
        f"{name}: {description}", reason="FIELD_VIOLATION", metadata={"field": name}
    )
