from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.model import (
    Action,
    ChannelMode,
    EscalateRequest,
    Evidence,
    Fact,
    FactKind,
    Handoff,
    ModelState,
    Reason,
    Role,
)
from contextd.policy.folding import extract
from contextd.policy.handoff.markdown import render
from contextd.policy.handoff.parts import cut_middle
from contextd.policy.handoff.payload import HEADLINE, build
from contextd.policy.rules import Rules
from contextd.testing.fakes import WordTokenizer
from tests.policy.desk_case import desk_case, second_desk_case
from tests.policy.talks import DAY, DIGESTS, STATES, TEXTS, bot, calls, fold, session, tool, user

if TYPE_CHECKING:
    from contextd.model import Fold, Turn
    from contextd.policy.state import SessionState

GOLDEN = Path(__file__).parents[2] / "golden" / "handoff.md"
SECOND_GOLDEN = GOLDEN.with_name("handoff_again.md")
MANUAL = Path(__file__).parents[3] / "docs" / "handoff.md"
METER = WordTokenizer()
AT = 1_714_557_600_000_000


def handed(
    state: SessionState,
    digest: Fold | None,
    reason: Reason = Reason.USER_REQUEST,
    rules: Rules | None = None,
) -> Handoff:
    """The handoff of *state*."""
    request = EscalateRequest(state.key, "", reason)
    rules = rules or Rules()
    return build(state, request, handoff_id="h1", at=AT, digest=digest, rules=rules, meter=METER)


def of(*turns: Turn) -> Handoff:
    """The handoff of a session with these turns and an empty digest."""
    state = session(*turns)
    return handed(state, fold(state, (), ()))


@pytest.fixture(scope="module")
def desk() -> Handoff:
    """The handoff of the conversation about the lamp."""
    state, request, digest = desk_case()
    return build(state, request, handoff_id="h-1", at=AT, digest=digest, rules=Rules(), meter=METER)


def test_the_golden_note(desk: Handoff) -> None:
    """The note for the desk is as it was agreed (UPDATE_GOLDEN=1 writes it anew)."""
    note = render(desk)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(note, encoding="utf-8")
    assert note == GOLDEN.read_text(encoding="utf-8")


def test_the_second_golden_note() -> None:
    """With what a colleague has done before; docs/handoff.md shows that part as it is."""
    state, request, digest = second_desk_case()
    handoff = build(
        state, request, handoff_id="h-2", at=AT + 5 * DAY, digest=digest, rules=Rules(), meter=METER
    )
    note = render(handoff)
    if os.environ.get("UPDATE_GOLDEN"):
        SECOND_GOLDEN.write_text(note, encoding="utf-8")
    assert note == SECOND_GOLDEN.read_text(encoding="utf-8")
    part = note[note.index("## A colleague") : note.index("\n## Tried so far")]
    assert part in MANUAL.read_text(encoding="utf-8")


def test_a_human_finds_what_happened(desk: Handoff) -> None:
    """Intent, open question, attempts, promises, corrections: all of it is there and cited."""
    assert desk.customer_intent.startswith("Hello! The glass of the lamp I ordered came broken")
    assert desk.open_question.text.startswith("I already told you everything!!")
    assert desk.open_question.turn_ids == ("t14",)
    assert [(a.name, a.status) for a in desk.attempted_actions] == [
        ("get_order", "done"),
        ("issue_refund", "failed"),
        ("issue_refund", "failed"),
        ("offer_voucher", "declined"),
    ]
    assert desk.attempted_actions[1].detail == "order_id W-4417, amount 89.0; ledger is locked"
    assert [c.turn_ids for c in desk.commitments] == [("t6",)]
    assert desk.confidence == 0.31
    assert desk.last_reasoning.startswith("No photo is needed")
    assert desk.suggested_next_action == "Do by hand, or try again: issue_refund."
    assert any("corrected" in doubt for doubt in desk.uncertainty)
    assert desk.reason_detail == "The customer asks to speak with a person."
    assert desk.summary_status == "COMPLETED"


