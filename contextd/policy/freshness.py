"""When a conversation has grown so long that beginning a new one would serve it better.

Turns only become more, so a mark is crossed for good; it is told once, and again each time the
conversation has doubled since.  It is told with every context from the next message on, until
the assistant has answered that: so a retry is told it again, and nobody twice.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from contextd.model import FreshStart, HandoffState, LengthMark, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.policy.rules import SessionRules
    from contextd.policy.state import SessionState

RECALLED = (
    "This conversation has become very long. For a new topic it is better to begin a new one: "
    "what was said here is remembered there when it matters."
)
NOT_RECALLED = (
    "This conversation has become very long. For a new topic it is better to begin a new one."
)
"""What the user may be told: with an account, recaps of this conversation are recalled."""


def fresh_start(state: SessionState, rules: SessionRules) -> FreshStart | None:
    """Return the suggestion to begin a new conversation, None unless one is due."""
    if state.handoff_state is not HandoffState.BOT:
        return None
    crossed = tuple(_crossed(state, rules))
    if not crossed or _answered_since(state, max(at for _, at in crossed)):
        return None
    recalled = bool(state.account_id)
    return FreshStart(
        RECALLED if recalled else NOT_RECALLED,
        tuple(mark for mark, _ in crossed),
        recalled,
    )


def _crossed(state: SessionState, rules: SessionRules) -> Iterator[tuple[LengthMark, int]]:
    """Yield each mark that was crossed, at its newest doubling, with the turn that did it."""
    if reached := _reached(len(state.turns), rules.long_turns):
        yield LengthMark("turns", len(state.turns), reached), reached
    if reached := _reached(state.total_tokens, rules.long_tokens):
        at = bisect_left(state.running_tokens, reached)
        yield LengthMark("tokens", state.total_tokens, reached), at
    if reached := _reached(len(state.switches), rules.long_folds):
        yield LengthMark("folds", len(state.switches), reached), state.switches[reached - 1]


def _reached(value: int, mark: int) -> int:
    """Return *mark*, or the highest doubling of it, that *value* has reached; 0 for none."""
    return mark << ((value // mark).bit_length() - 1) if mark and value >= mark else 0


def _answered_since(state: SessionState, sequence: int) -> bool:
    """Say whether the assistant has answered a message that came after the turn *sequence*.

    The context of an earlier one was built when that turn was not yet there.
    """
    for turn in reversed(state.turns):
        if turn.sequence <= sequence:
            return False
        if turn.role is Role.ASSISTANT:
            return state.exchange_start(turn.sequence) > sequence
    return False
