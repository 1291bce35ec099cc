from __future__ import annotations

import pytest

from contextd.policy.judgement.risk import asked_amounts, call_amounts, risky_topic
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
    ("text", "sums"),
    [
        ("refund me $1,250.50 please", (("USD", 1250.5),)),
        ("transfer 2500 eur to my savings", (("EUR", 2500),)),
        ("send 1.200,50 € to ann", (("EUR", 1200.5),)),
        ("withdraw €2k", (("EUR", 2000),)),
        ("pay 3 million dollars", (("USD", 3_000_000),)),
        ("pay rs. 500 and 20 quid", (("INR", 500), ("GBP", 20))),
        ("transfer chf 900 or 900 swedish kronor", (("CHF", 900),)),
        ("i earn $9000 a month", ()),
        ("refund order 123456", ()),
        ("refund what i paid after 3 hrs 500 people came", ()),
        ("transfer $ to me", ()),
    ],
)
def test_the_amounts_asked_for(text: str, sums: tuple[tuple[str, float], ...]) -> None:
    """A sum counts with a currency and a verb that moves money; either notation is read."""
    assert asked_amounts(text) == sums


@pytest.mark.parametrize(
    ("arguments", "sums"),
    [
        ('{"order_id": "W1", "amount": 700}', (("", 700.0),)),
        ('{"amount": 700, "total": 800, "Currency": "eur"}', (("EUR", 700.0), ("EUR", 800.0))),
        ('{"amount": 700, "currency_id": 978}', (("", 700.0),)),
        ('{"refund_total": -90.5, "quantity": 9999}', (("", 90.5),)),
        ('{"amount": true}', ()),
        ('{"amount": "700"}', ()),
        ('{"amount": 1e999}', ()),
        ('{"amount": NaN}', ()),
        ("[700]", ()),
        ("not json", ()),
        ("", ()),
        ("[" * 5000, ()),
    ],
)
def test_the_amounts_of_a_call(arguments: str, sums: tuple[tuple[str, float], ...]) -> None:
    """The sums among a call's arguments are found by their names; anything odd is no sum."""
    assert call_amounts(arguments) == sums
