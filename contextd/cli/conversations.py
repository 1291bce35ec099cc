"""Conversations in files: one JSON object a line, read one at a time.

    {"session_id": "42", "turns": [{"turn_id": 1, "role": "user", "text": "Hello"}, …]}

A turn may also have `speaker`, `timestamp`, `tool_calls`, `tool_call_id`, `actions`,
`model_state` and `retention`, named as in the public contract.  System turns at the start
are the system prompt, after a `system_prompt` of the session itself.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from datetime import UTC
from typing import IO, TYPE_CHECKING, Any

from google.protobuf import json_format

from contextd.cli.times import parse_time
from contextd.errors import ContextdError
from contextd.v1 import common_pb2 as common

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ROLES: Mapping[str, common.Role] = {
    "user": common.ROLE_USER,
    "assistant": common.ROLE_ASSISTANT,
    "tool": common.ROLE_TOOL,
    "human_agent": common.ROLE_HUMAN_AGENT,
}
RETENTIONS: Mapping[str, common.Retention] = {
    "keep": common.RETENTION_KEEP,
    "summarize": common.RETENTION_SUMMARIZE,
    "discard": common.RETENTION_DISCARD,
}
AS_THEY_ARE = ("tool_calls", "tool_call_id", "actions", "evidence", "usage", "model_state")
"""Fields of a turn that are written as the contract names them."""


class FileUnreadable(ContextdError):
    """The file holds no conversations."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One session to play.  `skipped` counts turns that say nothing or have no known role."""

    session_id: str
    system_prompt: str
    turns: tuple[common.Turn, ...]
    skipped: int = 0


def read(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a `.jsonl` or `.jsonl.gz` file, one line in memory at a time.

    Raises:
        FileUnreadable: naming the line.
    """
    number = 0
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield conversation(json.loads(line), fallback_id=str(number))
    except KeyError as error:
        raise FileUnreadable(f"{path}:{number}: {error} is missing in this session") from error
    except (OSError, EOFError, ValueError, TypeError) as error:
        where = f"{path}:{number}" if number else str(path)
        raise FileUnreadable(f"{where}: {type(error).__name__}: {error}") from error


def conversation(document: Mapping[str, Any], *, fallback_id: str = "") -> Conversation:
    """Return the conversation that a decoded JSON (or TOML) object describes."""
    system = [document["system_prompt"].strip()] if "system_prompt" in document else []
    turns: list[common.Turn] = []
    skipped = 0
    for entry in document["turns"]:
        if entry["role"] == "system" and not turns:
            system.append(entry["text"])
        elif (turn := turn_from_json(entry)) is not None:
            turns.append(turn)
        else:
            skipped += 1
    name = str(document.get("session_id") or fallback_id)
    return Conversation(name, "\n\n".join(system), tuple(turns), skipped)


def turn_from_json(entry: Mapping[str, Any]) -> common.Turn | None:
    """Return the turn that *entry* describes, or None when there is nothing to record."""
    role = ROLES.get(entry["role"])
    text = entry.get("text") or ""
    if role is None or not (text.strip() or entry.get("tool_calls") or entry.get("tool_call_id")):
        return None
    speaker = entry.get("speaker") or entry.get("author") or ""
    turn = common.Turn(
        turn_id=str(entry.get("turn_id", "")),
        role=role,
        author="" if speaker == entry["role"] or role == common.ROLE_TOOL else speaker,
        text=text,
    )
    moment = parse_time(entry.get("timestamp"))
    if moment is not None:
        turn.occurred_at.FromDatetime(moment)
    if entry.get("retention"):
        turn.retention = RETENTIONS[entry["retention"]]
    rest = {name: entry[name] for name in AS_THEY_ARE if entry.get(name)}
    return json_format.ParseDict(rest, turn)


def turn_to_json(turn: common.Turn) -> dict[str, Any]:
    """Return *turn* as `turn_from_json` reads it, with its sequence and tokens."""
    entry: dict[str, Any] = {
        "turn_id": turn.turn_id,
        "role": common.Role.Name(turn.role).removeprefix("ROLE_").lower(),
        "text": turn.text,
    }
    if turn.author:
        entry["speaker"] = turn.author
    if turn.HasField("occurred_at"):
        entry["timestamp"] = turn.occurred_at.ToDatetime(tzinfo=UTC).isoformat()
    if turn.retention:
        entry["retention"] = common.Retention.Name(turn.retention).partition("_")[2].lower()
    whole = json_format.MessageToDict(turn, preserving_proto_field_name=True)
    entry |= {name: whole[name] for name in AS_THEY_ARE if name in whole}
    return entry | {"sequence": turn.sequence, "tokens": turn.tokens}


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")
