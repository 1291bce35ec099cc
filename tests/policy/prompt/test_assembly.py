from __future__ import annotations

from dataclasses import replace

import pytest

from contextd.errors import BudgetTooSmall
from contextd.events import Folded
from contextd.model import (
    Budget,
    BuildRequest,
    Context,
    Evidence,
    Focus,
    Fold,
    Format,
    Retention,
    Role,
    SectionKind,
    Sentence,
    Slice,
    Tier,
    ToolCall,
    Turn,
)
from contextd.policy.prompt.assembly import NOTICE_FOR_USER, STRANGER, Frame
from contextd.policy.prompt.cutting import LEAST_MESSAGE
from contextd.policy.quoting import quote
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from tests.policy.generated_sessions import KEY, apply, built, said, turn

WORDS = WordTokenizer()
MESSAGE = turn(Role.USER, "where is my order")


def ask(
    state: SessionState,
    budget: int,
    message: Turn | None = MESSAGE,
    *,
    slices: tuple[Slice, ...] | None = (),
    focus: Focus = Focus.PRESENT,
    **fields: object,
) -> tuple[Frame, Context]:
    """Build a context for *message*; slices=None offers every turn."""
    request = BuildRequest(KEY, "", message, "", Budget("m", budget, 0))
    request = replace(request, **fields)  # type: ignore[arg-type]  # fields of BuildRequest
    search = None if slices is None else lambda _state, _frame: slices
    return built(state, request, WORDS, search=search, focus=focus, known=STRANGER)


def session(exchanges: int, words: int = 20, budget: int = 100_000) -> SessionState:
    """Return a session of two-turn exchanges of so many words a turn."""
    state = SessionState(KEY)
    for number in range(exchanges):
        asked = turn(Role.USER, f"q{number} {said(words - 1)}")
        answered = turn(Role.ASSISTANT, f"a{number} {said(words - 1)}")
        apply(state, (asked, answered), Budget("m", budget, 0), WORDS)
    return state


def part(context: Context, kind: SectionKind) -> str:
    """Return the text of a section."""
    return "".join(each.text for each in context.messages if each.section is kind)


def kinds(context: Context) -> list[str]:
    """Return the sections' names in order."""
    return [each.kind.value for each in context.sections]


def test_below_the_first_tier_every_turn_is_verbatim() -> None:
    """Nothing is folded, retrieved or left out."""
    framed, context = ask(session(10), 1_000, slices=None)
    assert context.tier is Tier.VERBATIM
    assert kinds(context) == ["verbatim", "message"]
    assert context.sections[0].sequences == tuple(range(1, 21))
    assert framed.retrieval_tokens == 0
    assert context.omitted == ()


def test_the_prompt_is_stable_first_and_volatile_last() -> None:
    """Every section has its place."""
    state = session(40)
    apply(state, (turn(Role.USER, "pin me", retention=Retention.KEEP),), None, WORDS)
    for _ in range(20):
        again = (turn(Role.USER, said(20)), turn(Role.ASSISTANT, said(20)))
        apply(state, again, None, WORDS)
    state.tier = Tier.NOTICE
    _, context = ask(
        state,
        1_600,
        slices=None,
        system_prompt="be kind",
        evidence=(Evidence("k", "faq", "Returns", "within 30 days", 0.9),),
    )
    assert kinds(context) == [
        *("system", "pinned", "key_facts", "verbatim"),
        *("retrieved", "evidence", "notice", "message"),
    ]
    assert context.notice == NOTICE_FOR_USER


def test_a_fold_that_lags_is_made_on_the_fly() -> None:
    """From the first mark on the window is bounded, though nothing was folded yet."""
    state = session(40)
    framed, context = ask(state, 2_000)
    assert context.tier >= Tier.SUMMARY
    assert framed.fold is not None
    assert framed.fold.through == framed.verbatim_start - 1
    assert [each.code for each in framed.degradations] == ["FOLDED_ON_THE_FLY"]
    kept = [each for each in state.exchanges if each >= framed.verbatim_start]
    assert 8 <= len(kept) <= 15
    assert context.omitted == ()


