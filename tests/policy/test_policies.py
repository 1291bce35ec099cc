from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from contextd.policy.policies import HASH_CHARACTERS, Policy, PolicySet
from contextd.policy.rules import EscalationRules, IdRules, Rules, TierRules

BASE = Policy.of(Rules())


@given(st.floats(0, 1), st.floats(0, 1))
def test_equal_rules_have_equal_hashes_and_others_do_not(first: float, second: float) -> None:
    """The hash follows from the values alone."""
    one, two = (Policy.of(Rules(tiers=TierRules(summary=each))) for each in (first, second))
    assert (one.hash == two.hash) == (first == second)
    assert len(one.hash) == HASH_CHARACTERS


def test_the_order_of_names_makes_no_difference() -> None:
    """Two files that say the same are the same policy."""
    one = Rules(escalation=EscalationRules(amount_limits={"EUR": 1, "USD": 2}))
    two = Rules(escalation=EscalationRules(amount_limits={"USD": 2, "EUR": 1}))
    assert Policy.of(one) == Policy.of(two)


def test_a_tenant_without_rules_of_its_own_has_those_of_everybody() -> None:
    """Whatever it is called."""
    own = Policy.of(Rules(ids=IdRules({"meter": r"MT-\d{6}"})))
    policies = PolicySet(BASE, {"acme": own})
    assert policies.of("acme") is own
    assert policies.of("beta") is policies.of("") is BASE


def test_the_hash_of_all_tells_every_tenants_change() -> None:
    """It is the base's own where there is nothing else."""
    own = Policy.of(replace(BASE.rules, tiers=TierRules(summary=0.5)))
    sets = [
        PolicySet(BASE),
        PolicySet(BASE, {"acme": own}),
        PolicySet(BASE, {"beta": own}),
        PolicySet(own, {"acme": BASE}),
    ]
    assert PolicySet(BASE).hash == BASE.hash
    assert len({each.hash for each in sets}) == len(sets)
