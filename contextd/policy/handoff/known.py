"""What a handoff says is known: what the customer told, what matters, what was promised.

A value stands under its name where the name says what it is for ("order id: W-1"); any other
is told in the sentence that holds it, and a bare answer with its question.  What somebody
took back is left out, and nothing is told twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from contextd.model import Cited, Fact, FactKind, Role
from contextd.policy.facts.pinning import BY_CALLER
from contextd.policy.facts.supersession import current, replaced_values, states_old
from contextd.policy.facts.wording import SAID, normal
from contextd.policy.judgement.routing import is_acknowledgement
from contextd.policy.reading.extraction import ID_LIKE, values
from contextd.policy.reading.mentions import Prose, cited_ids
from contextd.policy.reading.outcomes import shorten
from contextd.policy.reading.utterance import content, hear

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from contextd.model import Fold
    from contextd.policy.state import SessionState

_FACT = 240
_BARE = 4
"""Words up to which a sentence says little without the question it answers."""
_YES = 24
"""Characters up to which an answer may be a yes and no more."""
_LEAST = 3
"""Words that a statement needs to be told."""
_VALUES = 6
"""Values of one name that are told; the newest."""
_TELLING = 4
"""Characters of an id that is worth looking for in what was said."""
_ASSENT = frozenset(
    word[:6]
    for word in "yes confirm proceed correct ahead agree accept sounds good right sure".split()
)
"""What a decision is made of that only says yes, cut as `content` does."""
_VAGUE = frozenset(
    "said id number date time amount quantity code url to from at on by since until one per".split()
)
"""Labels that do not tell what a value is for."""
_MEASURES = frozenset("date time amount quantity url".split())
"""Labels of values that name nothing, even where they look like an id ("13th")."""
_EXCUSE = re.compile(
    r"^(?:(?:oh|oops|sorry|wait|well|no|actually|hmm|and|but|before we go on)[,:!.]+\s*"
    r"|(?:oh|oops|actually|and|but) )+",
    re.IGNORECASE,
)
_SUM = re.compile(r"\b(?:total|amount|balance|refund)\b")
_STATUS = re.compile(r"(?:status|state)\b")
"""Begins the name of what only we can know, though a customer may speak of it."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DAYS = frozenset("date day dob birthday departure arrival".split())
_DIGIT = re.compile(r"\d")
_REACHED_AT = ("email", "e-mail", "phone")

_WISHES = (FactKind.INSTRUCTION, FactKind.PREFERENCE)
_WISHED, _NAMED, _CORRECTED, _DECIDED, _TOLD = range(5)
_OPEN, _ASKED_OF_TOOLS, _OUTCOME, _OURS, _ONLY_TOOLS = 2, 5, 6, 7, 8
_UNHEARD = (_ASKED_OF_TOOLS, _ONLY_TOOLS)
_MOST_UNHEARD, _LEAST_UNHEARD = 16, 4
"""Values told that nobody spoke of: fewer, the more there is that people spoke of."""
_GIVEN: Mapping[FactKind, int] = {
    FactKind.INSTRUCTION: _WISHED,
    FactKind.PREFERENCE: _WISHED,
    FactKind.CORRECTION: _CORRECTED,
    FactKind.DECISION: _DECIDED,
}
_KNOWN: Mapping[FactKind, int] = {
    **_GIVEN,
    FactKind.OPEN_ISSUE: _OPEN,
    FactKind.ACTION: _OUTCOME,
}


class _Item(NamedTuple):
    """A line to be: its place, the turn it comes from, the text, the name of a value."""

    rank: int
    sequence: int
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """Items told together: values of one name, or one sentence."""

    texts: list[str] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)

    def telling(self) -> Iterator[tuple[str, int]]:
        """Give each text with its turn; beside an id, none that says it in a sentence."""
        has_id = any(map(ID_LIKE.fullmatch, self.texts))
        for text, sequence in zip(self.texts, self.sequences, strict=True):
            if not has_id or len(text.split()) <= _BARE or ID_LIKE.fullmatch(text):
                yield text, sequence