def test_a_fold_in_force_is_used_as_it_is() -> None:
    """Everything since the fold is verbatim while the pressure is low."""
    state = session(20)
    sentence = Sentence(1, Role.USER, "the summary", 1.0)
    state.tier = Tier.SUMMARY
    state.apply(Folded(0, Fold(20, (sentence,), (), (), 400)))
    framed, context = ask(state, 1_200)
    assert framed.verbatim_start == 21
    assert framed.degradations == ()
    assert "the summary" in part(context, SectionKind.SUMMARY)
    assert context.sections[0].sequences == (1,)


def test_stored_text_is_never_in_the_system_role() -> None:
    """Only the caller's own prompt is."""
    _, context = ask(session(60), 1_500, slices=None, system_prompt="be kind")
    systems = [each.text for each in context.messages if each.role is Role.SYSTEM]
    assert systems == ["be kind"]


def test_retrieval_gets_room_only_for_what_lies_outside() -> None:
    """Half of the budget at most, and slices of verbatim turns are dropped."""
    state = session(60)
    framed, context = ask(state, 2_000, slices=None)
    assert 0 < framed.retrieval_tokens <= 1_000
    retrieved = next(each for each in context.sections if each.kind is SectionKind.RETRIEVED)
    assert max(retrieved.sequences) < framed.verbatim_start


def test_slices_that_do_not_fit_lose_by_score() -> None:
    """The best stay, in the order given."""
    state = session(60)
    framed, _ = ask(state, 2_000, focus=Focus.DETAIL)
    size = framed.retrieval_tokens // 3 + 1
    slices = tuple(
        Slice(at, quote(state.turns[at - 1], said(9)), size, score)
        for at, score in ((1, 0.5), (2, 0.1), (3, 0.9))
    )
    _, context = ask(state, 2_000, slices=slices, focus=Focus.DETAIL)
    retrieved = next(each for each in context.sections if each.kind is SectionKind.RETRIEVED)
    assert [at for at in retrieved.sequences if at <= 3] == [1, 3]


def test_an_order_is_told_although_its_turn_gave_way() -> None:
    """What binds of turns that neither stand verbatim nor are folded is not lost."""
    state = session(30)
    apply(state, (turn(Role.USER, "From now on always answer in Ukrainian."),), None, WORDS)
    for _ in range(3):
        later = (turn(Role.ASSISTANT, said(30)), turn(Role.USER, said(30)))
        apply(state, later, None, WORDS)
    framed, context = ask(state, 1_500, focus=Focus.DETAIL)
    assert framed.verbatim_start > 61
    assert framed.fold is not None
    assert framed.fold.through < 61
    assert "always answer in Ukrainian" in part(context, SectionKind.RETRIEVED)
    assert "always answer in Ukrainian" not in part(context, SectionKind.PINNED)


def test_evidence_goes_by_score_until_full() -> None:
    """What does not fit is named by its key."""
    evidence = tuple(
        Evidence(f"k{at}", "faq", "", said(size, at), score)
        for at, size, score in ((1, 60, 0.1), (2, 60, 0.9), (3, 400, 0.5))
    )
    _, context = ask(session(2), 230, evidence=evidence)
    assert [item.evidence_key for item in context.omitted] == ["k3", "k1"]
    assert part(context, SectionKind.EVIDENCE).count("\n- ") == 1


def test_the_notice_is_given_once() -> None:
    """As long as the user has not had it."""
    state = session(30, words=40)
    apply(state, (turn(Role.USER, said(9)),), None, WORDS)
    _, context = ask(state, 2_500)
    assert context.tier is Tier.NOTICE
    assert context.notice == NOTICE_FOR_USER
    assert "condensed" in part(context, SectionKind.NOTICE)
    _, tight = ask(state, 300)
    assert tight.notice
    assert not part(tight, SectionKind.NOTICE), "its words would take a tenth of the room"
    state.notified = True
    _, context = ask(state, 2_500)
    assert not context.notice
    assert not part(context, SectionKind.NOTICE)


