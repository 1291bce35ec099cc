from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from contextd.config import policy_schema, read_policies
from contextd.errors import ConfigInvalid
from tests.config.test_policy_file import EXAMPLES, layers, written

SCHEMA = Draft202012Validator(policy_schema())


def test_it_is_a_schema() -> None:
    """An editor can read it."""
    Draft202012Validator.check_schema(policy_schema())


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_manual_follow_it(text: str) -> None:
    """What the page shows, an editor does not mark."""
    SCHEMA.validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "tiers.sumary = 0.5",
        "tiers.summary = 2",
        "tiers.summary = 'x'",
        "window.min_exchanges = 1.5",
        "escalation.amount_limits.eur = 3",
        "escalation.signals.anger = 0",
        "routing.phrases.unsupported = 'solar'",
        "tenants.acme.tiers.summary = 2",
        "tenants.acme.tenants.b.tiers.summary = 0.5",
        "policy.tiers.summary = 0.5",
    ],
)
def test_what_an_editor_can_see_is_marked(text: str) -> None:
    """Unknown names, wrong types, and numbers out of bounds; the daemon refuses them, too."""
    assert not SCHEMA.is_valid(tomllib.loads(text))
    with pytest.raises(ConfigInvalid):
        read_policies(text, "p.toml")


@settings(max_examples=150)
@given(layers(), layers())
def test_whatever_the_daemon_takes_follows_it(
    table: dict[str, object], tenant: dict[str, object]
) -> None:
    """The schema never marks what is good."""
    text = written(table, tenant)
    try:
        read_policies(text, "p.toml")
    except ConfigInvalid:
        return
    SCHEMA.validate(tomllib.loads(text))
