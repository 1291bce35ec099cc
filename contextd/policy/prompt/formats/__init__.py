"""Provider formats: the request body a context becomes, and whether one is valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.model import Format
from contextd.policy.prompt.formats import anthropic_messages, openai_chat
from contextd.policy.prompt.formats.anthropic_rules import anthropic_violations
from contextd.policy.prompt.formats.neutral_rules import neutral_violations
from contextd.policy.prompt.formats.openai_rules import openai_violations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Context, Message


def render(form: Format, context: Context, *, model: str, max_tokens: int) -> str:
    """Return the request body as ASCII JSON; "" for `NEUTRAL`, which has none.

    The context must have been assembled for *form*.  *max_tokens* bounds the answer; 0
    leaves it to the provider where that is allowed.
    """
    if form is Format.OPENAI_CHAT:
        return openai_chat.render(context.messages, model=model, max_tokens=max_tokens)
    if form is Format.ANTHROPIC_MESSAGES:
        return anthropic_messages.render(context.messages, model=model, max_tokens=max_tokens)
    return ""


def violations(form: Format, rendered: str | Sequence[Message]) -> list[str]:
    """Say what a provider would refuse: a body as JSON, or neutral messages for `NEUTRAL`."""
    if form is Format.NEUTRAL or not isinstance(rendered, str):
        return neutral_violations(() if isinstance(rendered, str) else rendered)
    if form is Format.OPENAI_CHAT:
        return openai_violations(rendered)
    return anthropic_violations(rendered)
