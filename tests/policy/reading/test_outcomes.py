from __future__ import annotations

import json

import pytest

from contextd.model import Action
from contextd.policy.handoff.attempts import MOST, attempted_actions, failures
from contextd.policy.reading.outcomes import (
    DONE,
    FAILED,
    PENDING,
    SUCCEEDED,
    UNKNOWN,
    read_result,
    read_status,
)
from tests.policy.talks import bot, calls, session, tool, user


@pytest.mark.parametrize(
    ("text", "outcome", "detail"),
    [
        ('{"order_id": "W1", "status": "delivered"}', DONE, ""),
        ('{"order_id": "W1", "status": "cancelled"}', DONE, ""),
        ('{"error": "no such order"}', FAILED, "no such order"),
        ('{"error": {"code": 7, "message": "too late"}}', FAILED, "too late"),
        ('{"error": null, "items": []}', DONE, ""),
        ('{"success": false, "message": "card expired"}', FAILED, "card expired"),
        ('{"status": "error"}', FAILED, ""),
        ('{"status": 503}', FAILED, ""),
        ('{"call": {}, "response": {"error": "locked"}}', FAILED, "locked"),
        ('[{"error": "in a list is data"}]', DONE, ""),
        ("Error: user not found", FAILED, "Error: user not found"),
        ("TimeoutError()", FAILED, "TimeoutError()"),
        ("404 Not Found", FAILED, "404 Not Found"),
        ("450 units are in stock", DONE, ""),
        ("Article 12: what to do about error E4", DONE, ""),
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
    [("Succeeded", SUCCEEDED), (" TIMED OUT ", FAILED), ("", UNKNOWN)],
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
    (attempt,) = attempted_actions(session(bot(actions=(Action("refund", "mulled", "Monday"),))))
    assert (attempt.status, attempt.detail) == ("mulled", "Monday")


@pytest.mark.parametrize(
    "status",
    [
        "pending",
        "PENDING_MANUAL",
        "queued",
        "in-progress",
        "needs a person",
        "on hold",
        "requested",
    ],
)
def test_what_waits_is_pending(status: str) -> None:
    """It is neither done nor failed, as an action and as the result of a call that acts."""
    assert read_status(status) == PENDING
    result = json.dumps({"status": status, "detail": "after three"})
    assert read_result(result, looked_up=False) == (PENDING, f"{status}; after three")
    assert read_result(result) == (DONE, "")


@pytest.mark.parametrize("status", ["FAILED_PERMANENTLY", "request rejected", "timed-out", "error"])
def test_variants_of_failure(status: str) -> None:
    """A failure is known by its word, with others around it."""
    assert read_status(status) == FAILED


@pytest.mark.parametrize("status", ["unfailing", "the customer needs to wait for the refund", "x"])
def test_prose_is_no_status(status: str) -> None:
    """Words inside words and whole sentences say nothing of an outcome."""
    assert read_status(status) == UNKNOWN


def test_a_pending_order_is_no_pending_look_up() -> None:
    """The name of the tool tells whether a status is the call's own."""
    pending = '{"status": "PENDING_MANUAL"}'
    state = session(
        calls("get_order", call_id="a"),
        tool(pending, "a"),
        calls("cancel_order", call_id="b"),
        tool(pending, "b"),
    )
    assert [a.status for a in attempted_actions(state)] == [DONE, PENDING]


def test_a_call_and_its_report_are_one_attempt() -> None:
    """The assistant's word for how it ended counts, unless the result says otherwise."""
    locked = '{"error": "locked"}'
    state = session(
        calls("refund"),
        tool(locked),
        bot(actions=(Action("refund", "failed", "the lock"),)),
        user("And now?"),
        calls("refund"),
        tool(locked),
        bot(actions=(Action("refund", "queued"),)),
    )
    told = [(a.status, a.detail) for a in attempted_actions(state)]
    assert told == [(FAILED, "the lock"), (FAILED, "locked"), (PENDING, "")]


def test_look_ups_that_worked_are_few() -> None:
    """Once each, and the newest; what changed something is told before them."""
    turns = [turn for n in range(60) for turn in (calls(f"get_page_{n % 9}"), tool("{}"))]
    attempts = attempted_actions(session(calls("refund"), tool("{}"), *turns))
    assert [a.name for a in attempts] == ["refund", *(f"get_page_{n}" for n in (1, 2, 3, 4, 5))]
