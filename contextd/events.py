"""The vocabulary of the session log: what can have happened to a session.

A session is an append-only sequence of these records; record number n has revision n.
The live state is a pure fold over them (`policy/state.py`), so replaying the log gives
back everything that was ever known.  Records are only ever added to: a field may join
with a default, none may leave or change its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

from contextd.model import Budget, Escalation, Fold, Handoff, Retold, Tier, Turn, Usage


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """The first record of every session."""

    at: int
    account_id: str


@dataclass(frozen=True, slots=True)
class AccountLinked:
    """An anonymous session became known to belong to an account."""

    at: int
    account_id: str


@dataclass(frozen=True, slots=True)
class TurnsRecorded:
    """The turns of one request, with the answer that request was given.

    `encoding` names the tokenizer that counted the turns; `budget` is the newest one a
    caller stated; `escalation` is part of the answer, kept so that a retry gets the very
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
    """The conversation was handed to a human; `policy_hash` tells by which rules."""

    at: int
    request_id: str
    digest: str
    handoff: Handoff
    policy_hash: str = ""


Record = SessionOpened | AccountLinked | TurnsRecorded | Folded | Summarized | HandoffRaised
