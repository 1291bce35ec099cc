"""Adapters of the Store ports, chosen by the scheme of a URL."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from contextd.errors import ConfigInvalid, StoreInUse
from contextd.stores.tiered import TieredStore

if TYPE_CHECKING:
    from contextd.ports import Clock, HotStore, Store
    from contextd.stores.tiered import Terms

SCHEMES = MappingProxyType(
    {
        "memory": "contextd.stores.memory",
        "postgresql": "contextd.stores.postgres",
        "redis": "contextd.stores.redis",
        "redis+cluster": "contextd.stores.redis",
        "redis+sentinel": "contextd.stores.redis",
        "rediss": "contextd.stores.redis",
        "sqlite": "contextd.stores.sqlite",
    }
)
"""The module of each scheme.  It is imported when asked for, so that only the drivers in
use have to be installed, and offers `async def open_url(url: str) -> Store`."""

HOT_SCHEMES = frozenset({"memory", "redis", "redis+cluster", "redis+sentinel", "rediss"})
"""Those whose module offers `async def open_hot(url: str) -> HotStore`, too."""

EXTRAS = MappingProxyType(
    {
        "postgresql": "postgres",
        "redis": "redis",
        "redis+cluster": "redis",
        "redis+sentinel": "redis",
        "rediss": "redis",
    }
)
"""The extra that brings the driver of a scheme, where it has one of its own; else it is `serve`."""

LOG = logging.getLogger(__name__)

LOOK_SECONDS = 0.01
"""How often it is tried: as long as this nobody serves."""


async def open_tiered(
    url: str, archive: str, terms: Terms, clock: Clock, *, seconds: float = 0.0
) -> Store:
    """Open the store that *url* names, in front of that of *archive*; both as `open_when_free`.

    Raises also:
        ConfigInvalid: the first cannot stand before an archive.
    """
    async with AsyncExitStack() as opened:
        cold = await open_when_free(archive, seconds)
        opened.push_async_callback(cold.aclose)
        hot = await _open_hot(url)
        opened.pop_all()
        return TieredStore(hot, cold, terms, clock)


async def _open_hot(url: str) -> HotStore:
    scheme = url.partition(":")[0]
    if scheme not in HOT_SCHEMES:
        known = ", ".join(f"{each}:" for each in sorted(HOT_SCHEMES))
        raise ConfigInvalid(f"in front of an archive the store URL begins with one of {known}")
    return cast("HotStore", await _adapter(scheme).open_hot(url))


async def open_when_free(url: str, seconds: float) -> Store:
    """Open the store that *url* names as soon as its holder lets it go, within *seconds*.

    Raises as `open_store` does.
    """
    ends, told = time.monotonic() + seconds, False
    while True:
        try:
            return await open_store(url)
        except StoreInUse as error:
            if time.monotonic() >= ends:
                raise
            if not told:
                LOG.info("waiting up to %g s: %s", seconds, error)
                told = True
        await asyncio.sleep(LOOK_SECONDS)


async def open_store(url: str) -> Store:
    """Open the store that *url* names, by the module of its scheme in `SCHEMES`.

    Raises:
        ConfigInvalid: no module is of that scheme, or its driver is not installed.
        StoreUnavailable, StoreTooNew, StoreCorrupt: it is, but cannot be used.
    """
    scheme = url.partition(":")[0]
    if scheme not in SCHEMES:
        known = ", ".join(f"{each}:" for each in sorted(SCHEMES))
        raise ConfigInvalid(f"the store URL begins with {scheme!r}, not with one of {known}")
    return cast("Store", await _adapter(scheme).open_url(url))


def migrating(url: str) -> Any:  # noqa: ANN401 - a function of the adapter
    """Return what migrates the store that *url* names, without opening it to serve.

    Raises:
        ConfigInvalid: its schema is brought up to date when it is opened, and in no other way.
    """
    scheme = url.partition(":")[0]
    found = getattr(_adapter(scheme), "migrate_url", None) if scheme in SCHEMES else None
    if found is None:
        raise ConfigInvalid(
            f"{scheme or 'nothing'}: has no migrations of its own to run; postgresql: has, "
            "and sqlite: makes them when it is opened"
        )
    return found


def _adapter(scheme: str) -> Any:  # noqa: ANN401 - a module
    try:
        return import_module(SCHEMES[scheme])
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("contextd"):
            raise
        extra = EXTRAS.get(scheme, "serve")
        raise ConfigInvalid(
            f"{scheme}: needs the package {error.name}: pip install 'contextd[{extra}]'"
        ) from error
