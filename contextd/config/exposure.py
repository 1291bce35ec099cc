"""Who could reach the daemon, and what must be set before everybody can."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from contextd.policy.access import Identities, PatternInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contextd.config.settings import AuthConfig, Config, LimitsConfig, TlsConfig

    Check = tuple[bool, str, str]  # does it hold, the setting, what it must be

HIGHEST_PORT = 65_535
SOONEST = 0.1
ALLOWANCES = frozenset({"calls_per_second", "burst", "concurrent", "turns_per_day"})


def split_address(address: str) -> tuple[str, int] | None:
    """Return the host and the port of "HOST:PORT" ("[::1]:7070" too), None if it is none."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\s]+):(\d{1,5})", address)
    if found is None or int(found[2]) > HIGHEST_PORT:
        return None
    return found[1].strip("[]"), int(found[2])


def is_loopback(address: str) -> bool:
    """Say whether only this machine, or this pod, can reach "HOST:PORT".

    A name other than localhost could stand for anything, so it counts as open.
    """
    host = (split_address(address) or ("", 0))[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def exposure_checks(config: Config) -> Iterator[Check]:
    """Yield what must hold of listeners, certificates, credentials and limits."""
    server, tls, auth = config.server, config.tls, config.auth
    guarded = bool(tls.cert) and auth.wanted
    closed = split_address(server.listen) is None or is_loopback(server.listen)
    yield (
        guarded or closed or server.insecure,
        "server.listen",
        _open_to_all(config),
    )
    yield from _tls_checks(tls)
    yield from _auth_checks(auth, tls)
    yield from _limit_checks(config.limits)


def _open_to_all(config: Config) -> str:
    """Say what an open address lacks, and what else there is to do."""
    lacks = [] if config.tls.cert else ["TLS ([tls] cert and key)"]
    if not config.auth.wanted:
        lacks.append("credentials ([auth] tokens, jwks or identities)")
    return (
        f"{config.server.listen} is open to the network without {' and '.join(lacks)}: set it "
        "(docs/security.md), listen on 127.0.0.1, or say --insecure"
    )


def _tls_checks(tls: TlsConfig) -> Iterator[Check]:
    yield bool(tls.cert) == bool(tls.key), "tls.key" if tls.cert else "tls.cert", "is missing"
    yield tls.reload_seconds >= SOONEST, "tls.reload_seconds", f"must be at least {SOONEST}"
    yield bool(tls.cert) or not tls.client_ca, "tls.client_ca", "needs tls.cert and tls.key"


def _auth_checks(auth: AuthConfig, tls: TlsConfig) -> Iterator[Check]:
    for name in ("issuer", "audience", "tenant_claim"):
        holds = bool(getattr(auth, name)) or not auth.jwks
        yield holds, f"auth.{name}", "is needed with auth.jwks"
    holds = not auth.identities or bool(tls.client_ca)
    yield holds, "auth.identities", "need tls.client_ca, which has to sign them"
    try:
        Identities.read(auth.identities)
    except PatternInvalid as error:
        yield False, "auth.identities", str(error)


def _limit_checks(limits: LimitsConfig) -> Iterator[Check]:
    for tenant, changes in limits.tenants.items():
        unknown = ", ".join(sorted(changes.keys() - ALLOWANCES))
        known = ", ".join(sorted(ALLOWANCES))
        yield (
            not unknown,
            "limits.tenants",
            f"of {tenant!r} has the unknown {unknown}; there are {known}",
        )
        least = min(changes.values(), default=0)
        yield least >= 0, "limits.tenants", f"of {tenant!r} must not be negative"
