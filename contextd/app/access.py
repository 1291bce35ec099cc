"""Who may ask: credentials, certificates and limits, and the files they come from."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contextd.auth.authenticator import Authenticator
from contextd.auth.tokens import read_tokens
from contextd.errors import ConfigInvalid
from contextd.policy.access import Identities
from contextd.policy.allowance import Allowance
from contextd.reloading import Reloading
from contextd.rpc.gate import Gate
from contextd.rpc.limits import TenantLimits
from contextd.rpc.servicer import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from contextd.config import Config, LimitsConfig
    from contextd.ports import Certificate


@dataclass(slots=True)
class Shown:
    """The server certificate in force; None without TLS."""

    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask.  `files` are what it was read from, `shown` the server's certificate."""

    gate: Gate
    files: Sequence[Reloading[Any]]
    shown: Shown

    @property
    def certificate(self) -> Callable[[], Certificate] | None:
        """What a listener shows, newest first; None without TLS."""
        return self._newest if self.shown.certificate is not None else None

    def _newest(self) -> Certificate:
        if self.shown.certificate is None:
            raise ConfigInvalid("there is no certificate")
        return self.shown.certificate


def read_access(config: Config, certified: Callable[[float], None]) -> Access:
    """Read every file of [tls] and [auth]; *certified* hears when the certificate ends.

    Raises:
        ConfigInvalid: one of them cannot be used; it is named, its secrets are not.
    """
    files: list[Reloading[Any]] = []
    shown = Shown()
    if config.tls.cert:
        files.append(_certificate(config, shown, certified))
    authenticator = None
    if config.auth.wanted:
        authenticator = Authenticator(time.time, Identities.read(config.auth.identities))
        files += _bearers(config, authenticator)
    for each in files:
        each.load()
    gate = Gate(authenticator, _limits(config.limits), bool(config.auth.identities))
    return Access(gate, files, shown)


def _certificate(
    config: Config, shown: Shown, certified: Callable[[float], None]
) -> Reloading[Certificate]:
    # cryptography takes 40 ms to import and 9 MiB to keep: for those who need it.
    certificates = import_module("contextd.auth.certificates")
    tls = config.tls

    def use(certificate: Certificate) -> None:
        shown.certificate = certificate
        certified(certificate.not_after)

    return Reloading(
        "tls",
        [Path(name) for name in (tls.cert, tls.key, tls.client_ca) if name],
        lambda contents: certificates.read_certificate(contents, time.time()),
        use,
    )


def _bearers(config: Config, authenticator: Authenticator) -> list[Reloading[Any]]:
    auth, files = config.auth, list[Reloading[Any]]()
    if auth.tokens:
        files.append(
            Reloading(
                "tokens",
                [Path(auth.tokens)],
                lambda contents: read_tokens(_text(contents[0]), METHODS),
                authenticator.use_tokens,
            )
        )
    if auth.jwks:
        jwks = import_module("contextd.auth.jwks")  # as above
        claims = jwks.Claims(auth.issuer, auth.audience, auth.tenant_claim, auth.leeway_seconds)
        files.append(
            Reloading(
                "jwks",
                [Path(auth.jwks)],
                lambda contents: jwks.Verifier(jwks.read_jwks(_text(contents[0])), claims),
                authenticator.use_verifier,
            )
        )
    return files


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigInvalid("is not UTF-8") from error


def _limits(limits: LimitsConfig) -> TenantLimits | None:
    default = _allowance({}, limits)
    tenants = {tenant: _allowance(own, limits) for tenant, own in limits.tenants.items()}
    if default == Allowance() and not tenants:
        return None
    return TenantLimits(time.monotonic, default, tenants)


def _allowance(own: Mapping[str, float], limits: LimitsConfig) -> Allowance:
    values: dict[str, Any] = {
        each.name: own.get(each.name, getattr(limits, each.name)) for each in fields(Allowance)
    }
    return Allowance(**values)
