from __future__ import annotations

import pytest

from contextd.policy.judgement.risk import asked_amount, call_amount, risky_topic
from contextd.policy.reading.utterance import hear


@pytest.mark.parametrize(
    ("text", "topic", "least"),
    [
        ("You will hear from my lawyer", "legal threat", 0.6),
        ("I am going to sue you", "legal threat", 0.6),
        ("I will take this to the ombudsman", "legal threat", 0.6),
        ("I want to kill myself", "danger to self", 1.0),
        ("my heater caught fire last night", "danger to people", 0.6),
        ("the battery exploded and my son is injured", "danger to people", 0.6),
        ("I have opened a chargeback with my bank", "fraud or chargeback", 0.4),
        ("somebody used my card, this is fraud", "fraud or chargeback", 0.4),
        ("Under GDPR I ask you to delete all my data", "privacy request", 0.5),
        ("your driver was racist", "discrimination", 0.6),
    ],
)
def test_risky_topics(text: str, topic: str, least: float) -> None:
    """Each topic is told by name; danger and the law are advice by themselves."""
    strength, found = risky_topic(hear(text))
    assert (found, strength >= least) == (topic, True)


@pytest.mark.parametrize(
    "text",
    [
        "My lawyer, John, needs a room too",
        "This phone kills its battery in an hour",
        "You are on fire today!",
        "Cut the grass yourself",
        "Do you ship to court houses?",
        "I'm dying to see the new model",
    ],
)
def test_harmless_words(text: str) -> None:
    """The same words in another sense are no risk."""
    assert risky_topic(hear(text)) == (0.0, "")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("refund me $1,250.50 please", 1250.5),
        ("transfer 2500 eur to my savings", 2500),
        ("send 1.200,50 € to ann", 1200.5),
        ("withdraw €2k", 2000),
        ("pay 3 million dollars", 3_000_000),
        ("i earn $9000 a month", 0),
        ("refund order 123456", 0),
        ("transfer $ to me", 0),
    ],
)
def test_the_amount_asked_for(text: str, amount: float) -> None:
    """A sum counts with a currency and a verb that moves money; either notation is read."""
    assert asked_amount(text) == pytest.approx(amount)


@pytest.mark.parametrize(
    ("arguments", "amount"),
    [
        ('{"order_id": "W1", "amount": 700}', 700),
        ('{"refund_total": -90.5, "quantity": 9999}', 90.5),
        ('{"amount": true}', 0),
        ('{"amount": "700"}', 0),
        ('{"amount": 1e999}', 0),
        ('{"amount": NaN}', 0),
        ("[700]", 0),
        ("not json", 0),
        ("", 0),
        ("[" * 5000, 0),
    ],
)
def test_the_amount_of_a_call(arguments: str, amount: float) -> None:
    """The sum among a call's arguments is found by its name; anything odd is no sum."""
    assert call_amount(arguments) == amount
