"""What stands for folded turns is worked out once, and again when something about it changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contextd.engine.telling import REMEMBERED, Told
from contextd.model import Fact, FactKind, Fold, Retention, Retold, Role, Sentence, Tier
from contextd.policy.facts.facts import chooser
from contextd.policy.prompt.blocks import Folded, FoldedLimits, facts_lines, folded, folded_messages
from contextd.policy.prompt.budget import standing
from contextd.policy.rules import Rules
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from tests.engine.kit import KEY, Engine, bot, build_request, record_request, run, user
from tests.policy.generated_sessions import KEY as NAME
from tests.policy.generated_sessions import apply, turn

WORDS = WordTokenizer()
FOLD = Fold(
    3,
    summary=(Sentence(1, Role.USER, "sum one", 0.1), Sentence(3, Role.USER, "sum three", 0.9)),
    facts=(Fact(FactKind.DECISION, "fact one", 1), Fact(FactKind.DECISION, "fact three", 3)),
    pinned=(Sentence(1, Role.USER, "pin one", 0.5), Sentence(2, Role.USER, "pin two", 0.5)),
    source_tokens=9,
)
USUAL: dict[str, Any] = {
    "fold": FOLD,
    "before": 4,
    "tier": Tier.KEY_FACTS,
    "limits": FoldedLimits(1_000, 1_000, 1_000),
}


class Counting(WordTokenizer):
    """Counts how often it is asked to count."""

    asked = 0

    def count(self, text: str) -> int:
        """Count the words of *text*."""
        self.asked += 1
        return super().count(text)


def session() -> SessionState:
    """Return four turns, the second pinned by the caller."""
    state = SessionState(NAME)
    kept = {"two": Retention.KEEP}
    turns = [
        turn(Role.USER, text, retention=kept.get(text, Retention.AUTO))
        for text in ("one", "two", "three", "four")
    ]
    apply(state, tuple(turns), None, WORDS)
    return state


def tell(state: SessionState, told: Told, meter: WordTokenizer = WORDS, **given: Any) -> Folded:
    """Return what stands for the turns of *state*."""
    wanted = USUAL | given
    choose = chooser(state.turns, meter)
    return folded(state, meter=meter, choose=choose, remember=told, **wanted)


@pytest.mark.parametrize("tier", [Tier.SUMMARY, Tier.KEY_FACTS])
def test_it_is_worked_out_once(tier: Tier) -> None:
    """For the next message nothing is quoted or counted again."""
    state, told, meter = session(), Told(), Counting()
    first = tell(state, told, meter, tier=tier)
    asked = meter.asked
    apply(state, (turn(Role.USER, "five"),), None, WORDS)
    assert tell(state, told, meter, tier=tier) is first
    assert meter.asked == asked > 0


@pytest.mark.parametrize(
    "changed",
    [
        {"fold": replace(FOLD, retold=(Retold(1, "told anew"),), facts=FOLD.facts[:1])},
        {"before": 3},
        {"limits": FoldedLimits(1_000, 4, 4)},
        {"tier": Tier.VERBATIM},
    ],
)
def test_another_is_worked_out_anew(changed: dict[str, Any]) -> None:
    """What was remembered is not told for another fold, place, limit or tier."""
    state, told = session(), Told()
    tell(state, told)
    assert tell(state, told, **changed) == tell(session(), Told(), **changed)
    assert tell(state, told, **changed) != tell(state, told)
    assert tell(state, told) == tell(session(), Told())


def test_a_turn_pinned_later_joins() -> None:
    """The caller's pins are kept also when they come after the text was made."""
    state, told = session(), Told()
    assert len(tell(state, told, before=6).kept) == 1
    apply(state, (turn(Role.USER, "five", retention=Retention.KEEP),), None, WORDS)
    assert len(tell(state, told, before=6).kept) == 2


def test_where_a_session_stands_is_the_same_with_and_without() -> None:
    """Tier and pressure follow from the turns, whatever was remembered of the fold."""
    state, told, meter = session(), Told(), Counting()
    state.fold = FOLD

    def stands(**remembering: Any) -> object:
        return standing(
            state,
            system_tokens=3,
            message_tokens=4,
            input_budget=4_000,
            meter=meter,
            rules=Rules(),
            choose=chooser(state.turns, meter),
            **remembering,
        )

    first = stands(remember=told)
    asked = meter.asked
    assert stands(remember=told) == first == stands()
    assert asked > 0
    apply(state, (turn(Role.USER, "five and more"),), None, WORDS)
    assert stands(remember=told) == stands() != first


def test_messages_of_folded_text_are_made_once() -> None:
    """They are the same until the text is; what no fold stands behind pushes nothing out."""
    state, told, cost = session(), Told(), Rules().cost
    parts = tell(state, told)
    first = folded_messages(parts, WORDS, cost, told)
    assert folded_messages(parts, WORDS, cost, told) is first
    assert first == folded_messages(parts, WORDS, cost)
    other = tell(state, told, before=3)
    assert folded_messages(other, WORDS, cost, told) == folded_messages(other, WORDS, cost) != first
    for _ in range(REMEMBERED + 1):
        folded_messages(tell(state, told, fold=None), WORDS, cost, told)
    assert folded_messages(parts, WORDS, cost, told) is first


def test_further_facts_are_written_once() -> None:
    """For the next message with as much room no line is written or counted again."""
    state, told, meter = session(), Told(), Counting()
    facts = tuple(Fact(FactKind.DECISION, f"fact {at} of turn {at}", at) for at in range(1, 5))
    choose = chooser(state.turns, meter)

    def lines(room: int, **remembering: Any) -> object:
        return facts_lines(facts, room, state, meter, choose=choose, **remembering)

    first = lines(1_000, remember=told)
    assert lines(1_000, remember=told) is first
    assert first == lines(1_000)
    assert lines(16, remember=told) == lines(16) != first


def test_what_fails_is_not_remembered() -> None:
    """The next caller tries again."""
    told = Told()

    def fails() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        told(FOLD, ("key",), fails)
    assert told(FOLD, ("key",), lambda: "made") == "made"


def test_only_so_much_is_remembered() -> None:
    """The oldest goes first."""
    told = Told()
    for number in range(REMEMBERED + 1):
        told(FOLD, (number,), lambda: "old")
    assert told(FOLD, (0,), lambda: "new") == "new"
    assert told(FOLD, (REMEMBERED,), lambda: "new") == "old"


def test_a_long_session_counts_no_old_sentence_twice() -> None:
    """Once a context was built, recording a turn counts that turn and nothing else."""

    async def talk() -> None:
        engine = Engine()
        for at in range(60):
            asked = user(f"My order W{at}123 for Hill Road {at} is late, and so is K-{at}77.")
            await engine.record(record_request(asked, bot("Let me look into that for you.")))
        await engine.fold(KEY)
        await engine.build(build_request("Where is it?"))
        hot = engine.sessions.get(KEY)
        (view,) = hot.views.values()
        meter = Counting()
        view.tokenizer = meter
        assert view.state.fold or view.state.prepared
        await engine.record(record_request(user("And now?")))
        assert meter.asked == 1

    run(talk())
