"""What of a PostgreSQL server is dangerous to sessions; a table, over values read."""

from __future__ import annotations

from dataclasses import dataclass

from contextd.stores.probes.findings import Level, Rule

OLDEST = 130_000
"""`server_version_num` of the oldest version that will do."""

SLOW_MS = 5.0
TOO_SLOW_MS = 250.0
SKEWED_SECONDS = 1.0
SHORT_MS = 1_000
NEARLY_FULL = 0.8


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """What was read of the server, in its own words; times in milliseconds, 0 for never.

    `schema` is the version that its tables are at (0: none there yet, None: not to be read),
    `newest` the one this contextd knows (None: not known here).  `pool` is how many connections
    a sidecar may hold, and `sidecars` how many there are.
    """

    version: int = OLDEST
    fsync: str = "on"
    synchronous_commit: str = "on"
    full_page_writes: str = "on"
    data_checksums: str = "on"
    autovacuum: str = "on"
    in_recovery: bool = False
    read_only: str = "off"
    idle_in_transaction_ms: int = 60_000
    statement_ms: int = 0
    max_connections: int = 100
    reserved: int = 3
    connected: int = 1
    pool: int = 10
    sidecars: int = 1
    encoding: str = "UTF8"
    may_create: bool = True
    may_use: bool = True
    place: str = "contextd"
    schema: int | None = 0
    newest: int | None = None
    pooled: bool = False
    per_transaction: bool = False
    prepares: bool = False
    migrates: bool = True
    standbys: int = 0
    synchronous_standbys: str = ""
    local: bool = True
    encrypted: bool = False
    ping_ms: float = 0.0
    skew_seconds: float = 0.0


def _few_connections(facts: PostgresFacts) -> str:
    wanted, there = facts.pool * facts.sidecars, facts.max_connections - facts.reserved
    if facts.pooled or wanted <= there:
        return ""
    return f"{facts.max_connections} for {facts.sidecars} sidecars of {facts.pool}"


def _nearly_all(facts: PostgresFacts) -> str:
    there = facts.max_connections - facts.reserved
    taken = facts.connected / max(1, there)
    return f"{facts.connected} of {there} taken" if taken >= NEARLY_FULL else ""


def _locked_out(facts: PostgresFacts) -> str:
    if facts.may_use and (facts.may_create or facts.schema):
        return ""
    lacks = "CREATE" if facts.may_use else "USAGE"
    return f"{lacks} on {facts.place} denied"


def _from_the_future(facts: PostgresFacts) -> str:
    newer = facts.newest is not None and (facts.schema or 0) > facts.newest
    return f"{facts.schema}, and we know {facts.newest}" if newer else ""


def _behind(facts: PostgresFacts) -> str:
    if facts.migrates or facts.newest is None or facts.schema is None:
        return ""
    return f"{facts.schema} of {facts.newest}" if facts.schema < facts.newest else ""


