"""What the driver raises, as errors of ours whose words say what to do."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import asyncpg

from contextd.errors import ContextdError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contextd.stores.postgres.target import Target

DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""Everything that a call of the driver fails with; a TimeoutError is an OSError."""

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    ConnectionError,
)
"""The connection is gone; another one may serve."""

IN_TURN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""Rolled back for the sake of others; done again it succeeds."""

MIGRATE = "run `contextd migrate --store URL` with a role that may create tables"

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "08P01": "it, or the pooler before it, does not know this database or user",
        "25006": "it is read-only: a replica or standby; name the primary",
        "28000": "it refuses this user: see pg_hba.conf, and whether TLS is asked for",
        "28P01": "it refuses the password of this user",
        "3D000": "there is no such database",
        "3F000": f"the schema is not there: {MIGRATE}",
        "42501": f"the role may not do this: {MIGRATE}, and grant the daemon's role its use",
        "42883": f"the schema is not there, or older: {MIGRATE}",
        "42P01": f"the schema is not there, or older: {MIGRATE}",
        "53100": "its disk is full",
        "53200": "it is out of memory",
        "53300": "it has too many connections: lower pool_size, raise max_connections, "
        "or put a pooler before it",
        "57014": "it gave the statement up: see its statement_timeout",
        "57P01": "it is shutting down",
        "57P02": "it has crashed and restarts",
        "57P03": "it is starting up or shutting down",
    }
)
"""By SQLSTATE.  What the server says itself is not repeated: it may name ids."""


def translated(error: Exception, target: Target) -> ContextdError:
    """Return a new error of ours for *error*, which becomes its cause."""
    if isinstance(error, ContextdError):
        ours = type(error)(str(error))
    else:
        ours = StoreUnavailable(f"{target.named}: {_words(error, target)}")
    ours.__cause__ = error
    return ours


def _words(error: Exception, target: Target) -> str:
    state = getattr(error, "sqlstate", None) or ""
    known = "25006" if isinstance(error, asyncpg.TargetServerAttributeNotMatched) else state
    if known in WORDS:
        return WORDS[known]
    if isinstance(error, TimeoutError):
        return (
            f"no answer in time (connect_timeout {target.connect_seconds:g} s, "
            f"statement_timeout {target.statement_seconds:g} s)"
        )
    if isinstance(error, ConnectionError) and "SSL" in str(error):
        return "it speaks no TLS, which sslmode asks for"
    if isinstance(error, LOST) and not isinstance(error, ConnectionRefusedError):
        return "the connection was lost"
    if isinstance(error, OSError):
        return f"it cannot be reached: {error.strerror or type(error).__name__}"
    return f"{type(error).__name__} ({state or 'of the driver'})"
