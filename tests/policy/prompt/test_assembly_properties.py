from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.errors import BudgetTooSmall
from contextd.model import Budget, Format, Message, Role, SectionKind
from contextd.policy.prompt.formats import render, violations
from contextd.policy.quoting import EARLIER, flatten, speaker, spoken
from contextd.policy.state import SessionState
from contextd.testing.fakes import WordTokenizer
from contextd.tokenizers import open_tokenizers
from tests.policy.generated_sessions import (
    ANY_BUDGET,
    KEY,
    Scene,
    anyone,
    built,
    recorded,
    recording,
    scenes,
)

if TYPE_CHECKING:
    from contextd.model import BuildRequest, Context
    from contextd.policy.meter import Meter
    from contextd.policy.prompt.assembly import Frame

WORDS = WordTokenizer()
MESSAGE, CALL, PROMPT = 4, 8, 3


def neutral_tokens(messages: tuple[Message, ...], meter: Meter) -> int:
    """Count the messages from scratch."""
    tokens = PROMPT
    for message in messages:
        tokens += MESSAGE + meter.count(message.text) + meter.count(message.tool_call_id)
        tokens += meter.count(speaker(message.author)) if message.author else 0
        for call in message.tool_calls:
            tokens += CALL + sum(map(meter.count, (call.id, call.name, call.arguments_json)))
    return tokens


def rendered_tokens(body: str, meter: Meter) -> int:
    """Count every text a provider gets, with the overhead of each message and call."""
    parsed = json.loads(body)
    tokens = PROMPT + (MESSAGE + meter.count(parsed["system"]) if "system" in parsed else 0)
    for message in parsed["messages"]:
        content = message.get("content") or ""
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        for block in blocks:
            tokens += MESSAGE if block["type"] != "tool_use" else CALL
            tokens += meter.count(block.get("text", "") + block.get("content", ""))
            tokens += meter.count(block["name"]) if "name" in block else 0
        for call in message.get("tool_calls", ()):
            tokens += CALL + meter.count(call["function"]["name"])
            tokens += meter.count(call["function"]["arguments"])
    return tokens


def check(
    state: SessionState, request: BuildRequest, framed: Frame, context: Context, meter: Meter
) -> None:
    """Check everything that must hold of any context."""
    assert context.token_count <= request.budget.input_tokens
    assert context.token_count == neutral_tokens(context.messages, meter)
    assert context.token_count == PROMPT + sum(part.tokens for part in context.sections)
    assert violations(Format.NEUTRAL, context.messages) == []
    body = render(request.format, context, model="m", max_tokens=10)
    if request.format is Format.NEUTRAL:
        assert not body
    else:
        assert violations(request.format, body) == []
        assert rendered_tokens(body, meter) <= request.budget.input_tokens
    check_presence(state, request, context)
    check_account(state, framed, context)
    check_acquaintance(request, context)


def check_presence(state: SessionState, request: BuildRequest, context: Context) -> None:
    """System prompt, pinned turns and the newest words of the user are there."""
    systems = [message.text for message in context.messages if message.role is Role.SYSTEM]
    assert systems == [request.system_prompt] * bool(request.system_prompt)
    for sequence in state.kept:
        turn = state.turns[sequence - 1]
        texts = [message.text for message in context.messages if sequence in message.sequences]
        assert any(turn.text in text or flatten(spoken(turn)) in text for text in texts)
    if request.message is not None:
        assert context.messages[-1].section is SectionKind.MESSAGE
        start = flatten(request.message.text)[:5]
        assert start in flatten(context.messages[-1].text)
    elif state.exchanges and state.turns[state.exchanges[-1] - 1].role is Role.USER:
        newest = state.turns[state.exchanges[-1] - 1]
        said = [m.text for m in context.messages if m.sequences == (newest.sequence,)]
        assert any(text[:9] == newest.text[:9] for text in said)


def check_account(state: SessionState, framed: Frame, context: Context) -> None:
    """Every turn is sent, folded or said to be missing; ids belong to sequences."""
    seen = {at for item in context.omitted for at in item.sequences}
    cited = [(part.turn_ids, part.sequences) for part in context.sections]
    cited += [(item.turn_ids, item.sequences) for item in context.omitted]
    assert all(ids == tuple(f"t{at}" for at in sequences) for ids, sequences in cited)
    seen.update(at for part in context.sections for at in part.sequences)
    kinds = {part.kind for part in context.sections}
    told = kinds & {SectionKind.SUMMARY, SectionKind.KEY_FACTS} or framed.facts
    folded = told and framed.fold
    through = framed.fold.through if folded and framed.fold else 0
    assert seen.issuperset(range(through + 1, len(state.turns) + 1))
    outside = [part.sequences for part in context.sections if part.kind is SectionKind.RETRIEVED]
    quoted = {at for sequences in outside for at in sequences}
    tried = {line.newest for line in framed.tried}
    assert all(at < framed.verbatim_start for at in quoted - tried)
    assert tried <= quoted


