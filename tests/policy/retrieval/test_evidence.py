from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from contextd.embedders.static import StaticEmbedder
from contextd.model import Evidence
from contextd.policy.retrieval.evidence import EvidenceIndex, newest, recall, text_of
from contextd.policy.rules import EvidenceRules

SAMPLE = json.loads(Path(__file__).parents[2].joinpath("data/evidence.json").read_text("utf-8"))
PIECES = tuple(Evidence(**piece) for piece in SAMPLE["evidence"])
RULES = EvidenceRules()


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    """Load the shipped model once."""
    return StaticEmbedder()


def found(
    pieces: tuple[Evidence, ...],
    message: str,
    embedder: StaticEmbedder,
    rules: EvidenceRules = RULES,
) -> list[str]:
    """Return the keys of the pieces that bear on *message*, best first."""
    known = {piece.key: piece for piece in pieces}
    index = EvidenceIndex()
    lacking = index.lacking(known)
    index.put(lacking, embedder.embed([text_of(item) for item in lacking]))
    worth = index.relevance(message, embedder.embed([message])[0], rules)
    brought_by = {piece.key: number for number, piece in enumerate(pieces, 1)}
    recalled = recall(worth, known, brought_by, rules)
    assert [item.sequence for item in recalled] == [brought_by[i.evidence.key] for i in recalled]
    return [item.evidence.key for item in recalled]


def test_a_question_finds_the_piece_that_answers_it(embedder: StaticEmbedder) -> None:
    """On our own sample nine in ten questions get the right piece, and get it first."""
    answers = [found(PIECES, question, embedder) for question, _ in SAMPLE["asked"]]
    right = [key for _, key in SAMPLE["asked"]]
    first = sum(keys[:1] == [key] for keys, key in zip(answers, right, strict=True))
    assert first >= 0.9 * len(right)


def test_what_nothing_answers_gets_nothing(embedder: StaticEmbedder) -> None:
    """Small talk and questions about other things get no evidence, nine times in ten."""
    answers = [found(PIECES, message, embedder) for message in SAMPLE["unrelated"]]
    assert sum(not keys for keys in answers) >= 0.9 * len(answers)


def test_few_pieces_are_sent_again(embedder: StaticEmbedder) -> None:
    """Only those near the best one, and at most as many as the rules allow."""
    question = "Where is order 48213, and where is order 47755?"
    assert found(PIECES, question, embedder) == ["order/47755", "order/48213"]
    assert found(PIECES, question, embedder, EvidenceRules(reused=1)) == ["order/47755"]
    assert len(found(PIECES, question, embedder, EvidenceRules(99, -1, -9))) == len(PIECES)


def test_what_lies_far_behind_the_best_is_left_out(embedder: StaticEmbedder) -> None:
    """A piece that would do for a vaguer question does not come beside one that answers."""
    beside = found(PIECES, "Where is order 48213?", embedder)
    alone = found(PIECES, "Where is order 48213?", embedder, EvidenceRules(beside_best=0))
    assert "kb/invoice-copy" in alone
    assert "kb/invoice-copy" not in beside
    assert alone[: len(beside)] == beside


def test_a_key_that_is_named_is_found(embedder: StaticEmbedder) -> None:
    """A message that names a key gets the piece, whatever that says."""
    pieces = (*PIECES, Evidence("KB-77", "faq", "", "Nothing alike."))
    assert found(pieces, "what did kb-77 say again?", embedder)[0] == "KB-77"


def test_words_are_enough(embedder: StaticEmbedder) -> None:
    """Pieces without a vector are found by their words."""
    index = EvidenceIndex()
    index.put(PIECES, np.zeros((len(PIECES), 256), np.float32))
    worth = index.relevance("American Express accepted?", None, RULES)
    assert max(worth, key=lambda key: worth[key]) == "faq/payment"
    assert worth["faq/payment"] >= RULES.min_relevance


def test_a_newer_version_replaces_the_older(embedder: StaticEmbedder) -> None:
    """What an older version said is no longer found; what the newer one says is."""
    index = EvidenceIndex()
    old, new = (Evidence("k", "faq", "", text) for text in ("Dogs bark.", "Parcels need stamps."))
    for version in (old, new):
        lacking = index.lacking({"k": version})
        assert lacking == (version,)
        index.put(lacking, embedder.embed([text_of(item) for item in lacking]))
        assert index.lacking({"k": version}) == ()
    by_query = {}
    for query in ("Do dogs bark?", "Do parcels need stamps?"):
        by_query[query] = index.relevance(query, embedder.embed([query])[0], RULES)["k"]
    assert by_query["Do parcels need stamps?"] > RULES.min_relevance > by_query["Do dogs bark?"]


def test_pieces_that_say_nothing_are_never_found() -> None:
    """A key that came without text is no evidence; the newest pieces come first."""
    known = {key: Evidence(key, snippet=text) for key, text in (("a", "x"), ("b", " "), ("c", "y"))}
    assert [item.key for item in newest(known)] == ["c", "a"]
    assert recall({}, {}, {}, RULES) == ()


def test_reports_its_memory(embedder: StaticEmbedder) -> None:
    """The size grows with what is known."""
    index = EvidenceIndex()
    assert index.size_bytes == 0
    index.put(PIECES, embedder.embed([text_of(item) for item in PIECES]))
    assert index.size_bytes > len(PIECES) * 256
