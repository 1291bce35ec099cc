"""What was found, and the form of a rule that finds it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

Facts = TypeVar("Facts")
NAMED = 3
"""Servers that a finding names, the others are counted."""


class Level(StrEnum):
    """How bad a finding is: the daemon cannot keep its promise, or may one day surprise."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One dangerous setting or state of one server.

    `setting` is the server's own name for it, `value` what was read; `risk` says what may
    happen, `remedy` what to set.
    """

    level: Level
    server: str
    setting: str
    value: str
    risk: str
    remedy: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.server}: {self.setting} is {self.value}: {self.risk}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Rule(Generic[Facts]):
    """What must hold of the values read: `broken` returns the value that breaks it, else ""."""

    level: Level
    setting: str
    broken: Callable[[Facts], str]
    risk: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the probe needs from outside: how long to wait, and this machine's wall clock.

    `sidecars` is how many daemons will share the server.
    """

    seconds: float
    wall: Callable[[], float]
    sidecars: int = 1


@dataclass(frozen=True, slots=True)
class Looked:
    """What looking at one store gave: the values read, by server, and what is wrong with them."""

    kind: str
    read: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    findings: Sequence[Finding] = ()


def judged(rules: Sequence[Rule[Facts]], facts: Facts, server: str) -> Iterator[Finding]:
    """Yield what *rules* find in *facts*, errors first."""
    for rule in sorted(rules, key=lambda each: each.level is not Level.ERROR):
        if value := rule.broken(facts):
            yield Finding(rule.level, server, rule.setting, value, rule.risk, rule.remedy)


def merged(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return *findings*, errors first, with what several servers share told once."""
    groups: dict[Finding, list[str]] = {}
    for each in findings:
        groups.setdefault(replace(each, server=""), []).append(each.server)
    told = [replace(each, server=_named(servers)) for each, servers in groups.items()]
    return tuple(sorted(told, key=lambda each: each.level is not Level.ERROR))


def _named(servers: Sequence[str]) -> str:
    if len(servers) <= NAMED:
        return ", ".join(servers)
    return f"{', '.join(servers[:NAMED])} and {len(servers) - NAMED} more"
