"""The JSON body of a request as its rules read it."""

from __future__ import annotations

import json
from typing import Any


def read_body(rendered: str) -> tuple[dict[str, Any], str]:
    """Return the body, whose `messages` are a list that is not empty, or why it is none."""
    try:
        body = json.loads(rendered)
    except ValueError as error:
        return {}, f"not JSON: {error}"
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages:
        return {}, "messages: missing or empty"
    return body, ""
