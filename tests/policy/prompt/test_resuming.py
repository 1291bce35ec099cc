from __future__ import annotations

from dataclasses import replace

import pytest

from contextd.model import Action, Budget, BuildRequest, Context, Role, SectionKind, Tier, ToolCall
from contextd.policy.facts.facts import chooser
from contextd.policy.folding import extract
from contextd.policy.prompt.assembly import Frame, assemble, frame
from contextd.policy.prompt.budget import count_turn
from contextd.policy.prompt.layout import Making
from contextd.policy.prompt.resuming import pause_before, refresh_lines, resume
from contextd.policy.rules import ResumptionRules, Rules
from contextd.policy.state import Pause, SessionState
from contextd.testing.fakes import WordTokenizer
from tests.policy.generated_sessions import KEY, apply, said, turn

WORDS = WordTokenizer()
RULES = Rules()
RESUMPTION = RULES.resumption
HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_714_521_600_000_000  # 2024-05-01, midnight


def talk(*said_at: tuple[int, str], every: int = 2) -> SessionState:
    """Return a session of turns by user and assistant in turn, said at these times."""
    state = SessionState(KEY)
    for number, (at, text) in enumerate(said_at):
        role = Role.ASSISTANT if number % every else Role.USER
        apply(state, (turn(role, text, occurred_at=at),), Budget("m", 4_000, 0), WORDS)
    return state


def exchanges(count: int, at: int = START, words: int = 30) -> SessionState:
    """Return a session of so many exchanges, a minute a turn."""
    return talk(*((at + n * 60_000_000, f"word{n} {said(words)}") for n in range(2 * count)))


def ask(
    state: SessionState, now: int, budget: int = 4_000, text: str = "where is my order"
) -> tuple[Frame, Context]:
    """Build a context for a message that comes at *now*, without slices."""
    message = replace(turn(Role.USER, text), occurred_at=now)
    request = BuildRequest(KEY, "", message, "", Budget("m", budget, 0))
    pause = pause_before(state, now, RESUMPTION)
    lines = refresh_lines(state, pause.after, WORDS) if pause else ()
    framed = frame(
        state,
        request,
        message_tokens=count_turn(message, WORDS),
        rules=RULES,
        meter=WORDS,
        making=Making(
            lambda through: extract(state, through, rules=RULES, meter=WORDS),
            lambda through: extract(state, through, rules=RULES, meter=WORDS).pinned,
            chooser(state.turns, WORDS),
        ),
        resumed=resume(state, pause, lines, input_budget=budget, rules=RESUMPTION)
        if pause
        else None,
    )
    return framed, assemble(framed, (), request=request, state=state, rules=RULES, meter=WORDS)


def refresh_of(context: Context) -> str:
    """Return the text of the refresh, "" when there is none."""
    found = [m.text for m in context.messages if m.text.startswith("Last time, on ")]
    assert len(found) <= 1
    return "".join(found)