RULES: tuple[Rule[PostgresFacts], ...] = (
    Rule(
        Level.ERROR,
        "server_version",
        lambda f: str(f.version // 10_000) if f.version < OLDEST else "",
        "it lacks statements that the store uses",
        "run PostgreSQL 13 or newer",
    ),
    Rule(
        Level.ERROR,
        "pg_is_in_recovery",
        lambda f: "true" if f.in_recovery else "",
        "it is a standby: every write is refused",
        "name the primary in store.url",
    ),
    Rule(
        Level.ERROR,
        "default_transaction_read_only",
        lambda f: "on" if f.read_only == "on" and not f.in_recovery else "",
        "every write is refused",
        "ALTER ROLE … SET default_transaction_read_only = off, or the same for the database",
    ),
    Rule(
        Level.ERROR,
        "fsync",
        lambda f: "off" if f.fsync == "off" else "",
        "a crash of the machine may destroy the whole database, not just the newest writes",
        "ALTER SYSTEM SET fsync = on, and restart",
    ),
    Rule(
        Level.ERROR,
        "synchronous_commit",
        lambda f: "off" if f.synchronous_commit == "off" else "",
        "what was acknowledged as durable is lost by a crash, up to three times wal_writer_delay",
        "ALTER ROLE … SET synchronous_commit = on",
    ),
    Rule(
        Level.WARNING,
        "synchronous_commit",
        lambda f: "local" if f.synchronous_commit == "local" and f.synchronous_standbys else "",
        "a failover loses what the synchronous standby had not got",
        "ALTER ROLE … SET synchronous_commit = on",
    ),
    Rule(
        Level.WARNING,
        "synchronous_standby_names",
        lambda f: "empty" if f.standbys and not f.synchronous_standbys else "",
        "a failover loses acknowledged writes that no standby had got",
        "name a standby there if that must not be",
    ),
    Rule(
        Level.ERROR,
        "full_page_writes",
        lambda f: "off" if f.full_page_writes == "off" else "",
        "a crash in the middle of a page leaves half of it",
        "ALTER SYSTEM SET full_page_writes = on, unless the file system writes pages whole",
    ),
    Rule(
        Level.WARNING,
        "data_checksums",
        lambda f: "off" if f.data_checksums == "off" else "",
        "damage by the disk is not found; records have a checksum of their own, indexes none",
        "pg_checksums --enable while it is stopped, or initdb --data-checksums",
    ),
    Rule(
        Level.WARNING,
        "autovacuum",
        lambda f: "off" if f.autovacuum == "off" else "",
        "queues and deleted sessions grow the tables until transaction ids run out",
        "ALTER SYSTEM SET autovacuum = on",
    ),
    Rule(
        Level.WARNING,
        "idle_in_transaction_session_timeout",
        lambda f: "0" if f.idle_in_transaction_ms == 0 else "",
        "a sidecar that is paused within a transaction keeps its locks for as long as it likes",
        "ALTER ROLE … SET idle_in_transaction_session_timeout = '60s'",
    ),
    Rule(
        Level.WARNING,
        "idle_in_transaction_session_timeout",
        lambda f: (
            f"{f.idle_in_transaction_ms} ms" if 0 < f.idle_in_transaction_ms < SHORT_MS else ""
        ),
        "a sidecar that is slow for a moment loses its connection in the middle of a write",
        "ALTER ROLE … SET idle_in_transaction_session_timeout = '60s'",
    ),
    Rule(
        Level.WARNING,
        "statement_timeout",
        lambda f: f"{f.statement_ms} ms" if 0 < f.statement_ms < SHORT_MS else "",
        "migrations, erasures and reports are ended in the middle",
        "ALTER ROLE … SET statement_timeout = 0 for the role that migrates, '30s' for the others",
    ),
    Rule(
        Level.ERROR,
        "max_connections",
        _few_connections,
        "the last sidecars to start get no connection",
        "raise it, let each sidecar hold fewer, or put a pooler between",
    ),
    Rule(
        Level.WARNING,
        "connections",
        _nearly_all,
        "new connections will be refused soon",
        "raise max_connections, or put a pooler between",
    ),
    Rule(
        Level.ERROR,
        "server_encoding",
        lambda f: f.encoding if f.encoding != "UTF8" else "",
        "texts that it cannot express are refused",
        "createdb --encoding=UTF8 --template=template0, and name that database",
    ),
    Rule(
        Level.ERROR,
        "privileges",
        _locked_out,
        "the tables cannot be made, or not be used",
        "GRANT USAGE, CREATE ON SCHEMA … TO the role in store.url",
    ),
    Rule(
        Level.ERROR,
        "schema_version",
        _from_the_future,
        "a newer contextd has been here, and this one will not start",
        "run that version, or restore the backup made before it",
    ),
    Rule(
        Level.ERROR,
        "schema_version",
        _behind,
        "with migrate=no the daemon does not start before the migrations have run",
        "contextd migrate",
    ),
    Rule(
        Level.ERROR,
        "pooler",
        lambda f: "transaction mode, with prepare=yes" if f.per_transaction and f.prepares else "",
        "a prepared statement is not there in the next transaction, and calls fail",
        "leave prepare out of store.url, or let the pooler keep sessions",
    ),
    Rule(
        Level.WARNING,
        "ssl",
        lambda f: "off" if not f.local and not f.encrypted else "",
        "conversations and the password's proof cross the network in the clear",
        "add ?sslmode=verify-full to store.url",
    ),
    Rule(
        Level.ERROR,
        "round trip",
        lambda f: f"{f.ping_ms:.0f} ms" if f.ping_ms >= TOO_SLOW_MS else "",
        "calls give up before it answers",
        "bring it near the sidecars: one zone, one region",
    ),
    Rule(
        Level.WARNING,
        "round trip",
        lambda f: f"{f.ping_ms:.1f} ms" if SLOW_MS <= f.ping_ms < TOO_SLOW_MS else "",
        "every call waits for at least one",
        "bring it near the sidecars: one zone",
    ),
    Rule(
        Level.WARNING,
        "clock_timestamp",
        lambda f: f"{f.skew_seconds:+.1f} s" if abs(f.skew_seconds) >= SKEWED_SECONDS else "",
        "leases and times to live end too early or too late between machines",
        "run NTP on this machine and on the server",
    ),
)
