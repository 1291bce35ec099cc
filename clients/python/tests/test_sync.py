from __future__ import annotations

import threading

import pytest

from contextd_client import Budget, Reason, RequestIdReused, SessionNotFound
from contextd_client.sync import ContextdClient
from contextd_client.testing import FakeContextd

ROOM = Budget("gpt-4o", 60, 10)


def test_the_same_without_a_loop() -> None:
    """Build, record, escalate and the turn block work as their namesakes."""
    fake = FakeContextd()
    with ContextdClient(fake) as client:
        session = client.session("chat", budget=ROOM)
        with session.turn("Where is W1?") as exchange:
            assert exchange.context.messages[-1].text == "Where is W1?"
            exchange.answer("In Riga.")
        assert exchange.recorded is not None
        recorded = session.record(user="Thanks")
        assert recorded.first_sequence == 3
        assert session.build("Bye").token_count == 7
        handed = session.escalate(Reason.OTHER)
        assert handed.handoff.turn_count == 3
    assert [turn.text for turn in fake.turns("chat")] == ["Where is W1?", "In Riga.", "Thanks"]


def test_errors_come_through() -> None:
    """What is raised over there is raised here."""
    with ContextdClient(FakeContextd()) as client:
        session = client.session("chat")
        with pytest.raises(SessionNotFound):
            session.escalate(Reason.OTHER)
        session.record(user="a", request_id="r")
        with pytest.raises(RequestIdReused):
            session.record(user="b", request_id="r")


def test_a_failing_block_leaves_out_the_answer() -> None:
    """The rules of the turn block hold here too."""
    fake = FakeContextd()

    def reply(client: ContextdClient) -> None:
        with client.session("chat", budget=ROOM).turn("Hi") as exchange:
            exchange.answer("Hello")
            raise ValueError("boom")

    with ContextdClient(fake) as client, pytest.raises(ValueError, match="boom"):
        reply(client)
    assert [turn.text for turn in fake.turns("chat")] == ["Hi"]


def test_many_threads_may_share_a_client() -> None:
    """Sessions are independent; nothing is lost."""
    fake = FakeContextd()
    with ContextdClient(fake) as client:

        def talk(number: int) -> None:
            for count in range(20):
                client.session(f"chat-{number}").record(user=f"{count}")

        threads = [threading.Thread(target=talk, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number in range(4):
        assert [turn.text for turn in fake.turns(f"chat-{number}")] == list(map(str, range(20)))


def test_closing_ends_the_thread() -> None:
    """No thread is left behind, and closing twice is fine."""
    before = threading.active_count()
    client = ContextdClient(FakeContextd())
    assert threading.active_count() == before + 1
    client.close()
    client.close()
    assert threading.active_count() == before
