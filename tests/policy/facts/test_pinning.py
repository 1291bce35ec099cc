from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.events import TurnsRecorded
from contextd.model import Fold, Retention, Role, Sentence, Tier, Turn
from contextd.policy.facts.gathering import judge
from contextd.policy.facts.pinning import BY_CALLER, pinned
from contextd.testing.fakes import WordTokenizer
from contextd.testing.scenario import Scenario

if TYPE_CHECKING:
    from contextd.policy.state import SessionState

METER = WordTokenizer()


def pin(state: SessionState, limit: int, before: Fold | None = None) -> list[str]:
    """Return the pinned texts."""
    first = before.through if before else 0
    verdicts = judge(state.turns[first:])
    through = len(state.turns)
    found = pinned(state, through, verdicts=verdicts, before=before, limit=limit, meter=METER)
    return [item.text for item in found]


def keeping(state: SessionState, text: str) -> SessionState:
    """Add a turn that the caller pins."""
    sequence = state.next_sequence
    turn = Turn(f"t{sequence}", Role.USER, text, retention=Retention.KEEP, sequence=sequence)
    state.apply(TurnsRecorded(0, "", "", (turn,), "words", Tier.VERBATIM, 0.0))
    return state


def test_what_the_caller_pinned_is_there_whole_whatever_the_limit() -> None:
    """A caller's pin costs no room of the sentences pinned by rule."""
    text = "one two three. " * 50
    state = keeping(Scenario().user("Never call me.").state(), text)
    assert pin(state, 0) == [text]


def test_the_most_binding_sentence_gets_the_room() -> None:
    """An instruction goes before a decision; both stand in the order said."""
    talk = Scenario().user("Let's go with the red one.").user("Never call me at night.")
    assert pin(talk.state(), 1_000) == ["Let's go with the red one.", "Never call me at night."]
    assert pin(talk.state(), 13) == ["Never call me at night."]


def test_a_sentence_said_twice_is_pinned_once() -> None:
    """The newest mention stands for all."""
    talk = Scenario().user("Never call me.").bot("Noted.").user("Never call me!")
    assert pin(talk.state(), 1_000) == ["Never call me!"]


def test_pins_are_carried_from_fold_to_fold() -> None:
    """What an earlier fold pinned competes with what is new."""
    old = Sentence(1, Role.USER, "Never call me.", 2.6)
    whole = Sentence(2, Role.USER, "kept whole", BY_CALLER)
    talk = Scenario().user("Never call me.").user("kept whole").user("Hello")
    assert pin(talk.state(), 1_000, Fold(2, (), (), (old, whole), 9)) == ["Never call me."]
