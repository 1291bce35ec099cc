"""Every rule of `contextd check --connect`, without a server: what breaks it, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contextd.stores.probes.findings import Finding, Level, Rule, judged, merged
from contextd.stores.probes.postgres_rules import RULES as POSTGRES
from contextd.stores.probes.postgres_rules import PostgresFacts
from contextd.stores.probes.redis_rules import RULES as REDIS
from contextd.stores.probes.redis_rules import RedisFacts
from contextd.stores.probes.redis_topology import (
    CLUSTER_RULES,
    SENTINEL_RULES,
    ClusterFacts,
    SentinelFacts,
)
from contextd.stores.probes.sqlite_rules import RULES as SQLITE
from contextd.stores.probes.sqlite_rules import FileFacts

GIB = 1 << 30
REDIS_AS_IT_SHOULD_BE = RedisFacts(
    version=(7, 2, 4),
    used_memory=GIB,
    maxmemory=8 * GIB,
    maxmemory_policy="noeviction",
    system_memory=16 * GIB,
    appendonly=True,
    appendfsync="everysec",
    save="",
    connected_replicas=1,
    min_replicas=1,
    timeout=0,
    open_to_all=False,
    protected=True,
    bind="* -::*",
    clients=20,
    maxclients=10_000,
    ping_ms=0.3,
)
FSYNC: dict[str, object] = {"durability": "fsync"}

Case = tuple[dict[str, object], str, str]

REDIS_CASES: list[Case] = [
    ({"version": (6, 2, 14)}, "error", "redis_version"),
    ({"mode": "cluster"}, "error", "redis_mode"),
    ({"mode": "sentinel"}, "error", "redis_mode"),
    ({"asked": "cluster"}, "error", "redis_mode"),
    ({"role": "slave"}, "error", "role"),
    ({"loading": True}, "error", "loading"),
    ({"maxmemory_policy": "allkeys-lru"}, "error", "maxmemory-policy"),
    ({"maxmemory_policy": "volatile-ttl"}, "error", "maxmemory-policy"),
    ({"evicted_keys": 3}, "error", "evicted_keys"),
    ({"maxmemory": 0}, "warning", "maxmemory"),
    ({"maxmemory": 16 * GIB}, "warning", "maxmemory"),
    ({"used_memory": 7 * GIB}, "warning", "maxmemory"),
    ({"appendonly": False}, "warning", "appendonly"),
    ({"appendonly": False, **FSYNC}, "error", "appendonly"),
    (FSYNC, "error", "appendfsync"),
    ({"durability": "replicas:1"}, "error", "appendfsync"),
    ({"appendfsync": "no"}, "warning", "appendfsync"),
    ({"aof_write": "err"}, "error", "aof_last_write_status"),
    ({"snapshot": "err"}, "error", "rdb_last_bgsave_status"),
    ({"replicas": 2}, "error", "connected_slaves"),
    ({"connected_replicas": 0}, "error", "min-replicas-to-write"),
    ({"min_replicas": 0}, "warning", "min-replicas-to-write"),
    ({"timeout": 30}, "warning", "timeout"),
    ({"open_to_all": True, "protected": False}, "warning", "requirepass"),
    ({"local": False}, "warning", "tls"),
    ({"clients": 9_000}, "warning", "connected_clients"),
    ({"ping_ms": 300.0}, "error", "ping"),
    ({"ping_ms": 60.0, "patience_ms": 50.0}, "error", "ping"),
    ({"ping_ms": 12.0}, "warning", "ping"),
    ({"skew_seconds": -4.0}, "warning", "time"),
    ({"unread": "unknown command 'CONFIG'"}, "warning", "config"),
]
REDIS_FINE: list[dict[str, object]] = [
    {"appendfsync": "always", **FSYNC},
    {"durability": "memory"},
    {"snapshot": "err", "stops_without_snapshot": False},
    {"open_to_all": True},
    {"open_to_all": True, "protected": False, "bind": "127.0.0.1 -::1"},
    {"local": False, "encrypted": True},
    {"asked": "cluster", "mode": "cluster", "role": "slave", "connected_replicas": 0},
    {"maxmemory": None, "maxmemory_policy": None, "appendonly": None, "min_replicas": None},
    {"version": (8, 1, 0)},
    {"timeout": 300, "skew_seconds": 0.4, "ping_ms": 4.0},
]
POSTGRES_CASES: list[Case] = [
    ({"version": 120_018}, "error", "server_version"),
    ({"in_recovery": True, "read_only": "on"}, "error", "pg_is_in_recovery"),
    ({"read_only": "on"}, "error", "default_transaction_read_only"),
    ({"fsync": "off"}, "error", "fsync"),
    ({"synchronous_commit": "off"}, "error", "synchronous_commit"),
    (
        {"synchronous_commit": "local", "synchronous_standbys": "one"},
        "warning",
        "synchronous_commit",
    ),
    ({"standbys": 1}, "warning", "synchronous_standby_names"),
    ({"full_page_writes": "off"}, "error", "full_page_writes"),
    ({"data_checksums": "off"}, "warning", "data_checksums"),
    ({"autovacuum": "off"}, "warning", "autovacuum"),
    ({"idle_in_transaction_ms": 0}, "warning", "idle_in_transaction_session_timeout"),
    ({"idle_in_transaction_ms": 200}, "warning", "idle_in_transaction_session_timeout"),
    ({"statement_ms": 500}, "warning", "statement_timeout"),
    ({"sidecars": 10}, "error", "max_connections"),
    ({"connected": 80}, "warning", "connections"),
    ({"encoding": "SQL_ASCII"}, "error", "server_encoding"),
    ({"may_use": False}, "error", "privileges"),
    ({"may_create": False}, "error", "privileges"),
    ({"schema": 7, "newest": 6}, "error", "schema_version"),
    ({"schema": 5, "newest": 6, "migrates": False}, "error", "schema_version"),
    ({"pooled": True, "per_transaction": True, "prepares": True}, "error", "pooler"),
    ({"local": False}, "warning", "ssl"),
    ({"ping_ms": 260.0}, "error", "round trip"),
    ({"ping_ms": 9.0}, "warning", "round trip"),
    ({"skew_seconds": 90.0}, "warning", "clock_timestamp"),
]
POSTGRES_FINE: list[dict[str, object]] = [
    {"sidecars": 9},
    {"sidecars": 50, "pooled": True, "per_transaction": True},
    {"may_create": False, "schema": 6, "newest": 6},
    {"local": False, "encrypted": True},
    {"synchronous_commit": "local"},
    {"schema": None, "newest": 6, "migrates": False},
    {"schema": 5, "newest": 6},
    {"standbys": 1, "synchronous_standbys": "ANY 1 (a)"},
]
CLUSTER_CASES: list[Case] = [
    ({"state": "fail"}, "error", "cluster_state"),
    ({"slots_ok": 16_383}, "error", "cluster_slots_ok"),
    ({"failing": ("h:1",)}, "warning", "cluster_nodes"),
    ({"masters": 2}, "warning", "cluster_size"),
    ({"lonely": ("h:1",)}, "warning", "replicas"),
    ({"moving": 2}, "warning", "slots"),
]
SENTINEL_CASES: list[Case] = [
    ({"flags": "master,o_down"}, "error", "flags"),
    ({"others": 1}, "warning", "sentinels"),
    ({"quorum": 4}, "error", "quorum"),
    ({"replicas": 0}, "warning", "num-slaves"),
]
SQLITE_CASES: list[Case] = [
    ({"may_write": False}, "error", "access"),
    ({"is_database": False}, "error", "format"),
    ({"file_system": "nfs4"}, "error", "file system"),
    ({"file_system": "fuse.s3fs"}, "error", "file system"),
    ({"schema": 9, "newest": 5}, "error", "user_version"),
    ({"file_system": "tmpfs"}, "warning", "file system"),
    ({"file_system": "overlay"}, "warning", "file system"),
    ({"free_bytes": 5 << 20}, "warning", "free space"),
    ({"mode": 0o644}, "warning", "mode"),
]
TABLES: dict[str, tuple[Any, Any, list[Case]]] = {
    "redis": (REDIS, REDIS_AS_IT_SHOULD_BE, REDIS_CASES),
    "postgres": (POSTGRES, PostgresFacts(), POSTGRES_CASES),
    "cluster": (CLUSTER_RULES, ClusterFacts(), CLUSTER_CASES),
    "sentinel": (SENTINEL_RULES, SentinelFacts(), SENTINEL_CASES),
    "sqlite": (SQLITE, FileFacts(), SQLITE_CASES),
}


def found(name: str, **changes: object) -> list[tuple[str, str]]:
    """Return (level, setting) of what the rules of a table find in good facts with *changes*."""
    rules, facts, _ = TABLES[name]
    told = judged(rules, replace(facts, **changes), "s")
    return [(each.level.value, each.setting) for each in told]


@pytest.mark.parametrize("name", TABLES)
def test_good_facts_break_no_rule(name: str) -> None:
    """A server set up as the documents say is left in peace."""
    assert found(name) == []


@pytest.mark.parametrize(
    ("name", "changes", "level", "setting"),
    [(name, *case) for name, (_, _, cases) in TABLES.items() for case in cases],
)
def test_a_rule_finds_what_it_is_for(
    name: str, changes: dict[str, object], level: str, setting: str
) -> None:
    """One bad value is one finding, of that level."""
    assert found(name, **changes) == [(level, setting)]


@pytest.mark.parametrize("changes", REDIS_FINE)
def test_redis_may_be_so(changes: dict[str, object]) -> None:
    """These values look odd and do no harm."""
    assert found("redis", **changes) == []


@pytest.mark.parametrize("changes", POSTGRES_FINE)
def test_postgres_may_be_so(changes: dict[str, object]) -> None:
    """These values look odd and do no harm."""
    assert found("postgres", **changes) == []


def test_every_rule_is_tried() -> None:
    """No rule joins a table without a case; two levels of one setting count as two."""
    for name, (rules, _, cases) in TABLES.items():
        tried = {(level, setting) for _, level, setting in cases}
        told = [(rule.level.value, rule.setting) for rule in rules]
        missing = set(told) - tried
        # Without a bound the policy harms nobody yet, and the missing bound is told, too.
        assert missing == ({("warning", "maxmemory-policy")} if name == "redis" else set())


def test_a_policy_that_evicts_is_told_before_there_is_a_bound() -> None:
    """Both settings are wrong then."""
    told = found("redis", maxmemory=0, maxmemory_policy="allkeys-lru")
    assert sorted(told) == [("warning", "maxmemory"), ("warning", "maxmemory-policy")]


def test_errors_come_first_and_servers_share_a_line() -> None:
    """Six shards with one fault are one finding; three of them are counted."""
    rule: Rule[int] = Rule(Level.WARNING, "a", lambda _: "1", "risk", "remedy")
    told = [each for n in range(6) for each in judged([rule], n, f"s{n}")]
    told.append(Finding(Level.ERROR, "s0", "b", "2", "risk", "remedy"))
    first, second = merged(told)
    assert (first.level, first.server) == (Level.ERROR, "s0")
    assert second.server == "s0, s1, s2 and 3 more"


def test_a_finding_says_what_to_do() -> None:
    """Value, risk and remedy stand in one line."""
    (told,) = judged(REDIS, replace(REDIS_AS_IT_SHOULD_BE, maxmemory_policy="allkeys-lfu"), "h:1")
    assert str(told).startswith("h:1: maxmemory-policy is allkeys-lfu: at maxmemory it deletes")
    assert "CONFIG SET maxmemory-policy noeviction" in str(told)
