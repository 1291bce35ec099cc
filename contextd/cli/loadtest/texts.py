"""What is said in the sessions of a load: whole conversations, again and again, never the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.cli.conversations import FileUnreadable, read
from contextd.cli.demo.script import load_script
from contextd.v1 import common_pb2 as common

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from contextd.cli.conversations import Conversation

NUMBER = re.compile(r"(\d)(\d+)")
STEP = 7_919
"""A prime, by which numbers move from one round through the texts to the next."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Conversations, one after the other, to make sessions of any length from.

    Numbers of two digits or more are others in each session and each round through the
    texts, so that no session holds the same order number twice.
    """

    system_prompt: str
    turns: tuple[common.Turn, ...]

    @property
    def _spoken(self) -> list[common.Turn]:
        """The turns that can stand alone: no calls, no results."""
        roles = {common.ROLE_USER, common.ROLE_ASSISTANT}
        return [turn for turn in self.turns if turn.role in roles and not turn.tool_calls]

    def session(self, number: int, length: int) -> list[common.Turn]:
        """Return the *length* turns of session *number*, which begins with a user's."""
        begins = [at for at, turn in enumerate(self.turns) if turn.role == common.ROLE_USER]
        first = begins[number * STEP % len(begins)]
        told = []
        for at in range(first, first + length):
            rounds, place = divmod(at, len(self.turns))
            told.append(_other(self.turns[place], number * 31 + rounds))
        return told

    def questions(self, count: int) -> list[common.Turn]:
        """Return *count* user messages, no two alike."""
        asked = [turn for turn in self._spoken if turn.role == common.ROLE_USER]
        return [
            common.Turn(
                role=common.ROLE_USER, text=f"{asked[number % len(asked)].text} (no. {number})"
            )
            for number in range(count)
        ]

    def answers(self, count: int) -> list[common.Turn]:
        """Return *count* turns as they come one at a time, the speakers alternating."""
        spoken = self._spoken
        return [_other(spoken[number % len(spoken)], number) for number in range(count)]


def texts_of(conversations: Iterable[Conversation]) -> Texts:
    """Return the texts of *conversations*; the first system prompt is that of all."""
    found = list(conversations)
    prompts = [each.system_prompt for each in found if each.system_prompt]
    turns = tuple(turn for each in found for turn in each.turns)
    if not any(turn.role == common.ROLE_USER and not turn.tool_calls for turn in turns):
        raise FileUnreadable("no user says anything in these conversations")
    return Texts(prompts[0] if prompts else "", turns)


def load_texts(file: Path | None) -> Texts:
    """Read *file*, in the format of `contextd replay`; without one, the demo's conversation.

    Raises:
        FileUnreadable: naming the line.
    """
    return texts_of(read(file) if file else [load_script().conversation])


def _other(turn: common.Turn, shift: int) -> common.Turn:
    """Return *turn* with other numbers, calls of another id, and neither id nor time."""
    other = common.Turn()
    other.CopyFrom(turn)
    other.ClearField("turn_id")
    other.ClearField("occurred_at")
    other.text = NUMBER.sub(lambda found: _moved(found, shift), turn.text)
    for call in other.tool_calls:
        call.id = f"{call.id}-{shift}"
    if other.tool_call_id:
        other.tool_call_id = f"{turn.tool_call_id}-{shift}"
    return other


def _moved(found: re.Match[str], shift: int) -> str:
    """Return another number with as many digits; the first stays, so no zero leads."""
    first, rest = found.groups()
    return f"{first}{(int(rest) + shift * STEP) % 10 ** len(rest):0{len(rest)}d}"