def test_what_the_customer_said_is_not_asked_again(desk: Handoff) -> None:
    """A value counts where the customer said it, even if a tool repeated it later."""
    given_ = {cited.text: cited.turn_ids for cited in desk.do_not_ask}
    assert given_["order id: W-4417"] == ("t3",)
    assert given_["e-mail: olena@example.org"] == ("t3",)
    assert "total: 89.0" not in given_


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((user("My toaster burns the bread"), user("agent")), "t1"),
        ((user("Hi"), user("My toaster burns the bread")), "t2"),
        ((user("Hi"), bot("Hello!")), ""),
        (
            (
                user("My toaster burns the bread"),
                bot("We repair it."),
                user("Please cancel newspaper subscription"),
                bot("Done."),
            ),
            "t3",
        ),
        (
            (
                user("My toaster burns the bread"),
                bot("Which toaster is it?"),
                user("Please replace the toaster, it is a Crisp 2"),
            ),
            "t3",
        ),
        (
            (
                user("My toaster burns the bread"),
                bot("Your address?"),
                user("What are your opening hours on Sunday in Riga?"),
            ),
            "t3",
        ),
        (
            (
                user("Please send a new toaster"),
                bot("I am sorry, we cannot send one."),
                user("What are your opening hours on Sunday?"),
                bot("From ten to four."),
            ),
            "t1",
        ),
        (
            (
                user("Please send a new toaster"),
                bot("It is on its way.", actions=(Action("send", "queued"),)),
                user("What are your opening hours on Sunday?"),
                bot("From ten to four."),
            ),
            "t1",
        ),
        (
            (
                user("Hi there!"),
                user("My toaster burns the bread"),
                bot("I see."),
                user("Will you send me a new toaster?"),
                user("This is ridiculous, I told you twice, can you not read?"),
                user("I want to talk to a human, please. Somebody who knows toasters."),
            ),
            "t4",
        ),
    ],
)
def test_the_intent_follows_the_topic(turns: tuple[Turn, ...], expected: str) -> None:
    """The newest request that is not settled; complaints and asking for a human are none."""
    talk = session(*turns)
    words = talk.turns[talk.sequence_of[expected] - 1].text if expected else ""
    assert of(*turns).customer_intent == words


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((user("Where is it?"), bot("In Riga."), user("And when?")), ("t3",)),
        ((user("Where is it?"), bot("In Riga."), user("Thanks!")), ()),
        ((user("Where is it?"), user("ok thanks")), ("t1",)),
        ((user("Where is it?"), bot("In Riga."), user("agent")), ("t1",)),
        ((bot("Welcome"),), ()),
        ((), ()),
    ],
)
def test_the_open_question(turns: tuple[Turn, ...], expected: tuple[str, ...]) -> None:
    """The newest thing the customer asked, unless its answer was accepted."""
    assert of(*turns).open_question.turn_ids == expected


@pytest.mark.parametrize(
    ("turns", "digest_failed", "status"),
    [
        ((), False, "INSUFFICIENT_CONTENT"),
        ((), True, "INSUFFICIENT_CONTENT"),
        ((user("Hi"),), False, "INSUFFICIENT_CONTENT"),
        ((user("Hi"),), True, "INTERNAL_ERROR"),
    ],
)
def test_a_handoff_goes_out_without_a_summary(
    turns: tuple[Turn, ...], digest_failed: bool, status: str
) -> None:
    """It says why there is none, and carries everything else."""
    state = session(*turns)
    handoff = handed(state, None if digest_failed else fold(state, (), ()))
    assert (handoff.summary.text, handoff.summary_status) == ("", status)
    assert len(handoff.last_turns) == len(turns)
    assert render(handoff)


def test_the_summary_fits_and_keeps_the_best_in_order() -> None:
    """Sentences leave by score; those that stay are in the order they were said."""
    state = session(*[user(f"Sentence number {n} has six words") for n in range(100)])
    digest = fold(state, range(1, 101), ())
    handoff = handed(state, digest)
    lines = handoff.summary.text.splitlines()
    assert METER.count(handoff.summary.text) <= Rules().handoff.summary_tokens
    assert lines[-1] == "Customer: Sentence number 99 has six words"
    assert lines == sorted(lines, key=lambda line: int(line.split()[3]))
    assert handoff.summary.turn_ids == tuple(f"t{101 - n}" for n in range(len(lines), 0, -1))


def test_the_best_evidence_first() -> None:
    """Score decides, then age; snippets are cut with a mark."""
    state = session(
        bot(evidence=(Evidence("a", score=0.1), Evidence("b", score=0.9, snippet="x" * 9_000))),
        bot(evidence=tuple(Evidence(f"c{n}", score=0.1) for n in range(20))),
    )
    handoff = handed(state, None)
    assert [item.key for item in handoff.evidence][:3] == ["b", "c19", "c18"]
    assert len(handoff.evidence) == Rules().handoff.max_evidence
    assert "characters cut" in handoff.evidence[0].snippet
    assert len(handoff.evidence[0].snippet) <= 400


