"""What became of a tool call or an action, by what is said of it.

It succeeded or failed where that is said, is pending where it waits for something, and is
done where there is a result that says nothing of the kind.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SUCCEEDED, DONE, PENDING, FAILED, UNKNOWN = "succeeded", "done", "pending", "failed", "unknown"

_WELL = frozenset("succeeded success successful ok okay done completed complete confirmed".split())
_WAITS = re.compile(
    r"(?<![a-z])(?:pending|queued?|waiting|awaiting|awaits|on hold|in progress|in review|"
    r"under review|processing|scheduled|submitted|requested|started|initiated|needs?|requires?|"
    r"required|manual|deferred|postponed|retrying|not yet)(?![a-z])"
)
_FAILS = re.compile(
    r"(?<![a-z])(?:fail(?:ed|s|ure)?|errors?|errored|exception|denied|time(?:d )?out|aborted|"
    r"rejected|invalid|unauthorized|forbidden|not found|unavailable|unsuccessful)(?![a-z])"
)
"""Words of a status; a status has `_STATUS_WORDS` at most, what is longer is prose."""
_STATUS_WORDS = 4
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
_BREAK = re.compile(r"[\s_-]+")
_HTTP_FAILURE = 400
_HTTP_END = 600
_MAX_JSON = 65_536
_MAX_DETAIL = 120


def read_status(status: str) -> str:
    """Return what an action's status, in the caller's words, says of its outcome."""
    words = _status_words(status)
    if words.replace(" ", "_") in _WELL:
        return SUCCEEDED
    if not words or words.count(" ") >= _STATUS_WORDS:
        return UNKNOWN
    if _FAILS.search(words):
        return FAILED
    return PENDING if _WAITS.search(words) else UNKNOWN


def _status_words(status: str) -> str:
    """Return a status as words: "PENDING_MANUAL" → "pending manual"."""
    return " ".join(_BREAK.split(status[:_MAX_DETAIL].lower())).strip()


def read_result(text: str, *, looked_up: bool = True) -> tuple[str, str]:
    """Return (outcome, short detail) of a tool's result as the tool gave it.

    The status in the result of a look-up is the status of what was looked up; that of
    anything else says what became of the call itself.

    A JSON object fails by what it says at its top level (`error`, `success`, `status`,
    `code`); other text fails when it *begins* like an error.  The words inside a result
    are data: a knowledge article about errors is no failure.
    """
    plain = text.lstrip()[: _MAX_JSON + 1]
    if not plain:
        return UNKNOWN, ""
    if plain[0] in "{[":
        return _read_json(plain, looked_up=looked_up)
    if _PLAIN_FAILURE.match(plain):
        return FAILED, shorten(plain)
    return DONE, ""


def shorten(text: str, limit: int = _MAX_DETAIL) -> str:
    """Return *text* on one line, cut to *limit* characters with a visible mark."""
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}\u2026"


def _read_json(text: str, *, looked_up: bool) -> tuple[str, str]:
    if len(text) > _MAX_JSON:
        return UNKNOWN, ""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return UNKNOWN, ""
    if not isinstance(value, dict):
        return DONE, ""
    inner = value.get("response", value.get("result"))
    if _fails(value):
        return FAILED, _detail(value)
    if isinstance(inner, dict) and _fails(inner):
        return FAILED, _detail(inner)
    return _result_status(inner if isinstance(inner, dict) else value, looked_up=looked_up)


def _result_status(value: Mapping[str, object], *, looked_up: bool) -> tuple[str, str]:
    """Return what a result without a failure says of the call."""
    if value.get("success") is True or value.get("ok") is True:
        return SUCCEEDED, ""
    said = next((text for key in _STATUS_KEYS if isinstance(text := value.get(key), str)), "")
    outcome = UNKNOWN if looked_up else read_status(said)
    if outcome == PENDING:
        return PENDING, "; ".join(filter(None, (shorten(said), _detail(value))))
    return (SUCCEEDED, "") if outcome == SUCCEEDED else (DONE, "")


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
