from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.model import Budget, Fact, FactKind, Fold, Role, Sentence, Tier, ToolCall
from contextd.policy.facts.facts import fact_lines
from contextd.policy.folding import DIGESTED, binding_through, digest, extract, fault, plan
from contextd.policy.prompt.blocks import folded_limits
from contextd.policy.prompt.budget import Standing
from contextd.policy.quoting import quote
from contextd.policy.reading.sentences import collapse
from contextd.policy.rules import IdRules, Rules
from contextd.testing.fakes import WordTokenizer
from contextd.testing.scenario import Scenario

if TYPE_CHECKING:
    from contextd.policy.state import SessionState

METER = WordTokenizer()
RULES = Rules()


def make(state: SessionState, through: int | None = None) -> Fold:
    """Fold all of it, or the turns up to *through*."""
    return extract(state, through or len(state.turns), rules=RULES, meter=METER)


def due(state: SessionState, pressure: float, budget: int, fold: Fold | None = None) -> int | None:
    """Plan at a given pressure."""
    stands = Standing(Tier.SUMMARY, pressure, fold)
    return plan(state, stands, input_budget=budget, rules=RULES)


def support() -> Scenario:
    """A customer with a leaking coffee machine who corrects his address."""
    call = ToolCall("c1", "get_order", '{"order_id": "W77120"}')
    result = '{"order_id": "W77120", "status": "delivered", "item_id": "CM-4410", "note": "x"}'
    return (
        Scenario()
        .user("Hi, my name is Lena Ortiz. My coffee machine from order #W77120 leaks water.")
        .bot("That is annoying, Lena. Could you give me your account number, please?")
        .user("40-88213. And please only contact me by e-mail, never by phone.")
        .bot("Let me look.", (call,))
        .tool("c1", result)
        .bot("Order W77120 was delivered on May 3rd, 2024 and cost $189.00. Refund or replacement?")
        .user("I'd prefer a replacement. Send it to 12 Harbour Road.")
        .bot("I'll send a replacement; it will arrive within 3 business days.")
        .user("Sorry, I meant 21 Harbour Road, not 12 Harbour Road.")
        .bot("The address has been updated.")
        .user("ok thanks")
        .bot("You're welcome! Is there anything else I can help you with?")
        .user("Can you also tell me whether the warranty covers the grinder?")
    )


GOLDEN_FACTS = """\
correction: Sorry, I meant 21 Harbour Road, not 12 Harbour Road.
instruction: And please only contact me by e-mail, never by phone.
preference: I'd prefer a replacement.
commitment: I'll send a replacement; it will arrive within 3 business days.
open issue: Can you also tell me whether the warranty covers the grinder?
name: Lena Ortiz, My coffee machine from order #W77120 leaks water; account number: 40-88213
status of W77120: delivered, item id: CM-4410
order id: W77120
action: Order W77120 was delivered on May 3rd, 2024 and cost $189.00.
action: The address has been updated.
"""


def test_a_support_conversation_folds_to_what_matters() -> None:
    """Name, ids, promise, preference, instruction and the corrected address, not the old."""
    state = support().state()
    lines = fact_lines(make(state).facts, state.turns)
    assert "".join(line.text.partition(": ")[2] for line in lines) == GOLDEN_FACTS


def test_the_sentences_that_bind_stay_word_for_word() -> None:
    """They are pinned beside the summary, which does not repeat them."""
    fold = make(support().state())
    pinned = [item.text for item in fold.pinned]
    assert "And please only contact me by e-mail, never by phone." in pinned
    assert "Sorry, I meant 21 Harbour Road, not 12 Harbour Road." in pinned
    assert not set(pinned) & {item.text for item in fold.summary}


def test_a_second_fold_keeps_what_the_first_one_knew() -> None:
    """Rolling on, the ids and pins of the first fold are still there."""
    talk = support()
    first = make(talk.state())
    talk.exchanges(12)
    state = talk.state()
    state.fold = first
    second = make(state)
    assert {"Lena Ortiz", "40-88213"} <= {fact.text for fact in second.facts}
    assert {item.text for item in first.pinned} <= {item.text for item in second.pinned}
    assert second.source_tokens == state.total_tokens


@pytest.mark.parametrize("heavy", ["alder", "birch"])
def test_a_fact_is_carried_on_with_its_worth(heavy: str) -> None:
    """A small fold made from a large one keeps what mattered when it was said."""
    talk = Scenario().user("alder").user("birch")
    facts = tuple(
        Fact(FactKind.ENTITY, word, at, "said", 3.0 if word == heavy else 0.1)
        for at, word in enumerate(("alder", "birch"), start=1)
    )
    before = Fold(2, (), facts, (), talk.state().total_tokens)
    state = talk.user("ok").state()
    state.fold = before
    small = replace(RULES, fold=replace(RULES.fold, facts_tokens=4, facts_share=0.0))
    (kept,) = extract(state, 3, rules=small, meter=METER).facts
    assert kept.text == heavy


