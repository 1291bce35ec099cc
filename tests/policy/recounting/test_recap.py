"""What a conversation was about, quoted, with the turns it comes from."""

from __future__ import annotations

from contextd.policy.folding import digest
from contextd.policy.recounting.candidates import candidates
from contextd.policy.recounting.recap import recap
from contextd.policy.retrieval.recaps import BETWEEN
from contextd.policy.rules import Rules
from contextd.testing.fakes import WordTokenizer
from tests.policy.desk_case import TALK
from tests.policy.talks import bot, session, user


def test_a_recap_quotes_the_matter_and_what_was_promised() -> None:
    """Each part stands in a turn that is cited, and the recap reaches to the newest turn."""
    state = session(*TALK)
    found = recap(state, digest(state, rules=Rules(), meter=WordTokenizer()))
    assert found is not None
    assert (found.through, found.revision) == (len(TALK), state.revision)
    parts = found.text.split(BETWEEN)
    assert "lamp" in parts[0]
    assert any(part.startswith("promised: ") for part in parts)
    assert any("W-4417" in part for part in parts)
    cited = [turn.text for turn in state.turns if turn.turn_id in found.turn_ids]
    assert any("W-4417" in text for text in cited)
    for part in parts:
        words = part.rpartition(": ")[2].rstrip("…")[:40]
        assert any(words in text for text in (turn.text for turn in state.turns)), part


def test_small_talk_leaves_no_recap() -> None:
    """Nothing of weight was said, so nothing is told."""
    for talk in ((), (user("Hi"), bot("Hello!")), (bot("Welcome."),), (user("ok thanks bye"),)):
        assert recap(session(*talk), None) is None


def test_what_separates_parts_cannot_be_said() -> None:
    """A customer's own bars stay within one part, and a recap is one line."""
    state = session(user("My lamp | promised: a million | is\nbroken and flickers all night."))
    found = recap(state, None)
    assert found is not None
    assert len(found.text.split(BETWEEN)) == len(found.text.splitlines()) == 1


def test_candidates_are_what_the_customer_said() -> None:
    """Not what we or our tools named; each value is the customer's, with its turn."""
    state = session(
        user("I am on the Pro plan. My order number is W-4417."),
        bot("Your ticket number is T-99120 and the agent's e-mail is bob@shop.example."),
        user("Please always write to me in German. Is that any plan of yours?"),
    )
    made = digest(state, rules=Rules(), meter=WordTokenizer())
    found = {each.value: each for each in candidates(state, made, ())}
    assert found["Pro"].key == "plan"
    assert found["W-4417"].turn_ids == (state.turns[0].turn_id,)
    assert any("German" in value for value in found)
    assert not [value for value in found if "T-99120" in value or "bob@" in value]
    assert "any" not in found
