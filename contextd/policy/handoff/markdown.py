"""Renders a handoff as a note for an agent's desk, readable in twenty seconds.

Stored text never shapes the note: every piece is flattened to one line and its Markdown
and HTML are escaped, so it can forge no heading, list item, link, image or tag.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from contextd.model import ChannelMode
from contextd.policy.handoff.attempts import looks_up, still_open
from contextd.policy.handoff.parts import SPEAKERS
from contextd.policy.reading.outcomes import DONE, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from contextd.model import AttemptedAction, Cited, Evidence, Handoff, TranscriptLine

_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
_ACTIVE = re.compile(
    r"[\\`*\[\]<]|(?<!\w)_|_(?!\w)|~(?=~)|(?<=[a-zA-Z]):(?=//)|(?<=\bwww)\.", re.IGNORECASE
)
_MARKS = re.compile(r"[\\`*\[\]<_~]")
"""All of `_ACTIVE` that is one sign; most pieces hold none, and links are looked for apart."""
_START = re.compile(r"^(\d{0,9})([.)#+>=|~-])")
_GREETING = 24
"""Characters by which an intent may be longer than the headline and say no more."""
_ASKED = 60
"""Characters of what was asked in a look-up."""
_LAST_SECOND = 253_402_300_799

_NO_SUMMARY: Mapping[str, str] = {
    "INSUFFICIENT_CONTENT": "There was not enough to summarise.",
    "INTERNAL_ERROR": "The summary could not be made; the last turns are below.",
}


def render(handoff: Handoff) -> str:
    """Return the note; the same handoff gives the same bytes."""
    return "\n".join(line.rstrip() for part in _parts(handoff) for line in part) + "\n"


def escape(text: str) -> str:
    """Return *text* on one line, so that Markdown shows it as it is and nothing more.

    Links stay readable and are not active: their colon or dot is escaped.
    """
    # What is printable has no white space but blanks.
    line = text if text.isprintable() else _CONTROL.sub(" ", text)
    line = " ".join(line.split()).replace("&", "&amp;")
    if _MARKS.search(line) or "://" in line or "www." in line.lower():
        line = _ACTIVE.sub(_inert, line)
    return _START.sub(r"\1\\\2", line)


def _inert(match: re.Match[str]) -> str:
    return "&lt;" if match[0] == "<" else f"\\{match[0]}"


def _parts(handoff: Handoff) -> Iterator[Iterable[str]]:
    yield _head(handoff)
    yield _section("Open question", _quote(handoff.open_question))
    yield _section("Next step", _lines(handoff.suggested_next_action))
    yield _section("A colleague has had this before", _colleagues(handoff))
    yield _section("Tried so far", _attempts(handoff))
    yield _section("Do not ask again", map(_bullet, handoff.do_not_ask))
    yield _section("Promised to the customer", map(_bullet, handoff.commitments))
    yield _section("Key facts", map(_bullet, _untold(handoff)))
    yield _section("What happened", _summary(handoff))
    yield _section("Account", map(_bullet, handoff.account_facts))
    yield _section("Not certain", (f"- {escape(doubt)}" for doubt in handoff.uncertainty))
    yield _section("Assistant's last reasoning", _lines(handoff.last_reasoning))
    yield _section("Evidence", map(_evidence, handoff.evidence))
    yield _section("Last turns", _turns(handoff))
    yield _foot(handoff)


def _head(handoff: Handoff) -> Iterator[str]:
    yield f"# {escape(handoff.headline) or 'Handoff'}"
    yield ""
    waits = "waits on the line" if handoff.channel_mode is ChannelMode.SYNC else "will read later"
    reason = handoff.reason.value.replace("_", " ")
    detail = f" – {escape(handoff.reason_detail)}" if handoff.reason_detail else ""
    yield f"- **Reason:** {reason}{detail}"
    if not _is_told(handoff):
        yield f"- **Wants:** {escape(handoff.customer_intent)}"
    account = f", account {escape(handoff.account_id)}" if handoff.account_id else ""
    yield f"- **Customer:** {waits}{account}"
    if handoff.note:
        yield f"- **Note:** {escape(handoff.note)}"
    if handoff.confidence is not None:
        yield f"- **Model's confidence:** {handoff.confidence:.0%}"
    yield ""


def _is_told(handoff: Handoff) -> bool:
    """Say whether the headline and the open question tell the intent, a greeting aside."""
    intent = handoff.customer_intent
    about = handoff.headline.partition(": ")[2].rstrip("\u2026")
    greeting = len(intent) - len(about) <= _GREETING
    return not intent or intent == handoff.open_question.text or (greeting and about in intent)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield a heading and its lines, or nothing when there are none."""
    body = list(lines)
    if body:
        yield f"## {title}"
        yield ""
        yield from body
        yield ""


