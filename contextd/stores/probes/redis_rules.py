"""What of a Redis or Valkey server is dangerous to sessions; a table, over values read."""

from __future__ import annotations

from dataclasses import dataclass

from contextd.stores.probes.findings import Level, Rule

OLDEST = (7, 0)
SLOW_MS = 5.0
SKEWED_SECONDS = 1.0
SHORT_TIMEOUT = 60
NEARLY_FULL = 0.8


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """What was read of one server; None is what it did not let us read.

    `asked` is the topology that the URL names: "single", "cluster" or "sentinel".
    `durability` ("", "memory", "fsync", "replicas:N"), `replicas` and `patience_ms`, how long
    one try may take, are what the URL asks for.
    `open_to_all` says that no password is needed, `local` that only this machine could come.
    """

    asked: str = "single"
    durability: str = ""
    replicas: int = 0
    patience_ms: float = 250.0
    local: bool = True
    encrypted: bool = False
    version: tuple[int, ...] | None = None
    mode: str = "standalone"
    role: str = "master"
    loading: bool = False
    used_memory: int | None = None
    maxmemory: int | None = None
    maxmemory_policy: str | None = None
    system_memory: int | None = None
    evicted_keys: int = 0
    appendonly: bool | None = None
    appendfsync: str | None = None
    aof_write: str = "ok"
    save: str | None = None
    snapshot: str = "ok"
    stops_without_snapshot: bool | None = None
    connected_replicas: int = 0
    min_replicas: int | None = None
    timeout: int | None = None
    open_to_all: bool | None = None
    protected: bool | None = None
    bind: str | None = None
    clients: int | None = None
    maxclients: int | None = None
    ping_ms: float = 0.0
    skew_seconds: float = 0.0
    unread: str = ""

    @property
    def wants_disk(self) -> bool:
        """Whether the store may open only where every write is synced."""
        return self.durability not in {"", "memory"}


def _refuses_strangers(facts: RedisFacts) -> bool:
    bound = (facts.bind or "").split()
    loopback = bool(bound) and all(each.lstrip("-") in {"127.0.0.1", "::1"} for each in bound)
    return facts.protected is True or loopback


def _dotted(version: tuple[int, ...] | None) -> str:
    return ".".join(map(str, version or ()))


def _topology(facts: RedisFacts) -> str:
    if facts.mode == "sentinel":
        return "a Sentinel"
    if facts.mode == "cluster" and facts.asked != "cluster":
        return "a node of a cluster"
    return "no cluster" if facts.asked == "cluster" and facts.mode != "cluster" else ""


def _full(facts: RedisFacts) -> str:
    if not facts.maxmemory or facts.used_memory is None:
        return ""
    share = facts.used_memory / facts.maxmemory
    return f"{share:.0%} used of {facts.maxmemory} bytes" if share >= NEARLY_FULL else ""


def _larger_than_machine(facts: RedisFacts) -> str:
    if not facts.maxmemory or not facts.system_memory or facts.maxmemory < facts.system_memory:
        return ""
    return f"{facts.maxmemory} bytes on a machine of {facts.system_memory}"


def _evicts(facts: RedisFacts, *, bounded: bool) -> str:
    policy = facts.maxmemory_policy
    if policy in {None, "noeviction"} or bounded != bool(facts.maxmemory):
        return ""
    return policy or ""


def _no_log(facts: RedisFacts, *, asked: bool) -> str:
    if facts.appendonly is not False or asked != facts.wants_disk:
        return ""
    return "no, and save is empty" if facts.save == "" else "no"


def _sync(facts: RedisFacts) -> str:
    synced = facts.appendfsync in {None, "always"}
    return "" if synced or not (facts.wants_disk and facts.appendonly) else facts.appendfsync or ""


def _few_replicas(facts: RedisFacts) -> str:
    few = facts.role == "master" and facts.connected_replicas < facts.replicas
    return f"{facts.connected_replicas} of {facts.replicas} asked for" if few else ""


def _refuses_writes(facts: RedisFacts) -> str:
    least = facts.min_replicas or 0
    if facts.role != "master" or facts.connected_replicas >= least:
        return ""
    return f"{least} with {facts.connected_replicas} connected"


def _many_clients(facts: RedisFacts) -> str:
    if not facts.maxclients or facts.clients is None:
        return ""
    many = facts.clients >= NEARLY_FULL * facts.maxclients
    return f"{facts.clients} of {facts.maxclients}" if many else ""


def _snapshot(facts: RedisFacts) -> str:
    stops = facts.snapshot != "ok" and facts.stops_without_snapshot is not False
    return facts.snapshot if stops else ""


