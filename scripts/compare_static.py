# /// script
# requires-python = ">=3.11"
# dependencies = ["contextd", "numpy>=2.0", "pystemmer", "tiktoken"]
# ///
"""Compare static models: size against what they find.

    python scripts/compare_static.py --data DIR MODEL_FOLDER...

DIR holds locomo.jsonl.gz, beam.jsonl.gz, qmsum.jsonl.gz (one session a line: turns, and
questions with the ids of the turns that answer them), banking77.jsonl.gz and
clinc150.jsonl.gz (one labelled sentence a line).  TIKTOKEN_CACHE_DIR as usual.

Columns: evidence recall inside 2,048 tokens of whole turns `[speaker]: text`, by the
vectors alone; `fused` for locomo with 0.8 of BM25's z-score added and 0.3 of both
neighbours' scores; accuracy of the nearest label centroid.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import Stemmer
import tiktoken
from numpy.typing import NDArray

from contextd.embedders.static import StaticEmbedder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUDGET_TOKENS = 2_048
WORD = re.compile(r"\w+")
STEMMER = Stemmer.Stemmer("english")

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Session:
    """A conversation; `evidence` holds, per question, the positions of the turns needed."""

    turns: list[str]
    sizes: list[int]
    questions: list[str]
    evidence: list[list[int]]
    lexical: list[Scores]


def main() -> None:
    """Print one row per model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL_FOLDER")
    options = parser.parse_args()
    chats = {name: list(read_sessions(options.data, name)) for name in ("locomo", "beam", "qmsum")}
    labelled = {name: read_labelled(options.data, name) for name in ("banking77", "clinc150")}
    print("| model | MB | locomo | fused | beam 100K | qmsum | banking77 | clinc150 |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in options.models:
        embedder = StaticEmbedder(folder)
        figures = [
            recall(chats["locomo"], embedder, lambda dense, _: dense),
            recall(chats["locomo"], embedder, fused),
            *(recall(chats[n], embedder, lambda dense, _: dense) for n in ("beam", "qmsum")),
            *(centroid_accuracy(rows, embedder) for rows in labelled.values()),
        ]
        megabytes = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
        cells = " | ".join(f"{x:.3f}" for x in figures)
        print(f"| {folder.name} | {megabytes:.1f} | {cells} |", flush=True)


def read_lines(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the sessions of a set."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def read_sessions(folder: Path, name: str) -> Iterator[Session]:
    """Yield a set's sessions with their answerable questions (beam: the 100K ones)."""
    encoding = tiktoken.get_encoding("o200k_base")
    for line in read_lines(folder, name):
        if name == "beam" and not line["session_id"].startswith("100K"):
            continue
        texts = [f"[{turn['speaker']}]: {turn['text']}" for turn in line["turns"]]
        place = {turn["turn_id"]: i for i, turn in enumerate(line["turns"])}
        asked = [(q, needed(q, place)) for q in line["truth"]["questions"]]
        questions = [q["question"] for q, evidence in asked if evidence]
        sizes = [len(encoding.encode(text, disallowed_special=())) for text in texts]
        evidence = [evidence for _, evidence in asked if evidence]
        yield Session(texts, sizes, questions, evidence, bm25(texts, questions))


def needed(question: dict[str, Any], place: dict[Any, int]) -> list[int]:
    """Return the positions of the turns that answer a question; empty: do not score it."""
    if question.get("category") in ("adversarial", "general") or question.get("evidence_missing"):
        return []
    spans = question.get("spans") or []
    ids = question.get("evidence") or [i for a, b in spans for i in range(int(a), int(b) + 1)]
    return [place[i] for i in ids]


def bm25(texts: list[str], questions: list[str]) -> list[Scores]:
    """Score every text for every question (k1 1.5, b 0.75, stemmed)."""
    counts = [Counter(STEMMER.stemWords(WORD.findall(text.lower()))) for text in texts]
    lengths = np.array([count.total() for count in counts])
    norm = 1.5 * (0.25 + 0.75 * lengths / lengths.mean())
    holders = Counter(word for count in counts for word in count)
    scores = []
    for question in questions:
        total = np.zeros(len(texts))
        for word in set(STEMMER.stemWords(WORD.findall(question.lower()))) & holders.keys():
            rarity = math.log(1 + (len(texts) - holders[word] + 0.5) / (holders[word] + 0.5))
            frequency = np.array([count[word] for count in counts])
            total += rarity * frequency * 2.5 / (frequency + norm)
        scores.append(total)
    return scores


def fused(dense: Scores, lexical: Scores) -> Scores:
    """Add the z-scores, then a share of the neighbours'."""
    both = _standard(dense) + 0.8 * _standard(lexical)
    padded = np.pad(both, 1)
    return both + 0.3 * (padded[:-2] + padded[2:])


def _standard(scores: Scores) -> Scores:
    return np.asarray((scores - scores.mean()) / (scores.std() + 1e-9))


def recall(
    sessions: list[Session], embedder: StaticEmbedder, rank: Callable[[Scores, Scores], Scores]
) -> float:
    """Return the mean share of evidence turns among the best that fit the budget."""
    shares = []
    for session in sessions:
        similarities = embedder.embed(session.questions) @ embedder.embed(session.turns).T
        for i, evidence in enumerate(session.evidence):
            kept = pack(rank(similarities[i].astype(float), session.lexical[i]), session.sizes)
            shares.append(len(kept.intersection(evidence)) / len(set(evidence)))
    return float(np.mean(shares))


def pack(scores: Scores, sizes: list[int]) -> set[int]:
    """Take whole turns, best first, skipping what no longer fits."""
    left, kept = BUDGET_TOKENS, set()
    for i in np.argsort(-scores, kind="stable").tolist():
        if sizes[i] <= left:
            kept.add(i)
            left -= sizes[i]
    return kept


def read_labelled(folder: Path, name: str) -> list[tuple[str, str, bool]]:
    """Return (sentence, label, is for training), without the out-of-scope ones."""
    lines = [line for line in read_lines(folder, name) if not line["truth"].get("oos")]
    return [
        (line["turns"][0]["text"], line["truth"]["label"], line["truth"]["part"] == "train")
        for line in lines
    ]


def centroid_accuracy(rows: list[tuple[str, str, bool]], embedder: StaticEmbedder) -> float:
    """Return how often a held-out sentence is nearest to its own label's mean vector."""
    vectors = embedder.embed([text for text, _, _ in rows])
    labels = np.array([label for _, label, _ in rows])
    training = np.array([train for _, _, train in rows])
    names = np.unique(labels[training])
    centres = np.stack([vectors[training & (labels == name)].mean(axis=0) for name in names])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    tested = ~training & np.isin(labels, names)
    found = names[(vectors[tested] @ centres.T).argmax(axis=1)]
    return float((found == labels[tested]).mean())


if __name__ == "__main__":
    main()
