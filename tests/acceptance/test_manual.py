"""The manuals show what a daemon makes of the demo's conversation, by the demo's rules."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from contextd.cli.demo.script import load_script, policy_text
from contextd.config import read_policies
from contextd.v1 import context_service_pb2 as context
from tests.acceptance.caller import Conversation
from tests.acceptance.daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[2] / "docs"
HANDOFFS, POLICY = DOCS / "handoff.md", DOCS / "policy.md"
FOOT = re.compile(r"Handoff \S+, \d{4}-\d\d-\d\d \d\d:\d\d UTC\.")
SHOWN = "Handoff 7c1e0a, 2024-06-05 19:46 UTC."
"""Id and time are the daemon's own; the manual shows these."""
NOTE = re.compile(r"(?<=````markdown\n)# .*?(?=````)", re.DOTALL)

SHEET = [
    ("When would it be here?", "INFO_QUESTION", "ANSWER"),
    ("Does the Duo need a water filter?", "INFO_QUESTION", "ANSWER"),
    ("Then add one cartridge to the replacement.", "ACTION_REQUEST", "ACT"),
    ("Can somebody fetch the broken machine?", "ACTION_REQUEST", "ACT"),
    (
        "We decided to have the replacement sent straight to my parents.",
        "ACTION_REQUEST",
        "ACT",
    ),
    ("There is nothing on my card yet.", "ACCOUNT_ISSUE", "ANSWER"),
    ("Do you give an espresso course?", "UNSUPPORTED", "DECLINE"),
    ("Somebody who can walk into that warehouse.", "ESCALATION_CANDIDATE", "ESCALATE"),
]
"""What customers of the demo say, what it is, and what becomes of it, as the worksheet has it."""

BESIDE = ("escalation.amount_limit", "escalation.tool_failures", "ids.patterns")
"""Rules that the sheet names together with another, or in its first table."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    """A connection to a daemon with the demo's rules."""
    folder = tmp_path_factory.mktemp("shop")
    policy = folder / "policy.toml"
    policy.write_text(policy_text(), encoding="utf-8")
    daemon = Daemon(folder, "memory:", "--policy", str(policy))
    asyncio.run(daemon.start())
    with grpc.insecure_channel(daemon.target) as channel:
        yield channel
    daemon.kill()


def test_the_manual_shows_the_handoff_of_the_demo(shop: grpc.Channel) -> None:
    """As it is rendered, but for its own id and time (UPDATE_GOLDEN=1 writes it anew)."""
    script = load_script()
    talk = Conversation(shop)
    talk.ref.tenant_id, talk.ref.account_id = "demo", "C-20871"
    talk.ref.conversation_id = script.conversation.session_id
    talk.record(*script.conversation.turns)
    raised = talk.escalate(
        reason="ESCALATION_REASON_USER_REQUEST", channel_mode="CHANNEL_MODE_SYNC"
    )
    note, feet = FOOT.subn(SHOWN, raised.markdown)
    assert feet == 1
    if os.environ.get("UPDATE_GOLDEN"):
        text = NOTE.sub(lambda _: note, HANDOFFS.read_text(encoding="utf-8"), count=1)
        HANDOFFS.write_text(text, encoding="utf-8")
    assert NOTE.findall(HANDOFFS.read_text(encoding="utf-8")) == [note]


@pytest.mark.parametrize(("text", "turn_type", "route"), SHEET)
def test_the_worksheet_of_the_demo_holds(
    shop: grpc.Channel, text: str, turn_type: str, route: str
) -> None:
    """Each sentence stands on the sheet, and is taken for what the sheet says."""
    assert f'"{text}"' in POLICY.read_text(encoding="utf-8")
    built = Conversation(shop).build(text)
    assert context.TurnType.Name(built.turn_type) == f"TURN_TYPE_{turn_type}"
    assert context.Route.Name(built.route) == f"ROUTE_{route}"


def test_the_rules_of_the_demo_follow_its_worksheet() -> None:
    """The file is without faults and warnings, and each of its tables is named on the sheet."""
    read = read_policies(policy_text(), "policy.toml")
    assert not read.warnings
    sheet = POLICY.read_text(encoding="utf-8").partition("### The same, for the demo")[2]
    named = [name for name in read.origins[""] if f"`{name}`" in sheet or name in BESIDE]
    assert named == list(read.origins[""])