@dataclass(frozen=True, slots=True)
class ValueLines:
    """How the values of a session are told, each looked for in what was said once."""

    prose: Prose
    _told: dict[tuple[int, str, str], tuple[_Item, ...]] = field(default_factory=dict)

    def of(self, fact: Fact) -> tuple[_Item, ...]:
        """Return the line of a value, none where it says nothing."""
        key = fact.sequence, fact.label, fact.text
        told = self._told.get(key)
        if told is None:
            told = self._told[key] = tuple(_value(self.prose, fact))
        return told


def already_given(value_lines: ValueLines, facts: Sequence[Fact], most: int) -> tuple[Cited, ...]:
    """Return what the customer has stated: asking for it again would annoy.

    First come values under their name, then wishes, corrections (as they stand now),
    decisions and what else was told, the newest first.
    """
    old = _taken_back(facts)
    items = [item for fact in facts for item in _given(value_lines, fact) if _holds(item, old)]
    named = " ".join(normal(item.text) for item in items if item.label)
    told = [item for item in items if item.rank != _CORRECTED or not _only_names(item.text, named)]
    return _lines(value_lines.prose.state, told, most)


def key_facts(
    value_lines: ValueLines, facts: Sequence[Fact], most: int, told: Iterable[Cited] = ()
) -> tuple[Cited, ...]:
    """Return what is known and not among *told*: what people spoke of before what tools gave."""
    old = _taken_back(facts)
    seen = "\n".join(normal(cited.text) for cited in told)
    found = (item for fact in facts for item in _known(value_lines, fact) if _holds(item, old))
    known = [item for item in found if not _stands_in(normal(item.text), seen)]
    known = [item for item in known if item.rank != _CORRECTED or not _only_names(item.text, seen)]
    heard = [item for item in known if item.rank not in _UNHEARD]
    unheard = _by_worth(item for item in known if item.rank in _UNHEARD)
    room = max(_LEAST_UNHEARD, _MOST_UNHEARD - len(heard))
    return _lines(value_lines.prose.state, [*heard, *unheard[:room]], most)


def _by_worth(unheard: Iterable[_Item]) -> list[_Item]:
    """Order values nobody spoke of: what tools were asked about, then ids, then the newest."""
    return sorted(
        unheard,
        key=lambda item: (item.rank, not ID_LIKE.fullmatch(item.text), -item.sequence),
    )


def commitments(state: SessionState, digest: Fold | None, most: int) -> tuple[Cited, ...]:
    """Return what our side bound itself to, promises with a date or a sum first.

    Sentences that folding pinned count too: the facts may have had no room for them.
    """
    facts = digest.facts if digest else ()
    kept = digest.pinned if digest else ()
    made = [(item.text, item.sequence) for item in facts if item.kind is FactKind.COMMITMENT]
    made += [
        (item.text, item.sequence)
        for item in kept
        if item.role in {Role.ASSISTANT, Role.HUMAN_AGENT} and item.score < BY_CALLER
    ]
    items = (_Item(int(not _is_bound(text)), at, text) for text, at in made)
    return _lines(state, items, most)


def _is_bound(promise: str) -> bool:
    """Say whether a promise holds a sum, a date or another value to be held to."""
    # Most do in digits; those in words are told slowly.
    found = chain(values(promise, spelled=False), values(promise))
    return any(value.label != "name" for value in found)


