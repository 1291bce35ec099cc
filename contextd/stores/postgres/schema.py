"""Which schema the database has, and how it gets the newest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contextd.errors import StoreTooNew, StoreUnavailable
from contextd.stores import named
from contextd.stores.postgres.connections import Connections, of_schema
from contextd.stores.postgres.failures import MIGRATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contextd.stores.postgres.target import Target

MIGRATION_SECONDS = 3600.0
"""How long one migration may take, and the wait for another process that migrates."""


MAX_PENDING = 8


@dataclass(frozen=True, slots=True)
class Migrated:
    """The versions of a schema before and after, and the names of the steps between them.

    Of a dry run `after` is `before`, and the steps are those that there would be.
    """

    before: int
    after: int
    steps: tuple[str, ...]


async def bring_up(connections: Connections) -> None:
    """Give the database the newest schema, unless the URL forbids it.

    Daemons that start together do it one after the other, under a lock of the server's, and all
    but the first find it done.  So nobody has to run a command before the first start.

    Raises:
        StoreTooNew: a newer contextd has migrated it further.
        StoreUnavailable: it is older and not to be migrated, or that failed.
    """
    version = await schema_version(connections)
    newest = len(named.migrations("postgres"))
    if version > newest:
        raise _too_new(version, newest)
    if version < newest and not connections.target.migrate:
        raise StoreUnavailable(
            f"{connections.target.named}: schema {connections.target.schema!r} has version "
            f"{version}, this contextd needs {newest}: {MIGRATE}"
        )
    while version < newest:
        version = await migrate_once(connections, named.migrations("postgres"))


async def migrate(target: Target, *, dry: bool, tell: Callable[[str], None]) -> Migrated:
    """Give the database the newest schema; with *dry* only say what that would take.

    *tell* is called with the name of each step before it begins.

    Raises:
        StoreTooNew, StoreUnavailable: as `bring_up`.
    """
    connections = await Connections.open(target, MAX_PENDING)
    titles, scripts = named.titles("postgres"), named.migrations("postgres")
    try:
        before = version = await schema_version(connections)
        if before > len(scripts):
            raise _too_new(before, len(scripts))
        while version < len(scripts) and not dry:
            tell(titles[version])
            version = await migrate_once(connections, scripts)
    finally:
        await connections.aclose()
    return Migrated(before, version, tuple(titles[before:]))


async def schema_version(connections: Connections) -> int:
    """Return the version of the schema, 0 when there is none.

    Raises:
        StoreUnavailable: something else lives in a schema of this name.
    """
    version: int = await connections.run(lambda connection: _version(connections, connection))
    return version


async def migrate_once(connections: Connections, scripts: Sequence[str]) -> int:
    """Make the next migration, if there is one, whole or not at all; return the version then.

    Raises:
        StoreTooNew: the schema is newer than all of *scripts*.
    """
    version: int = await connections.run(lambda each: _migrate_once(connections, each, scripts))
    return version


async def _version(connections: Connections, connection: Any) -> int:  # noqa: ANN401 - the driver has no types
    sql, schema = connections.sql, connections.target.schema
    found = await connection.fetchrow(sql["find_tables"], schema)  # one look: others may migrate
    if found["ours"]:
        return int(await connection.fetchval(sql["read_version"]))
    if found["all"]:
        raise StoreUnavailable(
            f"{connections.target.named}: in schema {schema!r} are tables of something else; "
            "name another with ?schema="
        )
    return 0


async def _migrate_once(connections: Connections, connection: Any, scripts: Sequence[str]) -> int:  # noqa: ANN401 - the driver has no types
    sql, schema = connections.sql, connections.target.schema
    async with connection.transaction():
        await connection.execute(
            sql["lock_schema"], f"contextd {schema}", timeout=MIGRATION_SECONDS
        )
        version = await _version(connections, connection)
        if version > len(scripts):
            raise _too_new(version, len(scripts))
        if version == len(scripts):
            return version
        if not version:
            if not await connection.fetchval(sql["find_schema"], schema):
                await connection.execute(sql["create_schema"])
            await connection.execute(sql["create_versions"])
        script = of_schema(scripts[version], schema)
        await connection.execute(script, timeout=MIGRATION_SECONDS)
        await connection.execute(sql["add_version"], version + 1)
        return version + 1


def _too_new(version: int, known: int) -> StoreTooNew:
    return StoreTooNew(
        f"the database's schema has version {version}, this contextd knows {known}: "
        "a newer one has migrated it; run that one"
    )