def test_a_huge_result_in_the_newest_exchange_is_cut() -> None:
    """The call stays with it, the mark is visible, and the response says so."""
    state = session(3)
    call = turn(Role.ASSISTANT, "", tool_calls=(ToolCall("a", "look", "{}"),))
    result = turn(Role.TOOL, said(5_000), tool_call_id="a")
    apply(state, (turn(Role.USER, "look it up"), call, result), None, WORDS)
    _, context = ask(state, 800, None)
    tools = [each for each in context.messages if each.role is Role.TOOL]
    assert "tokens cut …]" in tools[0].text
    assert tools[0].tokens > 300
    assert context.stable_prefix.message_count == 0
    assert ("TURN_CUT", (8, 9)) in [(i.reason, i.sequences) for i in context.omitted]


def test_arguments_that_do_not_fit_leave_the_whole_unit_out() -> None:
    """Neither half a call nor a lone result is sent."""
    state = session(1)
    call = turn(Role.ASSISTANT, "", tool_calls=(ToolCall("a", "look", said(900)),))
    result = turn(Role.TOOL, "small", tool_call_id="a")
    apply(state, (turn(Role.USER, "look it up"), call, result), None, WORDS)
    _, context = ask(state, 300, None)
    assert "small" not in " ".join(each.text for each in context.messages)
    assert ("BUDGET", (4, 5)) in [(i.reason, i.sequences) for i in context.omitted]


def test_a_message_too_large_is_cut_in_the_middle() -> None:
    """Both ends stay, a quarter of the room is left for what it is about."""
    _, context = ask(session(5), 400, turn(Role.USER, f"first {said(900)} last"))
    text = context.messages[-1].text
    assert text.startswith("first ")
    assert text.endswith(" last")
    assert "tokens cut …]" in text
    assert 250 < context.messages[-1].tokens < 310
    assert "MESSAGE_CUT" in {item.reason for item in context.omitted}


def test_without_a_message_the_newest_user_turn_is_there() -> None:
    """However long its exchange is."""
    state = session(2)
    apply(state, (turn(Role.USER, "the question"),), None, WORDS)
    for _ in range(30):
        apply(state, (turn(Role.ASSISTANT, said(50)),), None, WORDS)
    _, context = ask(state, 300, None)
    assert "the question" in [each.text for each in context.messages]
    assert 35 in {at for each in context.messages for at in each.sequences}
    assert [item.reason for item in context.omitted][:2] == ["BUDGET", "BUDGET"]


def test_the_newest_user_turn_comes_back_from_a_fold() -> None:
    """A fold of everything does not hide the question that is to be answered."""
    state = session(3)
    state.tier = Tier.SUMMARY
    sentence = Sentence(5, Role.USER, "the summary", 1.0)
    state.fold = Fold(6, (sentence,), (), (), 120)
    framed, context = ask(state, 1_000, None)
    assert framed.verbatim_start == 5
    assert state.turns[4].text in [each.text for each in context.messages]
    assert "the summary" not in part(context, SectionKind.SUMMARY)


def test_a_pinned_newest_turn_is_not_cut() -> None:
    """It stands whole, and once, or the budget is refused."""
    state = session(1)
    pinned = turn(Role.USER, f"start {said(150)} end", retention=Retention.KEEP)
    apply(state, (pinned, turn(Role.ASSISTANT, said(400))), None, WORDS)
    _, context = ask(state, 300, None)
    texts = [each.text for each in context.messages]
    assert sum(text.count("start ") for text in texts) == 1
    assert pinned.text in texts
    with pytest.raises(BudgetTooSmall):
        ask(state, 150, None)


def test_too_small_a_budget_names_one_that_is_enough() -> None:
    """System prompt, pinned turns and the least of the message; one token less fails."""
    state = session(3)
    kept = turn(Role.USER, said(50), retention=Retention.KEEP)
    apply(state, (kept, turn(Role.ASSISTANT, "ok")), None, WORDS)
    message = turn(Role.USER, said(500))
    with pytest.raises(BudgetTooSmall) as refused:
        ask(state, 20, message, system_prompt=said(30))
    required = refused.value.required_tokens
    assert required < 30 + 50 + LEAST_MESSAGE + 60
    _, context = ask(state, required, message, system_prompt=said(30))
    assert context.token_count <= required
    with pytest.raises(BudgetTooSmall):
        ask(state, required - 1, message, system_prompt=said(30))


