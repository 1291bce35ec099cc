"""AccountService: what a request must look like, and its messages beside the model's values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contextd.model import AccountChange, AccountFact, AccountFactType, AccountKey
from contextd.rpc import encode
from contextd.rpc.decode import digest, microseconds
from contextd.rpc.enums import ACCOUNT_FACT_TYPES
from contextd.rpc.validation import MAX_ID_BYTES, Check, check_time, fits
from contextd.v1 import account_service_pb2 as accounts

if TYPE_CHECKING:
    from contextd.model import Account, AccountChanged, AccountConversation, AccountView, Erased
    from contextd.rpc.validation import Limits

MAX_FACTS = 256
"""Facts of one request, and of one account."""

MAX_VALUE_BYTES = 1_024

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_ALL = "facts"
_ONE = "facts."
_TYPES = encode.numbers(ACCOUNT_FACT_TYPES)
_HOW_KEYS_ARE = "must be 1 to 64 characters of a-z, 0-9 and _, beginning with a letter"


def check_account(
    request: accounts.GetAccountRequest | accounts.ForgetAccountRequest, limits: Limits
) -> None:
    """Raise FieldViolations unless *request* names an account."""
    check = Check(limits)
    _account(check, request)
    check.close()


def check_update(request: accounts.UpdateAccountRequest, limits: Limits) -> None:
    """Raise FieldViolations unless *request* can be decoded and served."""
    check = Check(limits)
    _account(check, request)
    check.identifier("request_id", request.request_id, required=False)
    check.not_negative("expected_revision", request.expected_revision)
    if check.at_most("facts", request.facts, MAX_FACTS):
        seen: set[str] = set()
        for at, fact in enumerate(request.facts):
            _fact(check, f"facts[{at}]", fact)
            if fact.key in seen:
                check.refuse(f"facts[{at}].key", "is the key of an earlier fact of this request")
            seen.add(fact.key)
    paths = request.update_mask.paths
    if check.at_most("update_mask", paths, MAX_FACTS):
        for path in paths:
            if path != _ALL and not (
                path.startswith(_ONE) and _KEY.fullmatch(path.removeprefix(_ONE))
            ):
                check.refuse("update_mask", 'must hold "facts" or "facts.KEY" only')
    if not request.facts and not paths:
        check.refuse("facts", "must hold a fact, or update_mask must name what to remove")
    check.close()


def _account(
    check: Check,
    request: accounts.GetAccountRequest
    | accounts.ForgetAccountRequest
    | accounts.UpdateAccountRequest,
) -> None:
    check.identifier("tenant_id", request.tenant_id)
    check.identifier("account_id", request.account_id)


def _fact(check: Check, path: str, fact: accounts.AccountFact) -> None:
    if not _KEY.fullmatch(fact.key):
        check.refuse(
            f"{path}.key", _HOW_KEYS_ARE if fact.key else f"is required, and {_HOW_KEYS_ARE}"
        )
    check.choice(f"{path}.type", fact.type, (0, *ACCOUNT_FACT_TYPES))
    if not fact.value.strip():
        check.refuse(f"{path}.value", "is required; to remove a fact, name it in update_mask alone")
    elif not fits(fact.value, MAX_VALUE_BYTES):
        check.refuse(f"{path}.value", f"must have at most {MAX_VALUE_BYTES} bytes")
    if not fits(fact.source, MAX_ID_BYTES):
        check.refuse(f"{path}.source", f"must have at most {MAX_ID_BYTES} bytes")
    for name in ("confirmed_at", "expires_at"):
        if fact.HasField(name):
            check_time(check, f"{path}.{name}", getattr(fact, name))
            if getattr(fact, name).seconds < 0:
                check.refuse(f"{path}.{name}", "must not be before 1970")


def account_key(
    request: accounts.GetAccountRequest
    | accounts.ForgetAccountRequest
    | accounts.UpdateAccountRequest,
) -> AccountKey:
    """Return the account that *request* names."""
    return AccountKey(request.tenant_id, request.account_id)


def change(request: accounts.UpdateAccountRequest) -> AccountChange:
    """Return *request* as the engine takes it."""
    paths = request.update_mask.paths
    named = frozenset(path.removeprefix(_ONE) for path in paths if path != _ALL)
    expected = request.expected_revision if request.HasField("expected_revision") else None
    return AccountChange(
        key=account_key(request),
        facts=tuple(map(_decoded, request.facts)),
        named=named if paths else None,
        replace=_ALL in paths,
        request_id=request.request_id,
        expected_revision=expected,
        digest=digest(request),
    )


def _decoded(fact: accounts.AccountFact) -> AccountFact:
    return AccountFact(
        key=fact.key,
        type=ACCOUNT_FACT_TYPES.get(fact.type, AccountFactType.ATTRIBUTE),
        value=fact.value,
        source=fact.source,
        confirmed_at=microseconds(fact.confirmed_at) if fact.HasField("confirmed_at") else 0,
        expires_at=microseconds(fact.expires_at) if fact.HasField("expires_at") else 0,
    )


def get_response(view: AccountView) -> accounts.GetAccountResponse:
    """Return the answer to a GetAccount."""
    response = accounts.GetAccountResponse()
    _encode(view.account, response.account)
    for conversation in view.conversations:
        _conversation(conversation, response.conversations.add())
    for candidate in view.candidates:
        response.candidates.add(
            key=candidate.key,
            type=_TYPES[candidate.type],
            value=candidate.value,
            conversation_id=candidate.conversation_id,
            turn_ids=candidate.turn_ids,
        )
    return response


def update_response(changed: AccountChanged) -> accounts.UpdateAccountResponse:
    """Return the answer to an UpdateAccount."""
    response = accounts.UpdateAccountResponse(replayed=changed.replayed)
    _encode(changed.account, response.account)
    return response


def forget_response(erased: Erased) -> accounts.ForgetAccountResponse:
    """Return the answer to a ForgetAccount."""
    return accounts.ForgetAccountResponse(counts=erased.counts)


def _encode(account: Account, out: accounts.Account) -> None:
    out.tenant_id, out.account_id = account.key.tenant_id, account.key.account_id
    out.revision = account.revision
    for fact in account.facts:
        message = out.facts.add(
            key=fact.key, type=_TYPES[fact.type], value=fact.value, source=fact.source
        )
        encode.time(fact.confirmed_at, message.confirmed_at)
        if fact.expires_at:
            encode.time(fact.expires_at, message.expires_at)


def _conversation(value: AccountConversation, out: accounts.AccountConversation) -> None:
    out.conversation_id, out.closed = value.conversation_id, value.closed
    encode.time(value.opened_at, out.opened_at)
    if value.recap is not None:
        out.recap = value.recap.text
        out.recap_turn_ids.extend(value.recap.turn_ids)
        if value.recap.at:
            encode.time(value.recap.at, out.recap_at)
