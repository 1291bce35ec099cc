from __future__ import annotations

from contextd.model import Budget, BuildRequest, Evidence, Message, Recalled, Role, SectionKind
from contextd.policy.prompt.blocks import Line
from contextd.policy.prompt.evidence import chosen, offered, reusable, unshown
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from tests.policy.generated_sessions import KEY, apply, turn

WORDS = WordTokenizer()
RETURNS = Evidence("kb/7", "faq", "Returns", "Within 30 days.", 0.5)


def knowing(*pieces: Evidence) -> SessionState:
    """Return a session of which each turn brought a piece of evidence."""
    state = SessionState(KEY)
    for piece in pieces:
        apply(state, (turn(Role.USER, "hello", evidence=(piece,)),), None, WORDS)
    return state


def request(*evidence: Evidence, sent_with: tuple[Evidence, ...] = ()) -> BuildRequest:
    """Ask with *evidence*, and some in the message itself."""
    message = turn(Role.USER, "and now?", evidence=sent_with)
    return BuildRequest(KEY, "", message, "", Budget("m", 500, 0), evidence=evidence)


def test_a_known_key_brings_what_is_known_under_it() -> None:
    """The caller need not send the text again; the line says which turn it came with."""
    state = knowing(Evidence("x", snippet="else"), RETURNS)
    (item,) = offered(request(Evidence("kb/7", score=0.9)), state, WORDS)
    assert item.line.text == "- (faq, turn 2) Returns: Within 30 days.\n"
    assert item.line.sequences == (2,)
    assert item.line.rank == 0.9


def test_what_the_request_brings_is_newer() -> None:
    """Text sent along stands as it is, without a turn, though the key is known."""
    state = knowing(RETURNS)
    (item,) = offered(request(Evidence("kb/7", "faq", "", "Within 60 days.")), state, WORDS)
    assert item.line.text == "- (faq) Within 60 days.\n"
    assert item.line.sequences == ()


def test_an_unknown_key_alone_is_sent_as_it_is() -> None:
    """There is nothing to complete it with."""
    (item,) = offered(request(Evidence("nobody knows")), knowing(), WORDS)
    assert item.line.text == "- (nobody knows)\n"


def test_nothing_offered_is_sent_twice() -> None:
    """A key counts once, in the version given last, and so do the same words."""
    same = Evidence("copy", "wiki", "", "within  30\ndays.", 0.8)
    items = offered(
        request(
            Evidence("kb/7", "faq", "", "Within 30 days.", 0.9),
            Evidence("a", "faq", "", "first", 0.1),
            Evidence("a", "faq", "", "last", 0.2),
            sent_with=(Evidence("kb/7", "faq", "", "older", 1.0), same),
        ),
        knowing(),
        WORDS,
    )
    assert [item.key for item in items] == ["kb/7", "copy", "a"]
    items = offered(
        request(RETURNS, Evidence("copy", "", "", " Within 30  days.")), knowing(), WORDS
    )
    assert [item.key for item in items] == ["kb/7"]


def test_recalled_evidence_is_not_sent_beside_itself() -> None:
    """Neither its key nor its words came with the request, nor stand in a turn that is sent."""
    state = knowing(RETURNS)
    beside = offered(request(Evidence("b", "", "", "b says"), Evidence("c")), state, WORDS)
    pieces = [
        Evidence("b", "", "", "an older b"),
        Evidence("d", "", "", "b  says"),
        Evidence("e", "", "", "Said in a turn."),
        Evidence("f", "", "", "news"),
        Evidence("g", "", "", "news"),
    ]
    recalled = [Recalled(piece, at, 1.0 - at / 10) for at, piece in enumerate(pieces, 1)]
    sent = [_message("Look: Said in\na turn. So there.")]
    (item,) = reusable(recalled, beside, sent, WORDS)
    assert item.line == Line("- (f, turn 4) news\n", item.line.tokens, (4,), 0.6)


def test_the_best_are_served_first() -> None:
    """Of what does not fit, the one that bears less on the message is left out, and named."""
    pieces = [Evidence(key, "", "", f"{key} " * 20) for key in ("a", "b")]
    recalled = [Recalled(pieces[0], 1, 0.6), Recalled(pieces[1], 2, 0.9)]
    items = reusable(recalled, (), (), WORDS)
    shown = chosen(items, 30, WORDS)
    assert [line.sequences for line in shown] == [(2,)]
    assert [item.evidence_key for item in unshown(items, shown)] == ["a"]


def _message(text: str) -> Message:
    return Message(Role.TOOL, text, SectionKind.VERBATIM, 9)