def test_the_models_own_advice_wins() -> None:
    """The newest suggestion of the model stands before a derived one."""
    advised = bot("Hm.", model_state=ModelState(suggested_next_action="Unlock the ledger."))
    handoff = of(advised, calls("refund"), tool('{"error": "locked"}'), user("Well?"))
    assert handoff.suggested_next_action == "Unlock the ledger."


@pytest.mark.parametrize(
    "advice", ["Offer a human colleague.", "Escalate to billing.", "Hand over to an agent."]
)
def test_advice_to_hand_over_has_been_followed(advice: str) -> None:
    """What is open goes before it; both kinds of open things are named."""
    advised = bot("Hm.", model_state=ModelState(suggested_next_action=advice))
    handoff = of(
        calls("refund"),
        tool('{"error": "locked"}'),
        calls("stop_parcel", call_id="c2"),
        tool('{"status": "PENDING_MANUAL"}', "c2"),
        advised,
    )
    assert handoff.suggested_next_action == (
        "Do by hand, or try again: refund. Follow up on what is still pending: stop_parcel. "
        f"The assistant's advice was: {advice}"
    )


def test_a_call_written_as_text_was_tried() -> None:
    """With the result that follows it, and as a call in the last turns."""
    handoff = of(
        user("Refund W-1, please."),
        bot('{"name": "refund", "arguments": {"order": "W-1", "to": [{"card": "4471"}]}}'),
        tool("Error: locked", ""),
    )
    (tried,) = handoff.attempted_actions
    assert (tried.name, tried.status, tried.turn_id) == ("refund", "failed", "t2")
    assert tried.detail == "order W-1, to 4471; Error: locked"
    assert handoff.last_turns[1].text == "calls refund (order W-1, to 4471)"


def test_a_look_up_that_worked_in_the_end_is_no_failure() -> None:
    """One without a result has found nothing and changed nothing."""
    handoff = of(
        calls("find_order", '{"order": "48131"}'),
        tool('{"error": "not yours"}'),
        calls("find_order", '{"order": "48113"}', "c2"),
        tool('{"order": "48113"}', "c2"),
        calls("think", '{"thought": "hm"}', "c3"),
        user("Well?"),
    )
    assert [(each.name, each.status) for each in handoff.attempted_actions] == [
        ("find_order", "done")
    ]
    assert not handoff.uncertainty


def test_silence_of_a_tool_is_an_uncertainty() -> None:
    """A call without a result may have taken effect."""
    assert of(calls("refund")).uncertainty == ("Not known whether refund took effect.",)


def test_the_headline_names_reason_and_matter() -> None:
    """One line, at most 140 characters, also for a long request with line breaks."""
    handoff = of(user("My order\nnumber W-1 " + "very " * 60 + "late"))
    assert handoff.headline.startswith("Asks for a human: My order number W-1 very")
    assert len(handoff.headline) == HEADLINE


def test_the_model_is_down_and_nothing_was_said() -> None:
    """Even an empty session can be handed over, with the caller's note as the matter."""
    state = session()
    request = EscalateRequest(
        state.key, "olena", Reason.MODEL_UNAVAILABLE, "Provider is down", ChannelMode.ASYNC
    )
    handoff = build(state, request, handoff_id="h", at=0, digest=None, rules=Rules(), meter=METER)
    assert handoff.headline == "Assistant unavailable: Provider is down"
    assert handoff.suggested_next_action == "Ask the customer what is still open."


@pytest.mark.parametrize("limit", [0, 1, 40, 60, 100, 500])
def test_cutting_leaves_both_ends(limit: int) -> None:
    """What is left and what is cut add up to the text."""
    text = "".join(chr(97 + n % 26) for n in range(400))
    cut = cut_middle(text, limit)
    if limit >= len(text):
        assert cut == text
        return
    head, _, rest = cut.partition(" [\u2026 ")
    gone, _, tail = rest.partition(" characters cut \u2026] ")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head) + len(tail) + int(gone) == len(text)
    assert len(cut) <= max(limit, 40)


REQUESTS = st.builds(
    EscalateRequest,
    st.just(session().key),
    st.sampled_from(["", "olena"]),
    st.sampled_from(list(Reason)),
    TEXTS,
    st.sampled_from(list(ChannelMode)),
)


