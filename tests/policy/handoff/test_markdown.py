from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.model import ChannelMode, EscalateRequest, Reason
from contextd.policy.handoff.markdown import escape, render
from contextd.policy.handoff.payload import build
from contextd.policy.rules import Rules
from contextd.testing.fakes import WordTokenizer
from tests.policy.talks import DIGESTS, STATES, TEXTS, add, bot, calls, session, tool, user

if TYPE_CHECKING:
    from contextd.model import Fold, Handoff, Turn
    from contextd.policy.state import SessionState

HEADINGS = {
    "## Open question",
    "## Next step",
    "## Do not ask again",
    "## Promised to the customer",
    "## Tried so far",
    "## What happened",
    "## Key facts",
    "## Account",
    "## Not certain",
    "## Assistant's last reasoning",
    "## Evidence",
    "## Last turns",
}
NASTY = TEXTS | st.text("#>-+*_~`[]()<!&|:/\\=1.) \n\tahtpsw@", max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 5 * 3", "plain text, 5 \\* 3"),
        ("# not a heading", "\\# not a heading"),
        ("a # in between", "a # in between"),
        ("line\n# break", "line # break"),
        ("line\u2028- break\x00", "line - break"),
        ("1. not a list", "1\\. not a list"),
        ("- [ ] no task", "\\- \\[ \\] no task"),
        ("--- ", "\\---"),
        ("> no quote", "\\> no quote"),
        ("<img src=x>", "&lt;img src=x>"),
        ("![x](http://e.example)", "!\\[x\\](http\\://e.example)"),
        ("https://e.example/a_b", "https\\://e.example/a_b"),
        ("www.e.example", "www\\.e.example"),
        ("WWW.e.example", "WWW\\.e.example"),
        ("&lt;b&gt;", "&amp;lt;b&amp;gt;"),
        ("user_id _not emphasis_", "user_id \\_not emphasis\\_"),
        ("`code`", "\\`code\\`"),
        ("~~gone~~", "\\~~gone\\~~"),
        ("ends with \\", "ends with \\\\"),
        ("right\u202eleft", "right left"),
        ("", ""),
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    """Markup in stored text loses its power and stays readable."""
    assert escape(text) == shown


@settings(max_examples=200)
@given(NASTY)
def test_escaped_text_has_no_power(text: str) -> None:
    """One line; no tag, link, emphasis, code, heading, list, quote or rule can begin in it."""
    shown = escape(text)
    bare = re.sub(r"\\.", "_", shown, flags=re.DOTALL)  # what stands around it does not join
    assert len(shown.splitlines()) <= 1
    assert not re.search(r"[<`*\[\]]|~~|[a-z]://|\bwww\.", bare)
    assert not re.match(r"\s*([#>+=|-]|\d{1,9}[.)])", shown)


@settings(max_examples=50)
@given(STATES, DIGESTS, NASTY, st.sampled_from(list(Reason)))
def test_stored_text_shapes_no_note(
    state: SessionState, digest: Fold | None, note: str, reason: Reason
) -> None:
    """Headings and tags in a note are ours alone; no active link; the same bytes twice."""
    request = EscalateRequest(state.key, note, reason, note, ChannelMode.SYNC)
    handoff = build(
        state, request, handoff_id=note, at=0, digest=digest, rules=Rules(), meter=WordTokenizer()
    )
    text = render(handoff)
    assert text == render(handoff)
    title, *lines = text.split("\n")
    assert title.startswith("# ")
    assert {line for line in lines if re.match(r"\s*#", line)} <= HEADINGS
    bare = re.sub(r"\\.", "", text)
    assert "<" not in bare
    assert "](" not in bare
    assert not re.search(r"[a-z]://", bare, re.IGNORECASE)  # a link has a scheme
    assert text.count("\n---\n") == 1
    assert all(line == line.strip() or not line for line in lines)


def test_an_absurd_time_is_shown() -> None:
    """Times beyond the calendar do not break the note."""
    state = session()
    request = EscalateRequest(state.key, "", Reason.OTHER)
    for at in (-(10**18), 0, 10**30):
        handoff = build(
            state, request, handoff_id="h", at=at, digest=None, rules=Rules(), meter=WordTokenizer()
        )
        assert " UTC." in render(handoff)


def test_nothing_is_told_twice() -> None:
    """What the headline and the open question say is not said again as what is wanted."""
    said = render(handed_over("Hello! Where is the lamp I ordered last week?"))
    assert "**Wants:**" not in said
    longer = "The lamp came broken, and I had asked for brass. Can you send me another one?"
    assert "**Wants:**" not in render(handed_over(longer))


def test_what_is_open_stands_first_and_look_ups_on_one_line() -> None:
    """A failure that was mended is told with the rest, in the order of the talk."""
    state = session(
        user("Send a lamp and refund the old one."),
        *tried("send", '{"error": "locked"}', "c1"),
        *tried("get_order", '{"order": "W-1"}', "c2"),
        *tried("send", '{"ok": true}', "c3"),
        *tried("refund", '{"error": "timeout"}', "c4"),
        *tried("track", '{"parcel": "P-1"}', "c5"),
    )
    request = EscalateRequest(state.key, "", Reason.TOOL_FAILURE)
    note = render(
        build(
            state, request, handoff_id="h", at=0, digest=None, rules=Rules(), meter=WordTokenizer()
        )
    )
    section = note.partition("## Tried so far\n\n")[2].partition("\n\n")[0]
    assert [line.split(" \u2013 ")[0].split(" *(")[0] for line in section.splitlines()] == [
        "- refund: **failed**",
        "- send: **failed**",
        "- send: **succeeded**",
        "- looked up: get_order (n c2), track (n c5)",
    ]


def tried(name: str, result: str, call: str) -> tuple[Turn, Turn]:
    """A call and its result."""
    return calls(name, f'{{"n": "{call}"}}', call), tool(result, call)


def test_the_first_turn_of_a_day_says_which() -> None:
    """Times alone would put what is days apart side by side."""
    state = session(user("My lamp broke."))
    add(state, bot("Oh."), user("Any news?"), bot("No."), days=5)
    request = EscalateRequest(state.key, "", Reason.OTHER)
    note = render(
        build(
            state, request, handoff_id="h", at=0, digest=None, rules=Rules(), meter=WordTokenizer()
        )
    )
    lines = note.partition("## Last turns\n\n")[2].splitlines()[:4]
    dated = [re.search(r"\d{4}-\d\d-\d\d", line) for line in lines]
    assert [found and found[0] for found in dated] == ["2024-05-01", "2024-05-06", None, None]


def handed_over(text: str) -> Handoff:
    """The handoff of a session in which the customer said *text*."""
    state = session(user(text))
    request = EscalateRequest(state.key, "", Reason.USER_REQUEST)
    return build(
        state, request, handoff_id="h", at=0, digest=None, rules=Rules(), meter=WordTokenizer()
    )
