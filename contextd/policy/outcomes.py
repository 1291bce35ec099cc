"""What became of a tool call or an action: succeeded, failed, or not known."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCEEDED, FAILED, UNKNOWN = "succeeded", "failed", "unknown"

_WELL = frozenset("succeeded success successful ok okay done completed complete confirmed".split())
_BADLY = frozenset(
    "failed failure fail error errored exception denied timeout timed_out aborted invalid "
    "unauthorized forbidden not_found unavailable".split()
)
_TOOL_FAILED = frozenset("error failed failure timeout timed_out exception unavailable".split())
"""An order may well be "cancelled" or "declined": that is data, not a failed look-up."""

_STATUS_KEYS = ("status", "state", "result", "outcome")
_DETAIL_KEYS = ("error", "error_message", "message", "detail", "reason", "errors", "exception")
_PLAIN_FAILURE = re.compile(
    r"\W*(?:\w*error\b|\w*exception\b|traceback\b|failed\b|failure\b|timed? ?out\b|timeout\b"
    r"|unable to\b|could not\b|couldn't\b|permission denied|access denied|service unavailable"
    r"|internal server error|(?:http )?[45]\d\d (?:bad|not|internal|service|gateway|unauthori[sz]ed"
    r"|forbidden|too many|client|server)\b)",
    re.IGNORECASE,
)
_HTTP_FAILURE = 400
_HTTP_END = 600
_MAX_JSON = 65_536
_MAX_DETAIL = 120


def read_status(status: str) -> str:
    """Return what an action's status, in the caller's words, says of its outcome."""
    word = status.strip().lower().replace(" ", "_")
    if word in _WELL:
        return SUCCEEDED
    return FAILED if word in _BADLY else UNKNOWN


def read_result(text: str) -> tuple[str, str]:
    """Return (outcome, short detail) of a tool's result as the tool gave it.

    A JSON object fails by what it says at its top level (`error`, `success`, `status`,
    `code`); other text fails when it *begins* like an error.  The words inside a result
    are data: a knowledge article about errors is no failure.
    """
    plain = text.lstrip()[: _MAX_JSON + 1]
    if not plain:
        return UNKNOWN, ""
    if plain[0] in "{[":
        return _read_json(plain)
    if _PLAIN_FAILURE.match(plain):
        return FAILED, shorten(plain)
    return SUCCEEDED, ""


def shorten(text: str, limit: int = _MAX_DETAIL) -> str:
    """Return *text* on one line, cut to *limit* characters with a visible mark."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}\u2026"


def _read_json(text: str) -> tuple[str, str]:
    if len(text) > _MAX_JSON:
        return UNKNOWN, ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return UNKNOWN, ""
    if not isinstance(value, dict):
        return SUCCEEDED, ""
    inner = value.get("response", value.get("result"))
    if _fails(value):
        return FAILED, _detail(value)
    if isinstance(inner, dict) and _fails(inner):
        return FAILED, _detail(inner)
    return SUCCEEDED, ""


def _fails(value: Mapping[str, object]) -> bool:
    if value.get("error") or value.get("errors") or value.get("exception"):
        return True
    if value.get("success") is False or value.get("ok") is False or value.get("is_error") is True:
        return True
    code = value.get("status_code", value.get("statusCode", value.get("status")))
    if isinstance(code, int) and not isinstance(code, bool) and _HTTP_FAILURE <= code < _HTTP_END:
        return True
    return any(str(value.get(key, "")).strip().lower() in _TOOL_FAILED for key in _STATUS_KEYS)


def _detail(value: Mapping[str, object]) -> str:
    for key in _DETAIL_KEYS:
        found = value.get(key)
        if isinstance(found, dict):
            found = found.get("message") or found.get("detail")
        if isinstance(found, str) and found:
            return shorten(found)
    return ""
