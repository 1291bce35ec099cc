"""The manual shows what a daemon makes of the demo's conversation, to the letter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from contextd.cli.demo.script import load_script
from tests.acceptance.caller import Conversation

if TYPE_CHECKING:
    import grpc

MANUAL = Path(__file__).parents[2] / "docs" / "handoff.md"
FOOT = re.compile(r"Handoff \S+, \d{4}-\d\d-\d\d \d\d:\d\d UTC\.")
SHOWN = "Handoff 7c1e0a, 2024-06-05 19:46 UTC."
"""Id and time are the daemon's own; the manual shows these."""


def test_the_manual_shows_the_handoff_of_the_demo(channel: grpc.Channel) -> None:
    """As the daemon renders it, but for its own id and time."""
    script = load_script()
    talk = Conversation(channel)
    talk.ref.tenant_id, talk.ref.account_id = "demo", "C-20871"
    talk.ref.conversation_id = script.conversation.session_id
    talk.record(*script.conversation.turns)
    raised = talk.escalate(
        reason="ESCALATION_REASON_USER_REQUEST", channel_mode="CHANNEL_MODE_SYNC"
    )
    note, count = FOOT.subn(SHOWN, raised.markdown)
    assert count == 1
    assert note in MANUAL.read_text(encoding="utf-8"), note