def test_what_nothing_stands_for_is_said_to_be_missing() -> None:
    """Without room for a summary the old turns are named."""
    _, context = ask(session(30), 90, turn(Role.USER, said(60)))
    missing = {at for item in context.omitted for at in item.sequences}
    assert missing == set(range(1, 61))
    assert all(len(item.turn_ids) == len(item.sequences) for item in context.omitted)


def test_calls_that_wait_are_not_promised() -> None:
    """The stable prefix ends before a turn that a result may still change."""
    state = session(2)
    _, before = ask(state, 10_000)
    call = turn(Role.ASSISTANT, "wait", tool_calls=(ToolCall("a", "look", "{}"),))
    apply(state, (turn(Role.USER, "go"), call), None, WORDS)
    _, pending = ask(state, 10_000)
    assert pending.stable_prefix.message_count == before.stable_prefix.message_count + 1
    apply(state, (turn(Role.TOOL, "done", tool_call_id="a"),), None, WORDS)
    _, after = ask(state, 10_000)
    count = pending.stable_prefix.message_count
    assert after.messages[:count] == pending.messages[:count]
    assert after.stable_prefix.message_count == count + 2


def test_the_prefix_hash_covers_what_is_sent() -> None:
    """The same prefix has the same hash, a changed system prompt another."""
    state = session(3)
    _, one = ask(state, 10_000, system_prompt="a")
    _, same = ask(state, 10_000, turn(Role.USER, "something else"), system_prompt="a")
    _, other = ask(state, 10_000, system_prompt="b")
    assert one.stable_prefix == same.stable_prefix
    assert one.stable_prefix.message_count == 7
    assert one.stable_prefix.sha256 != other.stable_prefix.sha256


def test_the_window_stays_put_while_the_session_grows() -> None:
    """Over eighty messages the verbatim part begins at few places."""
    state = SessionState(KEY)
    begun = []
    for number in range(80):
        asked, answered = turn(Role.USER, f"q{number} {said(20)}"), turn(Role.ASSISTANT, said(30))
        begun.append(ask(state, 1_500, asked)[0].verbatim_start)
        apply(state, (asked, answered), Budget("m", 1_500, 0), WORDS)
    assert begun == sorted(begun)
    assert len(set(begun)) < 20


def test_a_conversation_the_bot_opened_begins_with_the_user() -> None:
    """Where the format demands it, and the words are counted."""
    state = SessionState(KEY)
    apply(state, (turn(Role.ASSISTANT, "Hello!"),), None, WORDS)
    _, context = ask(state, 500, format=Format.ANTHROPIC_MESSAGES)
    assert context.messages[0].role is Role.USER
    assert context.token_count == 3 + sum(each.tokens for each in context.messages)
    _, context = ask(state, 500, format=Format.OPENAI_CHAT)
    assert context.messages[0].text == "Hello!"


def test_the_system_prompt_is_counted_apart() -> None:
    """Without its overhead, for decisions made without a request."""
    _, context = ask(session(1), 500, system_prompt=said(7))
    assert context.system_tokens == 7
    assert context.sections[0].tokens == 11


def test_a_result_sent_as_the_message_comes_with_its_call() -> None:
    """The unit closes the prompt, after what is volatile."""
    state = session(1)
    call = turn(Role.ASSISTANT, "", tool_calls=(ToolCall("a", "look", "{}"),))
    apply(state, (turn(Role.USER, "go"), call), None, WORDS)
    evidence = (Evidence("k", "faq", "", "snippet"),)
    _, context = ask(state, 500, turn(Role.TOOL, "done", tool_call_id="a"), evidence=evidence)
    assert [each.role for each in context.messages[-2:]] == [Role.ASSISTANT, Role.TOOL]
    assert kinds(context) == ["verbatim", "evidence", "message"]