def test_a_correction_reaches_back_over_a_fold() -> None:
    """What an earlier fold kept goes when it is corrected later."""
    talk = Scenario().user("My order is W1111 and it is late.").exchanges(3)
    first = make(talk.state())
    assert "W1111" in {fact.text for fact in first.facts}
    talk.user("Sorry, I meant W2222, not W1111.")
    state = talk.state()
    state.fold = first
    texts = [fact.text for fact in make(state).facts if fact.kind is FactKind.ENTITY]
    assert "W1111" not in texts


def test_a_session_of_one_turn_can_be_folded() -> None:
    """A handoff may come at once."""
    fold = make(Scenario().user("My card W1234 was stolen.").state())
    assert fold.through == 1
    assert [fact.text for fact in fold.facts if fact.label == "card id"] == ["W1234"]


def test_nothing_is_due_below_the_mark() -> None:
    """A fold is prepared before the mark, and while it waits no other is."""
    state = Scenario().exchanges(40).state()
    early = RULES.tiers.summary - RULES.tiers.prepare_margin
    assert due(state, early - 0.01, 3_000) is None
    assert due(state, early + 0.01, 3_000) is not None
    state.prepared = Fold(20, (), (), (), 100)
    assert due(state, early + 0.01, 3_000) is None


def test_folding_stops_at_the_low_water_mark() -> None:
    """As many exchanges stay, within the window, as bring the pressure down enough."""
    state = Scenario().exchanges(40, words=100).state()
    budget = round((state.total_tokens + 4 * len(state.turns)) / 0.7)
    assert due(state, 0.7, budget) == 2 * (40 - RULES.window.max_exchanges)


def test_a_window_that_presses_by_itself_is_folded_too() -> None:
    """Huge turns leave fewer than the least exchanges, and always the newest."""
    state = Scenario().exchanges(8, words=250).state()
    through = due(state, 1.0, 4_000)
    assert through is not None
    assert 8 <= through <= 14
    assert due(Scenario().exchanges(1, words=4_000).state(), 2.0, 4_000) is None


def test_a_fold_that_gains_little_is_not_made() -> None:
    """Below 80 % the gain must be worth the broken prefix; above it any gain is."""
    state = Scenario().exchanges(17, words=5).state()
    assert due(state, 0.62, 100_000) is None
    assert due(state, 0.85, 100_000) is not None


def test_a_fold_never_goes_back() -> None:
    """What is due lies after the fold in force."""
    state = Scenario().exchanges(40).state()
    fold = Fold(64, (), (), (), 100)
    through = due(state, 0.9, 3_000, fold)
    assert through is not None
    assert through > 64
    assert due(state, 0.9, 3_000, Fold(78, (), (), (), 100)) is None


GOOD = Fold(2, (Sentence(1, Role.USER, "ask0-1"),), (), (), 40)
FAULTS = {
    "ahead of the log": replace(GOOD, through=99),
    "of no turn": replace(GOOD, through=0),
    "empty": replace(GOOD, summary=()),
    "citing what it does not cover": replace(GOOD, summary=(Sentence(3, Role.USER, "x"),)),
    "citing no turn": replace(GOOD, facts=(Fact(FactKind.ENTITY, "x", 0),)),
    "longer than its source": replace(GOOD, summary=(Sentence(1, Role.USER, "word " * 200),)),
}


def test_a_good_fold_has_no_fault() -> None:
    """It may be published."""
    assert fault(GOOD, Scenario().exchanges(3).state()) == ""


@pytest.mark.parametrize("name", FAULTS)
def test_a_faulty_fold_is_refused_with_a_reason(name: str) -> None:
    """Each reason not to publish is found."""
    assert fault(FAULTS[name], Scenario().exchanges(3).state())


def test_a_fold_behind_the_one_in_force_is_refused() -> None:
    """A stale fold changes nothing."""
    state = Scenario().exchanges(3).state()
    state.fold = replace(GOOD, through=4)
    assert "not after 4" in fault(GOOD, state)


def test_a_few_words_are_not_worth_folding() -> None:
    """A fold that would be longer than its source is not published."""
    state = Scenario().user("My order is W123.").state()
    assert fault(make(state), state) == "not shorter than its source"


SAYINGS = st.sampled_from(
    (
        "My order #W123 costs $20, call me Bob.",
        "Actually, make it 6 pm instead of 8 pm.",
        "Never write to a@b.org.",
        "I'll refund you within 3 days.",
        "Your order has been cancelled.",
        '{"order_id": "W9", "status": "open", "list": [1, {"id": "ab_12"}]}',
        "ok thanks",
        "> quoted\n\n- list. item\n```\ncode",
        "退款。好的！",
    )
)
TURNS = st.lists(
    st.tuples(st.sampled_from(("user", "bot", "tool")), SAYINGS | st.text(max_size=80)),
    min_size=1,
    max_size=14,
)


