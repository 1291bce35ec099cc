"""The vocabulary of the session log: what can have happened to a session.

A session is an append-only sequence of these records; record number n has revision n.
The live state is a pure fold over them (`policy/state.py`), so replaying the log gives
back everything that was ever known.  Records are only ever added to: a field may join
with a default, none may leave or change its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

from contextd.model import (
    AccountFact,
    Budget,
    DeferralOutcome,
    Escalation,
    Fold,
    Framing,
    Handoff,
    HandoffOutcome,
    Recap,
    RepeatContact,
    Retold,
    SessionOutcome,
    Tier,
    Turn,
    Usage,
)


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The first record of every session.

    `incarnation` tells the session from another that was begun under the same key after a
    deletion; a log from before there was one has "".
    """

    at: int
    account_id: str
    incarnation: str = ""


@dataclass(frozen=True, slots=True)
class AccountLinked:
    """An anonymous session became known to belong to an account."""

    at: int
    account_id: str


@dataclass(frozen=True, slots=True)
class TurnsRecorded:
    """The turns of one request, with the answer that request was given.

    `encoding` names the tokenizer that counted the turns; `budget` is the newest one a
    caller stated, `framing` what stood beside the conversation then, both None where they are
    what the log said before; `escalation` is part of the answer, kept so that a retry gets the very
    same one.  `switched` says that with these turns the pressure reached its mark, and the
    prepared fold came into force.  `digest` is the SHA-256 of the request's content, in hex;
    `policy_hash` tells by which rules all this was decided.
    """

    at: int
    request_id: str
    digest: str
    turns: tuple[Turn, ...]
    encoding: str
    tier: Tier
    pressure: float
    budget: Budget | None = None
    escalation: Escalation = Escalation()
    switched: bool = False
    policy_hash: str = ""
    framing: Framing | None = None


@dataclass(frozen=True, slots=True)
class Folded:
    """A fold was prepared.  It comes into force when the pressure reaches the next mark."""

    at: int
    fold: Fold


@dataclass(frozen=True, slots=True)
class Summarized:
    """A model was asked to retell the fold of the turns 1..`through`, and answered.

    With a `fault` the answer was not fit to be shown, and `retold` is empty.  `usage` is
    what contextd itself spent, apart from what callers recorded of their own calls;
    `estimated` says that it was counted here, since the endpoint did not report it.
    """

    at: int
    through: int
    retold: tuple[Retold, ...]
    usage: Usage
    estimated: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class HandoffRaised:
    """The conversation was handed to a human; `policy_hash` tells by which rules.

    `announce` says that somebody wants to be told of this handoff and of what becomes of it.
    """

    at: int
    request_id: str
    digest: str
    handoff: Handoff
    announce: bool = False
    policy_hash: str = ""


@dataclass(frozen=True, slots=True)
class HandoffClaimed:
    """A person took the handoff, and with it the conversation."""

    at: int
    request_id: str
    digest: str
    handoff_id: str
    agent: str
    announce: bool = False


@dataclass(frozen=True, slots=True)
class HandoffResolved:
    """The handoff ended; the conversation is the bot's again, or over if `closes`."""

    at: int
    request_id: str
    digest: str
    handoff_id: str
    agent: str
    outcome: HandoffOutcome
    note: str = ""
    closes: bool = False
    announce: bool = False


@dataclass(frozen=True, slots=True)
class TurnDeferred:
    """The message in turn `sequence` waits for the model, until `due_at` at least."""

    at: int
    request_id: str
    digest: str
    deferral_id: str
    sequence: int
    due_at: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class DeferralEnded:
    """What waited is answered, or was given up with an `error`."""

    at: int
    request_id: str
    digest: str
    deferral_id: str
    outcome: DeferralOutcome
    error: str = ""


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The conversation is over.  `rating` is 1..5, 0 when not known."""

    at: int
    request_id: str
    digest: str
    outcome: SessionOutcome
    rating: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Recapped:
    """What the conversation was about was put in a line, for later ones of its account."""

    at: int
    recap: Recap


@dataclass(frozen=True, slots=True)
class ContactRepeated:
    """The conversation begins with what another one of its account was about."""

    at: int
    repeat: RepeatContact


Answering = (
    TurnsRecorded
    | HandoffRaised
    | HandoffClaimed
    | HandoffResolved
    | TurnDeferred
    | DeferralEnded
    | SessionClosed
)
"""The records that answer a request; those with its id are found again for its retries."""

Record = (
    SessionOpened | AccountLinked | Folded | Summarized | Recapped | ContactRepeated | Answering
)


@dataclass(frozen=True, slots=True)
class AccountUpdated:
    """The log of an account: facts were set, and others removed by their keys.

    The first one has the `incarnation` of the account, which tells it from another that was begun
    under the same key after this one was forgotten; "" in a log from before there was one.
    """

    at: int
    request_id: str
    digest: str
    facts: tuple[AccountFact, ...]
    removed: tuple[str, ...] = ()
    incarnation: str = ""
