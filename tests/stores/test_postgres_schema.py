"""The schema in PostgreSQL: how it comes to be, and who may have it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from contextd.errors import StoreTooNew, StoreUnavailable
from contextd.model import SessionKey
from contextd.ports import Commit
from contextd.stores import codec, named, open_store
from contextd.stores.postgres import schema
from contextd.stores.postgres.connections import Connections, of_schema
from contextd.stores.postgres.target import parsed
from contextd.testing.samples import RECORDS
from tests.servers.postgres import postgres_server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contextd.events import Record

KEY = SessionKey("tenant", "conversation")
SCRIPTS = named.migrations("postgres")

CATALOG = """
SELECT 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
    pg_get_expr(adbin, adrelid)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relnamespace = $1::text::regnamespace AND relkind = 'r'
UNION ALL
SELECT 'table', relname, relkind::text, reloptions::text, NULL, NULL, NULL
FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'S')
UNION ALL
SELECT 'index', indexname, indexdef, NULL, NULL, NULL, NULL
FROM pg_indexes WHERE schemaname = $1
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL, NULL
FROM pg_constraint WHERE connamespace = $1::text::regnamespace
ORDER BY 1, 2, 3
"""


def catalog(name: str) -> list[tuple[Any, ...]]:
    """Return all tables of a schema, as the server has them, without the schema's name."""
    rows = postgres_server().sql(CATALOG, name)
    return [tuple(re.sub(rf"\b{name}\b", "it", str(each)) for each in row) for row in rows]


async def migrated(name: str, scripts: Sequence[str] = SCRIPTS) -> int:
    """Make the next of *scripts*, if there is one, in schema *name*."""
    connections = await Connections.open(parsed(postgres_server().url(name)), 8)
    try:
        return await schema.migrate_once(connections, scripts)
    finally:
        await connections.aclose()


async def opened_and_closed(url: str) -> None:
    """Open the store and let it go."""
    await (await open_store(url)).aclose()


def test_the_migrations_lead_to_the_schema() -> None:
    """schema.sql, which people read, is what the migrations, which run, give."""
    written, made = postgres_server().new_name(), postgres_server().new_name()
    postgres_server().sql(f"CREATE SCHEMA {written}")
    postgres_server().script(of_schema(named.text("postgres", "schema.sql"), written))
    asyncio.run(opened_and_closed(postgres_server().url(made)))
    assert catalog(made) == catalog(written)
    assert len(catalog(made)) > 80


@pytest.mark.parametrize("version", range(1, len(SCRIPTS)))
def test_old_data_survives(version: int) -> None:
    """What a daemon wrote under an older version is there under the newest, and goes on."""
    name = postgres_server().new_name()
    written: Sequence[Record] = RECORDS

    async def run() -> None:
        for _ in range(version):
            await migrated(name)
        connection = await postgres_server().connect()
        (row,) = await connection.fetch(
            f"INSERT INTO {name}.sessions (tenant, conversation, incarnation, revision, used) "
            "VALUES ('tenant', 'conversation', '', $1, 7) RETURNING id",
            len(RECORDS),
        )
        await connection.executemany(
            f"INSERT INTO {name}.records VALUES ({row['id']}, $1, $2, $3, $4)",
            [
                (revision, codec.encode(record), f"r{revision}".encode(), b"digest")
                for revision, record in enumerate(written, 1)
            ],
        )
        await connection.close()
        assert await migrated(name) == version + 1
        store = await open_store(postgres_server().url(name))
        assert tuple(await store.read(KEY)) == RECORDS
        again = await store.append(KEY, Commit(RECORDS[:1], 0, "r3", "digest"))
        assert (again.revision, again.replayed) == (3, True)
        after = await store.append(KEY, Commit(RECORDS[:1], len(RECORDS)))
        assert after.revision == len(RECORDS) + 1
        await store.aclose()

    asyncio.run(run())


