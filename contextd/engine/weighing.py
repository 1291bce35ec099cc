"""About how much memory the parts of a session take; what eviction goes by.

Strings are asked for their size, for an accent can make one four times as large; of everything
else there are constants a piece, measured on sessions of our own samples: objects, numbers,
references to them, and what the allocator adds.
"""

from __future__ import annotations

from sys import getsizeof
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.model import Fold, Turn

BYTES_A_TURN = 370
"""What a turn holds beside its text and its id: the object, its numbers, where it is listed."""

BYTES_A_PIECE = 400
"""What a tool call, a piece of evidence or a report of the model holds beside its longest text."""

BYTES_A_FACT = 190
"""What a fact or a sentence of a fold holds beside its text."""

BYTES_A_NOTICED = 1_250
"""What is remembered of one of the newest turns: what it shows."""

BYTES_A_CANDIDATE = 600
"""What is remembered of what a fact of a fold may become: how it competes, and its rank."""

TOLD_SHARE = 4
"""What is remembered to be told of a fold takes about such a part of the fold."""


def bytes_of_turn(turn: Turn) -> int:
    """Return about what *turn* takes; its author's name is shared with other turns."""
    size = BYTES_A_TURN + getsizeof(turn.text) + getsizeof(turn.turn_id)
    for call in turn.tool_calls:
        size += BYTES_A_PIECE + getsizeof(call.arguments_json)
    for item in turn.evidence:
        size += BYTES_A_PIECE + getsizeof(item.snippet)
    for action in turn.actions:
        size += BYTES_A_PIECE + getsizeof(action.detail)
    if turn.model_state is not None:
        size += BYTES_A_PIECE + getsizeof(turn.model_state.reasoning)
    return size + (BYTES_A_PIECE if turn.usage is not None else 0)


def bytes_of_fold(fold: Fold | None) -> int:
    """Return about what *fold* takes."""
    if fold is None:
        return 0
    texts = [fact.text for fact in fold.facts]
    texts += [sentence.text for sentence in (*fold.summary, *fold.pinned)]
    texts += [retold.text for retold in fold.retold]
    return BYTES_A_FACT * len(texts) + sum(map(getsizeof, texts))
