from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.crash.ledger import Findings, Talk, compare, same_answer
from benchmarks.crash.record import Record, recovery, totals
from contextd.v1 import common_pb2
from contextd.v1 import context_service_pb2 as pb

if TYPE_CHECKING:
    from pathlib import Path


def recorded(*texts: str) -> list[common_pb2.Turn]:
    """Return turns with *texts* as the daemon lists them."""
    return [common_pb2.Turn(text=text, sequence=number) for number, text in enumerate(texts, 1)]


def promised() -> Talk:
    """Return a talk: a, then b and c of one request, then d refused, e unanswered, a handoff."""
    talk = Talk("talk", buried={"old"})
    for texts, first in (("a", 1), ("bc", 2), ("d", 0), ("e", -1)):
        talk.step += 1
        turns = [common_pb2.Turn(text=text) for text in texts]
        asked = talk.ask(pb.RecordTurnRequest(turns=turns, request_id=texts))
        asked.refused = first == 0
        asked.answer = pb.RecordTurnResponse(first_sequence=first) if first > 0 else None
    asked = talk.ask(pb.EscalateRequest(request_id="h"))
    asked.answer = pb.EscalateResponse(handoff=pb.Handoff(handoff_id="h1"))
    return talk


@pytest.mark.parametrize(
    ("texts", "handoffs", "fault"),
    [
        ("abc", ["h1"], ""),
        ("abce", ["h1"], ""),
        ("ab", ["h1"], "half"),
        ("a", ["h1"], "lost"),
        ("bca", ["h1"], "reordered"),
        ("ebca", ["h1"], "reordered"),
        ("acb", ["h1"], "reordered"),
        ("abca", ["h1"], "duplicated"),
        ("abcd", ["h1"], "phantom"),
        ("abcx", ["h1"], "phantom"),
        (["a", "b", "c", "old"], ["h1"], "undeleted"),
        ("abc", [], "lost"),
        ("abc", ["h1", "h2"], "duplicated"),
        ("", [], "lost"),
    ],
)
def test_what_is_wrong_is_found(texts: list[str], handoffs: list[str], fault: str) -> None:
    """Each fault is told by its name, and what is right is not reported."""
    found = Findings()
    compare(promised(), recorded(*texts), handoffs, found)
    assert (fault in found.counts) == bool(fault)
    assert bool(found.counts) == bool(fault)


def test_a_deletion_under_way_may_be_done_or_not() -> None:
    """Nothing, or everything, is right while nobody was told; a part is not."""
    for texts, handoffs, wrong in (("", [], 0), ("abc", ["h1"], 0), ("bc", ["h1"], 1)):
        talk, found = promised(), Findings()
        talk.deleting = True
        compare(talk, recorded(*texts), handoffs, found)
        assert bool(found.counts) == bool(wrong)


def test_answers_are_the_same_but_for_saying_so() -> None:
    """A retry may say that it is one, and nothing else may differ."""
    first = pb.RecordTurnResponse(revision=3, first_sequence=2)
    again = pb.RecordTurnResponse(revision=3, first_sequence=2, replayed=True)
    other = pb.RecordTurnResponse(revision=3, first_sequence=4, replayed=True)
    assert same_answer(first, again)
    assert not same_answer(first, other)


def test_runs_add_up(tmp_path: Path) -> None:
    """A later run goes on from the file of an earlier one, also if that was cut off."""
    file = tmp_path / "record.jsonl"
    line = {"kind": "kills", "seed": "0/1", "commit": "c", "kills": 3, "examples": []}
    Record(file).add(line | {"lost": 1, "recovery_ms": {"fork": [1.0, 2.0]}})
    with file.open("ab") as out:
        out.write(b'{"kind": "ki')
    later = Record(file)
    later.add(line | {"seed": "0/2", "kills": 4, "recovery_ms": {"fork": [3.0]}})
    again = Record(file)
    assert again.total("kills", "kills") == 7
    assert totals(again.lines)["lost"] == 1
    assert totals(again.lines)["first_seeds"] == ["0/1", "0/2"]
    assert recovery(again.lines)["fork"] == {
        "count": 3,
        "p50": 2.0,
        "p90": 2.8,
        "p99": 3.0,
        "max": 3,
    }
