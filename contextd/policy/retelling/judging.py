"""Whether what a model wrote may be shown.

Its text is data that was stored: it is shown, if at all, as quoted lines in a user message,
and it never becomes a fact, a pinned sentence or the base of another fold.  It is checked
as far as rules can: it must be an answer, be prose, be short enough, be about its source,
and hold no figure, identifier or address that its source does not hold.  It may still be
wrong about who did what; rules cannot see that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contextd.model import Retold
from contextd.policy.facts.telling import words
from contextd.policy.quoting import flatten, quote_retold
from contextd.policy.reading.sentences import split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contextd.model import Draft
    from contextd.policy.meter import Meter
    from contextd.policy.retelling.asking import Source

_THOUGHTS = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_PREAMBLE = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok)\b[^\n]{0,80}|(?:here(?:'s| is)|below is)\b"
    r"[^\n]{0,80}|(?:running |conversation )?summary)[:.!]\s*\n",
    re.IGNORECASE,
)
_FORMS: Mapping[str, str] = {
    "says that there is nothing": (
        r"\A\W*(?:none|null|nil|n/?a|nothing|empty|undefined|no (?:relevant |available )?"
        r"(?:summary|information|content)\b.{0,80})\W*\Z"
    ),
    "reads like an error": (
        r"\A\W*(?:\w*error\b|\w*exception\b|traceback\b|fatal\b|internal server\b|bad gateway\b|"
        r"rate limit|(?:the )?(?:service|model|server)\b.{0,60}(?:unavailable|not found|not loaded|"
        r"overloaded|busy)|too many requests|quota\b|(?:http )?[45]\d\d\b|timed? ?out\b)"
    ),
    "holds markup or code": r"</?[a-z!][^>]{0,200}>|```|^\s*[{\[]|^\s*\|.*\|\s*$|<\|",
    "holds the marks of a transcript": (
        r"^\W*(?:system|user|assistant|tool|human|ai|bot|developer|instructions?)\W{0,3}:|"
        r"\[/?INST\]|<<SYS>>|^#{1,6}\s|"
        r"^\s*-? ?\d+(?:-\d+)? (?:user|assistant|tool|human|retold)\b"
    ),
    "refuses": (
        r"\A\W*we(?:['’]?re| are) sorry\b|"
        r"\A.{0,160}\b(?:i['’]?m sorry|i am sorry|i apologi[sz]e|i can(?:['’]t|not|t)\b|i can not|"
        r"i(?:['’]m| am) (?:not able|unable)|i (?:won['’]t|will not) |"
        r"as an? (?:ai|language model)|i do(?:n['’]t| not) have (?:access|enough|any))"
    ),
    "gives orders": (
        r"\b(?:ignore|disregard|forget|override) (?:all |any |the |your |every )*(?:previous|prior|"
        r"above|earlier|instructions?|rules)|\byou (?:must|are now|should now|will now)\b|"
        r"\b(?:system|developer) prompt\b"
    ),
}
"""What is wrong with an answer, by its form; a refusal is one at the start only."""
_FAULTS = tuple(
    (fault, re.compile(pattern, re.IGNORECASE | re.MULTILINE | re.DOTALL))
    for fault, pattern in _FORMS.items()
)
_FIGURE = re.compile(r"\w+://\S+|[^\s\"'“”()\[\]<>;]*[\d@][^\s\"'“”()\[\]<>;]*")
_STRAY = ".,:!?…*_%$€£¥#~+-–—/’"
_PARTS = re.compile(r"\d+|[^\W\d_]+")
_MADE_OF_PARTS = re.compile(
    r"\d+|\d+\.00|\d{1,4}(?:[-/:–]\d{1,4}){1,2}|\d{1,4}(?:\.\d{1,4}){2}|\d+[-–]?[a-z]{1,12}"
)
"""Figures that may be written in another way: numbers, times, dates, "2nd", "3kg"."""
_NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
)  # fmt: skip
_LATIN = re.compile(r"[a-zà-ÿ]")
_KNOWN_SHARE = 0.4
"""The share of the answer's content words that its source must hold."""
_FEWEST_WORDS = 5
_DISTINCT_SHARE = 0.6


def read(draft: Draft, asked: Source, meter: Meter) -> tuple[tuple[Retold, ...], str]:
    """Return the sentences to show, or none and why the answer is not fit to be shown."""
    text = _PREAMBLE.sub("", _THOUGHTS.sub("", draft.text, 1).strip(), 1).strip()
    fault = _form(text) or ("" if draft.complete else "was cut off") or _content(text, asked)
    if fault:
        return (), fault
    plain = (flatten(piece.replace("**", "")) for piece in split(text))
    sentences = [piece for piece in plain if piece]
    tokens = sum(meter.count(quote_retold(asked.through, piece)) for piece in sentences)
    if tokens > asked.limit:
        return (), "is too long"
    if tokens >= sum(meter.count(piece) for piece in asked.texts):
        return (), "is not shorter than its source"
    return tuple(_placed(sentences, asked)), ""


def _form(text: str) -> str:
    """Return what is wrong with an answer, whatever was asked; "" for nothing."""
    if not text:
        return "is empty"
    return next((fault for fault, pattern in _FAULTS if pattern.search(text)), "")


def _content(text: str, asked: Source) -> str:
    """Return what is wrong with an answer beside its source; "" for nothing."""
    pieces = [piece.lower() for piece in split(text)]
    latin = [word for word in words(text) if _LATIN.match(word)]
    if latin and len(text.split()) < _FEWEST_WORDS:
        return "says too little"
    if len(set(pieces)) < _DISTINCT_SHARE * len(pieces):
        return "repeats itself"
    given = "\n".join(asked.texts).lower()
    if next(_made_up(text.lower(), given), ""):
        return "holds a figure that its source does not hold"
    known = set(latin) & set(words(given))
    return "is not about its source" if len(known) < _KNOWN_SHARE * len(set(latin)) else ""


def _made_up(text: str, given: str) -> Iterator[str]:
    """Yield the figures, identifiers and addresses of *text* that are not in *given*."""
    figures = {_bare(match) for match in _FIGURE.findall(given)}
    parts = {part.lstrip("0") for part in _PARTS.findall(given)}
    parts |= {str(at) for at, word in enumerate(_NUMBER_WORDS) if word in parts}
    for match in _FIGURE.findall(text):
        figure = _bare(match)
        if not figure or figure in figures:
            continue
        numbers = {part.lstrip("0") for part in re.findall(r"\d+", figure)}
        if not _MADE_OF_PARTS.fullmatch(figure) or not numbers <= parts:
            yield figure


def _bare(figure: str) -> str:
    return figure.strip(_STRAY).removesuffix("'s").replace(",", "")


def _placed(sentences: Sequence[str], asked: Source) -> Iterator[Retold]:
    """Give each sentence the turn that shares most words with it, the newest of equals."""
    bags = [(turn.sequence, set(words(turn.text))) for turn in asked.turns]
    for sentence in sentences:
        mine = set(words(sentence))
        nearest = max(bags, key=lambda bag: (len(mine & bag[1]), bag[0]), default=None)
        yield Retold(nearest[0] if nearest else asked.through, sentence)
