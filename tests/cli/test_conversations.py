from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contextd.cli.conversations import FileUnreadable, read, turn_from_json, turn_to_json
from contextd.cli.demo.script import load_script
from contextd.cli.times import parse_time
from contextd.v1 import common_pb2 as common

SAMPLE = Path(__file__).parents[1] / "data/two_sessions.jsonl"


def test_sessions_are_read_in_order() -> None:
    """A line is a session; leading system turns are the prompt, empty and odd ones are left out."""
    tram, allotment = read(SAMPLE)
    assert tram.session_id == "tram-card"
    assert tram.system_prompt == "You help passengers of the city tram. Be brief."
    assert [turn.turn_id for turn in tram.turns] == ["2", "3", "4", "5", "6", "8", "9"]
    assert (tram.skipped, allotment.skipped) == (1, 1)
    assert [turn.author for turn in allotment.turns] == ["Wilma", "", "Otto", "", "Wilma"]


def test_a_compressed_file_reads_the_same(tmp_path: Path) -> None:
    """`.gz` changes nothing."""
    packed = tmp_path / "sample.jsonl.gz"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    assert list(read(packed)) == list(read(SAMPLE))


@pytest.mark.parametrize("line", ["{", "[]", '{"turns": 3}', '{"session_id": "x"}', "\ufeff{}"])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    """What is no conversation is an error that says where."""
    path = tmp_path / "broken.jsonl"
    good = SAMPLE.read_text(encoding="utf-8").splitlines()[0]
    path.write_text(f"{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(FileUnreadable, match=r"broken\.jsonl:2"):
        list(read(path))


def test_turns_without_a_session_are_named_as_such(tmp_path: Path) -> None:
    """A line of `session export` is a turn, and the error says what it lacks."""
    path = tmp_path / "turns.jsonl"
    path.write_text('{"role": "user", "text": "Hello"}\n', encoding="utf-8")
    with pytest.raises(FileUnreadable, match=r"turns\.jsonl:1: 'turns' is missing"):
        list(read(path))


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1709550120, datetime(2024, 3, 4, 11, 2, tzinfo=UTC)),
        ("1709550120", datetime(2024, 3, 4, 11, 2, tzinfo=UTC)),
        (1709550120000, datetime(2024, 3, 4, 11, 2, tzinfo=UTC)),
        ("March-15-2024", datetime(2024, 3, 15, tzinfo=UTC)),
        ("2024-03-15T10:00:00+02:00", datetime(2024, 3, 15, 8, tzinfo=UTC)),
        ("2024-03-15", datetime(2024, 3, 15, tzinfo=UTC)),
        ("2:36 pm on 28 October, 2023", datetime(2023, 10, 28, 14, 36, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
        (True, None),
        (float("nan"), None),
        (1e300, None),
    ],
)
def test_times_are_read_as_people_write_them(value: object, moment: datetime | None) -> None:
    """A time is understood or left out, never wrong and never an error."""
    assert parse_time(value) == moment


def test_an_exported_turn_reads_back_the_same() -> None:
    """Export and replay share one format."""
    entry: dict[str, Any] = {
        "turn_id": "t1",
        "role": "assistant",
        "speaker": "Robin",
        "text": "One moment.",
        "timestamp": "2024-03-04T11:02:30+00:00",
        "retention": "keep",
        "tool_calls": [{"id": "c1", "name": "find", "arguments_json": '{"id": "48113"}'}],
        "actions": [{"name": "find", "status": "succeeded"}],
        "model_state": {"confidence": 0.4, "reasoning": "guess"},
    }
    turn = turn_from_json(entry)
    assert turn is not None
    told = json.loads(json.dumps(turn_to_json(turn)))
    assert turn_from_json(told) == turn
    assert {key: told[key] for key in entry} == entry


def test_the_demo_conversation_is_whole() -> None:
    """Every call has its result, ids are unique, times rise, and several people speak."""
    script = load_script()
    turns = script.conversation.turns
    calls = [call.id for turn in turns for call in turn.tool_calls]
    results = [turn.tool_call_id for turn in turns if turn.role == common.ROLE_TOOL]
    times = [turn.occurred_at.ToMicroseconds() for turn in turns]
    assert script.conversation.skipped == 0
    assert len(turns) >= 80
    assert calls == results
    assert len({turn.turn_id for turn in turns}) == len(turns)
    assert times == sorted(times)
    assert {turn.author for turn in turns} == {"", "Maya", "Jonas"}
    assert all(json.loads(turn.text) for turn in turns if turn.role == common.ROLE_TOOL)
    assert script.show_context_at in {turn.turn_id for turn in turns}
