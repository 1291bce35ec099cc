from __future__ import annotations

import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextd.auth.authenticator import VERIFIED, Authenticator
from contextd.auth.jwks import Claims, Verifier, read_jwks
from contextd.auth.tokens import Token, digest_of, line_for, read_tokens
from contextd.errors import (
    CredentialExpired,
    CredentialInvalid,
    CredentialMissing,
    Unauthenticated,
)
from contextd.policy.access import Credentials, Identities, Principal
from contextd.rpc.servicer import METHODS
from contextd.testing.issuing import AUDIENCE, ISSUER, Signer, jwks

SIGNER = Signer.new()
SPIFFE = "spiffe://prod.example/ns/acme/sa/bot"
IDENTITIES = Identities.read({"spiffe://prod.example/ns/{tenant}/sa/bot": ["{tenant}"]})


@dataclass
class Clock:
    """Tells the time it is told."""

    now: float = 0.0

    def __call__(self) -> float:
        """Tell it."""
        return self.now


def authenticator(now: float = 0.0, identities: Identities | None = None) -> Authenticator:
    """Return one that knows a static token for acme and bolt, valid until 1970-01-02."""
    made = Authenticator(Clock(now), identities)
    line = line_for("ctxd_static", "front", ["acme", "bolt"], expires="1970-01-02T00:00:00Z")
    made.use_tokens(read_tokens(line, METHODS))
    return made


def bearer(token: str, spiffe: str = "") -> Credentials:
    """Return what a call with *token* brings."""
    return Credentials((f"Bearer {token}",), spiffe)


def test_a_static_token_is_looked_up() -> None:
    """The scheme's case and a space more do not matter."""
    for text in ("Bearer ctxd_static", "bearer  ctxd_static", "BEARER ctxd_static "):
        principal = authenticator().principal(Credentials((text,)))
        assert principal == Principal("front", frozenset({"acme", "bolt"}))


@pytest.mark.parametrize(
    "authorization",
    [
        ("Bearer ctxd_Static",),
        ("Bearer ",),
        ("",),
        ("ctxd_static",),
        ("Basic ctxd_static",),
        ("Bearer ctxd_static x",),
        ("Bearer \udcff\ud800",),
        ("Bearer ctxd_static", "Bearer ctxd_static"),
    ],
)
def test_a_wrong_token_is_refused(authorization: tuple[str, ...]) -> None:
    """So are two of them: a proxy may have added one to a stranger's."""
    with pytest.raises(CredentialInvalid):
        authenticator().principal(Credentials(authorization))


def test_no_token_is_missing() -> None:
    """Who brings nothing is told what to bring."""
    with pytest.raises(CredentialMissing, match="authorization: Bearer"):
        authenticator().principal(Credentials())


def test_a_static_token_ends() -> None:
    """After its time it is told that it has expired."""
    authenticator(86_399).principal(bearer("ctxd_static"))
    with pytest.raises(CredentialExpired):
        authenticator(86_400).principal(bearer("ctxd_static"))


def test_a_certificate_stands_for_itself() -> None:
    """Without a token its names decide; a stranger's certificate is none."""
    made = authenticator(identities=IDENTITIES)
    assert made.principal(Credentials(spiffe_id=SPIFFE)).tenants == frozenset({"acme"})
    with pytest.raises(CredentialMissing):
        made.principal(Credentials(spiffe_id="spiffe://evil.example/ns/acme/sa/bot"))


def test_a_token_and_a_certificate_narrow_each_other() -> None:
    """A stolen token is worth nothing more than the thief's own certificate."""
    made = authenticator(identities=IDENTITIES)
    assert made.principal(bearer("ctxd_static", SPIFFE)).tenants == frozenset({"acme"})
    with pytest.raises(CredentialInvalid):
        made.principal(bearer("wrong", SPIFFE))


