from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from contextd.auth.jwks import ALGORITHMS, Claims, Verifier, read_jwks
from contextd.errors import ConfigInvalid, CredentialExpired, CredentialInvalid
from contextd.testing.issuing import AUDIENCE, ISSUER, Signer, jwks

SIGNER = Signer.new()
OTHER = Signer.new("k2", "RS256")
CLAIMS = Claims(ISSUER, AUDIENCE)


def verifier(*signers: Signer) -> Verifier:
    """Return one that knows the keys of *signers*."""
    return Verifier(read_jwks(jwks(*(signers or (SIGNER, OTHER)))), CLAIMS)


@pytest.mark.parametrize(
    "algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"]
)
def test_a_signed_token_is_believed(algorithm: str) -> None:
    """Every asymmetric algorithm works, when it is the one of the key."""
    signer = Signer.new("k", algorithm)
    token = verifier(signer).verify(signer.token(["acme", "bolt"]))
    assert algorithm in ALGORITHMS
    assert token.principal.tenants == frozenset({"acme", "bolt"})
    assert 3_500 < token.until - time.time() < 3_700


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"exp": None},
        {"exp": "never"},
        {"exp": 10**400},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"nbf": time.time() + 3_600},
        {"iat": time.time() + 3_600},
        {"tenant": None},
        {"tenant": ""},
        {"tenant": []},
        {"tenant": ["acme", ""]},
        {"tenant": ["acme", 7]},
        {"tenant": {"acme": 1}},
        {"tenant": "*"},
        {"tenant": ["acme", "*"]},
        {"headers": {"kid": "k9"}},
        {"headers": {"kid": None}},
        {"headers": {"crit": ["x"], "x": 1}},
        {"padding": "x" * 9_000},
    ],
)
def test_a_token_that_says_something_else(changes: dict[str, Any]) -> None:
    """A wrong, missing or odd claim or header is refused, and nothing of it is quoted."""
    text = SIGNER.token(**changes)
    with pytest.raises(CredentialInvalid) as refused:
        verifier().verify(text)
    assert text not in repr(refused.value)
    assert refused.value.__cause__ is None


def test_a_token_that_has_expired_is_told_apart() -> None:
    """Its caller only needs a new one; clocks may differ by half a minute."""
    verifier().verify(SIGNER.token(exp=time.time() - 20))
    with pytest.raises(CredentialExpired):
        verifier().verify(SIGNER.token(exp=time.time() - 40))


def unsigned(header: dict[str, Any]) -> str:
    """Return the first two parts of a token with *header* and good claims."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60, "tenant": "acme"}
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_no_signature_is_no_token() -> None:
    """`alg: none`, an empty signature and a foreign one are refused."""
    stranger = Signer.new(SIGNER.kid)
    for token in (
        f"{unsigned({'alg': 'none', 'kid': SIGNER.kid})}.",
        f"{unsigned({'alg': 'ES256', 'kid': SIGNER.kid})}.",
        SIGNER.token().rpartition(".")[0] + ".",
        SIGNER.token("acme").rpartition(".")[0] + "." + SIGNER.token("bolt").rpartition(".")[2],
        stranger.token(),
    ):
        with pytest.raises(CredentialInvalid):
            verifier().verify(token)


def test_the_public_key_is_no_secret_to_sign_with() -> None:
    """A token signed with HMAC and the public key, which everybody knows, is refused."""
    public = OTHER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = unsigned({"alg": "HS256", "kid": OTHER.kid})
    signature = hmac.new(public, head.encode(), hashlib.sha256).digest()
    forged = f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert jwt.get_unverified_header(forged)["alg"] == "HS256"
    with pytest.raises(CredentialInvalid):
        verifier().verify(forged)


def test_a_key_is_for_its_own_algorithm() -> None:
    """A key for RS256 does not verify PS256, though the numbers would do."""
    text = Signer(OTHER.kid, OTHER.key, "PS256").token()
    with pytest.raises(CredentialInvalid):
        verifier().verify(text)


def test_a_single_key_needs_no_name() -> None:
    """With one key in the file a token may leave its id out."""
    alone = verifier(SIGNER)
    assert alone.verify(SIGNER.token(headers={"kid": None})).principal.tenants == frozenset(
        {"acme"}
    )


@pytest.mark.parametrize("text", ["", "a.b.c", "....", "e30.e30.e30", "\x00.é.x", "a" * 50_000])
def test_nonsense_is_no_token(text: str) -> None:
    """Whatever comes is refused like any other wrong credential."""
    with pytest.raises(CredentialInvalid):
        verifier().verify(text)


WEAK = rsa.generate_private_key(65_537, 1_024)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a JWK set"),
        ("[]", "must be a JWK set"),
        ('{"keys": [1]}', "must be a JWK set"),
        ('{"keys": []}', "holds no key"),
        (json.dumps({"keys": [SIGNER.jwk | {"use": "enc"}]}), "holds no key"),
        (json.dumps({"keys": [SIGNER.jwk, SIGNER.jwk]}), "kid of an earlier one"),
        (json.dumps({"keys": [SIGNER.jwk, OTHER.jwk | {"kid": ""}]}), "needs a kid"),
        (json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}), "symmetric"),
        (json.dumps({"keys": [SIGNER.jwk | {"alg": "HS256"}]}), "cannot be read"),
        (json.dumps({"keys": [SIGNER.jwk | {"x": "!"}]}), "cannot be read"),
        (jwks(Signer("k", WEAK, "RS256")), "fewer than 2048 bits"),
    ],
)
def test_key_files_that_are_refused(text: str, message: str) -> None:
    """A key that proves nothing is an error at the start, not a surprise later."""
    with pytest.raises(ConfigInvalid, match=message):
        read_jwks(text)


def test_a_private_key_is_read_as_its_public_half() -> None:
    """A file that holds too much works, and keeps nothing to sign with."""
    private = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(SIGNER.key))
    keys = read_jwks(json.dumps({"keys": [private | {"kid": "k1", "alg": "ES256"}]}))
    assert not hasattr(keys["k1"].key, "sign")
