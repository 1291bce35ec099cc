from __future__ import annotations

import pytest

from contextd.model import Action
from contextd.policy.attempts import MOST, attempted_actions, failures
from contextd.policy.outcomes import FAILED, SUCCEEDED, UNKNOWN, read_result, read_status
from tests.policy.talks import bot, calls, session, tool


@pytest.mark.parametrize(
    ("text", "outcome", "detail"),
    [
        ('{"order_id": "W1", "status": "delivered"}', SUCCEEDED, ""),
        ('{"order_id": "W1", "status": "cancelled"}', SUCCEEDED, ""),
        ('{"error": "no such order"}', FAILED, "no such order"),
        ('{"error": {"code": 7, "message": "too late"}}', FAILED, "too late"),
        ('{"error": null, "items": []}', SUCCEEDED, ""),
        ('{"success": false, "message": "card expired"}', FAILED, "card expired"),
        ('{"status": "error"}', FAILED, ""),
        ('{"status": 503}', FAILED, ""),
        ('{"call": {}, "response": {"error": "locked"}}', FAILED, "locked"),
        ('[{"error": "in a list is data"}]', SUCCEEDED, ""),
        ("Error: user not found", FAILED, "Error: user not found"),
        ("TimeoutError()", FAILED, "TimeoutError()"),
        ("404 Not Found", FAILED, "404 Not Found"),
        ("450 units are in stock", SUCCEEDED, ""),
        ("Article 12: what to do about error E4", SUCCEEDED, ""),
        ("", UNKNOWN, ""),
        ('{"cut off', UNKNOWN, ""),
        ("[" * 100_000, UNKNOWN, ""),
    ],
)
def test_results_are_read(text: str, outcome: str, detail: str) -> None:
    """A result fails by what it says of itself, not by words inside its data."""
    assert read_result(text) == (outcome, detail)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("Succeeded", SUCCEEDED), (" TIMED OUT ", FAILED), ("pending", UNKNOWN), ("", UNKNOWN)],
)
def test_statuses_are_read(status: str, outcome: str) -> None:
    """The caller's word for an outcome is understood in any case."""
    assert read_status(status) == outcome


def test_a_call_takes_the_outcome_of_its_own_result() -> None:
    """Two calls under one id, used twice, are told apart by their place."""
    state = session(
        calls("refund", '{"order": "W1", "amount": 20}'),
        tool("Error: ledger is locked"),
        calls("refund", '{"order": "W1", "amount": 20}'),
        tool('{"ok": true}'),
    )
    attempts = attempted_actions(state)
    assert [(a.status, a.turn_id) for a in attempts] == [(FAILED, "t1"), (SUCCEEDED, "t3")]
    assert attempts[0].detail == "order W1, amount 20; Error: ledger is locked"
    assert failures(attempts) == ()


def test_a_call_without_a_result_is_not_known() -> None:
    """Nobody can say whether it took effect."""
    (attempt,) = attempted_actions(session(calls("refund")))
    assert (attempt.status, attempt.detail) == (UNKNOWN, "no result was recorded")


def test_attempts_are_few_and_the_newest() -> None:
    """Repeats are told once; of many attempts the newest are kept, in order."""
    turns = [bot(actions=(Action(f"step {n // 2}", "failed"),)) for n in range(100)]
    attempts = attempted_actions(session(*turns))
    assert [a.name for a in attempts] == [f"step {n}" for n in range(50 - MOST, 50)]
    assert len(failures(attempts)) == MOST


def test_an_unknown_status_stays_as_the_caller_gave_it() -> None:
    """A word we do not know is shown, not guessed at."""
    (attempt,) = attempted_actions(session(bot(actions=(Action("refund", "queued", "Monday"),))))
    assert (attempt.status, attempt.detail) == ("queued", "Monday")
