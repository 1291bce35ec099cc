"""Words that belong to one tenant alone, and where they turn up."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

FORM = re.compile(rb"zq[0-9a-f]{12}", re.IGNORECASE)
"""One word to every tokenizer, stemmer and rule; nothing else looks like it."""


@dataclass(frozen=True)
class Tenant:
    """A tenant, its canary, and its credential."""

    name: str
    canary: str
    token: str

    @classmethod
    def numbered(cls, number: int, seed: int) -> Tenant:
        """Return tenant *number* of the run *seed*; a run can be repeated."""
        made = hashlib.sha256(f"{seed}/{number}".encode()).hexdigest()
        return cls(f"tenant-zq{made[:12]}", f"zq{made[12:24]}", f"ctxd_{made}")


@dataclass
class Findings:
    """What went wrong, the first of each kind in full, and how much was looked at.

    `own` counts canaries that were seen where they belong: without them a run that found
    nothing would have looked at nothing.
    """

    crossings: int = 0
    surprises: int = 0
    own: int = 0
    looked_at_bytes: int = 0
    examples: list[str] = field(default_factory=list)

    def look(self, where: str, content: bytes, *owners: Tenant) -> None:
        """Look for canaries and names that are not of *owners*."""
        self.looked_at_bytes += len(content)
        names = {
            word.encode()
            for owner in owners
            for word in (owner.canary, owner.name.removeprefix("tenant-"))
        }
        for word in FORM.findall(content):
            if word.lower() in names:
                self.own += 1
            else:
                self.crossings += 1
                self.note(f"{where}: a stranger's {word.decode()}")

    def expect(self, holds: bool, what: str) -> None:  # noqa: FBT001 - as an assertion reads
        """Note *what* as a surprise unless it *holds*."""
        if not holds:
            self.surprises += 1
            self.note(what)

    def note(self, what: str) -> None:
        """Keep the first few."""
        if len(self.examples) < KEPT:
            self.examples.append(what)

    @property
    def clean(self) -> bool:
        """Whether nothing crossed and nothing surprised."""
        return not self.crossings and not self.surprises


KEPT = 20

NOUNS = "lamp order invoice parcel account card refund address phone ticket".split()
VERBS = "broke arrived vanished changed expired doubled froze leaked".split()
FORMS = (
    "My {noun} {verb} and I prefer {canary} for every delivery.",
    "Please remember that the {noun} number is {number}, code {canary}.",
    "We decided that the {noun} goes to {canary} on Monday.",
    "No, not {number}, the {noun} is {canary}.",
    "Why has the {noun} {verb}? The reference is {canary}.",
    "I will send the {noun} {number} to {canary} tomorrow.",
)


def sentence(chance: random.Random, canary: str) -> str:
    """Return something a customer might say, with *canary* in it."""
    return chance.choice(FORMS).format(
        noun=chance.choice(NOUNS),
        verb=chance.choice(VERBS),
        number=chance.randrange(10_000),
        canary=canary,
    )
