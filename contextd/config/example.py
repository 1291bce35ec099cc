"""The defaults as a commented TOML file, made from the settings themselves."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields, is_dataclass

from contextd.config.settings import Config, Setting

HEAD = """\
# Every setting of contextd with its default, made by `contextd check --defaults`.
# Take the # off the lines that you change; docs/configuration.md says more.
"""


def example() -> str:
    """Return a TOML file that names every setting, commented out, under its table."""
    return HEAD + "".join(
        _table(each.name, getattr(Config(), each.name)) for each in fields(Config)
    )


def _table(name: str, node: object) -> str:
    """Return the TOML of one table and of those below it; "" for what is no table."""
    if not is_dataclass(node) or isinstance(node, type):
        return ""
    values = {each.name: getattr(node, each.name) for each in fields(node)}
    own = {key: value for key, value in values.items() if not is_dataclass(value)}
    text = ""
    if own:
        said = inspect.getdoc(type(node)) or ""
        comment = "".join(f"# {line}".rstrip() + "\n" for line in said.splitlines())
        lines = "".join(f"# {key} = {_value(f'{name}.{key}', own[key])}\n" for key in own)
        text = f"\n{comment}[{name}]\n{lines}"
    return text + "".join(_table(f"{name}.{key}", value) for key, value in values.items())


def _value(name: str, value: object) -> str:
    if isinstance(value, (str, bool)):
        return json.dumps(value)
    if isinstance(value, tuple):
        return json.dumps(value)
    return "{}" if value == {} else Setting(name, type(value), value, "").text
