"""What kind of request is a message, and what should the frontend do with it?

Rules first: a table of weighted phrases votes for a turn type, and short answers ("yes,
do that") take the kind of what they answer.  A tenant's own phrases vote beside the table.
What the message is like joins the vote: prototypes, sentences that stand for a type, count
by their cosine with it (docs/routing.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contextd.model import Role, Route, Routing, TurnType
from contextd.policy.judgement.frustration import either
from contextd.policy.judgement.human_request import human_request
from contextd.policy.judgement.prototypes import UNLIKE, unlike
from contextd.policy.judgement.routing_cues import VOTES
from contextd.policy.reading.own_phrases import cues
from contextd.policy.reading.utterance import content, cue, hear, table
from contextd.policy.rules import RoutingRules, TurnTypeTexts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contextd.policy.judgement.prototypes import Like, Likeness
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

_ELSEWHERE = frozenset({TurnType.UNSUPPORTED, TurnType.ESCALATION_CANDIDATE})
_COMMON = RoutingRules()
_NO_TEXTS = TurnTypeTexts()

_ASKED_IN_TROUBLE = 0.5
"""How much less a question counts beside trouble: people ask why it does not work."""

_FROM, _BY_LEAD, _MOST_LIKELY = 0.4, 0.45, 0.9
"""The confidence in a type that leads by nothing, what a lead of 1 adds, and the most there is.

