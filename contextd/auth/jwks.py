"""JSON Web Tokens, checked with the public keys of a JWKS file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from contextd.auth.tokens import Token
from contextd.errors import ConfigInvalid, CredentialExpired, CredentialInvalid
from contextd.policy.access import EVERY_TENANT, Principal

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
"""Signatures only: a key that verifies must not be able to sign."""

SMALLEST_RSA = 2_048
REQUIRED = ("exp", "iss", "aud")
MAX_CHARACTERS = 8_192


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token must say.

    `issuer` and `audience` exactly so; the claim called `tenant` holds a tenant or a list
    of them.  Clocks may differ by `leeway` seconds.
    """

    issuer: str
    audience: str
    tenant: str = "tenant"
    leeway: float = 30.0


def read_jwks(text: str) -> Mapping[str, jwt.PyJWK]:
    """Return the keys of a JWKS file by their ids; "" is the id of a single key without one.

    Keys for encryption are passed over.

    Raises:
        ConfigInvalid: it is none, or a key cannot be used or is too weak.
    """
    try:
        listed = json.loads(text)["keys"]
        keys = [dict(each) for each in listed if each.get("use", "sig") == "sig"]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigInvalid('must be a JWK set: {"keys": […]}') from error
    found: dict[str, jwt.PyJWK] = {}
    for number, each in enumerate(keys, start=1):
        kid = str(each.get("kid", ""))
        if not kid and len(keys) > 1:
            raise ConfigInvalid(f"key {number} of several needs a kid")
        if kid in found:
            raise ConfigInvalid(f"key {number} has the kid of an earlier one")
        found[kid] = _key(number, each)
    if not found:
        raise ConfigInvalid("holds no key for signatures")
    return found


def _key(number: int, entry: dict[str, Any]) -> jwt.PyJWK:
    if entry.get("kty") == "oct":
        raise ConfigInvalid(f"key {number} is symmetric: whoever checks with it could sign, too")
    public = {name: value for name, value in entry.items() if name not in PRIVATE}
    try:
        key = jwt.PyJWK(public)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise ConfigInvalid(f"key {number} cannot be read") from None  # the cause quotes the key
    if key.algorithm_name not in ALGORITHMS:
        raise ConfigInvalid(f"key {number} is for none of {', '.join(ALGORITHMS)}")
    if entry["kty"] == "RSA" and key.key.key_size < SMALLEST_RSA:
        raise ConfigInvalid(f"key {number} has fewer than {SMALLEST_RSA} bits")
    return key


PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""The members of a key that only its owner should have."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks tokens; `keys` are those of `read_jwks`."""

    keys: Mapping[str, jwt.PyJWK]
    claims: Claims

    def verify(self, token: str) -> Token:
        """Return whom *token* stands for, and until when.

        Raises:
            CredentialInvalid, CredentialExpired: it is not to be believed, or no more.
        """
        try:
            said = self._checked(token)
            until = float(said["exp"]) + self.claims.leeway
        except jwt.ExpiredSignatureError as error:
            raise CredentialExpired from error
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise CredentialInvalid from None  # the cause may quote the token
        tenants = _tenants(said.get(self.claims.tenant))
        return Token(Principal("jwt", tenants), until)

    def _checked(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_CHARACTERS:
            raise CredentialInvalid
        header = jwt.get_unverified_header(token)
        key = self._named(header.get("kid", ""))
        if key is None:
            raise CredentialInvalid
        said: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],  # the key's: the token does not choose
            issuer=self.claims.issuer,
            audience=self.claims.audience,
            leeway=self.claims.leeway,
            options={"require": list(REQUIRED)},
        )
        return said

    def _named(self, kid: object) -> jwt.PyJWK | None:
        """Return the key called *kid*; a token without one needs a file with one key."""
        if kid == "" and len(self.keys) == 1:
            return next(iter(self.keys.values()))
        return self.keys.get(kid) if isinstance(kid, str) else None


def _tenants(claim: object) -> frozenset[str]:
    """Return the tenants of a claim; an issuer cannot name all of them at once."""
    listed = [claim] if isinstance(claim, str) else claim
    if not isinstance(listed, list) or not listed:
        raise CredentialInvalid
    names = frozenset(each for each in listed if isinstance(each, str) and each)
    if len(names) != len(set(map(str, listed))) or EVERY_TENANT in names:
        raise CredentialInvalid
    return names