@settings(max_examples=60)
@given(STATES, REQUESTS, DIGESTS)
def test_any_session_can_be_handed_over(
    state: SessionState, request: EscalateRequest, digest: Fold | None
) -> None:
    """Never an error, the same bytes twice, every citation exists, every part is bounded."""
    rules = Rules()
    handoff = build(state, request, handoff_id="h", at=AT, digest=digest, rules=rules, meter=METER)
    assert handoff == build(
        state, request, handoff_id="h", at=AT, digest=digest, rules=rules, meter=METER
    )
    known = {turn.turn_id for turn in state.turns}
    cited = (
        handoff.open_question,
        handoff.summary,
        *handoff.key_facts,
        *handoff.commitments,
        *handoff.do_not_ask,
    )
    assert {number for each in cited for number in each.turn_ids} <= known
    assert {attempt.turn_id for attempt in handoff.attempted_actions} <= known
    assert len(handoff.headline) <= HEADLINE
    assert "\n" not in handoff.headline
    assert METER.count(handoff.summary.text) <= rules.handoff.summary_tokens
    assert len(handoff.key_facts) <= rules.handoff.max_facts
    assert len(handoff.do_not_ask) <= rules.handoff.max_facts
    assert len(handoff.last_turns) <= rules.handoff.last_turns
    assert all(len(line.text) <= rules.handoff.line_characters for line in handoff.last_turns)
    assert handoff.turn_count == len(state.turns)


def test_a_long_session_takes_hardly_longer() -> None:
    """The newest turns are read, the digest aside: eight times the turns take no eight times."""
    words = " ".join(f"word{n}" for n in range(200))

    def seconds(turns: int) -> float:
        state = session(*(user(words) if n % 2 else bot(words) for n in range(turns)))
        digest = fold(state, range(1, 30), ())
        taken = []
        for _ in range(5):
            started = time.thread_time()
            handed(state, digest)
            taken.append(time.thread_time() - started)
        return min(taken)

    assert seconds(4_800) < 4 * seconds(600)


def test_with_the_real_digest() -> None:
    """What folding finds in the talk reaches the human: number, promise, correction."""
    state, request, _ = desk_case()
    digest = extract(state, len(state.turns), rules=Rules(), meter=METER)
    handoff = build(
        state, request, handoff_id="h", at=AT, digest=digest, rules=Rules(), meter=METER
    )
    note = render(handoff)
    assert handoff.summary_status == "COMPLETED"
    assert "W-4417" in " ".join(cited.text for cited in handoff.do_not_ask)
    assert any("refund" in cited.text for cited in handoff.commitments)
    assert "bank account" in note


def test_zero_last_turns_are_none() -> None:
    """A desk that wants no transcript gets none."""
    rules = Rules()
    none = replace(rules, handoff=replace(rules.handoff, last_turns=0))
    assert handed(session(user("Hi")), None, rules=none).last_turns == ()


def test_a_result_is_shorter_than_a_message() -> None:
    """Raw JSON is not what a human reads first."""
    (line,) = of(tool("x" * 2_000)).last_turns
    assert line.role is Role.TOOL
    assert len(line.text) <= 200


def test_facts_are_told_once_and_commitments_apart() -> None:
    """The same text from two turns is cited at its newest turn."""
    state = session(user("a"), user("b"))
    facts = [
        Fact(FactKind.PREFERENCE, "no calls before six", 1),
        Fact(FactKind.PREFERENCE, "no calls before six", 2),
        Fact(FactKind.COMMITMENT, "I will ring", 1),
    ]
    handoff = handed(state, fold(state, (), facts))
    given = [(c.text, c.turn_ids) for c in handoff.do_not_ask]
    assert given == [("No calls before six", ("t2",))]
    assert handoff.key_facts == ()
    assert [c.text for c in handoff.commitments] == ["I will ring"]


def test_values_of_one_name_stand_together() -> None:
    """A reader looks for the order numbers once; each is cited, the newest first."""
    state = session(user("W-1"), user("W-2"), user("sure"))
    facts = [
        Fact(FactKind.ENTITY, "W-1", 1, "order id"),
        Fact(FactKind.ENTITY, "W-2", 2, "order id"),
        Fact(FactKind.ENTITY, "sure", 3, "said"),
        Fact(FactKind.ENTITY, "order id", 3, "said"),
    ]
    found = handed(state, fold(state, (), facts)).do_not_ask
    assert [(c.text, c.turn_ids) for c in found] == [("order id: W-2, W-1", ("t1", "t2"))]
