"""The store, and the archive behind it if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.app.running import now
from contextd.stores import open_tiered, open_when_free
from contextd.stores.tiered import Terms

if TYPE_CHECKING:
    from contextd.config import Config
    from contextd.ports import Store


async def open_stores(config: Config) -> Store:
    """Open what *config* names, as soon as another daemon lets it go; raises as `open_store`."""
    settings, patience = config.store, config.server.takeover_seconds
    if not settings.archive:
        return await open_when_free(settings.url, patience)
    terms = Terms(behind=settings.archive_behind_seconds, idle=settings.idle_seconds)
    return await open_tiered(settings.url, settings.archive, terms, now, seconds=patience)
