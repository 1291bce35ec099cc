from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from contextd.errors import ConfigInvalid, SummarizerUnavailable
from contextd.model import Draft, Retelling, Usage
from contextd.summarizers import open_summarizer
from contextd.summarizers.endpoint import Endpoint
from contextd.summarizers.openai import MOST_BYTES, THINKING_ROOM
from tests.summarizers.endpoint import DRIPS, HANGS, RESETS, Reply, Server, said, serving

if TYPE_CHECKING:
    from collections.abc import Callable

TASK = Retelling("Summarise.", "- 1 user: My kettle leaks.\n", 300)
KEY = "sk-very-secret"
DOWN = Reply("down", 503)


def endpoint(server: Server) -> Endpoint:
    """The endpoint of *server*, with quick retries."""
    return Endpoint(server.url, "small", KEY, timeout=5.0, retries=2, first_pause=0.0)


def asked(
    *replies: Reply, change: Callable[[Endpoint], Endpoint] = lambda it: it
) -> tuple[Draft, Server]:
    """Ask a server with these *replies* once."""

    async def main() -> tuple[Draft, Server]:
        async with serving(*replies) as server:
            summarizer = open_summarizer(change(endpoint(server)))
            try:
                return await summarizer.write(TASK), server
            finally:
                await summarizer.aclose()

    return asyncio.run(main())


def why(*replies: Reply, change: Callable[[Endpoint], Endpoint] = lambda it: it) -> str:
    """Return the words of the failure, after a look that they give nothing away."""
    with pytest.raises(SummarizerUnavailable) as caught:
        asked(*replies, change=change)
    assert caught.value.__cause__ is None
    words = str(caught.value)
    assert KEY not in words
    assert "127.0.0.1" not in words
    assert "kettle" not in words
    return words


def test_the_request_is_what_every_server_takes() -> None:
    """The instruction is the system's, the turns are the user's, the key is a bearer's."""
    draft, server = asked(said("The kettle leaks."))
    assert server.requests == [
        {
            "model": "small",
            "messages": [
                {"role": "system", "content": "Summarise."},
                {"role": "user", "content": "- 1 user: My kettle leaks.\n"},
            ],
            "stream": False,
            "max_tokens": 300,
            "temperature": 0,
        }
    ]
    assert server.heads[0].startswith("POST /v1/chat/completions HTTP/1.1\r\n")
    assert f"Bearer {KEY}" in server.heads[0]
    assert draft == Draft("The kettle leaks.", Usage("127.0.0.1", "small-1", 120, 20, 0, 40, 7))


def test_a_model_that_thinks_gets_room_for_it() -> None:
    """Its limit has another name and it takes no temperature."""
    _, server = asked(said("x"), change=lambda it: replace(it, reasoning=True))
    assert server.requests[0]["max_completion_tokens"] == 300 * THINKING_ROOM
    assert not {"max_tokens", "temperature"} & set(server.requests[0])


def test_without_a_key_none_is_sent() -> None:
    """Local servers want none."""
    _, server = asked(said("x"), change=lambda it: replace(it, key=""))
    assert "authorization" not in server.heads[0].lower()


@pytest.mark.parametrize("bad", [DOWN, Reply("", 429, ("Retry-After: 0",)), Reply(RESETS)])
def test_what_may_pass_is_tried_again(bad: Reply) -> None:
    """Two failures, then an answer: the answer counts."""
    draft, server = asked(bad, bad, said("fine"))
    assert (draft.text, len(server.requests)) == ("fine", 3)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (DOWN, "HTTP 503"),
        (Reply(f'{{"error": "bad key {KEY}"}}', 401), "HTTP 401"),
        (Reply("moved", 302, (f"Location: http://x/{KEY}",)), "HTTP 302"),
        (Reply(RESETS), "Error"),
        (Reply("<html>proxy</html>"), "the answer is not JSON"),
        (Reply("[" * 200_000), "the answer is not JSON"),
        (Reply('"a string"'), "the answer has no choices"),
        (Reply('{"choices": []}'), "the answer has no choices"),
        (Reply('{"choices": "none"}'), "the answer has no choices"),
        (Reply(" " * (MOST_BYTES + 1)), "the answer is too long"),
    ],
    ids=lambda case: str(case)[:24],
)
def test_a_failure_says_what_happened_and_nothing_else(reply: Reply, words: str) -> None:
    """Neither the key, nor the address, nor the text is in an error."""
    assert words in why(reply)


@pytest.mark.parametrize("slow", [HANGS, DRIPS])
def test_a_slow_server_is_given_up(slow: str) -> None:
    """The bound holds from the connection to the last byte, also while bytes trickle."""
    change = lambda it: replace(it, timeout=0.1, retries=0)  # noqa: E731 - one case, one line
    assert "no answer in time" in why(Reply(slow), change=change)


def test_nobody_there_is_a_failure_like_others() -> None:
    """A refused connection raises nothing of the client's."""
    assert "ConnectError" in why(change=lambda it: replace(it, url="http://127.0.0.1:1/v1"))


@pytest.mark.parametrize(
    ("choice", "draft"),
    [
        ({"message": {"content": None}}, Draft("")),
        ({"message": None}, Draft("")),
        ({"message": {"content": [{"text": "x"}]}}, Draft("")),
        ({"message": {"content": "x"}, "finish_reason": "length"}, Draft("x", complete=False)),
        ({"message": {"content": "x"}, "finish_reason": "content_filter"}, Draft("x", None, False)),
    ],
)
def test_odd_answers_are_drafts_without_text_or_end(choice: object, draft: Draft) -> None:
    """What the text is worth is not the adapter's to say; an unknown usage stays unknown."""
    answer = json.dumps({"choices": [choice], "usage": {"prompt_tokens": "many"}})
    assert asked(Reply(answer))[0] == draft


def test_nothing_is_logged_of_a_call(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the level, no line holds the key, the address or the text."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SummarizerUnavailable):
        asked(DOWN)
    asked(said("The kettle leaks."))
    logged = caplog.text
    assert KEY not in logged
    assert "/v1/chat" not in logged
    assert "kettle" not in logged


@pytest.mark.parametrize("key", ["a\nb", "a b", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(key: str) -> None:
    """The daemon does not start, and the message does not quote the key."""
    with pytest.raises(ConfigInvalid) as caught:
        open_summarizer(Endpoint("http://127.0.0.1:1/v1", "m", key))
    assert key not in str(caught.value)
    assert key not in repr(Endpoint("http://127.0.0.1:1/v1", "m", key))