def scenario(turns: list[tuple[str, str]]) -> Scenario:
    """Let them talk in turn."""
    talk = Scenario()
    for who, text in turns:
        if who == "tool":
            talk.tool("", text)
        else:
            getattr(talk, who)(text)
    return talk


@settings(max_examples=60)
@given(TURNS, st.integers(1, 14), st.none() | st.integers(100, 5_000))
def test_every_fold_keeps_its_bounds(
    turns: list[tuple[str, str]], through: int, window: int | None
) -> None:
    """Deterministic, within the limits, quoted, cited, and bound by no tool's word."""
    state = scenario(turns).state()
    state.budget = Budget("m", window, 0) if window else None
    through = min(through, len(turns))
    fold = make(state, through)
    assert fold == make(state, through)
    limits = folded_limits(window or 0, RULES.fold)
    for item in (*fold.summary, *fold.pinned):
        turn = state.turns[item.sequence - 1]
        assert item.text in collapse(turn.text)
        assert item.role is turn.role
        assert item.sequence <= through
    assert spent(state, fold.summary) <= RULES.fold.summary_tokens
    assert spent(state, fold.pinned) <= (limits.orders if window else RULES.fold.summary_tokens)
    facts = sum(METER.count(line.text) for line in fact_lines(fold.facts, state.turns))
    assert facts <= (limits.held if window else RULES.fold.facts_tokens)
    for fact in fold.facts:
        if state.turns[fact.sequence - 1].role is Role.TOOL:
            assert fact.kind is FactKind.ENTITY


def spent(state: SessionState, items: tuple[Sentence, ...]) -> int:
    """Count the quoted lines."""
    return sum(METER.count(quote(state.turns[at.sequence - 1], at.text)) for at in items)


@settings(max_examples=30)
@given(TURNS, TURNS)
def test_rolling_on_never_raises_and_moves_forward(
    early: list[tuple[str, str]], late: list[tuple[str, str]]
) -> None:
    """A fold of a fold covers more and stays publishable or says why not."""
    first = make(scenario(early).state())
    state = scenario([*early, *late]).state()
    state.fold = first
    second = make(state)
    assert second.through == len(early) + len(late)
    for through in range(1, second.through + 1):
        alone = binding_through(state, through, rules=RULES, meter=METER, input_budget=900)
        whole = extract(state, through, rules=RULES, meter=METER, input_budget=900)
        assert alone == whole.pinned, "what binds is no longer what a fold would pin"
    assert isinstance(fault(second, state), str)
    assert all(1 <= fact.sequence <= second.through for fact in second.facts)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("text", ["a" * 1_000_000, "no, not a. " * 90_000, "[" * 1_000_000])
def test_hostile_megabytes_fold_in_bounded_time(text: str) -> None:
    """Only the head and tail of a huge turn are read."""
    fold = make(Scenario().user(text).bot(text).tool("", text).state())
    assert fold.through == 3


def test_a_digest_knows_what_a_small_fold_had_no_room_for() -> None:
    """People read the turns themselves, whatever the prompt's budget made of them."""
    state = support().state()
    small = extract(state, 8, rules=RULES, meter=METER, input_budget=12)
    state.fold = small
    assert "Lena Ortiz" not in {fact.text for fact in small.facts}
    made = digest(state, rules=RULES, meter=METER)
    assert made.through == len(state.turns)
    assert "Lena Ortiz" in {fact.text for fact in made.facts}


def test_a_digest_of_a_long_session_rolls_on_from_its_fold() -> None:
    """Its work is bounded: turns that a fold stands for are not read again."""
    talk = support()
    talk.exchanges(DIGESTED)
    state = talk.state()
    state.fold = Fold(len(state.turns) - 4, (), (), (), 0)
    made = digest(state, rules=RULES, meter=METER)
    assert all(fact.sequence > len(state.turns) - 4 for fact in made.facts)


def test_ids_are_known_by_the_patterns_of_the_policy() -> None:
    """They are named as the policy names them; what no pattern knows is no id."""
    state = Scenario().user("About MT-001a, LOT/22 and ZZ.9z9.").state()
    ids = IdRules({"meter number": r"MT-\d{3}[a-z]", "lot": r"LOT/\d{2}"})
    fold = extract(state, 1, rules=replace(RULES, ids=ids), meter=METER, input_budget=2_000)
    labels = {fact.label: fact.text for fact in fold.facts}
    assert labels.get("meter number") == "MT-001a"
    assert labels.get("lot") == "LOT/22"
    assert "ZZ.9z9" not in labels.values()
