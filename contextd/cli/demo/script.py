"""What the demo plays: the shipped conversation and rules, and what must come of it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from contextd.cli.conversations import Conversation, conversation


@dataclass(frozen=True, slots=True)
class Script:
    """The conversation, and the words that show whether contextd did its work.

    `must_carry` must stand in the context built for the turn `show_context_at`; the
    handoff must name `order_number`, and `promised` among the commitments.
    """

    conversation: Conversation
    show_context_at: str
    must_carry: tuple[str, ...]
    order_number: str
    promised: str


def load_script() -> Script:
    """Read the conversation from the package."""
    text = files(__package__).joinpath("conversation.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    return Script(
        conversation=conversation(document),
        show_context_at=document["show_context_at"],
        must_carry=tuple(document["must_carry"]),
        order_number=document["order_number"],
        promised=document["promised"],
    )


def policy_text() -> str:
    """Read the rules of the demo's daemon; docs/policy.md has the worksheet behind them."""
    return files(__package__).joinpath("policy.toml").read_text(encoding="utf-8")
