"""What is known of an end customer beyond one conversation.

account = client.account("olena")
await account.update(Fact("language", "German", FactType.PREFERENCE, source="crm"))
known = await account.get(candidates=True)
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING

from contextd.v1 import account_service_pb2 as service

from contextd_client import methods
from contextd_client.calls import with_retries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from google.protobuf.timestamp_pb2 import Timestamp

    from contextd_client.methods import Method, Q, R
    from contextd_client.session import Wire


class FactType(StrEnum):
    """What kind of thing is known: what is wanted, what is so, what is allowed."""

    UNKNOWN = "unknown"
    PREFERENCE = "preference"
    ATTRIBUTE = "attribute"
    PERMISSION = "permission"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that you have confirmed.

    `key` is 1 to 64 characters of a-z, 0-9 and _, beginning with a letter; `value` has at
    most 1 KiB.  `confirmed_at` is the time of the update when None; times know their zone.
    """

    key: str
    value: str
    type: FactType = FactType.ATTRIBUTE
    source: str = ""
    confirmed_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation of the account; `recap` is what it was about, "" if not read yet."""

    conversation_id: str
    opened_at: datetime
    recap: str = ""
    closed: bool = False
    recap_turn_ids: tuple[str, ...] = ()
    recap_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something said in a chat that could be a fact, if you confirm it."""

    key: str
    type: FactType
    value: str
    conversation_id: str
    turn_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an account: `facts` by key; `replayed` when a retry was answered."""

    facts: tuple[Fact, ...]
    revision: int
    conversations: tuple[Conversation, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    replayed: bool = False

    def __getitem__(self, key: str) -> str:
        """Return the value of a fact.  Raises KeyError when there is none."""
        for fact in self.facts:
            if fact.key == key:
                return fact.value
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class Account:
    """One account.  Made by `ContextdClient.account`; costs nothing to make again."""

    wire: Wire
    tenant: str
    account: str

    async def get(self, *, candidates: bool = False, deadline: float | None = None) -> Known:
        """Return what is known, its conversations, and with *candidates* what chats suggest.

        An account that nothing is known of is empty, not an error.
        """
        request = service.GetAccountRequest(
            tenant_id=self.tenant, account_id=self.account, include_candidates=candidates
        )
        answer = await self._call(methods.GET_ACCOUNT, request, deadline)
        return Known(
            facts=tuple(map(_fact, answer.account.facts)),
            revision=answer.account.revision,
            conversations=tuple(map(_conversation, answer.conversations)),
            candidates=tuple(map(_candidate, answer.candidates)),
        )

    async def update(
        self,
        *facts: Fact,
        remove: Iterable[str] = (),
        replace: bool = False,
        request_id: str = "",
        expected_revision: int | None = None,
        deadline: float | None = None,
    ) -> Known:
        """Set *facts* and *remove* others by key, all or none, exactly once.

        With *replace* the account holds *facts* and nothing else afterwards.

        Raises:
            RevisionConflict: the account is not at *expected_revision*.
            RequestIdReused, InvalidRequest: the daemon said so; `field` says what is wrong.
            Unavailable, DeadlineExceeded: it did not answer; repeat with the same request id.
        """
        request = service.UpdateAccountRequest(
            tenant_id=self.tenant,
            account_id=self.account,
            facts=map(_encoded, facts),
            request_id=request_id or str(uuid.uuid4()),
            expected_revision=expected_revision,
        )
        gone = list(remove)
        if replace:
            request.update_mask.paths.append("facts")
        elif gone:
            request.update_mask.paths.extend(f"facts.{key}" for key in gone)
            request.update_mask.paths.extend(f"facts.{fact.key}" for fact in facts)
        answer = await self._call(methods.UPDATE_ACCOUNT, request, deadline)
        known = tuple(map(_fact, answer.account.facts))
        return Known(known, answer.account.revision, replayed=answer.replayed)

    async def forget(self, *, deadline: float | None = None) -> dict[str, int]:
        """Remove the account with all its conversations; return how many of each kind.

        May be called again: what is gone counts as zero.  Removing many conversations takes
        time; by default it may take ten times as long as an escalation.
        """
        request = service.ForgetAccountRequest(tenant_id=self.tenant, account_id=self.account)
        patience = self.wire.deadlines.escalate * 10 if deadline is None else deadline
        answer = await self._call(methods.FORGET_ACCOUNT, request, patience)
        return dict(answer.counts)

    async def _call(self, method: Method[Q, R], request: Q, deadline: float | None) -> R:
        return await with_retries(
            lambda left: self.wire.transport.unary(method, request, left),
            deadline=self.wire.deadlines.escalate if deadline is None else deadline,
            retry=self.wire.retry,
        )


def _encoded(fact: Fact) -> service.AccountFact:
    kind = "UNSPECIFIED" if fact.type is FactType.UNKNOWN else fact.type.name
    message = service.AccountFact(
        key=fact.key,
        value=fact.value,
        source=fact.source,
        type=f"ACCOUNT_FACT_TYPE_{kind}",
    )
    if fact.confirmed_at is not None:
        message.confirmed_at.FromDatetime(fact.confirmed_at)
    if fact.expires_at is not None:
        message.expires_at.FromDatetime(fact.expires_at)
    return message


def _fact(found: service.AccountFact) -> Fact:
    return Fact(
        key=found.key,
        value=found.value,
        type=_type(found.type),
        source=found.source,
        confirmed_at=_moment(found.confirmed_at) if found.HasField("confirmed_at") else None,
        expires_at=_moment(found.expires_at) if found.HasField("expires_at") else None,
    )


def _conversation(found: service.AccountConversation) -> Conversation:
    return Conversation(
        conversation_id=found.conversation_id,
        opened_at=_moment(found.opened_at),
        recap=found.recap,
        closed=found.closed,
        recap_turn_ids=tuple(found.recap_turn_ids),
        recap_at=_moment(found.recap_at) if found.HasField("recap_at") else None,
    )


def _candidate(found: service.AccountCandidate) -> Candidate:
    return Candidate(
        found.key, _type(found.type), found.value, found.conversation_id, tuple(found.turn_ids)
    )


def _type(number: service.AccountFactType) -> FactType:
    names = {
        service.ACCOUNT_FACT_TYPE_PREFERENCE: FactType.PREFERENCE,
        service.ACCOUNT_FACT_TYPE_ATTRIBUTE: FactType.ATTRIBUTE,
        service.ACCOUNT_FACT_TYPE_PERMISSION: FactType.PERMISSION,
    }
    return names.get(number, FactType.UNKNOWN)


def _moment(at: Timestamp) -> datetime:
    return at.ToDatetime(UTC)
