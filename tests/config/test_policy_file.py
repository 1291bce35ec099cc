from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextd.config import PolicyConfig, policy_schema, read_policies
from contextd.config.bounds import bounds
from contextd.config.policy_checks import faults
from contextd.config.settings import leaves
from contextd.errors import ConfigInvalid
from contextd.policy.judgement.prototypes import A_PROFILE, sentences
from contextd.policy.policies import Policy, PolicySet
from contextd.policy.rules import EscalationRules, Rules, SignalRules, TierRules, TurnTypeTexts

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)


def wrong(text: str) -> list[str]:
    """What is said of a policy file that is refused, a line each."""
    with pytest.raises(ConfigInvalid) as caught:
        read_policies(text, "p.toml")
    return str(caught.value).splitlines()


def test_an_empty_file_is_the_policy_of_the_settings() -> None:
    """Nothing is changed that the file does not name."""
    own = PolicyConfig(tiers=TierRules(summary=0.5))
    read = read_policies("", "p.toml", own)
    assert read.policies.of("anybody") == Policy.of(own.rules)
    assert not read.warnings


def test_a_tenant_goes_before_the_file_before_the_settings_before_the_defaults() -> None:
    """Each rule comes from the nearest layer that names it."""
    text = """
        [escalation]
        repeats = 30
        tool_failures = 30
        [tenants."a.b".escalation]
        tool_failures = 40
    """
    configured = EscalationRules(repeats=20, tool_failures=20, look_back_turns=20)
    policies = read_policies(text, "p.toml", PolicyConfig(escalation=configured)).policies
    own, common = policies.of("a.b").rules.escalation, policies.of("b").rules.escalation
    assert own == replace(configured, repeats=30, tool_failures=40)
    assert common == replace(configured, repeats=30, tool_failures=30)


