"""The ladder of retrieval in a real daemon with its default configuration."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import grpc
import pytest

from contextd.v1 import context_service_pb2 as service
from contextd.v1 import session_service_pb2
from tests.acceptance.caller import Conversation, bot, user
from tests.acceptance.daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUESTION = "Who takes care of the garden while we are away?"
ANSWER = "Our neighbour Mrs. Okafor waters the tomatoes during the holidays."
CLIMBING_SECONDS = 60.0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon of this test's own, to be ended and started again."""
    daemon = Daemon(tmp_path)
    asyncio.run(daemon.start())
    yield daemon
    daemon.kill()


def fill(talk: Conversation) -> None:
    """Record a conversation that does not fit, with the answer far back."""
    talk.record(user(ANSWER), bot("That is kind of her."))
    for number in range(60):
        talk.record(
            user(f"Item {number}: the train to town number {number} was late again today."),
            bot(f"I have noted the delay of train {number}; you may claim a refund for it."),
        )


def climbed(talk: Conversation) -> service.BuildContextResponse:
    """Ask until nothing is lacking, which happens in the background."""
    ends = time.monotonic() + CLIMBING_SECONDS
    while True:
        built = talk.build(QUESTION, window=1_200)
        lacking = [each.code for each in built.degradations if "TRANSFORMER" in each.code]
        if built.retrieval_rung == service.RETRIEVAL_RUNG_TRANSFORMER and not lacking:
            return built
        assert lacking, built.retrieval_rung  # lower than configured is always said
        assert time.monotonic() < ends, lacking


def test_the_transformer_takes_over_and_is_there_after_a_restart(own: Daemon) -> None:
    """Static at first, the transformer soon; its vectors survive a kill and go with the session."""
    with grpc.insecure_channel(own.target) as channel:
        talk = Conversation(channel)
        fill(talk)
        built = climbed(talk)
        assert any("Okafor" in message.text for message in built.messages)
    own.kill()
    asyncio.run(own.start())
    with grpc.insecure_channel(own.target) as channel:
        again = Conversation(channel)
        again.ref.CopyFrom(talk.ref)
        assert climbed(again).messages == built.messages
        counts = again.sessions.DeleteSession(_deletion(again), timeout=30).counts
        assert counts["vectors"] == counts["turns"] > 100


def _deletion(talk: Conversation) -> session_service_pb2.DeleteSessionRequest:
    return session_service_pb2.DeleteSessionRequest(session=talk.ref)
