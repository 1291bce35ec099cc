"""Flags, environment variables and the TOML file, merged; every value knows its origin."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_origin

import msgspec

from contextd.config.settings import Config, describe
from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "CONTEXTD__"
FILE_VARIABLE = "CONTEXTD_CONFIG"
DEFAULT_FILE = "contextd.toml"
FLAGS = MappingProxyType({"log.level": "--log-level"})
"""Flags that are not called after the last part of their setting."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value somebody set.  `loose` values are text that may stand for numbers."""

    value: Any
    origin: str
    loose: bool = False


def gather(
    flags: Mapping[str, object], environ: Mapping[str, str], path: Path | None
) -> dict[str, Given]:
    """Return what was set by dotted name, the strongest source last and winning."""
    given: dict[str, Given] = {}
    chosen = _file(environ, path)
    if chosen is not None:
        given.update(_from_file(chosen))
    given.update(_from_environment(environ))
    for name, value in flags.items():
        if value is not None:
            given[name] = Given(value, FLAGS.get(name, f"--{name.rpartition('.')[2]}"))
    return given


def merge(given: Mapping[str, Given]) -> Config:
    """Lay *given* over the defaults.

    Raises:
        ConfigInvalid: naming every unknown name and every value of a wrong type.
    """
    kinds = {setting.name: setting.kind for setting in describe(Config())}
    wrong = [_unknown(name, each, kinds) for name, each in given.items() if name not in kinds]
    tree: dict[str, Any] = {"origins": {name: each.origin for name, each in given.items()}}
    for name, each in given.items():
        if name in kinds:
            try:
                _plant(tree, name, _convert(each, kinds[name]))
            except ValueError as error:  # msgspec's errors are ValueErrors too
                wrong.append(f"{each.origin}: {name}: {error}")
    if wrong:
        raise ConfigInvalid("\n".join(wrong))
    return msgspec.convert(tree, Config)


def _plant(tree: dict[str, Any], name: str, value: object) -> None:
    *tables, key = name.split(".")
    for table in tables:
        tree = tree.setdefault(table, {})
    tree[key] = value


def _convert(given: Given, kind: object) -> object:
    if not given.loose:
        return msgspec.convert(given.value, kind)
    if kind is int:
        return int(given.value, 0)  # people write a mode as 0o660
    if get_origin(kind) is not None:
        return msgspec.json.decode(given.value, type=kind)
    return msgspec.convert(given.value, kind, strict=False)


def _unknown(name: str, given: Given, known: Mapping[str, object]) -> str:
    if any(each.startswith(f"{name}.") for each in known):
        return f"{given.origin}: {name} is a table of settings, not a value"
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"{given.origin}: unknown setting {name}{hint}"


def _file(environ: Mapping[str, str], path: Path | None) -> Path | None:
    if path is None and environ.get(FILE_VARIABLE):
        path = Path(environ[FILE_VARIABLE])
    if path is None and Path(DEFAULT_FILE).is_file():
        path = Path(DEFAULT_FILE)
    return path


def _from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    return {
        name.removeprefix(PREFIX).lower().replace("__", "."): Given(value, name, loose=True)
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX)
    }


def _from_file(path: Path) -> dict[str, Given]:
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        raise ConfigInvalid(f"{path}:{at[1] if at else 1}: not TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigInvalid(f"{path}: cannot be read: {why}") from error
    lines = _lines(text)
    whole = {setting.name for setting in describe(Config())}
    return {
        name: Given(value, f"{path}:{_line(lines, name)}")
        for name, value in _flatten(document, "", whole)
    }


def _flatten(table: Mapping[str, Any], prefix: str, whole: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield dotted names and values; the tables named in *whole* are values themselves."""
    for key, value in table.items():
        name = prefix + key
        if not isinstance(value, dict) or name in whole:
            yield name, value
        elif value:
            yield from _flatten(value, f"{name}.", whole)
        elif not any(each.startswith(f"{name}.") for each in whole):
            yield name, value  # an empty table that nobody knows


def _lines(text: str) -> dict[str, int]:
    """Return the line on which each dotted name is first set; tomllib does not tell."""
    found: dict[str, int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[+([^\[\]]+)\]+\s*(#.*)?$", line)
        key = re.match(r"\s*([^\s=#\[][^=]*?)\s*=", line)
        if header:
            table = _parts(header[1])
            found.setdefault(".".join(table), number)
        elif key:
            found.setdefault(".".join((*table, *_parts(key[1]))), number)
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _line(lines: Mapping[str, int], name: str) -> int:
    while name and name not in lines:
        name = name.rpartition(".")[0]
    return lines.get(name, 1)
