"""The JSON Schema of a policy file, made from the rules themselves."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from contextd.config.bounds import bounds
from contextd.policy.reading.own_phrases import LONGEST_PHRASE, MOST_PHRASES
from contextd.policy.reading.patterns import LONGEST_NAME, LONGEST_PATTERN, MOST_PATTERNS
from contextd.policy.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy file.

    What depends on several values at once (marks that ascend) or on how a regular expression
    runs stands in no schema; `contextd check` knows all of it.
    """
    rules = _table(Rules(), "", defaults=True)
    tenants = {
        "description": "Exceptions by tenant; what a tenant does not name is as for everybody.",
        "type": "object",
        "propertyNames": {"minLength": 1},
        "additionalProperties": {"$ref": "#/$defs/tenant"},
    }
    tenant = _table(Rules(), "", defaults=False)
    return {
        "$schema": DRAFT,
        "title": "contextd policy",
        **rules,
        "properties": {**rules["properties"], "tenants": tenants},
        "$defs": {"tenant": {**tenant, "description": "What is otherwise for this tenant."}},
    }


def _table(node: object, name: str, *, defaults: bool) -> dict[str, Any]:
    """Return the schema of a group of rules, with those below it."""
    hints = get_type_hints(type(node))
    below = {}
    for each in fields(node):  # type: ignore[arg-type]  # only dataclasses come here
        value, dotted = getattr(node, each.name), f"{name}.{each.name}".removeprefix(".")
        if is_dataclass(value):
            below[each.name] = _table(value, dotted, defaults=defaults)
        else:
            below[each.name] = _value(dotted, value, hints[each.name])
            if defaults:
                below[each.name]["default"] = list(value) if isinstance(value, tuple) else value
    return {
        "description": (inspect.getdoc(type(node)) or "").replace("`", ""),
        "type": "object",
        "properties": below,
        "additionalProperties": False,
    }


def _value(name: str, value: object, kind: type) -> dict[str, Any]:
    if isinstance(value, tuple):
        text = {"type": "string", "minLength": 1, "maxLength": LONGEST_PHRASE}
        return {"type": "array", "items": text, "maxItems": MOST_PHRASES}
    if name == "ids.patterns":
        return {
            "type": "object",
            "propertyNames": {"minLength": 1, "maxLength": LONGEST_NAME},
            "additionalProperties": {"type": "string", "maxLength": LONGEST_PATTERN},
            "maxProperties": MOST_PATTERNS,
        }
    if isinstance(value, dict):
        return {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Z]{3}$"},
            "additionalProperties": _number(name, float),
        }
    return _number(name, kind)


def _number(name: str, kind: type) -> dict[str, Any]:
    if kind is bool:
        return {"type": TYPES[kind]}
    least, most = bounds(name)
    return {"type": TYPES[kind], "minimum": least, "maximum": most}