def _lines(text: str) -> Iterator[str]:
    if text.strip():
        yield escape(text)


def _quote(cited: Cited) -> Iterator[str]:
    if cited.text.strip():
        yield f"> {escape(cited.text)}{_source(cited.turn_ids)}"


def _bullet(cited: Cited) -> str:
    return f"- {escape(cited.text)}{_source(cited.turn_ids)}"


def _source(turn_ids: tuple[str, ...]) -> str:
    return f" *({', '.join(map(escape, turn_ids))})*" if turn_ids else ""


def _summary(handoff: Handoff) -> Iterator[str]:
    """Yield the summary, a bullet a sentence, or why there is none."""
    if handoff.summary.text:
        yield from (f"- {escape(line)}" for line in handoff.summary.text.splitlines())
    else:
        yield _NO_SUMMARY.get(handoff.summary_status, "There is no summary.")


def _colleagues(handoff: Handoff) -> Iterator[str]:
    """Yield what earlier humans left behind, the newest first, and what they said was done."""
    for stretch in reversed(handoff.earlier):
        who = escape(stretch.agent) or "Nobody"
        ended = escape(stretch.outcome.value.replace("_", " "))
        note = f" – {escape(stretch.note)}" if stretch.note else ""
        yield f"- **{who}**, {_date(stretch.ended_at)}, {ended}{note}"
        yield from (f"  - {escape(each.text)}{_source(each.turn_ids)}" for each in stretch.said)


def _untold(handoff: Handoff) -> Iterator[Cited]:
    """Yield the key facts that are not among what the customer has already given."""
    given = {cited.text for cited in handoff.do_not_ask}
    return (fact for fact in handoff.key_facts if fact.text not in given)


def _attempts(handoff: Handoff) -> Iterator[str]:
    """Yield what is still open, what else was tried, and what was looked up on one line."""
    tried = handoff.attempted_actions
    reads = [each for each in tried if each.status == DONE and looks_up(each.name)]
    still = still_open(tried)
    ended = [each for each in tried if each not in reads and each not in still]
    yield from map(_attempt, (*still, *ended))
    if reads:
        yield f"- looked up: {escape(', '.join(map(_look_up, reads)))}"


def _look_up(attempt: AttemptedAction) -> str:
    return f"{attempt.name} ({shorten(attempt.detail, _ASKED)})" if attempt.detail else attempt.name


def _attempt(attempt: AttemptedAction) -> str:
    detail = f" – {escape(attempt.detail)}" if attempt.detail else ""
    outcome = f"**{escape(attempt.status)}**"
    return f"- {escape(attempt.name)}: {outcome}{detail}{_source((attempt.turn_id,))}"


def _evidence(item: Evidence) -> str:
    title = escape(item.title or item.key)
    source = f" ({escape(item.source)})" if item.source else ""
    snippet = f": {escape(item.snippet)}" if item.snippet else ""
    return f"- {title}{source}{snippet}"


def _turns(handoff: Handoff) -> Iterator[str]:
    """Yield the newest turns; the first one of each day says which."""
    day = ""
    for line in handoff.last_turns:
        if line.text.strip():
            today = _moment(line.occurred_at, "%Y-%m-%d ") if line.occurred_at else ""
            yield _turn(line, "" if today == day else today)
            day = today or day


def _turn(line: TranscriptLine, day: str) -> str:
    author = f" {escape(line.author)}" if line.author else ""
    at = f" {day}{_clock(line.occurred_at)}" if line.occurred_at else ""
    speaker = SPEAKERS.get(line.role, "Someone")
    return f"- **{speaker}{author}**{at}: {escape(line.text)}"


def _foot(handoff: Handoff) -> Iterator[str]:
    turns, tokens = f"{handoff.turn_count:,}", f"{handoff.total_tokens:,}"
    conversation = f"{escape(handoff.tenant_id)} / {escape(handoff.conversation_id)}"
    yield "---"
    yield (
        f"Conversation {conversation}, {turns} turns, {tokens} tokens. "
        f"Handoff {escape(handoff.handoff_id)}, {_date(handoff.created_at)}."
    )


def _date(at: int) -> str:
    return _moment(at, "%Y-%m-%d %H:%M UTC")


def _clock(at: int) -> str:
    return _moment(at, "%H:%M")


def _moment(at: int, form: str) -> str:
    seconds = min(max(at // 1_000_000, 0), _LAST_SECOND)
    return datetime.fromtimestamp(seconds, UTC).strftime(form)