Read off the share of right answers by lead on sets that routing is not judged by (docs/routing.md).
"""

_ALIKE_ALONE = 0.5
"""The most confidence in a type that no rule voted for."""

_FAR, _AT_THE_MARK, _WITHIN = 0.5, 0.3, 0.2
"""Outside a product by a hair is told with so much confidence, inside by a hair with so much;
a likeness so far above the mark no longer limits it."""

_TELLING, _FIRST_TELLING = 3, 2
"""Content words from which a message can be strange to a talk under way, and to none."""

_UNSURE = 0.2
_SURE = 0.95
_FOLLOW_UP = 0.6
_ACKNOWLEDGED = 0.8
_DECLINED_FOR_SURE = 0.7
_SHORT_WORDS = 6
_LOOK_BACK = 4

_OPENERS = frozenset(
    "help assist questi query ask someth anythi proble issue troubl suppor custom servic good "
    "mornin aftern evenin hey everyo team matter reques wonder quick please".split()
)
"""Words, as `content` cuts them, that open a talk about anything."""

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


@dataclass(frozen=True, slots=True)
class _Judged:
    """The type of a text by itself, what the rules gave to it, and how sure that is."""

    kind: TurnType
    vote: float
    confidence: float
    alike: Likeness


def route(text: str, state: SessionState, rules: Rules, like: Like = unlike) -> Routing:
    """Return the kind of *text*, said next in the session, and the route for it.

    *like* says how like a text is to the prototypes.  The confidence is coarse and honest: .2
    when nothing speaks, about .6 for one that follows from the turn before, up to .95 for what
    is said in so many words.
    """
    utterance = hear(text)
    if is_acknowledgement(utterance) and not _is_assent(utterance, state):
        return Routing(TurnType.INFO_QUESTION, _ACKNOWLEDGED, Route.ANSWER, acknowledgement=True)
    judged = _judged(utterance, rules.routing, like)
    if judged.vote < _FOLLOW_UP and len(utterance.words) <= _SHORT_WORDS:
        inherited = _inherited(utterance, state, rules.routing, like)
        if inherited is not None:
            return inherited
    kind, confidence = judged.kind, judged.confidence
    if _is_placed(judged, utterance, state):
        kind, confidence = _placed(judged, rules.routing)
    return Routing(kind, _coarse(confidence), _ROUTES[kind])


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


def _judged(utterance: Utterance, rules: RoutingRules, like: Like) -> _Judged:
    """Return the type with the most votes, those of the prototypes included.

    Where a tenant's own phrase is found its word stands, and likeness is not asked.
    """
    own = _owned(utterance, rules)
    votes = _votes(utterance, rules, own)
    alike = UNLIKE if own or not rules.prototype_weight else like(utterance.said)
    scores = _scores(votes, alike, rules.prototype_weight)
    kind = max(_ORDER, key=lambda each: scores[each])
    others = [each for each in _ORDER if each is not kind]
    if not alike.to:
        confidence = votes[kind] * (1 - 0.5 * max(votes[each] for each in others))
        return _Judged(kind, votes[kind], confidence, alike)
    lead = scores[kind] - max(scores[each] for each in others)
    confidence = min(_MOST_LIKELY if votes[kind] else _ALIKE_ALONE, _FROM + _BY_LEAD * lead)
    return _Judged(kind, votes[kind], confidence, alike)


def _scores(
    votes: Mapping[TurnType, float], alike: Likeness, weight: float
) -> Mapping[TurnType, float]:
    """Return the votes of rules and prototypes together.

    A type that has no prototypes stands where the likeliest one does: it neither gains nor
    loses, but nothing speaks for it when no rule does.
    """
    likeliest = max(alike.to.values(), default=0.0)
    return {
        kind: vote + weight * alike.to[kind]
        if kind in alike.to
        else vote + weight * likeliest * bool(vote)
        for kind, vote in votes.items()
    }


def _is_placed(judged: _Judged, utterance: Utterance, state: SessionState) -> bool:
    """Say whether the message can be told to lie inside the product or outside.

    Not what asks for a human, what is declined anyway, what only opens a talk ("I have a
    question"), or an answer to what was just asked; and under way only what says enough.
    """
    if judged.alike.inside is None or judged.kind in _ELSEWHERE:
        return False
    said = content(utterance) - _OPENERS
    if not state.turns:
        return len(said) >= _FIRST_TELLING
    answers = "?" in _asked(state) and judged.vote < _FOLLOW_UP
    return not answers and len(said) >= _TELLING


def _placed(judged: _Judged, rules: RoutingRules) -> tuple[TurnType, float]:
    """Return the type and confidence by how like the message is to what the product does."""
    mark, inside = rules.scope_mark, max(0.0, judged.alike.inside or 0.0)
    if inside < mark:
        return TurnType.UNSUPPORTED, _FAR + (1 - inside / mark) * (_SURE - _FAR)
    limit = _AT_THE_MARK + (inside - mark) / _WITHIN * (_SURE - _AT_THE_MARK)
    return judged.kind, min(judged.confidence, limit) if mark else judged.confidence


def _owned(utterance: Utterance, rules: RoutingRules) -> tuple[TurnType, ...]:
    """Return the types that own phrases name; how many of them are found does not count."""
    if rules.phrases == _NO_TEXTS:
        return ()
    phrases = ((kind, getattr(rules.phrases, kind.value)) for kind in _ORDER)
    return tuple(
        kind
        for kind, own in phrases
        if own and cues(own, rules.phrase_strength).found_in(utterance)
    )


def _votes(
    utterance: Utterance, rules: RoutingRules, own: Sequence[TurnType] = ()
) -> dict[TurnType, float]:
    """Return what the rules say for each type, 0..1; *own* phrases name some of them."""
    votes = dict.fromkeys(_ORDER, 0.0)
    for kind, known in VOTES:
        for found in known.found_in(utterance):
            votes[kind] = either(votes[kind], found.strength)
    votes[TurnType.INFO_QUESTION] *= 1 - _ASKED_IN_TROUBLE * votes[TurnType.ACCOUNT_ISSUE]
    votes[TurnType.ESCALATION_CANDIDATE] = human_request(utterance)[0]
    for kind in own:
        votes[kind] = either(votes[kind], rules.phrase_strength)
    return votes


def _is_assent(utterance: Utterance, state: SessionState) -> bool:
    """Say whether this agrees to something the assistant has just proposed."""
    return bool(_ASSENT.found_in(utterance)) and _PROPOSAL.search(_asked(state)) is not None


def _inherited(
    utterance: Utterance, state: SessionState, rules: RoutingRules, like: Like
) -> Routing | None:
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
            judged = _judged(hear(turn.text), rules, like)
            if judged.vote >= _FOLLOW_UP:
                sure = _coarse(judged.vote * _FOLLOW_UP)
                return Routing(judged.kind, sure, _ROUTES[judged.kind])
    return None


def _asked(state: SessionState) -> str:
    """Return the end of what the assistant said last, if it was said last; else ""."""
    if not state.turns or state.turns[-1].role not in (Role.ASSISTANT, Role.HUMAN_AGENT):
        return ""
    return hear(state.turns[-1].text).text


def _coarse(confidence: float) -> float:
    """Round to steps of .05: rules know no more than that."""
    return round(min(_SURE, max(_UNSURE, confidence)) * 20) / 20
