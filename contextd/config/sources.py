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
from contextd.config.toml_lines import line_of, lines_of
from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PREFIX = "CONTEXTD__"
FILE_VARIABLE = "CONTEXTD_CONFIG"
DEFAULT_FILE = "contextd.toml"
FLAGS = MappingProxyType({"log.level": "--log-level", "policy.file": "--policy"})
"""Flags that are not called after the last part of their setting."""
SHORT = MappingProxyType({"CONTEXTD_POLICY__FILE": "policy.file"})
"""Variables beside those of the scheme, which go before them."""


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
    wrong = [unknown(name, each, kinds) for name, each in given.items() if name not in kinds]
    tree: dict[str, Any] = {"origins": {name: each.origin for name, each in given.items()}}
    for name, each in given.items():
        if name in kinds:
            try:
                plant(tree, name, convert(each, kinds[name]))
            except ValueError as error:  # msgspec's errors are ValueErrors too
                wrong.append(f"{each.origin}: {name}: {error}")
    if wrong:
        raise ConfigInvalid("\n".join(wrong))
    return msgspec.convert(tree, Config)


def plant(tree: dict[str, Any], name: str, value: object) -> None:
    """Put *value* under its dotted name into *tree*."""
    *tables, key = name.split(".")
    for table in tables:
        tree = tree.setdefault(table, {})
    tree[key] = value


def convert(given: Given, kind: object) -> object:
    """Return the value given as what its setting is; raises ValueError when it is none."""
    if not given.loose:
        return msgspec.convert(given.value, kind)
    if kind is int:
        return int(given.value, 0)  # people write a mode as 0o660
    if get_origin(kind) is not None:
        return msgspec.json.decode(given.value, type=kind)
    return msgspec.convert(given.value, kind, strict=False)


def unknown(name: str, given: Given, known: Collection[str]) -> str:
    """Return what to say of a name that is no setting."""
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
    short = {
        setting: Given(environ[name], name, loose=True)
        for name, setting in SHORT.items()
        if name in environ
    }
    return short | {
        name.removeprefix(PREFIX).lower().replace("__", "."): Given(value, name, loose=True)
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX)
    }


def _from_file(path: Path) -> dict[str, Given]:
    text = read_text(path)
    document, lines = parse(text, str(path)), lines_of(text)
    whole = {setting.name for setting in describe(Config())}
    return {
        ".".join(names): Given(value, f"{path}:{line_of(lines, names)}")
        for names, value in flatten(document, (), whole)
    }


def read_text(path: Path) -> str:
    """Return what a file holds.

    Raises:
        ConfigInvalid: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConfigInvalid(f"{path}: cannot be read: {why}") from error


def parse(text: str, name: str) -> dict[str, Any]:
    """Return what a TOML text holds, which is called *name* if it is none.

    Raises:
        ConfigInvalid: it is not TOML; says on which line.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = re.search(r"line (\d+)", str(error))
        raise ConfigInvalid(f"{name}:{at[1] if at else 1}: not TOML: {error}") from error


def flatten(
    table: Mapping[str, Any], above: tuple[str, ...], whole: Collection[str]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield names, from the outermost table to the key, and values.

    The tables named in *whole*, by their dotted names, are values themselves.
    """
    for key, value in table.items():
        names = (*above, key)
        dotted = ".".join(names)
        if not isinstance(value, dict) or dotted in whole:
            yield names, value
        elif value:
            yield from flatten(value, names, whole)
        elif not any(each.startswith(f"{dotted}.") for each in whole):
            yield names, value  # an empty table that nobody knows
