"""The policy file: rules for everybody, and exceptions by tenant.

A file is read whole or not at all.  Over the `[policy]` settings lie the tables of the file,
and over these, for one tenant, those of `[tenants."NAME"]`.  Tables are merged key by key; a
value or a list takes the place of the one below.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import msgspec

from contextd.config.policy_checks import faults
from contextd.config.policy_footguns import footguns
from contextd.config.settings import PolicyConfig, leaves
from contextd.config.sources import Given, convert, flatten, parse, plant, read_text, unknown
from contextd.config.toml_lines import line_of, lines_of
from contextd.errors import ConfigInvalid
from contextd.policy.policies import Policy, PolicySet
from contextd.policy.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contextd.config.policy_checks import Fault, Names
    from contextd.config.settings import Config

KINDS = MappingProxyType({name: kind for name, kind, _ in leaves(Rules())})
TENANTS = "tenants"
TABLES = (*dict.fromkeys(name.partition(".")[0] for name in KINDS), TENANTS)


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What a file came to.  `origins` says where each rule was set, by layer and dotted name.

    The layer is the tenant, or "" for everybody; `warnings` say what may surprise.
    """

    policies: PolicySet
    warnings: tuple[str, ...] = ()
    origins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Text:
    """A file's name and the lines of its keys."""

    name: str
    lines: dict[Names, int]

    def place(self, names: Names) -> str:
        return f"{self.name}:{line_of(self.lines, names)}"


@dataclass(frozen=True, slots=True)
class _Layer:
    """Values for everybody or for one tenant, which stand below *above*."""

    text: _Text
    above: Names
    values: dict[str, object] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def told(self, names: Names, message: str, beside: Sequence[str] = ()) -> str:
        """Say *message* of a rule by its full name.

        The place is the rule's own, or that of the rule *beside* it that this layer sets.
        """
        whole = (*self.above, *names)
        here = (name for name in (".".join(names), *beside) if name in self.values)
        at = next((tuple(name.split(".")) for name in here), names)
        place = self.text.place((*self.above, *at))
        return f"{place}: {'.'.join(map(_bare, whole))} {message}"

    def found(self, fault: Fault) -> str:
        """Say a fault of the rules that this layer came to."""
        return self.told(fault.names, fault.message, fault.beside)

    @property
    def origins(self) -> Mapping[str, str]:
        """The place of each value."""
        return {name: self.text.place((*self.above, *name.split("."))) for name in self.values}


def load_policies(config: Config) -> PolicyFile:
    """Return the policies that the configuration comes to, its file read now.

    Raises:
        ConfigInvalid: names every fault of the file as FILE:LINE.
    """
    if not config.policy.file:
        return PolicyFile(PolicySet(Policy.of(config.policy.rules)))
    path = Path(config.policy.file)
    return read_policies(read_text(path), str(path), config.policy, config.origins)


def read_policies(
    text: str, name: str, settings: PolicyConfig | None = None, origins: Mapping[str, str] = {}
) -> PolicyFile:
    """Return what *text*, the content of the file *name*, comes to over the *settings*.

    *origins* says where these come from.

    Raises:
        ConfigInvalid: names every fault of it as FILE:LINE.
    """
    document, place = parse(text, name), _Text(name, lines_of(text))
    tenants = document.pop(TENANTS, {})
    base = _layer(document, place, ())
    layers = dict(_tenant_layers(tenants, place, base))
    rules = _over((settings or PolicyConfig()).rules, base.values)
    common = dict.fromkeys(faults(rules))
    wrong = [*base.wrong, *map(base.found, common)]
    own: dict[str, Policy] = {}
    for tenant, layer in layers.items():
        theirs = _over(rules, layer.values)
        new = (fault for fault in faults(theirs) if fault not in common)
        wrong += [*layer.wrong, *map(layer.found, new)]
        own[tenant] = Policy.of(theirs)
    if wrong:
        raise ConfigInvalid("\n".join(sorted(wrong, key=_line)))
    policies = PolicySet(Policy.of(rules), MappingProxyType(own))
    everywhere = {"": base.origins} | {tenant: each.origins for tenant, each in layers.items()}
    return PolicyFile(policies, tuple(_warnings(policies, base, layers, origins)), everywhere)


def _warnings(
    policies: PolicySet, base: _Layer, layers: Mapping[str, _Layer], origins: Mapping[str, str]
) -> Iterator[str]:
    common = list(footguns(policies.base.rules))
    told = [base.told(names, message) for names, message in common]
    for tenant, layer in layers.items():
        new = (each for each in footguns(policies.of(tenant).rules) if each not in common)
        told += [layer.told(names, message) for names, message in new]
        if not layer.values:
            told.append(layer.told((), "changes nothing"))
    yield from told
    yield from _given(base, layers, origins)


def _given(base: _Layer, layers: Mapping[str, _Layer], origins: Mapping[str, str]) -> Iterator[str]:
    """Say what surprises only of what was set on purpose."""
    for layer in (base, *layers.values()):
        if layer.values.get("escalation.amount_limit") == 0:
            names = ("escalation", "amount_limit")
            yield layer.told(names, "0 switches the limit off: no sum, however high, is too high")
    for name in base.values:
        place = origins.get(f"policy.{name}")
        if place is not None:
            yield base.told(tuple(name.split(".")), f"goes before policy.{name} of {place}")


def _tenant_layers(tenants: object, text: _Text, base: _Layer) -> Iterator[tuple[str, _Layer]]:
    """Give the layer of each tenant; what is no table is said to be wrong of *base*."""
    if not isinstance(tenants, dict):
        base.wrong.append(base.told((TENANTS,), 'must be tables: [tenants."NAME".tiers]'))
        return
    for tenant, table in tenants.items():
        if not tenant or not isinstance(table, dict):
            message = "must be a table of a tenant that has a name"
            base.wrong.append(base.told((TENANTS, tenant), message))
            continue
        yield tenant, _layer(table, text, (TENANTS, tenant))


def _layer(table: dict[str, Any], text: _Text, above: Names) -> _Layer:
    layer = _Layer(text, above)
    strange: set[str] = set()
    for names, value in flatten(table, (), KINDS):
        given, name = Given(value, text.place((*above, *names))), ".".join(names)
        if names[0] not in TABLES:
            if names[0] not in strange:
                layer.wrong.append(layer.told(names[:1], _strange(names[0])))
            strange.add(names[0])
        elif name not in KINDS:
            layer.wrong.append(unknown(name, given, KINDS))
        else:
            try:
                layer.values[name] = convert(given, KINDS[name])
            except ValueError as error:
                layer.wrong.append(layer.told(names, f"is of the wrong type: {error}"))
    return layer


def _strange(table: str) -> str:
    """Return what to say of a table that a policy does not have."""
    if table == "policy":
        return "is left out in this file: [tiers], not [policy.tiers]"
    close = difflib.get_close_matches(table, TABLES, n=1)
    return "is no table of a policy" + (f" (did you mean {close[0]}?)" if close else "")


def _over(rules: Rules, values: Mapping[str, Any]) -> Rules:
    """Return *rules* with *values* in their place; what holds names is merged name by name."""
    tree: dict[str, Any] = {}
    for name, _, value in leaves(rules):
        new = values.get(name, value)
        plant(tree, name, {**value, **new} if isinstance(value, dict) else new)
    return msgspec.convert(tree, Rules)


def _line(told: str) -> int:
    """Return the line that a fault names first."""
    found = re.search(r":(\d+): ", told)
    return int(found[1]) if found else 0


def _bare(name: str) -> str:
    """Return a part of a dotted name as TOML has it."""
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
