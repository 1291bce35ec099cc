"""The body of an OpenAI chat completion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contextd.model import Role
from contextd.policy.prompt.formats.identifiers import CallIds, tool_name
from contextd.policy.prompt.layout import is_blank
from contextd.policy.quoting import speaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.model import Message


def render(messages: Sequence[Message], *, model: str, max_tokens: int) -> str:
    """Return the body; blank messages are left out.

    Where several people share a role, "Author: " opens the text: the `name` field takes
    neither spaces nor most scripts.
    """
    ids = CallIds()
    body: dict[str, object] = {"model": model} if model else {}
    body["messages"] = [_message(message, ids) for message in messages if not is_blank(message)]
    if max_tokens > 0:
        body["max_completion_tokens"] = max_tokens
    return json.dumps(body, separators=(",", ":"))


def _message(message: Message, ids: CallIds) -> dict[str, object]:
    match message.role:
        case Role.TOOL:
            answered = ids.of_result(message.tool_call_id)
            return {"role": "tool", "tool_call_id": answered, "content": message.text}
        case Role.ASSISTANT if message.tool_calls:
            return {
                "role": "assistant",
                "content": message.text if message.text.strip() else None,
                "tool_calls": [
                    {
                        "id": given,
                        "type": "function",
                        "function": {
                            "name": tool_name(call.name),
                            "arguments": call.arguments_json or "{}",
                        },
                    }
                    for given, call in ids.of_calls(message.tool_calls)
                ],
            }
        case Role.ASSISTANT:
            return {"role": "assistant", "content": message.text}
        case Role.HUMAN_AGENT:
            return {"role": "assistant", "content": speaker(message.author) + message.text}
        case Role.SYSTEM:
            return {"role": "system", "content": message.text}
        case Role.USER:
            return {"role": "user", "content": speaker(message.author) + message.text}