def test_a_header_for_others_means_nothing_where_certificates_decide() -> None:
    """Without tokens configured, a user's own Authorization header passes by."""
    made = Authenticator(Clock(), IDENTITIES)
    assert made.principal(bearer("a user's", SPIFFE)).tenants == frozenset({"acme"})
    with pytest.raises(CredentialMissing):
        made.principal(bearer("a user's"))


@given(st.text() | st.text("Bearer .eyJ0=-_", max_size=60) | st.binary().map(repr))
def test_whatever_comes_is_refused_in_the_same_way(text: str) -> None:
    """No header makes anything but a refusal of a known kind."""
    made = authenticator(identities=IDENTITIES)
    made.use_verifier(Verifier(read_jwks(jwks(SIGNER)), Claims(ISSUER, AUDIENCE)))
    for header in (text, f"Bearer {text}", f"Bearer {SIGNER.token()[:-9]}{text}"):
        with pytest.raises(Unauthenticated) as refused:
            made.principal(Credentials((header,)))
        assert str(refused.value) in KNOWN


KNOWN = {str(kind()) for kind in (CredentialMissing, CredentialInvalid, CredentialExpired)}


@dataclass
class Counting:
    """A verifier that counts; believes what begins with "good"."""

    asked: int = 0
    until: float = 100.0

    def verify(self, token: str) -> Token:
        """Believe it, or not."""
        self.asked += 1
        if not token.startswith("good"):
            raise CredentialInvalid
        return Token(Principal("jwt", frozenset({token[4:]})), self.until)


def test_a_signature_is_checked_once() -> None:
    """The same token is remembered until it expires, another is checked."""
    clock, counting = Clock(), Counting()
    made = Authenticator(clock)
    made.use_verifier(counting)  # type: ignore[arg-type]
    for _ in range(3):
        assert made.principal(bearer("goodacme")).tenants == frozenset({"acme"})
        assert made.principal(bearer("goodbolt")).tenants == frozenset({"bolt"})
    assert counting.asked == 2
    clock.now = 100.0
    with pytest.raises(CredentialExpired):
        made.principal(bearer("goodacme"))


def test_what_was_refused_is_not_remembered() -> None:
    """A stranger can fill no memory, and displaces nobody."""
    made = Authenticator(Clock())
    made.use_verifier(Counting())  # type: ignore[arg-type]
    for number in range(5):
        with pytest.raises(CredentialInvalid):
            made.principal(bearer(f"bad{number}"))
    assert not made._verified


def test_memory_is_bounded() -> None:
    """The token remembered for longest is forgotten, and checked again."""
    made, counting = Authenticator(Clock()), Counting()
    made.use_verifier(counting)  # type: ignore[arg-type]
    for number in range(VERIFIED + 10):
        made.principal(bearer(f"good{number}"))
    assert len(made._verified) == VERIFIED
    made.principal(bearer("good0"))
    assert counting.asked == VERIFIED + 11


def test_new_keys_forget_what_the_old_ones_believed() -> None:
    """A key that was taken out of the file opens nothing from then on."""
    made, claims = Authenticator(time.time), Claims(ISSUER, AUDIENCE)
    made.use_verifier(Verifier(read_jwks(jwks(SIGNER)), claims))
    text = SIGNER.token()
    assert made.principal(bearer(text)).tenants == frozenset({"acme"})
    made.use_verifier(Verifier(read_jwks(jwks(Signer.new("k2"))), claims))
    with pytest.raises(CredentialInvalid):
        made.principal(bearer(text))


def test_no_secret_is_kept_in_the_clear() -> None:
    """What is remembered of a token is its digest."""
    made = Authenticator(time.time)
    made.use_verifier(Verifier(read_jwks(jwks(SIGNER)), Claims(ISSUER, AUDIENCE)))
    text = SIGNER.token()
    made.principal(bearer(text))
    assert set(made._verified) == {digest_of(text)}
    assert text not in repr(vars(made))
