"""What an answer says of the conversation as a whole: what it repeats, and that it is long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextd.model import FreshStart, RepeatContact
    from contextd.v1 import context_service_pb2 as service


def repeat(value: RepeatContact, out: service.RepeatContact) -> None:
    """Write which earlier conversation this one repeats into *out*."""
    out.conversation_id = value.conversation_id
    out.days_since = value.days
    out.score = value.score


def fresh_start(value: FreshStart, out: service.FreshStart) -> None:
    """Write the suggestion to begin a new conversation into *out*."""
    out.notice, out.recalled = value.notice, value.recalled
    for mark in value.marks:
        out.marks.add(of=mark.of, value=mark.value, mark=mark.mark)
