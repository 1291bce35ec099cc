"""What is known of an end customer beyond one conversation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class AccountFactType(Enum):
    """What kind of thing is known: what is wanted, what is so, what is allowed."""

    PREFERENCE = "preference"
    ATTRIBUTE = "attribute"
    PERMISSION = "permission"


@dataclass(frozen=True, slots=True)
class AccountKey:
    """The identity of an account; both parts compare byte for byte."""

    tenant_id: str
    account_id: str


@dataclass(frozen=True, slots=True)
class AccountFact:
    """Something that the caller has confirmed; `expires_at` is 0 when it never does."""

    key: str
    type: AccountFactType
    value: str
    source: str = ""
    confirmed_at: int = 0
    expires_at: int = 0


@dataclass(frozen=True, slots=True)
class Recap:
    """What a conversation was about, up to the turn `through`: a line and its matter.

    `turn_ids` are the turns it is taken from, as the caller gave them.
    """

    through: int
    text: str
    turn_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountConversation:
    """A conversation of an account, as the account's index knows it.

    `revision` is the session's newest, `recap` what was last read of it, if anything.
    """

    conversation_id: str
    opened_at: int
    revision: int
    recap: Recap | None = None
    closed: bool = False
