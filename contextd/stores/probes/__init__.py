"""What the server behind a store's URL would do to us: its settings read, and judged.

Reading (`redis_server`, `postgres_server`, `sqlite_file`) and judging (`redis_rules`,
`postgres_rules`, `sqlite_rules`) are apart: a rule is a line of a table over plain values.
Nothing here writes, neither to the server nor beside it.
"""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from contextd.stores.probes.findings import Finding, Level, Looked, Surroundings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Look = Callable[[str, Surroundings], Awaitable[Looked]]

__all__ = ["PROBES", "Finding", "Level", "Looked", "Surroundings", "look_at"]

_HERE = "contextd.stores.probes"
PROBES = MappingProxyType(
    {
        "sqlite": f"{_HERE}.sqlite_file",
        "redis": f"{_HERE}.redis_server",
        "rediss": f"{_HERE}.redis_server",
        "redis+cluster": f"{_HERE}.redis_server",
        "rediss+cluster": f"{_HERE}.redis_server",
        "redis+sentinel": f"{_HERE}.redis_server",
        "rediss+sentinel": f"{_HERE}.redis_server",
        "postgres": f"{_HERE}.postgres_server",
        "postgresql": f"{_HERE}.postgres_server",
    }
)
"""The module that looks at what a scheme names; imported, with its driver, when asked for."""

DRIVERS = MappingProxyType({"redis": "redis", "asyncpg": "postgres"})
"""The extra that brings each driver."""


async def look_at(url: str, around: Surroundings) -> Looked:
    """Connect to what *url* names, read its settings, and say what is dangerous about them.

    Whatever goes wrong is a finding, too; `memory:` and what nobody knows have none.
    """
    scheme = url.partition(":")[0]
    if scheme not in PROBES:
        return Looked(scheme)
    try:
        look = cast("Look", import_module(PROBES[scheme]).look)
    except ModuleNotFoundError as error:
        extra = DRIVERS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        lacks = Finding(
            Level.ERROR, "here", "driver", f"no {error.name}", "this store cannot be opened",
            f"pip install 'contextd[serve,{extra}]'",
        )  # fmt: skip
        return Looked(scheme, findings=(lacks,))
    return await look(url, around)
