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

    `turn_ids` are the turns it is taken from, as the caller gave them.  `at` is when the turn
    `through` was said, `revision` that of the session when it was read, both 0 when not known.
    """

    through: int
    text: str
    turn_ids: tuple[str, ...] = ()
    at: int = 0
    revision: int = 0


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


@dataclass(frozen=True, slots=True)
class Recollection:
    """A recap of another conversation of the account that bears on a message.

    `score` says how much it does.
    """

    conversation_id: str
    recap: Recap
    score: float


@dataclass(frozen=True, slots=True)
class RepeatContact:
    """A conversation began with what an earlier one was about, `days` whole days before.

    A log holds `began_at`, when that one became its account's, in place of its id, which is
    looked up: so the id does not outlive what it names.  It is "" once that is deleted.
    """

    conversation_id: str
    days: int
    score: float
    began_at: int = 0


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What is known of who is talking, for one message.

    `facts` are confirmed and have not expired; `recollections` are the best first.
    """

    facts: tuple[AccountFact, ...] = ()
    recollections: tuple[Recollection, ...] = ()
    repeat: RepeatContact | None = None


@dataclass(frozen=True, slots=True)
class AccountCandidate:
    """Something said in a chat that could be a fact, if the caller confirms it."""

    key: str
    type: AccountFactType
    value: str
    conversation_id: str
    turn_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of an account: facts that have not expired, by key."""

    key: AccountKey
    facts: tuple[AccountFact, ...]
    revision: int


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as an operator sees it; the newest conversations first."""

    account: Account
    conversations: tuple[AccountConversation, ...]
    candidates: tuple[AccountCandidate, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A request to change the facts of an account, exactly once per `request_id`.

    `named` are the keys that change, set to what stands in `facts` or removed; None stands
    for those in `facts`.  With `replace` all facts change.
    """

    key: AccountKey
    facts: tuple[AccountFact, ...]
    named: frozenset[str] | None = None
    replace: bool = False
    request_id: str = ""
    expected_revision: int | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """The account after a change; `replayed` when this answers a retry."""

    account: Account
    replayed: bool = False