def _given(value_lines: ValueLines, fact: Fact) -> Iterator[_Item]:
    """Give the line that a fact the customer stated makes, if it makes one."""
    prose = value_lines.prose
    role = prose.role(fact)
    if fact.kind in _GIVEN and role is Role.USER:
        yield from _statement(fact, _GIVEN[fact.kind])
    elif fact.kind is FactKind.ENTITY and role is Role.USER:
        told = value_lines.of(fact) if not _STATUS.match(fact.label) else ()
        yield from (item for item in told if item.label or not item.text.endswith("?"))
    elif fact.kind is FactKind.ENTITY and role is not None and _identifies(fact):
        at = prose.said_by_customer(fact.text)
        if at:
            yield from value_lines.of(replace(fact, sequence=at))


def _known(value_lines: ValueLines, fact: Fact) -> Iterator[_Item]:
    """Give the line a fact makes: what was spoken of ranks above what only tools know."""
    prose = value_lines.prose
    role = prose.role(fact)
    if role is None:
        return
    if fact.kind is not FactKind.ENTITY:
        if fact.kind in _KNOWN and not _is_report(prose.state, fact):
            yield from _statement(fact, _KNOWN[fact.kind])
        return
    # Where the customer gave it, it is not looked for: that reads all that was said.
    heard = role is Role.USER or (len(fact.text) >= _LEAST and prose.mentions(fact.text))
    if role is Role.USER:
        yield from value_lines.of(fact)
    elif heard and _is_vague(fact.label) and not _identifies(fact):
        yield from _ours(value_lines.of(fact))
    elif not _is_vague(fact.label) or (heard and _identifies(fact)) or _is_day_asked(fact, role):
        unheard = _ASKED_OF_TOOLS if role is Role.ASSISTANT else _ONLY_TOOLS
        if not heard and not _is_day_asked(fact, role) and not _is_worth_telling(fact):
            return
        yield _Item(_NAMED if heard else unheard, fact.sequence, fact.text, fact.label)


def _ours(told: Iterable[_Item]) -> Iterator[_Item]:
    """Give what our side said that holds a value; headings and questions state nothing."""
    for item in told:
        if item.rank != _TOLD:
            yield item
        elif not item.text.endswith((":", "?")):
            yield item._replace(rank=_OURS)


def _statement(fact: Fact, rank: int) -> Iterator[_Item]:
    text = current(fact.text) if fact.kind is FactKind.CORRECTION else fact.text
    if fact.kind is FactKind.CORRECTION or fact.kind in _WISHES:
        text = _EXCUSE.sub("", text)
        text = text[:1].upper() + text[1:]
    if rank == _DECIDED and not content(hear(text)) - _ASSENT:
        return  # a yes to what nobody sees here
    if len(text.split()) >= _LEAST:
        yield _Item(rank, fact.sequence, text)


def _value(prose: Prose, fact: Fact) -> Iterator[_Item]:
    """Give a value under its name, or the sentence that holds it."""
    if not _is_vague(fact.label):
        if not _says_only_yes(fact.text):
            yield _Item(_NAMED, fact.sequence, _alone(fact.text), fact.label)
        return
    telling = any(values(fact.text)) or (fact.label != SAID and _DIGIT.search(fact.text))
    question = prose.asked_before(fact.sequence)
    if not telling and not question:
        return  # most words: their turn need not be cut into sentences
    said, at = prose.sentence_with(fact.sequence, fact.text)
    if len(said.split()) > _BARE:
        if telling:
            yield _Item(_TOLD, fact.sequence, said)
    elif said and question and (at == 0 or fact.label != SAID):
        yield _Item(_TOLD, fact.sequence, f"{said} (asked: {question})")


def _says_only_yes(text: str) -> bool:
    """Say whether an answer is a yes or no, or thanks: most values are seen to be none at once."""
    short = len(text) <= _YES and not _DIGIT.search(text)
    return short and is_acknowledgement(hear(text))


def _alone(text: str) -> str:
    """Return the one id in an answer of many words, else the answer."""
    words = text.split()
    ids = [word for word in words if ID_LIKE.fullmatch(word)]
    return ids[0] if len(ids) == 1 and len(words) > _BARE else text


