"""What a method put in front of the model, in a form that every scorer reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from benchmarks.quality.counting import cost
from benchmarks.quality.words import all_words, normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Context:
    """A context: its whole text, the ids of the turns it cites, and its tokens.

    `refused` is the reason when the daemon built none; such a context holds nothing.
    """

    text: str
    turn_ids: frozenset[str]
    tokens: int
    refused: str = ""

    @cached_property
    def words(self) -> frozenset[str]:
        """The distinct words of the whole text."""
        return frozenset(all_words(self.text))

    @cached_property
    def phrase(self) -> str:
        """The whole text, normalised for looking values up."""
        return normalised(self.text)


def of_turns(turns: Iterable[Mapping[str, Any]]) -> Context:
    """Return the context that holds *turns* whole, and nothing else."""
    kept = list(turns)
    return Context(
        "\n".join(turn["text"] for turn in kept),
        frozenset(turn["turn_id"] for turn in kept),
        sum(cost(turn) for turn in kept),
    )
