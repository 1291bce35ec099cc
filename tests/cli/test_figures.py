from __future__ import annotations

from contextd.cli.figures import Figures, Timings, durations, folded_through, quantile
from contextd.cli.player import Asked, Recorded, Refused
from contextd.v1 import common_pb2 as common
from contextd.v1 import context_service_pb2 as pb


def asked(
    tokens: int = 10,
    tier: common.Tier = common.TIER_VERBATIM,
    folded: int = 0,
    retrieved: tuple[int, ...] = (),
) -> Asked:
    """A context of *tokens* within a budget of 100, turns up to *folded* being folded."""
    sections = [pb.Section(kind=pb.SECTION_KIND_VERBATIM, turn_sequences=[folded + 1, folded + 2])]
    if folded:
        sections.append(pb.Section(kind=pb.SECTION_KIND_SUMMARY, turn_sequences=[1]))
    if retrieved:
        sections.append(pb.Section(kind=pb.SECTION_KIND_RETRIEVED, turn_sequences=retrieved))
    answer = pb.BuildContextResponse(
        messages=[pb.Message(section=pb.SECTION_KIND_MESSAGE, tokens=7)],
        token_count=tokens,
        input_budget_tokens=100,
        tier=tier,
        pressure=tokens / 100,
        sections=sections,
    )
    return Asked(common.Turn(turn_id="t"), answer, 0.002)


def added(*events: Asked | Recorded | Refused) -> Figures:
    """The figures after *events*."""
    figures = Figures("s")
    for event in events:
        figures.add(event)
    return figures


def test_a_context_over_its_budget_is_a_violation() -> None:
    """A full budget is none; one token more is."""
    assert added(asked(100)).violations == 0
    assert added(asked(101), asked(100), asked(500)).violations == 2


def test_a_tier_counts_each_time_it_is_entered_from_below() -> None:
    """Staying in a tier, or coming down, is no crossing."""
    tiers = (
        common.TIER_VERBATIM,
        common.TIER_SUMMARY,
        common.TIER_SUMMARY,
        common.TIER_NOTICE,
        common.TIER_SUMMARY,
        common.TIER_NOTICE,
    )
    figures = added(*(asked(tier=tier) for tier in tiers))
    assert figures.crossings == ["SUMMARY", "NOTICE", "NOTICE"]


def test_a_fold_counts_when_it_reaches_further() -> None:
    """The same fold seen again is not another one."""
    figures = added(*(asked(folded=through) for through in (0, 8, 8, 14)))
    assert figures.folds == 2
    assert folded_through(asked(folded=8).answer) == 8


def test_turns_tokens_and_retrieved_turns_are_added_up() -> None:
    """Messages and recorded turns count alike; refused ones are kept apart."""
    recorded = Recorded(
        (common.Turn(), common.Turn()), pb.RecordTurnResponse(token_counts=[3, 4]), 0.001
    )
    figures = added(asked(retrieved=(1, 2, 5)), recorded, Refused((), "BUDGET_TOO_SMALL", ""))
    assert (figures.turns, figures.tokens, figures.retrieved) == (3, 14, 3)
    assert figures.refused == ["BUDGET_TOO_SMALL"]
    assert figures.to_json()["against_truncation"] is None


def test_time_is_told_early_and_late_in_a_session() -> None:
    """The first and the last tenth are of each session, not of all calls."""
    rising = Timings([number / 1000 for number in range(1, 101)])
    told = durations([rising, Timings([0.5])])
    assert (told["first_tenth"]["max"], told["last_tenth"]["max"]) == (500.0, 500.0)
    assert durations([rising])["first_tenth"] == {"p50": 6.0, "p95": 10.0, "max": 10.0}
    assert durations([rising])["last_tenth"]["p50"] == 96.0
    assert durations([]) == {}


def test_a_quantile_is_one_of_the_values() -> None:
    """Nearest rank, in milliseconds."""
    assert quantile([0.001, 0.002, 0.010], 0.5) == 2.0
    assert quantile([0.004], 0.95) == 4.0