def _is_report(state: SessionState, fact: Fact) -> bool:
    """Say whether a fact stands for an action of its turn, which is told among the attempts."""
    actions = state.turns[fact.sequence - 1].actions if fact.kind is FactKind.ACTION else ()
    return any(fact.text.startswith(f"{action.name}:") for action in actions)


def _is_vague(label: str) -> bool:
    return not label or label in _VAGUE or label.partition(" ")[0] in _VAGUE


def _identifies(fact: Fact) -> bool:
    is_id = len(fact.text) >= _TELLING and ID_LIKE.fullmatch(fact.text) is not None
    is_id = is_id and fact.label not in _MEASURES
    is_full_name = fact.label.endswith("name") and " " in fact.text
    return is_id or is_full_name or fact.label.endswith(_REACHED_AT)


def _is_day_asked(fact: Fact, role: Role) -> bool:
    """Say whether a day went to a tool: "May 20th" of the talk, as it was understood."""
    named = not _DAYS.isdisjoint(fact.label.split())
    return role is Role.ASSISTANT and named and _DATE.match(fact.text) is not None


def _is_worth_telling(fact: Fact) -> bool:
    """Say whether a value that nobody spoke of may be: an id or a sum, not a date or a code."""
    if _SUM.search(fact.label):
        return True
    return _identifies(fact) and not _DATE.match(fact.text)


def _taken_back(facts: Iterable[Fact]) -> tuple[tuple[int, str], ...]:
    """Return (turn, value) for all that a correction names as no longer so."""
    return tuple(
        (fact.sequence, value)
        for fact in facts
        if fact.kind is FactKind.CORRECTION
        for value in replaced_values(fact.text)
    )


def _holds(item: _Item, old: Sequence[tuple[int, str]]) -> bool:
    """Say whether *item* still holds, given what was taken back."""
    if not item.label:
        return not states_old(item.text, item.sequence, old)
    since = [value for at, value in old if at >= item.sequence]
    return not since or normal(item.text) not in since


def _only_names(text: str, named: str) -> bool:
    """Say whether all that *text* states are values told under their names already."""
    found = [normal(value.text) for value in values(text)]
    return bool(found) and all(_stands_in(value, named) for value in found)


def _stands_in(text: str, told: str) -> bool:
    """Say whether *text* stands in *told* as whole words."""
    at = told.find(text)
    while at >= 0:
        before, after = told[at - 1 : at] if at else "", told[at + len(text) : at + len(text) + 1]
        if not _in_word(before) and not _in_word(after):
            return True
        at = told.find(text, at + 1)
    return False


def _in_word(sign: str) -> bool:
    return sign.isalnum() or sign in {"_", "-"}


def _lines(state: SessionState, items: Iterable[_Item], most: int) -> tuple[Cited, ...]:
    """Write at most *most* lines, each once: by rank, newest first, values of a name together."""
    lines: dict[tuple[str, str], _Line] = {}
    seen: set[str] = set()
    for item in sorted(items, key=lambda item: (item.rank, -item.sequence)):
        text, label = shorten(item.text, _FACT), shorten(item.label, _FACT)
        named = label and not ID_LIKE.fullmatch(text)
        same = f"{label}: {normal(text)}" if named else normal(text)
        if not text or same in seen:
            continue
        key = (label, "" if label else text)
        line = lines.get(key) or _Line()
        if (len(lines) == most and key not in lines) or len(line.texts) == _VALUES:
            continue
        seen.add(same)
        lines[key] = line
        line.texts.append(text)
        line.sequences.append(item.sequence)
    return tuple(_cited(state, label, line) for (label, _), line in lines.items())


def _cited(state: SessionState, label: str, line: _Line) -> Cited:
    told = list(line.telling())
    text = ", ".join(text for text, _ in told)
    return Cited(f"{label}: {text}" if label else text, cited_ids(state, (at for _, at in told)))
