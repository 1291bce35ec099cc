"""The embedded store: one SQLite file, durable on disk when an append is acknowledged.

`file` is the file itself (lock, pragmas, migrations, errors), which `opening` opens.  A
`database` is one connection: the sessions in `log`, what follows from them and from accounts in
`inbox`, `accounts` and `work`, each with the port over it.  `threads` lends connections to the
ports, `writer` is the thread that commits in groups, `store` is the port of sessions.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from contextd.errors import ConfigInvalid
from contextd.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "open_url"]


async def open_url(url: str) -> SqliteStore:
    """Open `sqlite:///relative/file` or `sqlite:////absolute/file`, as SQLAlchemy writes it.

    Raises:
        ConfigInvalid: the URL names no file, or says more than that.
        StoreUnavailable, StoreTooNew, StoreCorrupt: see `SqliteStore.open`.
    """
    parts = urlsplit(url)
    path = unquote(parts.path[1:])
    if parts.netloc or parts.query or parts.fragment or path in {"", ":memory:"}:
        raise ConfigInvalid(
            f"{url!r} is not sqlite:///FILE (relative) or sqlite:////FILE (absolute); "
            "for a store in memory use memory:"
        )
    return await SqliteStore.open(path)
