from __future__ import annotations

import pytest

from contextd.errors import TenantDenied
from contextd.policy.access import (
    Credentials,
    Identities,
    PatternInvalid,
    Principal,
    tenant_of,
)

ONE = Principal("one", frozenset({"acme"}))
TWO = Principal("two", frozenset({"acme", "bolt"}))
ALL = Principal("all")


@pytest.mark.parametrize(
    ("principal", "asked", "tenant"),
    [
        (ONE, "acme", "acme"),
        (ONE, "", "acme"),
        (TWO, "bolt", "bolt"),
        (TWO, "", ""),  # it has to say which; validation refuses the empty one
        (ALL, "anybody", "anybody"),
        (ALL, "", ""),
        (ALL, "*", "*"),
    ],
)
def test_whom_a_call_is_for(principal: Principal, asked: str, tenant: str) -> None:
    """A tenant that the credential is for; its only one need not be named."""
    assert tenant_of(principal, asked) == tenant


@pytest.mark.parametrize("asked", ["bolt", "ACME", "acme ", " acme", "*", "acme\0", "acm"])
def test_another_tenant_is_denied(asked: str) -> None:
    """Names are compared as they are, and nothing stands for several."""
    with pytest.raises(TenantDenied) as denied:
        tenant_of(ONE, asked)
    assert asked not in str(denied.value)
    assert denied.value.metadata == {}


def test_nobody_may_ask_for_nobody() -> None:
    """Two credentials without a common tenant are good for none."""
    neither = ONE & Principal("other", frozenset({"bolt"}))
    for asked in ("acme", "bolt"):
        with pytest.raises(TenantDenied):
            tenant_of(neither, asked)
    assert tenant_of(neither, "") == ""


def test_two_credentials_may_do_what_both_may() -> None:
    """Neither widens the other; one for all tenants leaves the other as it is."""
    reader = Principal("reader", None, frozenset({"GetSession"}))
    both = TWO & reader
    assert both.tenants == TWO.tenants
    assert both.methods == reader.methods
    assert (ONE & TWO).tenants == frozenset({"acme"})
    assert (ALL & ALL).tenants is None


RULES = Identities.read(
    {
        "spiffe://prod.example/ns/{tenant}/sa/bot-*": ["{tenant}"],
        "spiffe://prod.example/ns/shared/sa/desk": ["acme", "bolt"],
        "spiffe://prod.example/ns/ops/sa/admin": ["*"],
        "{tenant}.chat.example": ["{tenant}", "common"],
    }
)


@pytest.mark.parametrize(
    ("spiffe", "dns", "tenants"),
    [
        ("spiffe://prod.example/ns/acme/sa/bot-1", (), {"acme"}),
        ("spiffe://prod.example/ns/acme.eu/sa/bot-", (), {"acme.eu"}),
        ("spiffe://prod.example/ns/shared/sa/desk", (), {"acme", "bolt"}),
        ("", ("bolt.chat.example",), {"bolt", "common"}),
        ("", ("Bolt.Chat.Example",), {"Bolt", "common"}),
        ("spiffe://prod.example/ns/acme/sa/bot-1", ("x.example",), {"acme"}),
        ("spiffe://prod.example/ns/*/sa/bot-1", (), {"*"}),  # a name, not all of them
    ],
)
def test_what_a_certificate_stands_for(
    spiffe: str, dns: tuple[str, ...], tenants: set[str]
) -> None:
    """The tenants of every pattern that one of its names matches whole."""
    principal = RULES.principal(Credentials(spiffe_id=spiffe, dns_names=dns))
    assert principal is not None
    assert set(principal.tenants or ()) == tenants


def test_an_operator_may_ask_for_all() -> None:
    """["*"] in the configuration is every tenant."""
    principal = RULES.principal(Credentials(spiffe_id="spiffe://prod.example/ns/ops/sa/admin"))
    assert principal is not None
    assert principal.tenants is None


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(),
        Credentials(("Bearer x",)),
        Credentials(spiffe_id="spiffe://prod.example/ns/acme/sa/web"),
        Credentials(spiffe_id="spiffe://prod.example/ns/acme/extra/sa/bot-1"),
        Credentials(spiffe_id="spiffe://prod.example/ns/acme/sa/bot-1/more"),
        Credentials(spiffe_id="spiffe://prod.example.evil/ns/acme/sa/bot-1"),
        Credentials(spiffe_id="spiffe://prodxexample/ns/acme/sa/bot-1"),
        Credentials(spiffe_id="SPIFFE://prod.example/ns/acme/sa/bot-1"),
        Credentials(spiffe_id="spiffe://prod.example/ns/acme/sa/bot-1\n"),
        Credentials(dns_names=("a.b.chat.example",)),
        Credentials(dns_names=("chat.example",)),
        Credentials(dns_names=("spiffe://prod.example/ns/acme/sa/bot/1",)),
    ],
)
def test_a_name_that_no_pattern_knows(credentials: Credentials) -> None:
    """It stands for nobody; a pattern matches the whole name, segment by segment."""
    assert RULES.principal(credentials) is None


@pytest.mark.parametrize(
    ("pattern", "tenants"),
    [
        ("spiffe://prod.example", ["a"]),
        ("spiffe://Prod.example/x", ["a"]),
        ("spiffe:///x", ["a"]),
        ("spiffe://prod.example//x", ["a"]),
        ("spiffe://prod.example/ns-{tenant}/x", ["{tenant}"]),
        ("spiffe://prod.example/{tenant}/{tenant}", ["{tenant}"]),
        ("spiffe://prod.example/x", ["{tenant}"]),
        ("spiffe://prod.example/x", []),
        ("https://prod.example/x", ["a"]),
        ("a..example", ["a"]),
        ("", ["a"]),
    ],
)
def test_patterns_that_are_refused(pattern: str, tenants: list[str]) -> None:
    """What matches nothing, or says something else than it seems to, is an error."""
    with pytest.raises(PatternInvalid):
        Identities.read({pattern: tenants})
