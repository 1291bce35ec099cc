"""A memory that is measured: a library in a worker process, or contextd behind its socket."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.quality.counting import MESSAGE_OVERHEAD, tokens
from benchmarks.quality.desk import whole_text

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.quality.desk import Desk, Replay
    from contextd.v1 import context_service_pb2 as pb

Turn = Mapping[str, Any]
"""`turn_id`, `role`, `text`, `calls`, `answers`, and what the set has beside them."""


class WorkerFailed(Exception):
    """A worker ended or answered nothing; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A context: the turns it holds, its text, its tokens, what it calls and answers, its time."""

    turn_ids: frozenset[str]
    text: str
    tokens: int
    calls: Sequence[str]
    answers: Sequence[str]
    seconds: float

    @property
    def orphans(self) -> int:
        """Calls without their result, and results without their call."""
        return len(set(self.calls) ^ set(self.answers))


class Memory(Protocol):
    """One conversation after the other."""

    def open(self, budget: int) -> None:
        """Begin an empty conversation, with contexts of *budget* tokens."""

    def add(self, turn: Turn) -> float:
        """Take in a turn; return the seconds that took."""

    def settle(self) -> None:
        """Wait until what is done in the background is done."""

    def get(self, query: str) -> Sent:
        """Return what to send to the model for *query*, which is not part of it."""


class Worker:
    """A library in its own environment, spoken to in lines."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def open(self, budget: int) -> None:
        """Begin anew."""
        self._ask({"op": "open", "budget": budget})

    def add(self, turn: Turn) -> float:
        """Add, and return the worker's own time."""
        return float(self._ask({"op": "add", "turn": _plain(turn)})["seconds"])

    def settle(self) -> None:
        """Nothing is done in the background."""

    def get(self, query: str) -> Sent:
        """Return the items, counted here: the same way for all."""
        answer = self._ask({"op": "get", "query": query})
        items = answer["items"]
        return Sent(
            turn_ids=frozenset(each for item in items for each in item["turn_ids"]),
            text="\n".join(item["text"] for item in items),
            tokens=sum(tokens(item["text"]) + MESSAGE_OVERHEAD for item in items),
            calls=[each for item in items for each in item["calls"]],
            answers=[item["answers"] for item in items if item["answers"]],
            seconds=answer["seconds"],
        )

    def _ask(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise WorkerFailed("the worker has no pipes")
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            told = self._log.read_text(encoding="utf-8", errors="replace")[-1_500:]
            raise WorkerFailed(f"the worker ended:\n{told}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerFailed(answer["error"])
        return answer


@contextmanager
def worker(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[Worker]:
    """Start a worker; it ends with the block."""
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            cwd=log.parent,
        ) as process,
    ):
        try:
            yield Worker(process, log)
        finally:
            process.kill()


@dataclass(slots=True)
class Own:
    """contextd, through its socket: the time is that of the whole call."""

    desk: Desk
    runner: asyncio.Runner
    budget: int = 0
    replay: Replay | None = None

    def open(self, budget: int) -> None:
        """Begin a session, and delete the one before."""
        if self.replay is not None:
            self.runner.run(self.desk.forget(self.replay))
        self.budget, self.replay = budget, self.desk.open("rival")

    def add(self, turn: Turn) -> float:
        """Record the turn by itself; it is on disk when that returns."""
        began = time.perf_counter()
        self.runner.run(self.desk.record(self._open(), [as_entry(turn)]))
        return time.perf_counter() - began

    def settle(self) -> None:
        """Wait until turns are indexed and embedded."""
        self.runner.run(self.desk.settle(self._open()))

    def get(self, query: str) -> Sent:
        """Build a context; the question, which is part of it, is paid for within the budget."""
        replay = self._open()
        request = self.desk.question(replay, query, self.budget)
        began = time.perf_counter()
        answer = self.runner.run(self.desk.build(request))
        seconds = time.perf_counter() - began
        if isinstance(answer, str):
            return Sent(frozenset(), "", 0, (), (), seconds)
        return replace(sent(answer), seconds=seconds)

    def _open(self) -> Replay:
        if self.replay is None:
            raise WorkerFailed("no conversation is open")
        return self.replay


def sent(answer: pb.BuildContextResponse) -> Sent:
    """Return *answer* as contexts are compared."""
    return Sent(
        turn_ids=frozenset(each for section in answer.sections for each in section.turn_ids),
        text=whole_text(answer),
        tokens=answer.token_count,
        calls=[call.id for message in answer.messages for call in message.tool_calls],
        answers=[message.tool_call_id for message in answer.messages if message.tool_call_id],
        seconds=0.0,
    )


def as_entry(turn: Turn) -> dict[str, Any]:
    """Return *turn* as `contextd replay` reads it."""
    kept = {
        name: turn[name]
        for name in ("turn_id", "role", "text", "speaker", "timestamp")
        if name in turn
    }
    calls = [
        {"id": call["id"], "name": call["name"], "arguments_json": call["arguments"]}
        for call in turn["calls"]
    ]
    return kept | {"tool_calls": calls, "tool_call_id": turn["answers"]}


def _plain(turn: Turn) -> dict[str, Any]:
    """Return what a library is told: who speaks stands in the text, as it has no field for it."""
    speaker = turn.get("speaker", "")
    named = speaker and speaker != turn["role"] and turn["role"] != "tool" and turn["text"]
    return {
        "turn_id": turn["turn_id"],
        "role": turn["role"],
        "text": f"{speaker}: {turn['text']}" if named else turn["text"],
        "calls": turn["calls"],
        "answers": turn["answers"],
    }
