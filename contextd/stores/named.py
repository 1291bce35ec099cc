"""SQL in files: statements by their names, migrations by their numbers."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def queries(dialect: str) -> Mapping[str, str]:
    """Return the statements of a *dialect*'s queries.sql by name."""
    return {match[1]: match[2].strip() for match in _NAMED.finditer(text(dialect, "queries.sql"))}


def migrations(dialect: str) -> Sequence[str]:
    """Return the scripts of a *dialect* in order; number n leads to schema version n."""
    scripts = (files("contextd.stores") / "sql" / dialect / "migrations").iterdir()
    return [each.read_text(encoding="utf-8") for each in sorted(scripts, key=lambda s: s.name)]


def titles(dialect: str) -> Sequence[str]:
    """Return the names of a *dialect*'s migrations, in their order."""
    scripts = (files("contextd.stores") / "sql" / dialect / "migrations").iterdir()
    return sorted(each.name.removesuffix(".sql") for each in scripts)


def text(dialect: str, name: str) -> str:
    """Return a file of a *dialect*."""
    return (files("contextd.stores") / "sql" / dialect / name).read_text(encoding="utf-8")
