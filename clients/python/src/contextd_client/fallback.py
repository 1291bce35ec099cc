"""What is sent to the model when contextd cannot be reached: the newest messages, as they were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contextd_client.results import Context, Degradation, Message, SectionKind
from contextd_client.turns import Format, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd_client.errors import ContextdError
    from contextd_client.turns import Budget, Turn

LETTERS_PER_TOKEN = 3
"""An estimate on the safe side for English: nothing counts tokens here."""

_TALK = frozenset({Role.USER, Role.ASSISTANT, Role.HUMAN_AGENT})


def fallback(
    history: Sequence[Turn],
    message: Turn | None,
    *,
    system: str,
    budget: Budget,
    form: Format,
    cause: ContextdError,
) -> Context:
    """Return a context of the newest talk that fits by estimate, flagged `degraded`.

    Tool calls and their results are left out, since half of a pair is refused by
    providers; the first message after the system prompt is the customer's.
    """
    room = (budget.context_window_tokens - budget.reserved_output_tokens) * LETTERS_PER_TOKEN
    room -= len(system) + (len(message.text) if message else 0)
    kept: list[Message] = []
    for turn in reversed(history):
        if turn.role not in _TALK or not turn.text.strip():
            continue
        room -= len(turn.text)
        if room < 0:
            break
        kept.append(_message(turn, SectionKind.VERBATIM))
    while kept and kept[-1].role is not Role.USER:
        kept.pop()
    messages = [Message(Role.SYSTEM, system, SectionKind.SYSTEM)] if system else []
    messages += reversed(kept)
    if message is not None:
        messages.append(_message(message, SectionKind.MESSAGE))
    return Context(
        messages=tuple(messages),
        rendered_json=_render(messages, budget, form),
        degradations=(Degradation("CONTEXTD_UNAVAILABLE", str(cause)),),
        degraded=True,
    )


def _message(turn: Turn, section: SectionKind) -> Message:
    return Message(turn.role, turn.text, section, author=turn.author)


def _render(messages: Sequence[Message], budget: Budget, form: Format) -> str:
    if form is Format.NEUTRAL:
        return ""
    talk = [_plain(each) for each in messages if each.role is not Role.SYSTEM]
    system = "".join(each.text for each in messages if each.role is Role.SYSTEM)
    body: dict[str, object] = {"model": budget.model} if budget.model else {}
    if form is Format.ANTHROPIC_MESSAGES:
        body["max_tokens"] = max(1, budget.reserved_output_tokens)
        body |= {"system": system} if system else {}
        body["messages"] = talk
    else:
        body["messages"] = ([{"role": "system", "content": system}] if system else []) + talk
        if budget.reserved_output_tokens > 0:
            body["max_completion_tokens"] = budget.reserved_output_tokens
    return json.dumps(body)


def _plain(message: Message) -> dict[str, str]:
    role = "user" if message.role is Role.USER else "assistant"
    return {"role": role, "content": message.text}
