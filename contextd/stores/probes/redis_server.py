"""Reads what Redis and Valkey servers say of themselves, and has it judged."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address
from statistics import median
from typing import TYPE_CHECKING, Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from contextd.errors import ConfigInvalid
from contextd.stores.probes.findings import Finding, Level, Looked, judged, merged
from contextd.stores.probes.redis_rules import RULES, RedisFacts
from contextd.stores.probes.redis_topology import (
    CLUSTER_RULES,
    SENTINEL_RULES,
    ClusterFacts,
    SentinelFacts,
)
from contextd.stores.redis.address import Address, parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from contextd.stores.probes.findings import Surroundings

PINGS = 5
NODES = 64
"""More nodes of a cluster are not looked at one by one."""

FAILURES = (RedisError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class _Place:
    """One server, and how to get in."""

    url: Address
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def client(self, seconds: float, *, database: int) -> Redis:
        return Redis(
            host=self.host,
            port=self.port,
            db=database,
            username=self.url.username,
            password=self.url.password,
            ssl=self.url.tls,
            ssl_ca_certs=self.url.ca or None,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            client_name="contextd-check",
        )


async def look(url: str, around: Surroundings) -> Looked:
    """Look at all servers that *url* leads to."""
    kind = url.partition(":")[0]
    try:
        found = parse(url)
    except ConfigInvalid as error:
        wrong = _bad("store.url", "url", "not one we can read", "nothing can be opened", str(error))
        return Looked(kind, findings=(wrong,))
    read: dict[str, Mapping[str, object]] = {}
    findings: list[Finding] = []
    ways = {"": _single, "cluster": _cluster, "sentinel": _sentinel}
    async for server, values, said in ways[found.kind](found, around):
        read[server] = values
        findings += said
    return Looked(kind, read, merged(findings))


async def _single(url: Address, around: Surroundings) -> AsyncIterator[_Told]:
    for host, port in url.hosts[:1]:
        yield await _told(_Place(url, host, port), around)


async def _told(place: _Place, around: Surroundings) -> _Told:
    """Return what one server says of itself, and what is wrong with that."""
    try:
        async with place.client(around.seconds, database=place.url.database) as client:
            facts = await _facts(client, place, around)
    except FAILURES as error:
        return str(place), {}, [_failed(error, str(place), place.url)]
    return str(place), asdict(facts), list(judged(RULES, facts, str(place)))


async def _facts(client: Redis, place: _Place, around: Surroundings) -> RedisFacts:
    info: dict[str, Any] = await client.info()
    if info.get("redis_mode") == "sentinel":  # it has no settings or clock to ask for
        return replace(
            _of_info(info, {}), asked=place.url.kind or "single", local=_is_local(place.host)
        )
    settings, unread = await _settings(client)
    pings = []
    for _ in range(PINGS):
        began = time.perf_counter()
        await client.ping()
        pings.append(time.perf_counter() - began)
    asked_at = around.wall()
    seconds, micros = await client.time()
    here = (asked_at + around.wall()) / 2
    return replace(
        _of_info(info, settings),
        asked=place.url.kind or "single",
        durability=place.url.durability,
        replicas=int(place.url.durability.partition("replicas:")[2] or 0),
        patience_ms=place.url.timeout_ms,
        encrypted=place.url.tls,
        local=_is_local(place.host),
        open_to_all=not place.url.password or await _anybody(client),
        ping_ms=round(median(pings) * 1e3, 3),
        skew_seconds=round(seconds + micros / 1e6 - here, 3),
        unread=unread,
    )


async def _settings(client: Redis) -> tuple[dict[str, str], str]:
    try:
        return cast("dict[str, str]", await client.config_get("*")), ""
    except (NoPermissionError, ResponseError) as error:  # managed servers have no CONFIG at all
        return {}, str(error).split(",", maxsplit=1)[0][:80]


async def _anybody(client: Redis) -> bool | None:
    """Say whether the default user needs no password, None if we may not know."""
    try:
        user = cast("dict[str, Any]", await client.acl_getuser("default"))
    except RedisError:
        return None
    return {"on", "nopass"} <= set(user["flags"])


def _of_info(info: dict[str, Any], settings: dict[str, str]) -> RedisFacts:
    version = str(info.get("valkey_version") or info.get("redis_version") or "0")
    return RedisFacts(
        version=tuple(int(each) for each in version.split(".") if each.isdigit()),
        mode=str(info.get("redis_mode", "standalone")),
        role=str(info.get("role", "master")),
        loading=bool(info.get("loading")),
        used_memory=info.get("used_memory"),
        maxmemory=info.get("maxmemory"),
        maxmemory_policy=info.get("maxmemory_policy"),
        system_memory=info.get("total_system_memory"),
        evicted_keys=int(info.get("evicted_keys", 0)),
        appendonly=bool(info["aof_enabled"]) if "aof_enabled" in info else None,
        appendfsync=settings.get("appendfsync"),
        aof_write=str(info.get("aof_last_write_status", "ok")),
        save=settings.get("save"),
        snapshot=str(info.get("rdb_last_bgsave_status", "ok")),
        stops_without_snapshot=_yes(settings.get("stop-writes-on-bgsave-error")),
        connected_replicas=int(info.get("connected_slaves", 0)),
        min_replicas=_number(settings.get("min-replicas-to-write")),
        timeout=_number(settings.get("timeout")),
        protected=_yes(settings.get("protected-mode")),
        bind=settings.get("bind"),
        clients=info.get("connected_clients"),
        maxclients=info.get("maxclients"),
    )


async def _cluster(url: Address, around: Surroundings) -> AsyncIterator[_Told]:
    """Ask the first seed that answers for the nodes, then every node for itself."""
    for number, (host, port) in enumerate(url.hosts, 1):
        seed = _Place(url, host, port)
        try:
            async with seed.client(around.seconds, database=0) as client:
                said, nodes = await _asked(client, "INFO"), await _asked(client, "NODES")
        except ResponseError:  # it is no cluster: its own rules say so
            yield await _told(seed, around)
            return
        except FAILURES as error:
            if number == len(url.hosts):
                yield str(seed), {}, [_failed(error, str(seed), url)]
            continue
        facts, places = _read_cluster(said, nodes, seed)
        yield f"cluster at {seed}", asdict(facts), list(judged(CLUSTER_RULES, facts, "cluster"))
        for told in await asyncio.gather(*(_told(each, around) for each in places[:NODES])):
            yield told
        return


async def _asked(client: Redis, what: str) -> Mapping[str, Any]:
    answer = await client.execute_command(f"CLUSTER {what}")  # type: ignore[no-untyped-call] # it has no types
    return cast("Mapping[str, Any]", answer)


def _read_cluster(
    said: Mapping[str, str], nodes: Mapping[str, Mapping[str, Any]], seed: _Place
) -> tuple[ClusterFacts, list[_Place]]:
    masters = {
        each["node_id"]: address
        for address, each in nodes.items()
        if "master" in each["flags"] and (each["slots"] or each["migrations"])
    }
    followed = {each["master_id"] for each in nodes.values()}
    failing = tuple(address for address, each in nodes.items() if "fail" in each["flags"])
    facts = ClusterFacts(
        state=said.get("cluster_state", "fail"),
        slots_ok=int(said.get("cluster_slots_ok", 0)),
        masters=len(masters),
        lonely=tuple(address for each, address in masters.items() if each not in followed),
        failing=failing,
        moving=sum(len(each["migrations"]) for each in nodes.values()),
    )
    places = []
    for address in sorted(set(nodes) - set(failing)):
        host, _, port = address.rpartition(":")
        places.append(_Place(seed.url, host or seed.host, int(port)))
    return facts, places


async def _sentinel(url: Address, around: Surroundings) -> AsyncIterator[_Told]:
    """Ask the first Sentinel that answers for the master, then the master for itself."""
    for number, (host, port) in enumerate(url.hosts, 1):
        place = _Place(replace(url, username=None, password=None), host, port)
        try:
            async with place.client(around.seconds, database=0) as client:
                state = cast("dict[str, Any]", await client.sentinel_master(url.master))
        except FAILURES as error:
            if number == len(url.hosts):
                yield str(place), {}, [_unknown_master(error, place)]
            continue
        facts = SentinelFacts(
            name=url.master,
            flags=_text(state["flags"]),
            others=int(state["num-other-sentinels"]),
            quorum=int(state["quorum"]),
            replicas=int(state["num-slaves"]),
        )
        yield f"sentinel {place}", asdict(facts), list(judged(SENTINEL_RULES, facts, str(place)))
        yield await _told(_Place(url, state["ip"], int(state["port"])), around)
        return


def _text(flags: object) -> str:
    return ",".join(sorted(flags)) if isinstance(flags, set | frozenset | list) else str(flags)


def _unknown_master(error: BaseException, place: _Place) -> Finding:
    if not isinstance(error, ResponseError):
        return _failed(error, str(place), place.url)
    name, known = place.url.master or "none", "store.url is redis+sentinel://HOST:PORT,…/MASTER"
    return _bad(str(place), "master", name, f"the Sentinel does not know it ({error})", known)


def _failed(error: BaseException, server: str, url: Address) -> Finding:
    """Say why a server could not be asked."""
    said = str(error) or type(error).__name__
    if isinstance(error, AuthenticationError) or said.startswith(("WRONGPASS", "NOAUTH")):
        given = "refused" if url.password else "none given, and one is wanted"
        return _bad(server, "password", given, "no call gets in", "name it in store.url")
    if isinstance(error, NoPermissionError):
        risk = "the user may not do what the store needs"
        return _bad(
            server, "acl", said[:120], risk, "allow the user INFO, TIME, scripts and its keys"
        )
    if "DB index" in said:
        risk = "no connection can be opened"
        return _bad(server, "databases", f"fewer than {url.database + 1}", risk, "name another one")
    if isinstance(error, ResponseError):
        return _bad(server, "answer", said[:120], "the store would meet the same", "see its log")
    wants = "rediss" if url.tls else "redis"
    hint = f"is it there, does a network policy let us through, and does it speak {wants}://?"
    return _bad(server, "connection", f"not to be had ({said[:160]})", "no call is served", hint)


def _bad(server: str, setting: str, value: str, risk: str, remedy: str) -> Finding:
    return Finding(Level.ERROR, server, setting, value, risk, remedy)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _yes(text: str | None) -> bool | None:
    return None if text is None else text == "yes"


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


if TYPE_CHECKING:
    _Told = tuple[str, Mapping[str, object], list[Finding]]
