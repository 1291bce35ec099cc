"""Reads what a PostgreSQL server says of itself, and has it judged."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from ipaddress import ip_address
from statistics import median
from typing import TYPE_CHECKING

import asyncpg

from contextd.errors import ConfigInvalid
from contextd.stores import named
from contextd.stores.postgres.target import parsed
from contextd.stores.probes.findings import Finding, Level, Looked, judged
from contextd.stores.probes.postgres_rules import RULES, PostgresFacts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncpg import Connection

    from contextd.stores.postgres.target import Target
    from contextd.stores.probes.findings import Surroundings

PINGS = 5
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError)
VERSIONS = "schema_versions"
"""The table that says which migrations have been made, a row each with its `version`."""

READ = """
SELECT current_setting('server_version_num')::int AS version,
       current_setting('fsync') AS fsync,
       current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('full_page_writes') AS full_page_writes,
       current_setting('data_checksums') AS data_checksums,
       current_setting('autovacuum') AS autovacuum,
       pg_is_in_recovery() AS in_recovery,
       current_setting('default_transaction_read_only') AS read_only,
       current_setting('max_connections')::int AS max_connections,
       current_setting('superuser_reserved_connections')::int AS reserved,
       (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend')
           AS connected,
       current_setting('server_encoding') AS encoding,
       (SELECT count(*)::int FROM pg_stat_replication) AS standbys,
       current_setting('synchronous_standby_names') AS synchronous_standbys
"""
TIMEOUTS = """
SELECT name, setting::int AS milliseconds FROM pg_settings
WHERE name IN ('idle_in_transaction_session_timeout', 'statement_timeout')
"""
PRIVILEGES = """
SELECT coalesce(has_schema_privilege(nspname, 'CREATE'), false) AS may_create,
       coalesce(has_schema_privilege(nspname, 'USAGE'), false) AS may_use
FROM pg_namespace WHERE nspname = $1
"""
TABLE = "SELECT to_regclass(format('%I.%I', $1::text, $2::text))::text"
NEW_SCHEMA = "SELECT has_database_privilege(current_database(), 'CREATE')"


async def look(url: str, around: Surroundings) -> Looked:
    """Look at the server that *url* names."""
    kind = url.partition(":")[0]
    try:
        target = parsed(url)
    except ConfigInvalid as error:
        risk, remedy = "the store does not open", f"{error}"
        wrong = Finding(Level.ERROR, "store.url", "url", "not acceptable", risk, remedy)
        return Looked(kind, findings=(wrong,))
    server = ",".join(
        f"{host}:{port}" for host, port in zip(target.hosts, target.ports, strict=True)
    )
    try:
        async with _connected(target, around) as connection:
            facts = await _facts(connection, target, around)
            if facts.pooled:
                facts = replace(facts, per_transaction=await _shared(connection, target, around))
    except FAILURES as error:
        return Looked(kind, {server: {}}, (_failed(error, server),))
    return Looked(kind, {server: asdict(facts)}, tuple(judged(RULES, facts, server)))


@asynccontextmanager
async def _connected(target: Target, around: Surroundings) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(
        target.dsn,
        host=list(target.hosts),
        port=list(target.ports),
        user=target.user,
        password=target.password,
        database=target.database,
        timeout=around.seconds,
        command_timeout=around.seconds,
        statement_cache_size=0,  # a pooler may give each transaction another server
    )
    try:
        yield connection
    finally:
        connection.terminate()


async def _facts(connection: Connection, target: Target, around: Surroundings) -> PostgresFacts:
    async with connection.transaction(readonly=True):
        (row,) = await connection.fetch(READ)
        times = {each["name"]: each["milliseconds"] for each in await connection.fetch(TIMEOUTS)}
        backend = await connection.fetchval("SELECT pg_backend_pid()")
        encrypted = await connection.fetchval(
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        )
        ping, skew = await _clock(connection, around)
    facts = PostgresFacts(
        **dict(row),
        idle_in_transaction_ms=times["idle_in_transaction_session_timeout"],
        statement_ms=times["statement_timeout"],
        pool=target.pool_size,
        sidecars=around.sidecars,
        prepares=target.prepare,
        migrates=target.migrate,
        pooled=backend != connection.get_server_pid(),
        encrypted=bool(encrypted),
        ping_ms=ping,
        skew_seconds=skew,
        newest=len(named.migrations("postgres")),
        local=all(map(_is_local, target.hosts)),
    )
    return await _with_schema(connection, facts, target.schema)


async def _clock(connection: Connection, around: Surroundings) -> tuple[float, float]:
    """Return the round trip in milliseconds, and how far the server's clock is ahead of ours."""
    taken = []
    for _ in range(PINGS):
        began = time.perf_counter()
        await connection.fetchval("SELECT 1")
        taken.append(time.perf_counter() - began)
    asked_at = around.wall()
    there = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    here = (asked_at + around.wall()) / 2
    # The driver prepares and then runs: a statement of its own is two round trips.
    return round(median(taken) * 1e3 / 2, 3), round(there - here, 3)


async def _with_schema(connection: Connection, facts: PostgresFacts, place: str) -> PostgresFacts:
    """Add what we may do where the tables are or would be, and at which version they are."""
    facts = replace(facts, place=place)
    async with connection.transaction(readonly=True):
        row = await connection.fetchrow(PRIVILEGES, place)
        if row is None:  # the store would have to make the schema first
            may = bool(await connection.fetchval(NEW_SCHEMA))
            return replace(facts, may_create=may, may_use=may)
        facts = replace(facts, **dict(row))
        table = await connection.fetchval(TABLE, place, VERSIONS) if facts.may_use else None
    if table is None:
        return facts
    try:
        async with connection.transaction(readonly=True):
            number = await connection.fetchval(
                f"SELECT max(version)::int FROM {table}"  # noqa: S608 - the server has quoted it
            )
    except asyncpg.InsufficientPrivilegeError:
        return replace(facts, schema=None, may_use=False)
    return replace(facts, schema=number or 0)


async def _shared(first: Connection, target: Target, around: Surroundings) -> bool:
    """Say whether a second connection gets the server process that the first one has.

    Behind a pooler in transaction mode it does: the first has no transaction, so it has none.
    """
    async with first.transaction(readonly=True):
        mine = await first.fetchval("SELECT pg_backend_pid()")
    async with _connected(target, around) as second, second.transaction(readonly=True):
        return bool(mine == await second.fetchval("SELECT pg_backend_pid()"))


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("/")


def _failed(error: BaseException, server: str) -> Finding:
    """Say why the server could not be asked."""
    said = (str(error) or type(error).__name__).splitlines()[0][:160]
    for kinds, setting, risk, remedy in REFUSALS:
        if isinstance(error, kinds):
            return Finding(Level.ERROR, server, setting, said, risk, remedy)
    risk, remedy = "no call is served", "is it there, and does a network policy let us through?"
    return Finding(Level.ERROR, server, "connection", f"not to be had ({said})", risk, remedy)


REFUSALS: tuple[tuple[tuple[type[BaseException], ...], str, str, str], ...] = (
    (
        (asyncpg.InvalidAuthorizationSpecificationError,),
        "password",
        "no call gets in",
        "name role and password in store.url, and look at pg_hba.conf",
    ),
    (
        (asyncpg.InvalidCatalogNameError,),
        "database",
        "no connection can be opened",
        "createdb it, with --encoding=UTF8 --template=template0, or name another one",
    ),
    (
        (asyncpg.TooManyConnectionsError,),
        "max_connections",
        "the daemon would get no connection either",
        "raise it, let each sidecar hold fewer, or put a pooler between",
    ),
    (
        (asyncpg.CannotConnectNowError,),
        "state",
        "it starts, stops or recovers, and takes nobody in",
        "wait until it is up, and look again",
    ),
    (
        (asyncpg.InsufficientPrivilegeError,),
        "privileges",
        "the role may not read what the check asks for",
        "GRANT CONNECT on the database, and pg_read_all_settings if that is named above",
    ),
    ((asyncpg.ProtocolViolationError,), "answer", "the store would meet the same", "see its log"),
)
