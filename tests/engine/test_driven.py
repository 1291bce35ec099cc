"""The route of a message drives what its context holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contextd.model import Action, Built, Route, Rung, SectionKind
from contextd.policy.rules import RoutingRules, Rules, TurnTypeTexts
from tests.engine.kit import Engine, bot, build_request, record_request, run, user

QUESTION = "What did I ask of word3x3?"
ISSUE = "Something is wrong: word3x3 does not work"
ACTION = "Please cancel the order of word3x3"
STRANGE = "Tell me a joke"


async def asked(text: str) -> Built:
    """Ask, in a session that is folded and in which something was tried."""
    own = TurnTypeTexts(unsupported=("solar panels",))
    engine = Engine(rules=Rules(routing=RoutingRules(phrases=own)))
    failed = replace(bot("I could not."), actions=(Action("cancel_order", "failed", "sent off"),))
    await engine.record(record_request(user("Cancel it"), failed))
    await engine.chat(30)
    return await engine.build(build_request(text, explain=True))


def told(built: Built, words: str) -> bool:
    """Say whether *words* stand in what is quoted for this message."""
    quoted = [each for each in built.context.messages if each.section is SectionKind.RETRIEVED]
    return any(words in each.text for each in quoted)


@pytest.mark.parametrize(
    ("text", "route", "searched", "acts"),
    [
        (QUESTION, Route.ANSWER, True, False),
        (ISSUE, Route.ANSWER, True, False),
        (ACTION, Route.ACT, True, True),
    ],
)
def test_questions_are_looked_up_and_actions_told_what_was_tried(
    text: str, route: Route, searched: bool, acts: bool
) -> None:
    """Trouble is looked up like a question; who is to act learns what failed before, and why."""
    built = run(asked(text))
    assert built.routing.route is route
    assert (built.rung is not Rung.NONE) is searched
    assert told(built, "word3x3")
    assert told(built, "failed before: cancel_order, failed, sent off") is acts
    assert any(line.startswith("tried before: 1 actions") for line in built.explanation) is acts


def test_what_is_declined_gets_little() -> None:
    """Nothing is looked up, nor told beside what every context of the session has."""
    built, other = run(asked("Solar panels and word3x3")), run(asked(QUESTION))
    assert (built.routing.route, built.rung) == (Route.DECLINE, Rung.NONE)
    kinds = {each.kind for each in built.context.sections}
    assert SectionKind.RETRIEVED not in kinds
    assert built.context.token_count < other.context.token_count / 2
    assert "about: NOTHING" in built.explanation


def test_a_doubt_is_looked_up() -> None:
    """What may be declined wrongly is not left without the past."""
    built = run(asked(STRANGE))
    assert built.routing.route is Route.DECLINE
    assert built.rung is not Rung.NONE
