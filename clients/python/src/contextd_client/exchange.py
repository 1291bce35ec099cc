"""One exchange with the customer, while it lasts: a value without a connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contextd_client.turns import ModelState, Role, ToolCall, Turn, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd_client.results import Context, Recorded


@dataclass(slots=True)
class Exchange:
    """What the customer said, the context built for it, and what came of it.

    Yielded by `Session.turn`.  `recorded` is set when the block has been left and the
    exchange is durable; until then the same `request_id` records `turns` exactly once.
    """

    message: Turn
    context: Context
    request_id: str
    recorded: Recorded | None = None
    _between: list[Turn] = field(default_factory=list)
    _answer: Turn | None = None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The message, what was added, and the answer, in order."""
        return (self.message, *self._between, *([self._answer] if self._answer else []))

    def add(self, *turns: Turn) -> None:
        """Keep turns between message and answer: tool calls and their results."""
        self._between.extend(turns)

    def answer(
        self,
        text: str,
        *,
        usage: Usage | None = None,
        model_state: ModelState | None = None,
        tool_calls: Sequence[ToolCall] = (),
    ) -> None:
        """Set the assistant's answer; the last one counts."""
        self._answer = Turn(
            Role.ASSISTANT,
            text,
            usage=usage,
            model_state=model_state,
            tool_calls=tuple(tool_calls),
        )

    def withdraw_answer(self) -> None:
        """Forget the answer: the customer has not seen it."""
        self._answer = None
