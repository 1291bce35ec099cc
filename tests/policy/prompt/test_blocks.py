from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contextd.model import Fact, FactKind, Fold, Retention, Role, SectionKind, Sentence, Tier
from contextd.policy.facts.facts import chooser
from contextd.policy.prompt.blocks import (
    Folded,
    FoldedLimits,
    Line,
    block,
    fitting,
    folded,
    folded_limits,
    folded_messages,
    size,
)
from contextd.policy.prompt.budget import message_cost
from contextd.policy.rules import FoldRules, MessageCost
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from tests.policy.generated_sessions import KEY, apply, turn

WORDS = WordTokenizer()
COST = MessageCost()
AMPLE = FoldedLimits(1_000, 1_000, 1_000)


def session() -> SessionState:
    """Return four turns, the second pinned by the caller."""
    state = SessionState(KEY)
    texts = ("one", "two", "three", "four")
    turns = [
        turn(Role.USER, text, retention=Retention.KEEP if text == "two" else Retention.AUTO)
        for text in texts
    ]
    apply(state, tuple(turns), None, WORDS)
    return state


FOLD = Fold(
    3,
    summary=(Sentence(1, Role.USER, "sum one", 0.1), Sentence(3, Role.USER, "sum three", 0.9)),
    facts=(Fact(FactKind.DECISION, "fact one", 1), Fact(FactKind.DECISION, "fact three", 3)),
    pinned=(Sentence(1, Role.USER, "pin one", 0.5), Sentence(2, Role.USER, "pin two", 0.5)),
    source_tokens=9,
)


def parts(tier: Tier, before: int = 4, limits: FoldedLimits = AMPLE) -> Folded:
    """Return what stands for the turns below *before*."""
    state = session()
    choose = chooser(state.turns, WORDS)
    return folded(state, FOLD, before=before, tier=tier, limits=limits, meter=WORDS, choose=choose)


def texts(lines: tuple[Line, ...]) -> list[str]:
    """Return what the lines quote."""
    return [line.text.partition(": ")[2].strip() for line in lines]


def test_the_tier_picks_summary_or_facts() -> None:
    """One fold carries both; pinned lines are in either."""
    summary, facts = parts(Tier.SUMMARY), parts(Tier.NOTICE)
    assert (summary.kind, texts(summary.lines)) == (SectionKind.SUMMARY, ["sum one", "sum three"])
    assert facts.kind is SectionKind.KEY_FACTS
    assert texts(facts.lines) == ["decision: fact one", "decision: fact three"]
    assert texts(summary.pinned) == texts(facts.pinned) == ["pin one"]


def test_a_turn_the_caller_pinned_is_quoted_whole_and_once() -> None:
    """Its own sentences are not repeated, and no limit touches it."""
    found = parts(Tier.SUMMARY, limits=FoldedLimits(0, 0, 0))
    assert texts(found.kept) == ["two"]
    assert found.pinned == found.lines == ()


def test_turns_that_stand_verbatim_are_not_quoted() -> None:
    """Lines at or after the start of the verbatim part are dropped."""
    found = parts(Tier.SUMMARY, before=2)
    assert (texts(found.kept), texts(found.lines)) == ([], ["sum one"])


def test_pinned_lines_are_in_the_order_they_were_said() -> None:
    """Turns pinned by the caller and sentences pinned by rule share one block."""
    found = folded_messages(parts(Tier.SUMMARY), WORDS, COST)
    assert [message.section for message in found] == [SectionKind.PINNED, SectionKind.SUMMARY]
    assert found[0].text.splitlines()[1:] == ["no date", "- 1 user: pin one", "- 2 user: two"]
    assert found[0].sequences == (1, 2)
    assert [message.tokens for message in found] == [
        message_cost(message, WORDS, COST) for message in found
    ]


def test_facts_are_tightened_to_a_smaller_budget() -> None:
    """A fold made for more room gives up whole facts, the least worth first."""
    state = session()
    many = tuple(Fact(FactKind.ENTITY, f"A-{at}", 1 + at % 3, label="order id") for at in range(40))
    fold = Fold(3, (), many, (), 9)
    ample, tight = (
        folded(
            state,
            fold,
            before=4,
            tier=Tier.KEY_FACTS,
            limits=FoldedLimits(0, 0, room),
            meter=WORDS,
            choose=chooser(state.turns, WORDS),
        ).lines
        for room in (1_000, 20)
    )
    assert sum(line.text.count("A-") for line in ample) == 40
    assert 0 < sum(line.text.count("A-") for line in tight) < 40
    assert sum(line.tokens for line in tight) <= 20
    assert {at for line in ample for at in line.sequences} == {1, 2, 3}


def test_no_line_is_no_message() -> None:
    """A header alone is never sent."""
    assert block(SectionKind.SUMMARY, (), WORDS, COST) == ()


def test_the_best_lines_fit_in_their_old_order() -> None:
    """Rank decides, then the newer turn; what is too long is passed over."""
    lines = (
        Line("a", 4, (1,), 0.9),
        Line("b", 4, (2,), 0.1),
        Line("c", 9, (3,), 0.95),
        Line("d", 4, (4,), 0.1),
    )
    assert "".join(line.text for line in fitting(lines, 8, WORDS)) == "ad"
    assert "".join(line.text for line in fitting(lines, 21, WORDS)) == "abcd"
    assert fitting(lines, 3, WORDS) == ()


@given(
    sizes=st.lists(
        st.tuples(st.integers(0, 30), st.floats(0, 1), st.sampled_from(["", "a b\n", "c d\n"])),
        max_size=12,
    ),
    room=st.integers(-9, 99),
)
def test_lines_never_take_more_than_their_room(
    sizes: list[tuple[int, float, str]], room: int
) -> None:
    """The chosen lines are some of the given ones, in order, within the room with their days."""
    lines = [Line("x", size, (at,), rank, day) for at, (size, rank, day) in enumerate(sizes)]
    chosen = fitting(lines, room, WORDS)
    assert not chosen or size(chosen, WORDS) <= room
    assert [line.newest for line in chosen] == sorted(line.newest for line in chosen)


def test_a_day_is_told_once() -> None:
    """It stands before the first line of each day, and counts."""
    days = ("2024-05-01\n", "2024-05-01\n", "2024-05-02\n")
    lines = [Line(f"- {at}\n", 2, (at,), 0, day) for at, day in enumerate(days, 1)]
    (message,) = block(SectionKind.RETRIEVED, lines, WORDS, COST)
    assert message.text.splitlines()[1:] == ["2024-05-01", "- 1", "- 2", "2024-05-02", "- 3"]
    assert message.tokens == message_cost(message, WORDS, COST)


def test_limits_follow_the_budget() -> None:
    """A fold holds more facts than every prompt shows; a block of a few tokens is not shown."""
    small, large = folded_limits(400, FoldRules()), folded_limits(10_000, FoldRules())
    assert small == FoldedLimits(pinned=0, summary=100, facts=0, held=320, orders=0)
    assert large == FoldedLimits(pinned=800, summary=2_500, facts=800, held=1_500, orders=1_400)
