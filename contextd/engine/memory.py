"""What is remembered of a session, since one message after the other asks for it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd.engine.choosing import Choices
from contextd.engine.noticing import Heeded, Noticed
from contextd.engine.telling import Told

if TYPE_CHECKING:
    from contextd.model import Fold
    from contextd.policy.prompt.blocks import Line


@dataclass(slots=True)
class Memory:
    """What was made of a session under one policy, whose hash it bears.

    Under another one it would have come out otherwise, so that a change of the policy begins
    a new memory.  A call that is under way keeps the one it began with: what it still makes
    by the rules of before reaches nobody else.

    `folds` keeps folds made on the fly, by the turn they reach to and the input budget they
    are for, until one is published; `choices` what was chosen of the facts of any fold,
    `told` what stands for one, `noticed` what the newest turns show, `heeded` what binds in
    turns, and `refreshes` what may be told after the newest pause, by the turn before it and
    how many humans had the conversation.
    """

    policy_hash: str = ""
    folds: dict[tuple[int, int], Fold] = field(default_factory=dict)
    choices: Choices = field(default_factory=Choices)
    told: Told = field(default_factory=Told)
    noticed: Noticed = field(default_factory=Noticed)
    heeded: Heeded = field(default_factory=Heeded)
    refreshes: dict[tuple[int, int], tuple[Line, ...]] = field(default_factory=dict)
