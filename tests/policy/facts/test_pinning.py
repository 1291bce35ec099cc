from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.events import TurnsRecorded
from contextd.model import Fold, Retention, Role, Sentence, Tier, Turn
from contextd.policy.facts.pinning import BY_CALLER, STANDING, pinned
from contextd.policy.folding import heeded
from contextd.testing.fakes import WordTokenizer
from contextd.testing.scenario import Scenario

if TYPE_CHECKING:
    from contextd.policy.state import SessionState

METER = WordTokenizer()


def pin(state: SessionState, limit: int, before: Fold | None = None) -> list[str]:
    """Return the pinned texts."""
    first = before.through if before else 0
    bound = [each for turn in state.turns[first:] for each in heeded(turn)]
    through = len(state.turns)
    found = pinned(state, through, bound=bound, before=before, limit=limit, meter=METER)
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


def test_an_order_for_good_is_never_crowded_out_by_plans() -> None:
    """However much is promised and decided later, the standing order and the choice stay."""
    talk = Scenario().user("Always name the platform when I ask about trains.")
    talk.user("I prefer the aisle.")
    for at in range(60):
        talk.bot(f"I'll send you timetable number {at}.").user(f"Let's go with option {at}.")
    kept = pin(talk.state(), 24)
    assert kept[:2] == ["Always name the platform when I ask about trains.", "I prefer the aisle."]


def test_an_order_for_good_does_not_age() -> None:
    """After many folds it still goes before what is new; other sentences give way."""
    state = Scenario().user("Always whisper.").user("I love the sea.").state()
    said: tuple[Sentence, ...] = (
        Sentence(1, Role.USER, "Always whisper.", STANDING),
        Sentence(2, Role.USER, "Ah.", 2.0),
    )
    for _ in range(30):
        before = Fold(2, (), (), said, 9)
        said = pinned(state, 2, bound=[], before=before, limit=100, meter=METER)
    assert said[0].score == STANDING
    assert said[1].score < 1.0


def test_a_choice_taken_back_is_no_longer_pinned() -> None:
    """The newer choice about the same matter takes the place of the older one."""
    talk = Scenario().user("I prefer paper tickets for trains.").user("I prefer quiet hotels.")
    talk.user("I no longer want paper tickets, I prefer train tickets on my phone.")
    assert pin(talk.state(), 1_000) == [
        "I prefer quiet hotels.",
        "I no longer want paper tickets, I prefer train tickets on my phone.",
    ]


def test_another_order_on_the_same_matter_takes_nothing_back() -> None:
    """Two orders about trains stand side by side."""
    talk = Scenario().user("Always name the platform when I ask about trains.")
    talk.user("Always name the price when I ask about trains.")
    assert len(pin(talk.state(), 1_000)) == 2


def test_what_says_nothing_alone_is_not_pinned() -> None:
    """A bare agreement needs its question, which a pin does not have."""
    assert pin(Scenario().bot("Shall I?").user("Yes, go ahead.").state(), 1_000) == []