def test_names_are_merged_and_lists_replaced() -> None:
    """A tenant's patterns and limits join those of everybody; its phrases stand alone."""
    text = """
        ids.patterns = {lot = 'LOT\\d{3}', meter = 'MT-\\d{6}'}
        escalation.amount_limits = {EUR = 5, GBP = 6}
        routing.phrases.unsupported = ["solar"]
        [tenants.acme]
        ids.patterns = {meter = 'ACME-\\d{6}'}
        escalation.amount_limits = {EUR = 0}
        routing.phrases.unsupported = ["wind", "water"]
    """
    rules = read_policies(text, "p.toml").policies.of("acme").rules
    assert rules.ids.patterns == {"lot": r"LOT\d{3}", "meter": r"ACME-\d{6}"}
    assert rules.escalation.amount_limits == {"EUR": 0, "GBP": 6}
    assert rules.routing.phrases == TurnTypeTexts(unsupported=("wind", "water"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tiers]\nsumary = 1", ":2: unknown setting tiers.sumary (did you mean tiers.summary?)"),
        ("[tiers]\n\nsummary = 'x'", ":3: tiers.summary is of the wrong type: Expected `float`"),
        ("[tiers", ":1: not TOML"),
        ("[tenant.a.tiers]\nsummary = .5", ":2: not TOML"),
        ("[tenant.a.tiers]\nsummary = 0.5", ":1: tenant is no table of a policy (did you mean ten"),
        ("[policy.tiers]\nsummary = 0.5", ":1: policy is left out in this file: [tiers]"),
        ("tenants = 3", ':1: tenants must be tables: [tenants."NAME".tiers]'),
        ("tenants.acme = 3", ":1: tenants.acme must be a table of a tenant"),
        ('[tenants.""]\ntiers.summary = 0.5', ':1: tenants."" must be a table of a tenant'),
        ("tiers.summary = nan", ":1: tiers.summary must be within 0..1, not nan"),
        ("tiers.key_facts = 0.5", ":1: tiers.key_facts must be above tiers.summary (0.6), not 0.5"),
        ("tiers.hysteresis = 0.3", ":1: tiers.hysteresis must be less than summary - low_water"),
        ("window.min_exchanges = 20", ":1: window.min_exchanges must not exceed window.max_exc"),
        ("[tiers]\n\nsummary = 0.85", ":3: tiers.key_facts must be above tiers.summary (0.85)"),
        ("[shares]\n[window]\nmax_share = .1", ":3: not TOML"),
        ("[shares]\n[window]\nmax_share = 0.3", ":3: shares.present_window is a floor of 0.35 a"),
        ("shares.whole_window = 0.7", ":1: shares.whole_window is a floor of 0.7 above its cap w"),
        ("window.max_share = 0.3", ":1: shares.present_window is a floor of 0.35 above its cap "),
        ("retrieval.max_tokens = 9", ":1: retrieval.min_tokens is a floor of 48 above its cap "),
        ("account.max_tokens = 9", ":1: account.min_tokens is a floor of 96 above its cap acc"),
        ("resumption.after_hours = 0.5", ":1: resumption.after_hours must be at least 1, or 0"),
        ("escalation.signals.anger = 0", ":1: unknown setting escalation.signals.anger"),
        ("escalation.signals.tool_failure = 3", ":1: escalation.signals.tool_failure must be with"),
        ("escalation.amount_limits.eur = 3", "is no currency code of three capital letters (did"),
        ("escalation.amount_limits.EUR = -3", ":1: escalation.amount_limits.EUR must be within"),
        ("ids.patterns.m = 'abc+'", ":1: ids.patterns.m cannot be used: a repetition needs an end"),
        ("ids.patterns.m = '(abc'", ":1: ids.patterns.m cannot be used: m: missing )"),
        ("ids.patterns.m = '(a|b|ab){1,9}c{9}'", ":1: ids.patterns.m cannot be used: "),
        (
            "[ids.patterns]\nm = '(ab|cd|e){5}x'\nn = '(ab|cd|e){5}y'\no='(ab|cd|e){5}z'",
            ":1: ids.patterns cannot be used together: ",
        ),
        ("routing.phrases.unsupported = ['?!']", "phrase '?!' must begin and end with a letter"),
        ("routing.phrases.unsupported = ['']", "phrase '' must have 1 to"),
        ("routing.prototypes.unsupported = [' ']", "phrase ' ' is empty"),
        ("routing.phrases.sales = []", ":1: unknown setting routing.phrases.sales"),
        ("retries.webhooks.first_delay_seconds = 601", ":1: retries.webhooks.max_delay_seconds m"),
        ("retries.webhooks.max_attempts = 0", ":1: retries.webhooks.max_attempts must be within 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, said: str) -> None:
    """A wrong name, a wrong value and a contradiction are told as FILE:LINE."""
    told = wrong(text)
    assert told[0].startswith("p.toml:"), told
    assert said in told[0], told


def test_a_tenant_can_contradict_what_is_for_everybody() -> None:
    """Each value is sound by itself; the line is the tenant's, and only its own is told."""
    (told,) = wrong("[tiers]\nsummary = 0.7\n[tenants.b]\n[tenants.acme.tiers]\nkey_facts = 0.65")
    assert told.startswith(
        "p.toml:5: tenants.acme.tiers.key_facts must be above tiers.summary (0.7)"
    )


def test_every_mistake_is_told_at_once_in_the_order_of_lines() -> None:
    """Whatever layer it stands in, and a fault of the base once, not once a tenant."""
    text = "[tenants.a]\ntiers.summary = 0.1\n[tenants.b]\nx = 1\n[tiers]\nhysteresis = 2\ny = 1"
    lines = [int(line.split(":")[1]) for line in wrong(text)]
    assert lines == sorted(lines)
    assert set(lines) == {2, 4, 6, 7}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tiers.notice = 1.0", "tiers.notice is at 100%"),
        ("window.max_share = 1", "window.max_share 1 leaves no room"),
        ("fold.orders_share = 0.01", "fold.orders_share has no effect below fold.pinned_share"),
        ("fold.facts_share = 0.5", "fold.facts_share with pinned sentences takes 64% of the bud"),
        ("escalation.recommend_from = 0", "escalation.recommend_from 0 advises a human for eve"),
        ("escalation.recommend_from = 1", "escalation.recommend_from 1 is hardly ever reached"),
        ("escalation.look_back_turns = 0", "escalation.look_back_turns 0 looks at the newest"),
        ("escalation.amount_limit = 0", "escalation.amount_limit 0 switches the limit off"),
        ("escalation.amount_limits.EUR = 0", "escalation.amount_limits.EUR 0 switches the limit"),
        ("escalation.amount_limits.EUR = 9", "escalation.amount_limit is off: sums in other cur"),
        ("escalation.signals.user_request = 0", "escalation.signals.user_request is off"),
        ("ids.patterns.w = '\\w{3,40}'", "ids.patterns.w matches ordinary words (hello, please"),
        ("retention.keep = ['you']", "retention.keep 'you' stands in nearly every turn"),
        ("resumption.tokens = 0", "resumption.tokens 0 leaves out the refresh"),
        ("routing.phrases.unsupported = ['my']", "routing.phrases.unsupported 'my' is in nearly"),
        (
            "routing.phrases = {unsupported = ['x1'], info_question = ['x1']}",
            "routing.phrases.unsupported 'x1' also stands for info_question",
        ),
        (
            "routing = {prototype_weight = 0, prototypes = {unsupported = ['I sell']}}",
            "routing.prototype_weight 0 leaves every prototype unread",
        ),
        (
            "routing.prototypes = {unsupported = ['I sell'], account_issue = ['I sell']}",
            "routing.prototypes.unsupported 'I sell' also stands for account_issue",
        ),
    ],
)
@pytest.mark.parametrize("above", ["", "tenants.acme."])
def test_what_may_surprise_is_told_where_it_is_set(text: str, said: str, above: str) -> None:
    """For everybody or for a tenant; the policy is taken all the same."""
    (told,) = read_policies(f"\n{above}{text}", "p.toml").warnings
    assert told.startswith("p.toml:2: ")
    assert f"{above}{said}" in told or said in told


def test_a_policy_without_any_signal_is_told() -> None:
    """Somebody might have meant it; hardly anybody does."""
    signals = "".join(f"{each} = 0\n" for each in SignalRules.__dataclass_fields__)
    (told,) = read_policies(f"[escalation.signals]\n{signals}", "p.toml").warnings
    assert "p.toml:1: escalation.signals switches every signal off" in told


