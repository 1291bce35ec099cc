"""What kind of request is a message, and what should the frontend do with it?

Rules first: a table of weighted phrases votes for a turn type, and short answers ("yes,
do that") take the kind of what they answer.  A tenant's own phrases vote beside the table;
a second opinion can join the vote without a change to anything else here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contextd.model import Role, Route, Routing, TurnType
from contextd.policy.judgement.frustration import either
from contextd.policy.judgement.human_request import human_request
from contextd.policy.judgement.routing_cues import VOTES
from contextd.policy.reading.own_phrases import cues
from contextd.policy.reading.utterance import cue, hear, table
from contextd.policy.rules import RoutingRules, TurnTypeTexts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.policy.reading.utterance import Utterance
    from contextd.policy.rules import Rules
    from contextd.policy.state import SessionState

_ROUTES: Mapping[TurnType, Route] = {
    TurnType.INFO_QUESTION: Route.ANSWER,
    TurnType.ACTION_REQUEST: Route.ACT,
    TurnType.ACCOUNT_ISSUE: Route.ANSWER,
    TurnType.UNSUPPORTED: Route.DECLINE,
    TurnType.ESCALATION_CANDIDATE: Route.ESCALATE,
}
_ORDER = tuple(_ROUTES)
"""Breaks ties, the most harmless type first."""

_COMMON = RoutingRules()
_NO_TEXTS = TurnTypeTexts()

_UNSURE = 0.2
_SURE = 0.95
_FOLLOW_UP = 0.6
_ACKNOWLEDGED = 0.8
_DECLINED_FOR_SURE = 0.7
_SHORT_WORDS = 6
_LOOK_BACK = 4

_PLEASANTRIES = frozenset(
    "ok okay okey k yes yeah yep yup no nope nah great good perfect awesome cool nice super "
    "fine alright right got see understood sounds thanks thank you u thx ty tysm cheers "
    "many much appreciate appreciated bye goodbye hi hello hey morning afternoon evening "
    "night day have a an one weekend too take care lol haha wow for your the all help "
    "that's thats that is it this will be was nothing else then there and so oh ah hmm mm "
    "mhm very really helpful wonderful excellent amazing lovely brilliant welcome worries "
    "problem now i'm im i am done lot bunch again sure of course".split()
)
_PLEASANT = frozenset(
    "ok okay okey k yes yeah yep yup no nope nah great good perfect awesome cool nice super "
    "fine alright right understood thanks thank thx ty tysm cheers appreciate appreciated "
    "bye goodbye hi hello hey lol haha wow hmm mhm wonderful excellent amazing lovely "
    "brilliant sure nothing all".split()
)
_MOST_PLEASANT = 14
_ASSENT = table(
    cue(
        "assent",
        1.0,
        r"yes|yeah|yep|yup|sure|ok|okay|please do|go ahead|do (?:it|that|so)|sounds good|correct"
        r"|exactly|that one|the (?:first|second|third|last|other|latter|former)(?: one)?|confirm\w*"
        r"|proceed|absolutely|definitely|of course|right|let'?s do (?:it|that)|perfect|please",
        negatable=False,
    )
)
_PROPOSAL = re.compile(
    r"\b(?:would you like|do you want|should i|shall i|can i go ahead|may i (?:go ahead|proceed)"
    r"|want me to|like me to|i can (?:also )?(?:\w+ ){1,12}\?|ready to proceed|proceed with|confirm"
    r"|is that (?:ok|okay|correct|right|fine)|are you sure|do i have your)\b"
)


def route(text: str, state: SessionState, rules: Rules) -> Routing:
    """Return the kind of *text*, said next in the session, and the route for it.

    The confidence is coarse and honest: .2 when no rule speaks, about .6 for one that
    follows from the turn before, up to .95 for what is said in so many words.
    """
    utterance = hear(text)
    if is_acknowledgement(utterance) and not _is_assent(utterance, state):
        return Routing(TurnType.INFO_QUESTION, _ACKNOWLEDGED, Route.ANSWER, acknowledgement=True)
    votes = _votes(utterance, rules.routing)
    chosen = max(_ORDER, key=lambda kind: votes[kind])
    if votes[chosen] < _FOLLOW_UP and len(utterance.words) <= _SHORT_WORDS:
        inherited = _inherited(utterance, state, rules.routing)
        if inherited is not None:
            return inherited
    others = max(votes[kind] for kind in _ORDER if kind is not chosen)
    confidence = votes[chosen] * (1 - 0.5 * others)
    return Routing(chosen, _coarse(confidence), _ROUTES[chosen])


def wants_retrieval(routing: Routing) -> bool:
    """Say whether looking up old turns may help: always, but for thanks and what is declined."""
    if routing.acknowledgement:
        return False
    declined = routing.turn_type is TurnType.UNSUPPORTED
    return not (declined and routing.confidence >= _DECLINED_FOR_SURE)


def is_acknowledgement(utterance: Utterance) -> bool:
    """Say whether this is thanks, a greeting, a bare yes or no, and nothing else."""
    words = utterance.words
    if "?" in utterance.text or not 0 < len(words) <= _MOST_PLEASANT:
        return False
    return words <= _PLEASANTRIES and not words.isdisjoint(_PLEASANT)


def kind_of(utterance: Utterance) -> TurnType:
    """Return the kind the common rules give to an utterance by itself."""
    votes = _votes(utterance, _COMMON)
    return max(_ORDER, key=lambda kind: votes[kind])


def _votes(utterance: Utterance, rules: RoutingRules) -> dict[TurnType, float]:
    """Return what the rules say for each type, 0..1; one own phrase counts, not their number."""
    votes = dict.fromkeys(_ORDER, 0.0)
    for kind, known in VOTES:
        for found in known.found_in(utterance):
            votes[kind] = either(votes[kind], found.strength)
    votes[TurnType.ESCALATION_CANDIDATE] = human_request(utterance)[0]
    if rules.phrases != _NO_TEXTS:
        for kind in _ORDER:
            own = getattr(rules.phrases, kind.value)
            if own and cues(own, rules.phrase_strength).found_in(utterance):
                votes[kind] = either(votes[kind], rules.phrase_strength)
    return votes


def _is_assent(utterance: Utterance, state: SessionState) -> bool:
    """Say whether this agrees to something the assistant has just proposed."""
    return bool(_ASSENT.found_in(utterance)) and _PROPOSAL.search(_asked(state)) is not None


def _inherited(utterance: Utterance, state: SessionState, rules: RoutingRules) -> Routing | None:
    """Take the kind of a short answer from the question that it answers."""
    asked = _asked(state)
    if not asked:
        return None
    if _ASSENT.found_in(utterance) and _PROPOSAL.search(asked):
        return Routing(TurnType.ACTION_REQUEST, _FOLLOW_UP, Route.ACT)
    if "?" not in asked:
        return None
    for turn in reversed(state.turns[-_LOOK_BACK:]):
        if turn.role is Role.USER:
            votes = _votes(hear(turn.text), rules)
            kind = max(_ORDER, key=lambda each: votes[each])
            if votes[kind] >= _FOLLOW_UP:
                return Routing(kind, _coarse(votes[kind] * _FOLLOW_UP), _ROUTES[kind])
    return None


def _asked(state: SessionState) -> str:
    """Return the end of what the assistant said last, if it was said last; else ""."""
    if not state.turns or state.turns[-1].role not in (Role.ASSISTANT, Role.HUMAN_AGENT):
        return ""
    return hear(state.turns[-1].text).text


def _coarse(confidence: float) -> float:
    """Round to steps of .05: rules know no more than that."""
    return round(min(_SURE, max(_UNSURE, confidence)) * 20) / 20