def check_acquaintance(request: BuildRequest, context: Context) -> None:
    """What is known of the account is told, or said to be left out; each item on one line."""
    known = anyone(request)
    told = [m for m in context.messages if m.section is SectionKind.ACCOUNT]
    lines = [line for message in told for line in message.text.split("\n")[1:-1]]
    assert all(message.role is Role.USER for message in told)
    assert context.messages.index(told[0]) == bool(request.system_prompt) if told else True
    left = {item.account_fact for item in context.omitted if item.account_fact}
    keys = [line.split(" ")[2] for line in lines]
    assert sorted((*keys, *left)) == sorted(fact.key for fact in known.facts)
    others = [m for m in context.messages if m.text.startswith(EARLIER)]
    assert all(message.role is Role.USER for message in others)
    lines = [line for message in others for line in message.text.split("\n")[1:-1]]
    assert all(line.startswith("- (conversation ") for line in lines)
    assert len(lines) <= len(known.recollections)


def examine(state: SessionState, request: BuildRequest, meter: Meter) -> Context | None:
    """Build and check; if it is refused, see that the budget named is enough."""
    try:
        framed, context = built(state, request, meter)
    except BudgetTooSmall as error:
        required = error.required_tokens
    else:
        check(state, request, framed, context, meter)
        return context
    assert required > request.budget.input_tokens
    enough = replace(request, budget=Budget("m", required, 0))
    check(state, enough, *built(state, enough, meter), meter)
    return None


@pytest.fixture(scope="session")
def real() -> Meter:
    """Load a shipped encoding once."""
    return open_tokenizers().for_model("gpt-4o")


@given(scene=scenes(), budgets=st.lists(ANY_BUDGET, min_size=3, max_size=3))
@settings(max_examples=6 * settings().max_examples)
def test_every_context_keeps_every_promise(scene: Scene, budgets: list[int]) -> None:
    """A context fits, is counted right, is valid, holds what it must, and says what it lacks."""
    state = recorded(scene, WORDS)
    examine(state, scene.request, WORDS)
    for form, budget in zip(Format, budgets, strict=True):
        request = replace(scene.request, format=form, budget=Budget("m", budget, 0))
        examine(state, request, WORDS)


@given(scene=scenes())
def test_real_tokens_are_counted_right(scene: Scene, real: Meter) -> None:
    """With a real encoding the sum of the parts is the count of the messages, and fits."""
    examine(recorded(scene, real), scene.request, real)


@given(scene=scenes())
def test_the_same_input_gives_the_same_context(scene: Scene) -> None:
    """Building twice, from states replayed apart, gives equal values."""
    first = examine(recorded(scene, WORDS), scene.request, WORDS)
    second = examine(recorded(scene, WORDS), scene.request, WORDS)
    assert first == second


@given(scene=scenes(budgets=st.sampled_from([300, 900, 2_000, 5_000])))
def test_new_turns_leave_the_stable_prefix_as_it_is(scene: Scene) -> None:
    """Between folds, what the prefix promised stays byte for byte the same."""
    state = SessionState(KEY)
    before: tuple[Frame, Context] | None = None
    returns = 0
    for _ in recording(scene, state, WORDS):
        try:
            framed, context = built(state, scene.request, WORDS)
        except BudgetTooSmall:
            before = None
            continue
        if len(state.owner.stretches) > returns:  # what a human left behind comes to stand in it
            returns, before = len(state.owner.stretches), None
        if before is not None and basis(before[0]) == basis(framed):
            count = before[1].stable_prefix.message_count
            assert count <= context.stable_prefix.message_count
            assert before[1].messages[:count] == context.messages[:count]
        before = framed, context


def basis(framed: Frame) -> tuple[object, ...]:
    """Return what a prefix may change with: fold, tier, start, cutting, the newest pause."""
    layout = framed.layout
    pause = framed.resumed.start if framed.resumed else 0
    return framed.fold, framed.standing.tier, framed.verbatim_start, layout.squeezed, pause


def test_generated_sessions_reach_every_part() -> None:
    """The generator is worth its time: every section and every reason occurs."""
    met: Counter[object] = Counter()

    @given(scene=scenes())
    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    def gather(scene: Scene) -> None:
        context = examine(recorded(scene, WORDS), scene.request, WORDS)
        met["refused"] += context is None
        for part in context.sections if context else ():
            met[part.kind] += 1
        met.update(item.reason for item in (context.omitted if context else ()))

    gather()
    wanted = list(SectionKind)
    reasons = ["BUDGET", "TURN_CUT", "MESSAGE_CUT", "UNRESOLVED_TOOL_CALL", "refused"]
    assert [each for each in (*wanted, *reasons) if not met[each]] == []
