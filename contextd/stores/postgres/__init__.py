"""The shared store: one PostgreSQL database, in which any number of daemons keep all they have.

`target` is what a URL says, `connections` the pool, its bounds and what becomes of the driver's
errors (`failures`), `schema` the migrations.  `store`, `inbox`, `accounts`, `work` and `idle` are
the ports; what a write does is done by one function in the database (migrations/0003_writing.sql),
to which `changes` gives what records bring beside their log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contextd.stores.postgres.schema import Migrated, migrate
from contextd.stores.postgres.store import PostgresStore
from contextd.stores.postgres.target import parsed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PostgresStore", "migrate_url", "open_url"]


async def open_url(url: str) -> PostgresStore:
    """Open the database that `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=…` names.

    Raises:
        ConfigInvalid: the URL says something else, or more.
        StoreUnavailable, StoreTooNew: see `PostgresStore.open`.
    """
    return await PostgresStore.open(parsed(url))


async def migrate_url(url: str, *, dry: bool, tell: Callable[[str], None]) -> Migrated:
    """Give the database that *url* names the newest schema; with *dry* say what that takes.

    Raises: as `open_url`.
    """
    return await migrate(parsed(url), dry=dry, tell=tell)