def test_a_setting_that_the_file_sets_too_is_told() -> None:
    """One of the two has no effect, and which is said."""
    own = {"policy.tiers.summary": "contextd.toml:7"}
    (told,) = read_policies("tiers.summary = 0.5", "p.toml", None, own).warnings
    assert told == "p.toml:1: tiers.summary goes before policy.tiers.summary of contextd.toml:7"


def test_the_examples_of_the_manual_are_right() -> None:
    """They are taken without a warning, and say what the text around them says."""
    assert EXAMPLES
    for text in EXAMPLES:
        read = read_policies(text, "p.toml")
        assert read.warnings == ()
        acme = read.policies.of("acme").rules.escalation
        assert acme.amount_limits == {"GBP": 400, "EUR": 2000}
        assert acme.signals.policy_risk == 0


def test_the_example_of_a_bank_is_right() -> None:
    """It is taken without a warning, and says enough to tell what a bank does not do."""
    text = (ROOT / "docs" / "examples" / "bank.toml").read_text(encoding="utf-8")
    read = read_policies(text, "bank.toml")
    assert read.warnings == ()
    own = [
        each for each in sentences(read.policies.of("bank").rules.routing.prototypes) if each.own
    ]
    assert len(own) >= 2 * A_PROFILE
    assert len({each.text for each in own}) == len(own)


def test_the_manual_names_every_rule_with_its_default() -> None:
    """docs/policy.md leaves none out."""
    for name, _, value in leaves(Rules()):
        if isinstance(value, bool):
            assert f"| `{name}` | {str(value).lower()} | " in MANUAL, name
            continue
        shown = "none" if value in ((), {}) else f"{value:,}" if isinstance(value, int) else None
        shown = str(value).lower() if isinstance(value, bool) else shown
        row = f"| `{name}` | {f'{value:g}' if shown is None else shown} | "
        assert row in MANUAL, row


def test_the_published_schema_is_up_to_date() -> None:
    """docs/policy.schema.json is what `contextd policy schema` prints."""
    committed = (ROOT / "docs/policy.schema.json").read_bytes()
    assert json.loads(committed) == policy_schema()


KINDS: dict[str, Any] = {name: value for name, _, value in leaves(Rules())}


def given_for(name: str) -> st.SearchStrategy[Any]:
    """Values of the right type for a rule, within its bounds and a little beyond."""
    default = KINDS[name]
    if isinstance(default, tuple):
        return st.lists(st.sampled_from(["solar", "wind farm", "?", ""]), max_size=3)
    if name == "ids.patterns":
        patterns = st.sampled_from([r"MT-\d{6}", r"\d{3,9}", "a*", "("])
        return st.dictionaries(st.sampled_from(["meter", "lot"]), patterns, max_size=2)
    if isinstance(default, dict):
        return st.dictionaries(st.sampled_from(["EUR", "eur"]), st.integers(-1, 9), max_size=2)
    if isinstance(default, bool):
        return st.booleans()
    least, most = bounds(name)
    if isinstance(default, int):
        return st.integers(int(least) - 1, int(min(most, 50)) + 1)
    return st.one_of(st.just(default), st.floats(least - 0.1, min(most, 50) + 0.1))


@st.composite
def layers(draw: st.DrawFn) -> dict[str, Any]:
    """Some rules, each with a value, as the tables of a file."""
    table: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=5, unique=True)):
        *groups, key = name.split(".")
        inner = table
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[key] = draw(given_for(name))
    return table


def written(table: dict[str, Any], tenant: dict[str, Any]) -> str:
    """Write the layers as TOML, tables in a line."""
    lines = [f"{key} = {shown(value)}\n" for key, value in table.items()]
    return "".join((*lines, f"tenants.acme = {shown(tenant)}\n"))


def shown(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {shown(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


@settings(max_examples=150)
@given(layers(), layers())
def test_what_is_taken_is_a_policy_without_faults(
    table: dict[str, Any], tenant: dict[str, Any]
) -> None:
    """Any file is either refused with a place for each fault, or gives sound rules."""
    text, refused = written(table, tenant), ""
    try:
        policies = read_policies(text, "p.toml").policies
    except ConfigInvalid as error:
        refused, policies = str(error), PolicySet(Policy.of(Rules()))
    assert all(re.match(r"p\.toml:\d+: ", line) for line in refused.splitlines())
    if refused:
        return
    assert list(faults(policies.base.rules)) == []
    assert list(faults(policies.of("acme").rules)) == []
    assert policies.of("other") == policies.base
    assert policies.of("acme").hash == Policy.of(policies.of("acme").rules).hash
    own = {name: value for name, _, value in leaves(policies.of("acme").rules)}
    for name, value in own.items():
        *groups, key = name.split(".")
        layer = tenant
        for group in groups:
            layer = layer.get(group, {})
        if key in layer and not isinstance(value, dict):
            assert value == (tuple(layer[key]) if isinstance(value, tuple) else layer[key])
