"""How the contextd in memory lets conversations out and in: a file of its own, for itself."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Protocol

from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as service
from contextd.v1 import session_service_pb2 as sessions

from contextd_client.errors import ArchiveInvalid, SessionExists, SessionNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Answers = dict[str, tuple[bytes, service.RecordTurnResponse]]
"""What requests were answered, by their ids, each with its body."""

HEADER = "contextd_session"


class Conversation(Protocol):
    """A session of the fake."""

    account: str
    revision: int
    turns: list[common.Turn]
    recorded: Answers


def written(
    request: sessions.ExportSessionRequest, log: Conversation
) -> sessions.ExportSessionResponse:
    """Return the lines of a conversation: its turns, and the answers to its requests."""
    if not log.turns:
        raise SessionNotFound(reason="SESSION_NOT_FOUND")
    lines: list[Mapping[str, object]] = [
        {HEADER: 1, "conversation_id": request.session.conversation_id},
        {"kind": "session_opened", "at": 0, "account_id": log.account},
        *({"kind": "fake_turn", "turn": _text(turn.SerializeToString())} for turn in log.turns),
        *(
            {
                "kind": "fake_answer",
                "request_id": each,
                "body": _text(body),
                "answer": _text(answer.SerializeToString()),
            }
            for each, (body, answer) in log.recorded.items()
        ),
    ]
    lines.append({"end": len(lines) - 1})
    text = b"".join(json.dumps(each).encode() + b"\n" for each in lines)
    return sessions.ExportSessionResponse(lines=text)


def taken(
    logs: Mapping[tuple[str, str], Conversation],
    parts: Sequence[sessions.ImportSessionRequest],
    begin: Callable[[common.SessionRef, Sequence[common.Turn], Answers], int],
) -> sessions.ImportSessionResponse:
    """Let *begin* take the conversation in *parts*, unless it is among *logs*."""
    file = _File()
    file.read(b"".join(each.lines for each in parts))
    tenant, name = parts[0].tenant_id, file.conversation
    there = logs.get((tenant, name))
    if there is None:
        ref = common.SessionRef(tenant_id=tenant, conversation_id=name, account_id=file.account)
        revision = begin(ref, file.turns, file.recorded)
    elif there.turns[: len(file.turns)] != file.turns:
        raise SessionExists(reason="SESSION_EXISTS")
    else:
        revision = there.revision
    return sessions.ImportSessionResponse(
        conversation_id=name,
        revision=revision,
        records=len(file.turns) + 1,
        turns=len(file.turns),
        already_there=there is not None,
    )


class _File:
    """A conversation as `written` tells it."""

    def __init__(self) -> None:
        self.conversation = self.account = ""
        self.turns: list[common.Turn] = []
        self.recorded: Answers = {}
        self._ended = False

    def read(self, lines: bytes) -> None:
        """Read all of it.

        Raises:
            ArchiveInvalid: a line is none of `written`.
        """
        number = 0
        for number, line in enumerate(lines.splitlines(), 1):
            try:
                self._take(number, json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise _invalid(number) from error
        if not self._ended:
            raise _invalid(number + 1)

    def _take(self, number: int, value: Mapping[str, str]) -> None:
        if number == 1:
            self.conversation, _ = value["conversation_id"], value[HEADER]
        elif "end" in value:
            self._ended = int(value["end"]) == number - 2
        elif value["kind"] == "session_opened":
            self.account = value["account_id"]
        elif value["kind"] == "fake_turn":
            self.turns.append(common.Turn.FromString(b64decode(value["turn"])))
        else:
            answer = service.RecordTurnResponse.FromString(b64decode(value["answer"]))
            self.recorded[value["request_id"]] = (b64decode(value["body"]), answer)


def _invalid(line: int) -> ArchiveInvalid:
    return ArchiveInvalid(reason="ARCHIVE_INVALID", metadata={"line": str(line), "field": ""})


def _text(value: bytes) -> str:
    return b64encode(value).decode()
