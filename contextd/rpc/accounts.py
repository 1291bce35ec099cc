"""contextd.v1.AccountService: decode, call the verb, encode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from contextd.rpc import account_messages as messages
from contextd.rpc.call import Method
from contextd.rpc.lines import Priority
from contextd.rpc.validation import Limits
from contextd.v1 import account_service_pb2 as accounts

if TYPE_CHECKING:
    from contextd.model import AccountChange, AccountChanged, AccountKey, AccountView, Erased
    from contextd.rpc.gate import Scope

ACCOUNT_SERVICE: str = accounts.DESCRIPTOR.services_by_name["AccountService"].full_name


class AccountVerbs(Protocol):
    """The verbs behind the service."""

    async def get(self, key: AccountKey, *, include_candidates: bool) -> AccountView:
        """Return what is known of an account."""

    async def update(self, change: AccountChange) -> AccountChanged:
        """Change its facts."""

    async def forget(self, key: AccountKey) -> Erased:
        """Remove it with its conversations."""


@dataclass(frozen=True, slots=True)
class AccountServicer:
    """contextd.v1.AccountService."""

    verbs: AccountVerbs
    limits: Limits = field(default_factory=Limits)

    def methods(self) -> tuple[Method[Any], ...]:
        """Return the methods, all of the same priority."""
        last = Priority.INSPECT
        return (
            Method("GetAccount", last, accounts.GetAccountRequest, self.get, _itself),
            Method("UpdateAccount", last, accounts.UpdateAccountRequest, self.update, _itself),
            Method("ForgetAccount", last, accounts.ForgetAccountRequest, self.forget, _itself),
        )

    async def get(
        self, message: accounts.GetAccountRequest, _left: float | None
    ) -> accounts.GetAccountResponse:
        """Return what is known of an account."""
        messages.check_account(message, self.limits)
        key = messages.account_key(message)
        view = await self.verbs.get(key, include_candidates=message.include_candidates)
        return messages.get_response(view)

    async def update(
        self, message: accounts.UpdateAccountRequest, _left: float | None
    ) -> accounts.UpdateAccountResponse:
        """Change the facts of an account."""
        messages.check_update(message, self.limits)
        return messages.update_response(await self.verbs.update(messages.change(message)))

    async def forget(
        self, message: accounts.ForgetAccountRequest, _left: float | None
    ) -> accounts.ForgetAccountResponse:
        """Remove an account."""
        messages.check_account(message, self.limits)
        return messages.forget_response(await self.verbs.forget(messages.account_key(message)))


def _itself(message: Scope) -> Scope:
    return message
