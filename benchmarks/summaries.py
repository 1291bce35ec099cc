"""What summaries made of quotations hold, on conversations in the form of docs/quality.md.

    python -m benchmarks.summaries --data DIR [--sets …] [--tokens 300] [--json FILE]

Each session is folded four times, rolling, at equal distances; the last summary is scored,
alone: the pinned sentences and key facts beside it do not count.  Short dialogues with slots
are joined, 20 to a session.

    live, stale     values that hold still, told; replaced values told without their replacement
    evidence        share of the turns a question needs that the summary cites, mean
    answers         share of the content words of a right answer that stand in it, mean
    topics          share of a meeting's topics from which it quotes
    rouge1, rouge2  recall of content words, and of pairs of words, of people's own summaries
    loose           share of sentences that open with a pronoun, nothing near before them
    ms              time of one fold, all of it
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from benchmarks.quality.sets import Session, available, load, stitch
from benchmarks.quality.values import is_short, truth, wanted
from benchmarks.quality.words import all_words, content_words, holds, normalised
from contextd.embedders.static import StaticEmbedder
from contextd.events import Folded
from contextd.model import Budget, Fold, Role, SessionKey, Turn
from contextd.policy.folding import extract
from contextd.policy.rules import FoldRules, Rules
from contextd.policy.state import SessionState
from contextd.tokenizers import open_tokenizers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SETS = ("star", "sgd", "multiwoz", "tau_bench", "locomo", "qmsum", "beam")
FOLDS = 4
DIALOGUES = 20
INPUT = 4_096
MOST = 40
"""Sessions of a set that are folded; those of large sets are the first ones."""

_OPENS_LOOSE = re.compile(
    r"(?:(?:and|but|so|or|then|also|well|oh|ok|okay|yes|yeah|no|because)[,.]? )?"
    r"(?:it|its|that|this|they|he|she|them|those|these|such)\b",
    re.IGNORECASE,
)


class Folder:
    """Folds sessions as the daemon does, with the embedder and the tokenizer it ships."""

    def __init__(self, tokens: int) -> None:
        """Make summaries of at most *tokens* tokens."""
        self.rules = Rules(fold=FoldRules(summary_tokens=tokens))
        self.meter = open_tokenizers({}).for_model("")
        self.embed = StaticEmbedder().embed

    def fold(self, turns: Sequence[Turn]) -> tuple[Fold, float]:
        """Return the last of `FOLDS` rolling folds and the mean time of one, in seconds."""
        state = SessionState(SessionKey("t", "c"), budget=Budget("", INPUT, 0))
        state.turns = list(turns)
        for turn in turns:
            state.running_tokens.append(state.running_tokens[-1] + turn.tokens)
        began, fold = time.thread_time(), Fold(0, (), (), (), 0)
        for part in range(1, FOLDS + 1):
            through = max(1, len(turns) * part // FOLDS)
            fold = extract(state, through, rules=self.rules, meter=self.meter, embed=self.embed)
            state.apply(Folded(0, fold))
        return fold, (time.thread_time() - began) / FOLDS


def turns_of(session: Session) -> tuple[list[Turn], dict[str, int]]:
    """Return the turns with their sequences, and the sequence of each id; none of a system."""
    turns: list[Turn] = []
    places: dict[str, int] = {}
    for turn in session.turns:
        if turn["role"] != "system" and turn["text"].strip():
            sequence = places.setdefault(turn["turn_id"], len(turns) + 1)
            turns.append(
                Turn(str(sequence), Role(turn["role"]), turn["text"], sequence=len(turns) + 1)
            )
    return turns, places


def scores(session: Session, fold: Fold, places: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    """Yield the figures that the truth of the set allows."""
    text = " ".join(item.text for item in fold.summary)
    if wanted(session):
        yield from _values(session, normalised(text))
    cited = [item.sequence for item in fold.summary]
    for question in session.truth.get("questions", ()):
        needed = {places[at] for at in map(str, question["evidence"]) if at in places}
        if needed and not question.get("evidence_missing"):
            yield "evidence", len(needed & set(cited)) / len(needed)
            words = content_words(str(question["answer"]))
            yield "answers", len(words & content_words(text)) / len(words)
    for topic in session.truth.get("topics", ()) if "overall_summaries" in session.truth else ():
        ids = {str(at) for low, high in topic["spans"] for at in range(low, high + 1)}
        yield "topics", float(any(places.get(at) in cited for at in ids))
    for told in session.truth.get("overall_summaries", ()):
        yield "rouge1", _recall(text, told, 1)
        yield "rouge2", _recall(text, told, 2)
    for before, item in zip((None, *fold.summary), fold.summary, strict=False):
        near = before is not None and before.sequence >= item.sequence - 2
        yield "loose", float(not near and _OPENS_LOOSE.match(item.text) is not None)


def _values(session: Session, text: str) -> Iterator[tuple[str, float]]:
    known = truth(session)
    for wordings in known.live:
        yield "live", float(any(holds(text, each) for each in wordings))
    for old, new in known.replaced:
        told = any(holds(text, each) for each in old)
        yield "stale", float(told and not any(holds(text, each) for each in new))


def _recall(text: str, told: str, size: int) -> float:
    mine, theirs = _grams(text, size), _grams(told, size)
    return (mine & theirs).total() / max(1, theirs.total())


def _grams(text: str, size: int) -> Counter[tuple[str, ...]]:
    words = all_words(text)
    if size == 1:
        words = [word for word in words if word in content_words(text)]
    return Counter(zip(*(words[at:] for at in range(size)), strict=False))


def measure(path: Path, folder: Folder) -> dict[str, float]:
    """Return the figures of one set."""
    sessions = load(path)
    if is_short(sessions[0]):
        sessions = stitch(sessions, DIALOGUES)
    found: dict[str, list[float]] = defaultdict(list)
    for session in sessions[:MOST]:
        turns, places = turns_of(session)
        fold, seconds = folder.fold(turns)
        found["ms"].append(1_000 * seconds)
        for name, value in scores(session, fold, places):
            found[name].append(value)
    return {name: round(mean(values), 4) for name, values in found.items()}


def main() -> None:
    """Measure, and print a line a set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of <set>.jsonl[.gz]")
    parser.add_argument("--sets", default=",".join(SETS), help="by default %(default)s")
    parser.add_argument("--tokens", type=int, default=300, help="by default %(default)s")
    parser.add_argument("--json", type=Path, help="where the figures go")
    chosen = parser.parse_args()
    folder, paths = Folder(chosen.tokens), available(chosen.data)
    figures: dict[str, Any] = {}
    for name in chosen.sets.split(","):
        figures[name] = measure(paths[name], folder)
        told = "  ".join(f"{key} {value:.3f}" for key, value in figures[name].items())
        print(f"{name:10} {told}", flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps({"tokens": chosen.tokens, "sets": figures}, indent=1))


if __name__ == "__main__":
    main()
