"""Adapters of the Store ports, chosen by the scheme of a URL."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from contextd.errors import ConfigInvalid

if TYPE_CHECKING:
    from contextd.ports import Store

SCHEMES = MappingProxyType({"memory": "contextd.stores.memory", "sqlite": "contextd.stores.sqlite"})
"""The module of each scheme.  It is imported when asked for, so that only the drivers in
use have to be installed, and offers `async def open_url(url: str) -> Store`."""


async def open_store(url: str) -> Store:
    """Open the store that *url* names: `memory:` or `sqlite:///FILE`.

    Raises:
        ConfigInvalid: the URL is not one of these.
        StoreUnavailable, StoreTooNew, StoreCorrupt: it is, but cannot be used.
    """
    scheme = url.partition(":")[0]
    if scheme not in SCHEMES:
        known = ", ".join(f"{each}:" for each in sorted(SCHEMES))
        raise ConfigInvalid(f"the store URL begins with {scheme!r}, not with one of {known}")
    return cast("Store", await import_module(SCHEMES[scheme]).open_url(url))
