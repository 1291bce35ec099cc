"""From what a call brought to whom it stands for."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from contextd.auth.tokens import digest_of
from contextd.errors import CredentialExpired, CredentialInvalid, CredentialMissing
from contextd.policy.access import Identities

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contextd.auth.jwks import Verifier
    from contextd.auth.tokens import Token
    from contextd.policy.access import Credentials, Principal

VERIFIED = 4_096
"""Signed tokens whose verification is remembered at most; a signature costs 0.1 ms."""

SCHEME = "bearer"


class Authenticator:
    """Knows the credentials in force; `ports.Authenticator`.

    `clock` gives seconds since 1970.  `tokens` and `verifier` may be replaced while calls
    come in; what was remembered of the former is forgotten then.
    """

    def __init__(self, clock: Callable[[], float], identities: Identities | None = None) -> None:
        """Know *identities* alone, until tokens or a verifier are set."""
        self._clock = clock
        self._identities = identities or Identities()
        self._tokens: Mapping[bytes, Token] = {}
        self._verifier: Verifier | None = None
        self._bearers = False
        self._verified: OrderedDict[bytes, Token] = OrderedDict()

    def use_tokens(self, tokens: Mapping[bytes, Token]) -> None:
        """Let in the static *tokens*, by their digests, and no other static ones."""
        self._tokens, self._bearers = tokens, True

    def use_verifier(self, verifier: Verifier) -> None:
        """Let in the signed tokens that *verifier* believes, and no others."""
        self._verifier, self._bearers = verifier, True
        self._verified.clear()

    def principal(self, credentials: Credentials) -> Principal:
        """Return whom *credentials* stand for; two at once may do what both may.

        Raises:
            CredentialMissing, CredentialInvalid, CredentialExpired: nobody that is known.
        """
        known = self._identities
        by_certificate = known.principal(credentials) if known.rules else None
        if not (credentials.authorization and self._bearers):
            if by_certificate is None:
                raise CredentialMissing
            return by_certificate
        by_token = self._bearer(credentials.authorization)
        return by_token if by_certificate is None else by_token & by_certificate

    def _bearer(self, authorization: tuple[str, ...]) -> Principal:
        if len(authorization) != 1:
            raise CredentialInvalid  # who sends two may be a proxy that adds one to a stranger's
        scheme, _, text = authorization[0].partition(" ")
        if scheme.lower() != SCHEME:
            raise CredentialInvalid
        token = self._known(text.strip())
        if token.until <= self._clock():
            raise CredentialExpired
        return token.principal

    def _known(self, text: str) -> Token:
        """Return the token that *text* is: looked up, remembered, or verified now."""
        digest = digest_of(text)
        known = self._tokens.get(digest) or self._verified.get(digest)
        if known is not None:
            return known
        if self._verifier is None:
            raise CredentialInvalid
        token = self._verified[digest] = self._verifier.verify(text)
        if len(self._verified) > VERIFIED:
            self._verified.popitem(last=False)
        return token
