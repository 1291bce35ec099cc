"""The numbers that decisions depend on, with the defaults that work."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 – settings are read by their types
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TierRules:
    """Pressure (0..1 of the input budget) at which each tier begins.

    A tier is left again only `hysteresis` below its mark.  Folding is prepared
    `prepare_margin` below a mark and goes down to `low_water`, so that one fold serves
    many turns.
    """

    summary: float = 0.60
    key_facts: float = 0.80
    notice: float = 0.90
    low_water: float = 0.40
    prepare_margin: float = 0.08
    hysteresis: float = 0.05


@dataclass(frozen=True, slots=True)
class WindowRules:
    """How many of the newest exchanges stay verbatim, and their share of the budget.

    `max_share` bounds the verbatim turns when something older could be retrieved instead.
    """

    min_exchanges: int = 8
    max_exchanges: int = 15
    max_share: float = 0.60


@dataclass(frozen=True, slots=True)
class ShareRules:
    """How room too small for everything is divided; see `policy/prompt/shares.py`.

    By what the message is about: something particular (`detail`), the conversation as a
    whole (`whole`), or what was just said (`present`).  `*_window` are the least shares of
    the input budget that the newest exchanges may take, `*_facts` the shares of what is
    left beside them that further key facts may take before passages get the rest.
    """

    detail_window: float = 0.08
    whole_window: float = 0.20
    present_window: float = 0.35
    detail_facts: float = 0.0
    whole_facts: float = 1.0
    present_facts: float = 0.5


@dataclass(frozen=True, slots=True)
class FoldRules:
    """Sizes of the compressed forms, in tokens, and the least a fold must save.

    Shares are of the input budget.  `facts_share` bounds the key facts that every prompt
    shows, `pinned_share` the verbatim sentences kept by rule (those pinned by the caller
    are not bounded); standing orders and choices among them may take up to `orders_share`.
    A fold holds more facts than that, for messages that want them: up to `facts_tokens`,
    where the budget has that much room at all.
    """

    summary_tokens: int = 300
    facts_tokens: int = 1_500
    facts_share: float = 0.08
    pinned_share: float = 0.08
    orders_share: float = 0.14
    min_gain: float = 0.05


@dataclass(frozen=True, slots=True)
class RetrievalRules:
    """How passages are cut and ranked; see `policy/retrieval/search.py`.

    Weights are in standard deviations of the scores of a session.  `lexical_weight` stands
    against 1 for likeness of meaning; a turn gains `neighbour_weight` of the score of the
    turns beside it, and loses `length_penalty` per factor e of its tokens.  `user_prior`
    goes to what the user said, `author_weight` to authors that the query names,
    `date_weight` to what was said on a date it names or within `told_within_days` after.
    Passages below `min_score` are not packed; the default packs whatever fits.
    `max_tokens` and `max_slices` bound one answer.
    """

    passage_words: int = 70
    lexical_weight: float = 0.8
    neighbour_weight: float = 0.35
    length_penalty: float = 0.9
    user_prior: float = 0.25
    author_weight: float = 2.4
    date_weight: float = 3.5
    told_within_days: int = 10
    min_score: float = -100.0
    max_tokens: int = 4_000
    max_slices: int = 400
    min_tokens: int = 48


@dataclass(frozen=True, slots=True)
class EvidenceRules:
    """When evidence of earlier turns is sent again; see `policy/retrieval/evidence.py`.

    At most `reused` pieces, whose relevance is at least `min_relevance` and `beside_best`
    of the best one's.  `lexical_weight` stands against 1 for likeness of meaning.
    """

    reused: int = 4
    min_relevance: float = 0.5
    beside_best: float = 0.7
    lexical_weight: float = 0.5


@dataclass(frozen=True, slots=True)
class ResumptionRules:
    """When a conversation counts as taken up again; see `policy/prompt/resuming.py`.

    After a pause of `after_hours`, at least 1, the context opens with a refresh of at most
    `tokens`; 0 switches that off.
    """

    after_hours: float = 24.0
    tokens: int = 160


@dataclass(frozen=True, slots=True)
class AccountRules:
    """What of an account a context tells.

    See `policy/prompt/account.py` and `policy/retrieval/recaps.py`.  Confirmed facts may take
    `facts_share` of the input budget, at least `min_tokens` and at most `max_tokens`; 0 switches
    them off.  Of other conversations of the account at most `recaps` are told, in `recap_tokens`,
    if their relevance to the message is at least `min_relevance`.  The newest `recapped` ones
    are read when a conversation begins, 0 for none.  It is a repeat contact when its first
    message is as much as `repeat_relevance` about what one was about in the last `repeat_days`.
    """

    facts_share: float = 0.06
    min_tokens: int = 96
    max_tokens: int = 800
    recaps: int = 3
    recap_tokens: int = 240
    recapped: int = 3
    min_relevance: float = 0.6
    repeat_days: int = 30
    repeat_relevance: float = 0.7


@dataclass(frozen=True, slots=True)
class SignalRules:
    """What the strength of each signal is multiplied by: 0 switches it off, 2 at most.

    The product never exceeds 1.  `repeated_answer` is the assistant saying the same again.
    """

    user_request: float = 1.0
    frustrated_user: float = 1.0
    policy_risk: float = 1.0
    high_value_action: float = 1.0
    missing_evidence: float = 1.0
    low_confidence: float = 1.0
    tool_failure: float = 1.0
    repeated_answer: float = 1.0


@dataclass(frozen=True, slots=True)
class EscalationRules:
    """Thresholds of the escalation signals.

    `amount_limits` holds, by currency (`{EUR = 500}`), the sums from which a human is asked;
    `amount_limit` counts for every other currency, and for sums that name none.  0 switches
    a limit off.
    """

    recommend_from: float = 0.6
    min_confidence: float = 0.35
    tool_failures: int = 2
    repeats: int = 2
    amount_limit: float = 0.0
    amount_limits: Mapping[str, float] = field(default_factory=dict)
    look_back_turns: int = 12
    signals: SignalRules = field(default_factory=SignalRules)


@dataclass(frozen=True, slots=True)
class HandoffRules:
    """Sizes of a handoff, and of what stays of it.

    What a human left behind takes at most `note_tokens` of a prompt, until a fold reaches
    `note_turns` beyond the end of that stretch.
    """

    last_turns: int = 10
    line_characters: int = 600
    summary_tokens: int = 250
    max_facts: int = 24
    max_evidence: int = 8
    note_tokens: int = 200
    note_turns: int = 24


@dataclass(frozen=True, slots=True)
class MessageCost:
    """What a prompt charges around the text: tokens per message, per call, per prompt.

    OpenAI's chat format costs three tokens a message, one for an author's name, three to
    prime the answer; one is added so that a joint count never exceeds the sum.
    """

    message: int = 4
    tool_call: int = 8
    prompt: int = 3


@dataclass(frozen=True, slots=True)
class IdRules:
    r"""The ids that no common form gives away; see `policy/reading/patterns.py`.

    `patterns` holds regular expressions by the name of what they find:
    `{"meter number" = 'MT-\d{6}'}`.  One that could take long is refused.
    """

    patterns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """Own phrases that decide what becomes of a turn when it is recorded.

    A turn of a person or the assistant that holds a phrase of `keep` stays word for word, as
    if its caller had pinned it, unless it is longer than `keep_characters`; one that is
    nothing but a phrase of `discard` is dropped when it is folded.  Whatever the caller says
    of a turn goes first.
    """

    keep: tuple[str, ...] = ()
    discard: tuple[str, ...] = ()
    keep_characters: int = 600


@dataclass(frozen=True, slots=True)
class TurnTypeTexts:
    """Texts by the turn type that they stand for."""

    info_question: tuple[str, ...] = ()
    action_request: tuple[str, ...] = ()
    account_issue: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    escalation_candidate: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """What tells the kind of a message beside the common rules; see `judgement/routing.py`.

    `phrases` are own words ("meter is dead"), found as they stand, in either case, unless
    negated; one that is found votes for its turn type with `phrase_strength`.

    `prototypes` are sentences as a customer would write them.  They join those that ship; a
    message that is like a type's sentences has `prototype_weight` times that likeness (a cosine)
    added to the votes for it.  With 20 own ones or more they say what the product does: a
    message whose likeness to them is below `scope_mark` is taken for unsupported; 0 for never.
    With `transformer` the finer model says what a message is like: better, and it costs each
    call the few milliseconds that the model takes.
    """

    phrase_strength: float = 0.9
    prototype_weight: float = 2.0
    scope_mark: float = 0.35
    transformer: bool = False
    phrases: TurnTypeTexts = field(default_factory=TurnTypeTexts)
    prototypes: TurnTypeTexts = field(default_factory=TurnTypeTexts)


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How often something is tried, and how long is waited in between.

    The wait begins with `first_delay_seconds`, grows by `factor` each time, and is never
    longer than `max_delay_seconds`.
    """

    max_attempts: int = 8
    first_delay_seconds: float = 2.0
    factor: float = 2.0
    max_delay_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class RetriesRules:
    """Retries behind the calls: webhooks of handoffs, and messages that wait for the model."""

    webhooks: RetryRules = field(default_factory=RetryRules)
    deferrals: RetryRules = field(default_factory=RetryRules)


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a session is kept after its last record, in days; 0 for ever.

    One that a human has, or of which work waits, is kept until that has ended, unless
    `erase_open` says otherwise.  From `long_turns`, `long_tokens` or `long_folds` on it is
    suggested to begin a new conversation; 0 for never.
    """

    keep_days: int = 0
    erase_open: bool = False
    long_turns: int = 400
    long_tokens: int = 150_000
    long_folds: int = 12


@dataclass(frozen=True, slots=True)
class Rules:
    """Every number of the policy, one group a decision."""

    tiers: TierRules = field(default_factory=TierRules)
    window: WindowRules = field(default_factory=WindowRules)
    shares: ShareRules = field(default_factory=ShareRules)
    fold: FoldRules = field(default_factory=FoldRules)
    retrieval: RetrievalRules = field(default_factory=RetrievalRules)
    evidence: EvidenceRules = field(default_factory=EvidenceRules)
    resumption: ResumptionRules = field(default_factory=ResumptionRules)
    account: AccountRules = field(default_factory=AccountRules)
    retention: RetentionRules = field(default_factory=RetentionRules)
    ids: IdRules = field(default_factory=IdRules)
    routing: RoutingRules = field(default_factory=RoutingRules)
    escalation: EscalationRules = field(default_factory=EscalationRules)
    handoff: HandoffRules = field(default_factory=HandoffRules)
    retries: RetriesRules = field(default_factory=RetriesRules)
    sessions: SessionRules = field(default_factory=SessionRules)
    cost: MessageCost = field(default_factory=MessageCost)