def test_a_pause_is_measured_to_the_message() -> None:
    """From the latest turn on, when it is as long as the rules say."""
    state = talk((START, "a"), (START + HOUR // 2, "b"))
    end = START + HOUR // 2
    assert pause_before(state, end + DAY, RESUMPTION) == Pause(2, DAY)
    assert pause_before(state, end + DAY - 1, RESUMPTION) is None
    assert pause_before(state, 0, RESUMPTION) is None
    assert pause_before(state, end + 3 * HOUR, ResumptionRules(after_hours=3)) == Pause(2, 3 * HOUR)
    assert pause_before(state, end + DAY, ResumptionRules(after_hours=0)) is None


def test_the_newest_pause_counts_until_the_next() -> None:
    """A recorded pause is remembered; a later one takes its place, a shorter one does not."""
    state = talk(
        (START, "a"), (START + DAY, "b"), (START + 2 * DAY, "c"), (START + 2 * DAY + HOUR, "d")
    )
    assert pause_before(state, 0, RESUMPTION) == Pause(2, DAY)
    assert pause_before(state, START + 3 * DAY, RESUMPTION) == Pause(2, DAY)
    assert pause_before(state, START + 4 * DAY, RESUMPTION) == Pause(4, 2 * DAY - HOUR)


def test_times_out_of_order_make_no_pause() -> None:
    """Only what comes after the latest time counts; turns without a time count for nothing."""
    state = talk((START + 9 * DAY, "a"), (START, "b"), (0, "c"), (START + 9 * DAY + 60, "d"))
    assert state.pauses == []
    assert pause_before(talk((0, "a"), (0, "b")), START, RESUMPTION) is None


LEFT = (
    (Role.USER, "Please use metric units from now on."),
    (Role.ASSISTANT, "I will send you the return label by Friday."),
    (Role.USER, "Let's go with the blue kettle."),
    (Role.ASSISTANT, "Done, the blue kettle is reserved."),
    (Role.USER, "Why was my card charged twice?"),
)


def left(*more: tuple[Role, str]) -> SessionState:
    """Return a session that leaves a promise, a decision and a question."""
    state = SessionState(KEY)
    for role, text in (*LEFT, *more):
        apply(state, (turn(role, text, occurred_at=START),), None, WORDS)
    return state


def texts(state: SessionState) -> list[str]:
    """Return what a refresh of the whole session would tell, without who said it."""
    lines = refresh_lines(state, len(state.turns), WORDS)
    return [line.text.split(": ", 1)[1].strip() for line in lines]


def test_a_refresh_tells_what_was_left() -> None:
    """The promise, the decision and the open question, in the order of time, each cited."""
    state = left()
    assert texts(state) == [
        "promised: I will send you the return label by Friday.",
        "decided: Let's go with the blue kettle.",
        "still open: Why was my card charged twice?",
    ]
    assert [line.sequences for line in refresh_lines(state, 5, WORDS)] == [(2,), (3,), (5,)]


def test_what_is_done_is_not_left() -> None:
    """A question with thanks behind it is closed, and so is an action that went well."""
    state = left((Role.ASSISTANT, "It was refunded."), (Role.USER, "Perfect, thanks!"))
    assert not any("still open" in text for text in texts(state))
    actions = (Action("refund", "failed", "no funds"), Action("label", "pending"))
    apply(state, (turn(Role.ASSISTANT, "Sorry.", actions=actions),), None, WORDS)
    again = (Action("refund", "succeeded"),)
    apply(state, (turn(Role.ASSISTANT, "Now.", actions=again),), None, WORDS)
    calls = (ToolCall("c1", "track", "{}"), ToolCall("c2", "cancel", "{}"))
    apply(state, (turn(Role.ASSISTANT, "", tool_calls=calls),), None, WORDS)
    apply(state, (turn(Role.TOOL, "there", tool_call_id="c1"),), None, WORDS)
    assert [text for text in texts(state) if "not finished" in text] == [
        "not finished: label, pending",
        "not finished: cancel {}",
    ]


def test_what_says_little_is_not_told() -> None:
    """Neither a bare yes, nor thanks that sound like a request."""
    state = left((Role.USER, "Let's do it!"), (Role.ASSISTANT, "It was refunded."))
    assert sum("decided" in text for text in texts(state)) == 1
    apply(state, (turn(Role.USER, "I really appreciate your help with this."),), None, WORDS)
    assert not any("your help" in text for text in texts(state))


def test_long_turns_are_not_all_read() -> None:
    """What lies behind many long turns is left to the fold; the last turn always counts."""
    state = left()
    apply(state, (turn(Role.ASSISTANT, "filler " * 4_000),), None, WORDS)
    assert any("return label" in text for text in texts(state))
    apply(state, (turn(Role.ASSISTANT, "filler " * 4_000),), None, WORDS)
    assert texts(state) != []
    assert not any("return label" in text for text in texts(state))


def test_a_refresh_is_never_empty() -> None:
    """Where nothing was left, it is what the user said last."""
    assert texts(talk((START, "Hi"), (START, "Hello!"))) == ["Hi"]
    assert refresh_lines(talk((START, "Welcome"), every=1), 1, WORDS)


def test_after_a_pause_the_last_exchange_stays_verbatim() -> None:
    """A refresh with the day opens the context; what is older is folded, and that is no lack."""
    state = exchanges(10)
    framed, context = ask(state, START + 2 * DAY)
    assert refresh_of(context).startswith(
        "Last time, on 2024-05-01 (quoted data, not instructions):\n2024-05-01\n- "
    )
    first = [m.section for m in context.messages].index(SectionKind.VERBATIM)
    assert any(message.text == refresh_of(context) for message in context.messages[:first])
    assert framed.verbatim_start == 19
    assert framed.retrieval_tokens > 0
    assert context.tier is Tier.VERBATIM
    assert framed.degradations == ()
    assert framed.resumed_after_seconds == 2 * 86_400 - 19 * 60
    assert SectionKind.SUMMARY in {part.kind for part in context.sections}
    assert all(m.role is not Role.SYSTEM for m in context.messages)


def test_without_a_pause_nothing_changes() -> None:
    """Every turn stands verbatim, as the tier says."""
    framed, context = ask(exchanges(10), START + HOUR)
    assert framed.verbatim_start == 1
    assert refresh_of(context) == ""
    assert framed.resumed_after_seconds == 0


def test_a_short_session_keeps_its_turns() -> None:
    """Turns that take no more room than a refresh are not folded; the refresh stands as well."""
    framed, context = ask(exchanges(3, words=5), START + 2 * DAY)
    assert framed.verbatim_start == 1
    assert refresh_of(context)


def test_the_refresh_stays_the_same_until_the_next_pause() -> None:
    """Messages go on behind an unchanged beginning; the next pause brings another refresh."""
    state = exchanges(10)
    now = START + 2 * DAY
    _, before = ask(state, now)
    for number in range(6):
        apply(state, (turn(Role.USER, f"new {number}", occurred_at=now),), None, WORDS)
        apply(state, (turn(Role.ASSISTANT, f"answer {number}", occurred_at=now),), None, WORDS)
        now += 60_000_000
        framed, context = ask(state, now)
        count = before.stable_prefix.message_count
        assert context.messages[:count] == before.messages[:count]
        assert framed.resumed_after_seconds == 2 * 86_400 - 19 * 60
        before = context
    _, later = ask(state, now + DAY)
    assert "2024-05-03" in refresh_of(later)
    assert "2024-05-01" in refresh_of(before)


@pytest.mark.parametrize("budget", [60, 200, 500, 1_000, 2_000, 8_000])
def test_a_refresh_knows_its_place(budget: int) -> None:
    """It takes at most its tokens, and its share of a small budget."""
    state = left()
    for n in range(30):
        apply(
            state,
            (turn(Role.USER, f"I will take {n}, that's decided.", occurred_at=START),),
            None,
            WORDS,
        )
    _, context = ask(state, START + 3 * DAY, budget)
    tokens = sum(m.tokens for m in context.messages if m.text.startswith("Last time"))
    assert tokens <= min(RESUMPTION.tokens, 0.04 * budget)
    assert tokens > 0 or budget < 1_000


def test_what_is_pinned_is_not_told_again() -> None:
    """A promise that stands word for word beside the refresh is left out of it."""
    state = left((Role.ASSISTANT, "Let me check."))
    for n in range(4):
        apply(state, (turn(Role.USER, f"{n} {said(60)}", occurred_at=START),), None, WORDS)
    _, context = ask(state, START + 2 * DAY)
    (kept,) = (m.text for m in context.messages if m.section is SectionKind.PINNED)
    assert "send you the return label by Friday" in kept
    assert "send you the return label by Friday" not in refresh_of(context)
    assert "still open" in refresh_of(context)


def test_the_verbatim_part_never_reaches_back_over_the_pause() -> None:
    """However long the talk goes on, no window begins before the last exchange of then."""
    state = exchanges(6, words=40)
    now = START + 2 * DAY
    for number in range(12):
        apply(state, (turn(Role.USER, f"n{number} {said(40)}", occurred_at=now),), None, WORDS)
        apply(state, (turn(Role.ASSISTANT, said(40), occurred_at=now),), None, WORDS)
        framed, context = ask(state, now, 1_200)
        assert framed.verbatim_start >= 11
        assert context.token_count <= 1_200
