"""What stands for old turns: facts, quoted sentences, and the fold that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from contextd.model.session import Role, Usage


class FactKind(Enum):
    """What a key fact states."""

    PREFERENCE = "preference"
    DECISION = "decision"
    COMMITMENT = "commitment"
    CORRECTION = "correction"
    INSTRUCTION = "instruction"
    OPEN_ISSUE = "open_issue"
    ACTION = "action"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing worth knowing without the turn it came from.

    `label` names the value of an `ENTITY` ("order id", "e-mail", "amount"); `sequence` is
    the turn that states it (the newest one, if it was repeated).  `weight` is what it was
    worth beside the others when it was chosen, 0 when unknown; it is no part of what is
    stated.
    """

    kind: FactKind
    text: str
    sequence: int
    label: str = ""
    weight: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A piece of a turn, quoted; `score` orders sentences for a summary."""

    sequence: int
    role: Role
    text: str
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Retold:
    """A sentence that a model wrote about turns.

    It speaks for all turns of its fold; `sequence` is the one it comes nearest to.
    """

    sequence: int
    text: str


@dataclass(frozen=True, slots=True)
class Retelling:
    """What a model is asked to retell: what to do, what to retell, and in how many tokens.

    `material` is quoted data, one line a turn.
    """

    instruction: str
    material: str
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What a model answered: unchecked text, and what it cost.

    `usage` is None when the endpoint did not say; `complete` is False when it stopped for
    another reason than having finished.
    """

    text: str
    usage: Usage | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Fold:
    """What stands in the prompt for the turns 1..`through`.

    One fold carries every compressed form, so that a change of tier needs no new work:
    `summary` for `SUMMARY`, `facts` from `KEY_FACTS` on, `pinned` in both.
    `source_tokens` counts the turns it stands for.  `method` says who wrote the summary.
    `retold`, where a model has written it, is shown in place of `summary`, which stays: the
    next fold and handoffs are made of quotations alone.
    """

    through: int
    summary: tuple[Sentence, ...]
    facts: tuple[Fact, ...]
    pinned: tuple[Sentence, ...]
    source_tokens: int
    method: str = "extractive"
    retold: tuple[Retold, ...] = ()
