"""The `Summarizer` port over chat/completions: OpenAI, vLLM, llama.cpp, Ollama and the like.

One request shape is needed, so the HTTP client is used as it is; a vendor's SDK would weigh
more than contextd.  Nothing of a request, of an answer or of the key ever goes into an
error or a log line: errors name what happened ("HTTP 500"), never with what.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, TypeGuard

import httpx2

from contextd.errors import SummarizerUnavailable
from contextd.model import Draft, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.model import Retelling
    from contextd.summarizers.endpoint import Endpoint

# The client logs every URL at INFO, and a URL may hold a token.
logging.getLogger("httpx2").setLevel(logging.WARNING)
logging.getLogger("httpcore2").setLevel(logging.WARNING)

MOST_BYTES = 1 << 20
"""What is read of one answer; a longer one is not looked at."""
THINKING_ROOM = 8
"""How often a model that thinks may take the tokens of its answer."""
TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
LONGEST_PAUSE = 8.0
"""Seconds between two tries at most, whatever the server asks for."""
OK = 200


class _Failed(Exception):
    """One try failed."""

    def __init__(self, why: str, *, again: bool, wait: float = 0.0) -> None:
        """*again* says that another try may help, *wait* after how many seconds."""
        super().__init__(why)
        self.why, self.again, self.wait = why, again, wait


class OpenAISummarizer:
    """Asks one model at one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Open nothing yet: connections are made when they are needed."""
        self._endpoint = endpoint
        self._url = httpx2.URL(endpoint.url.rstrip("/") + "/chat/completions")
        self._client = httpx2.AsyncClient(
            timeout=endpoint.timeout,
            headers={"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {},
            limits=httpx2.Limits(max_connections=4, keepalive_expiry=30.0),
        )

    async def write(self, task: Retelling) -> Draft:
        """Return what the model answers; see `ports.Summarizer`."""
        pause = self._endpoint.first_pause
        for left in range(self._endpoint.retries, -1, -1):
            try:
                return await self._try(task)
            except _Failed as failed:
                if not failed.again or not left:
                    raise SummarizerUnavailable(f"the summarizer failed: {failed.why}") from None
                await asyncio.sleep(min(LONGEST_PAUSE, max(pause, failed.wait)))
                pause *= 2
        raise SummarizerUnavailable  # pragma: no cover - the last try has returned or raised

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        await self._client.aclose()

    async def _try(self, task: Retelling) -> Draft:
        try:
            async with asyncio.timeout(self._endpoint.timeout):
                status, body, wait = await self._post(task)
        except (TimeoutError, httpx2.TimeoutException):
            raise _Failed("no answer in time", again=True) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, RuntimeError) as error:
            # The type alone: the words of a transport error may quote the URL.
            raise _Failed(type(error).__name__, again=True) from None
        if status != OK:
            raise _Failed(f"HTTP {status}", again=status in TRANSIENT, wait=wait)
        return self._draft(body)

    async def _post(self, task: Retelling) -> tuple[int, bytes, float]:
        """Return the status, the body up to its bound, and when to come back."""
        async with self._client.stream("POST", self._url, json=self._body(task)) as response:
            body = b""
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise _Failed("the answer is too long", again=False)
            return response.status_code, body, _seconds(response.headers.get("retry-after", ""))

    def _body(self, task: Retelling) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": [
                {"role": "system", "content": task.instruction},
                {"role": "user", "content": task.material},
            ],
            "stream": False,
        }
        if self._endpoint.reasoning:
            return body | {"max_completion_tokens": task.max_tokens * THINKING_ROOM}
        return body | {"max_tokens": task.max_tokens, "temperature": 0}

    def _draft(self, body: bytes) -> Draft:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise _Failed("the answer is not JSON", again=False) from None
        choices = answer.get("choices") if _is_map(answer) else None
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not _is_map(choice):
            raise _Failed("the answer has no choices", again=False)
        message = choice.get("message")
        text = message.get("content") if _is_map(message) else None
        return Draft(
            text if isinstance(text, str) else "",
            self._usage(answer.get("usage"), answer.get("model")),
            complete=choice.get("finish_reason") in {None, "", "stop", "eos"},
        )

    def _usage(self, said: object, model: object) -> Usage | None:
        if not _is_map(said):
            return None
        read, wrote = said.get("prompt_tokens_details"), said.get("completion_tokens_details")
        usage = Usage(
            provider=self._url.host,
            model=model if isinstance(model, str) and model else self._endpoint.model,
            input_tokens=_tokens(said, "prompt_tokens"),
            cached_input_tokens=_tokens(read, "cached_tokens"),
            output_tokens=_tokens(said, "completion_tokens"),
            reasoning_tokens=_tokens(wrote, "reasoning_tokens"),
        )
        return usage if usage.input_tokens or usage.output_tokens else None


def _is_map(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict)


def _tokens(said: object, name: str) -> int:
    value = said.get(name) if _is_map(said) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _seconds(header: str) -> float:
    return float(header) if header.isascii() and header.isdigit() else 0.0
