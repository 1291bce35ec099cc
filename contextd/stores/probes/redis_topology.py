"""What of a Redis cluster, or of the Sentinels of a master, is dangerous to sessions."""

from __future__ import annotations

from dataclasses import dataclass

from contextd.stores.probes.findings import Level, Rule

SLOTS = 16_384
FEWEST_MASTERS = 3
"""Fewer have no majority when one of them is away; the same goes for Sentinels."""


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What a node says of its cluster; `lonely` are masters without a replica."""

    state: str = "ok"
    slots_ok: int = SLOTS
    masters: int = FEWEST_MASTERS
    lonely: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
    moving: int = 0


CLUSTER_RULES: tuple[Rule[ClusterFacts], ...] = (
    Rule(
        Level.ERROR,
        "cluster_state",
        lambda f: f.state if f.state != "ok" else "",
        "the cluster refuses calls",
        "look at CLUSTER INFO and CLUSTER NODES on it",
    ),
    Rule(
        Level.ERROR,
        "cluster_slots_ok",
        lambda f: f"{f.slots_ok} of {SLOTS}" if f.slots_ok < SLOTS else "",
        "sessions of the slots that nobody serves cannot be read or written",
        "redis-cli --cluster fix, or bring the missing masters back",
    ),
    Rule(
        Level.WARNING,
        "cluster_nodes",
        lambda f: ", ".join(f.failing),
        "these nodes do not answer the others",
        "bring them back, or CLUSTER FORGET them",
    ),
    Rule(
        Level.WARNING,
        "cluster_size",
        lambda f: f"{f.masters} masters" if f.masters < FEWEST_MASTERS else "",
        "there is no majority that could elect a new master",
        "run at least three masters",
    ),
    Rule(
        Level.WARNING,
        "replicas",
        lambda f: f"none of {', '.join(f.lonely)}" if f.lonely else "",
        "when such a master dies its sessions are away until it is back",
        "give every master a replica",
    ),
    Rule(
        Level.WARNING,
        "slots",
        lambda f: f"{f.moving} moving" if f.moving else "",
        "calls of these slots take a further round trip, or wait",
        "nothing if resharding is meant; else redis-cli --cluster fix",
    ),
)


@dataclass(frozen=True, slots=True)
class SentinelFacts:
    """What a Sentinel says of the master it was asked for."""

    name: str = ""
    flags: str = "master"
    others: int = 2
    quorum: int = 2
    replicas: int = 1


SENTINEL_RULES: tuple[Rule[SentinelFacts], ...] = (
    Rule(
        Level.ERROR,
        "flags",
        lambda f: f.flags if "down" in f.flags else "",
        "the master does not answer the Sentinels",
        "look at the master, or wait for the failover",
    ),
    Rule(
        Level.WARNING,
        "sentinels",
        lambda f: f"{f.others + 1}" if f.others + 1 < FEWEST_MASTERS else "",
        "without a majority of at least three nobody can fail over",
        "run three Sentinels on three machines",
    ),
    Rule(
        Level.ERROR,
        "quorum",
        lambda f: f"{f.quorum} of {f.others + 1}" if f.quorum > f.others + 1 else "",
        "it can never be reached, so there is never a failover",
        "SENTINEL SET NAME quorum to a majority",
    ),
    Rule(
        Level.WARNING,
        "num-slaves",
        lambda f: "0" if f.replicas == 0 else "",
        "there is nothing to fail over to",
        "connect a replica to the master",
    ),
)