def test_many_daemons_at_their_first_start() -> None:
    """All of them serve, and each migration is made once."""
    name = postgres_server().new_name()

    async def run() -> None:
        await asyncio.gather(*(opened_and_closed(postgres_server().url(name)) for _ in range(8)))

    asyncio.run(run())
    versions = postgres_server().sql(f"SELECT version FROM {name}.schema_versions ORDER BY 1")
    assert [version for (version,) in versions] == list(range(1, len(SCRIPTS) + 1))


def test_a_migration_is_whole_or_not_at_all() -> None:
    """A script that fails in the middle leaves the version before it, as it was."""
    name = postgres_server().new_name()
    scripts = ["CREATE TABLE contextd.a (x int)", "CREATE TABLE contextd.b (x int); nonsense"]
    assert asyncio.run(migrated(name, scripts)) == 1
    with pytest.raises(StoreUnavailable):
        asyncio.run(migrated(name, scripts))
    found = postgres_server().sql("SELECT tablename FROM pg_tables WHERE schemaname = $1", name)
    assert {table for (table,) in found} == {"a", "schema_versions"}
    assert postgres_server().sql(f"SELECT max(version) FROM {name}.schema_versions") == [(1,)]


def test_a_schema_from_the_future() -> None:
    """It is refused before anything is written, with both versions."""
    name = postgres_server().new_name()
    asyncio.run(opened_and_closed(postgres_server().url(name)))
    postgres_server().sql(f"INSERT INTO {name}.schema_versions VALUES (99)")
    with pytest.raises(StoreTooNew, match=f"version 99, this contextd knows {len(SCRIPTS)}"):
        asyncio.run(opened_and_closed(postgres_server().url(name)))
    with pytest.raises(StoreTooNew):
        asyncio.run(migrated(name))


def test_tables_of_something_else() -> None:
    """They are left alone; an empty schema that an operator made is used."""
    theirs, ours = postgres_server().new_name(), postgres_server().new_name()
    postgres_server().sql(f"CREATE SCHEMA {theirs}")
    postgres_server().sql(f"CREATE TABLE {theirs}.sessions (x int)")
    with pytest.raises(StoreUnavailable, match="tables of something else"):
        asyncio.run(opened_and_closed(postgres_server().url(theirs)))
    postgres_server().sql(f"CREATE SCHEMA {ours}")
    asyncio.run(opened_and_closed(postgres_server().url(ours)))


def test_a_role_that_may_create_nothing() -> None:
    """It is told the command; once somebody else has run that, all it needs are five grants."""
    name, role = postgres_server().new_name(), postgres_server().new_name()
    postgres_server().sql(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    url = postgres_server().url(name)
    weak = re.sub(r"//[^@]*@", f"//{role}:secret@", url)
    with pytest.raises(StoreUnavailable, match="contextd migrate --store URL"):
        asyncio.run(opened_and_closed(weak))
    asyncio.run(opened_and_closed(url))
    for what in GRANTS:
        postgres_server().sql(f"GRANT {what.format(name)} TO {role}")

    async def use() -> None:
        store = await open_store(weak + "&migrate=no")
        await store.append(KEY, Commit(RECORDS, 0))
        await store.put_vectors(KEY, "space", {1: b"one"})
        await store.delete(KEY)
        await store.aclose()

    asyncio.run(use())


GRANTS = (
    "USAGE ON SCHEMA {}",
    "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {}",
    "USAGE ON ALL SEQUENCES IN SCHEMA {}",
)


def test_a_daemon_that_must_not_migrate() -> None:
    """With migrate=no an older schema is refused, with the command to run, and left as it was."""
    name = postgres_server().new_name()
    with pytest.raises(StoreUnavailable, match=r"version 0, .*run `contextd migrate"):
        asyncio.run(opened_and_closed(postgres_server().url(name, migrate="no")))
    assert postgres_server().sql("SELECT 1 FROM pg_namespace WHERE nspname = $1", name) == []