RULES: tuple[Rule[RedisFacts], ...] = (
    Rule(
        Level.ERROR,
        "redis_version",
        lambda f: _dotted(f.version) if (f.version or OLDEST) < OLDEST else "",
        "it lacks the server-side functions that make a write one step",
        "run Redis 7.0 or newer, or Valkey",
    ),
    Rule(
        Level.ERROR,
        "redis_mode",
        _topology,
        "keys are looked for in the wrong place, and calls fail",
        "use redis://, redis+cluster:// or redis+sentinel:// as the servers are set up",
    ),
    Rule(
        Level.ERROR,
        "role",
        lambda f: "a read-only replica" if f.role != "master" and f.asked != "cluster" else "",
        "every write is refused",
        "name the master in store.url, or redis+sentinel:// that knows it",
    ),
    Rule(
        Level.ERROR,
        "loading",
        lambda f: "1" if f.loading else "",
        "it reads its data from disk and answers nothing until then",
        "wait until it has, and look again",
    ),
    Rule(
        Level.ERROR,
        "maxmemory-policy",
        lambda f: _evicts(f, bounded=True),
        "at maxmemory it deletes sessions, acknowledged turns with them, and says nothing",
        "CONFIG SET maxmemory-policy noeviction: at the bound writes are refused instead",
    ),
    Rule(
        Level.WARNING,
        "maxmemory-policy",
        lambda f: _evicts(f, bounded=False),
        "as soon as somebody sets maxmemory it deletes sessions and says nothing",
        "CONFIG SET maxmemory-policy noeviction",
    ),
    Rule(
        Level.ERROR,
        "evicted_keys",
        lambda f: str(f.evicted_keys) if f.evicted_keys else "",
        "keys have been deleted for want of memory already; sessions may be among them",
        "CONFIG SET maxmemory-policy noeviction, more maxmemory; CONFIG RESETSTAT afterwards",
    ),
    Rule(
        Level.WARNING,
        "maxmemory",
        lambda f: "0" if f.maxmemory == 0 else "",
        "it grows until the kernel kills it",
        "set maxmemory to at most three quarters of the machine's memory",
    ),
    Rule(
        Level.WARNING,
        "maxmemory",
        _larger_than_machine,
        "the kernel kills it before the bound is reached",
        "set maxmemory to at most three quarters of the machine's memory",
    ),
    Rule(
        Level.WARNING,
        "maxmemory",
        _full,
        "at the bound every write is refused",
        "give it more memory, add shards, or let idle sessions go sooner (sessions.ttl)",
    ),
    Rule(
        Level.ERROR,
        "appendonly",
        lambda f: _no_log(f, asked=True),
        "the store does not open: the durability that store.url asks for is never reached",
        "CONFIG SET appendonly yes and appendfsync always, and the same in its file",
    ),
    Rule(
        Level.WARNING,
        "appendonly",
        lambda f: _no_log(f, asked=False),
        "a restart loses all acknowledged since the last snapshot",
        "CONFIG SET appendonly yes, and the same in its file",
    ),
    Rule(
        Level.ERROR,
        "appendfsync",
        _sync,
        "the store does not open: the durability that store.url asks for is never reached",
        "CONFIG SET appendfsync always, or ask for less durability in store.url",
    ),
    Rule(
        Level.WARNING,
        "appendfsync",
        lambda f: "no" if f.appendonly and f.appendfsync == "no" and not f.wants_disk else "",
        "a crash of the machine loses what the kernel had not written, half a minute or more",
        "CONFIG SET appendfsync everysec",
    ),
    Rule(
        Level.ERROR,
        "aof_last_write_status",
        lambda f: f.aof_write if f.aof_write != "ok" else "",
        "its log cannot be written, and writes are refused",
        "look at its disk: full, read-only or broken",
    ),
    Rule(
        Level.ERROR,
        "rdb_last_bgsave_status",
        _snapshot,
        "its snapshot failed, and writes are refused until one succeeds",
        "look at its disk and its memory (vm.overcommit_memory=1), then BGSAVE",
    ),
    Rule(
        Level.ERROR,
        "connected_slaves",
        _few_replicas,
        "the durability that store.url asks for is never reached",
        "connect more replicas, or ask for fewer in store.url",
    ),
    Rule(
        Level.ERROR,
        "min-replicas-to-write",
        _refuses_writes,
        "every write is refused",
        "connect more replicas, or lower it",
    ),
    Rule(
        Level.WARNING,
        "min-replicas-to-write",
        lambda f: (
            "0" if f.role == "master" and f.connected_replicas and f.min_replicas == 0 else ""
        ),
        "a master cut off from its replicas goes on acknowledging what a failover throws away",
        "CONFIG SET min-replicas-to-write 1 and min-replicas-max-lag 10",
    ),
    Rule(
        Level.WARNING,
        "timeout",
        lambda f: str(f.timeout) if 0 < (f.timeout or 0) < SHORT_TIMEOUT else "",
        "idle connections are cut, and the next call pays for a new one",
        "CONFIG SET timeout 0; tcp-keepalive finds dead callers",
    ),
    Rule(
        Level.WARNING,
        "requirepass",
        lambda f: "none" if f.open_to_all and not _refuses_strangers(f) else "",
        "whoever reaches its port reads and changes every conversation",
        "set a password (ACL SETUSER default), and name it in store.url",
    ),
    Rule(
        Level.WARNING,
        "tls",
        lambda f: "no" if not f.local and not f.encrypted else "",
        "conversations and the password cross the network in the clear",
        "use rediss://, or a network that encrypts",
    ),
    Rule(
        Level.WARNING,
        "connected_clients",
        _many_clients,
        "at maxclients new connections are refused",
        "raise maxclients, or let each sidecar hold fewer",
    ),
    Rule(
        Level.ERROR,
        "ping",
        lambda f: f"{f.ping_ms:.0f} ms" if f.ping_ms >= f.patience_ms else "",
        "calls give up before it answers",
        "bring it near the sidecars, or give it longer (?timeout_ms=)",
    ),
    Rule(
        Level.WARNING,
        "ping",
        lambda f: f"{f.ping_ms:.1f} ms" if SLOW_MS <= f.ping_ms < f.patience_ms else "",
        "every call waits for at least one round trip",
        "bring it near the sidecars: one zone",
    ),
    Rule(
        Level.WARNING,
        "time",
        lambda f: f"{f.skew_seconds:+.1f} s" if abs(f.skew_seconds) >= SKEWED_SECONDS else "",
        "leases and times to live end too early or too late between machines",
        "run NTP on this machine and on the server",
    ),
    Rule(
        Level.WARNING,
        "config",
        lambda f: f"not readable ({f.unread})" if f.unread else "",
        "dangerous settings may be there that were not seen",
        "allow the user CONFIG GET (ACL SETUSER … +config|get), or ask who runs it",
    ),
)
