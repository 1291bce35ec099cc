"""The shared store: one PostgreSQL database, in which any number of daemons keep all they have.

`target` is what a URL says, `connections` the pool, its bounds and what becomes of the driver's
errors (`failures`), `schema` the migrations.  `store`, `inbox`, `accounts`, `work` and `idle` are
the ports; what a write does is done by one function in the database (migrations/0003_writing.sql),
to which `changes` gives what records bring beside their log.
"""

from __future__ import annotations

from contextd.stores.postgres.store import PostgresStore
from contextd.stores.postgres.target import parsed

__all__ = ["PostgresStore", "open_url"]


async def open_url(url: str) -> PostgresStore:
    """Open the database that `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=…` names.

    Raises:
        ConfigInvalid: the URL says something else, or more.
        StoreUnavailable, StoreTooNew: see `PostgresStore.open`.
    """
    return await PostgresStore.open(parsed(url))
