"""What must hold when daemons share a PostgreSQL, how it goes, and the tests that notice."""

from __future__ import annotations

OWN = "tests/stores/test_postgres.py"
SCHEMA = "tests/stores/test_postgres_schema.py"
CONTRACT = "tests/conformance/test_stores.py::TestPostgresShared"
WRITING = "contextd/stores/sql/postgres/migrations/0003_writing.sql"

SHARED_IN_POSTGRES = (
    (
        "acknowledged-before-the-disk",
        WRITING,
        "set_config('synchronous_commit', 'on', true)",
        "set_config('synchronous_commit', 'off', true)",
        f"{OWN}::test_who_turned_waiting_for_the_disk_off_did_not_mean_us",
    ),
    (
        "positions-seen-out-of-order",
        WRITING,
        "get_byte(sha256(tenant), 0) FOR UPDATE",
        "get_byte(sha256(tenant), 0)",
        f"{OWN}::test_a_change_waits_for_the_one_before_it",
    ),
    (
        "sessions-unlocked",
        WRITING,
        "s.conversation = p_conversation FOR NO KEY UPDATE;",
        "s.conversation = p_conversation;",
        f"{CONTRACT}::test_shared_one_winner_each",
    ),
    (
        "accounts-unlocked",
        WRITING,
        "pg_advisory_xact_lock((",
        "abs((",
        f"{OWN}::test_an_account_is_not_deleted_under_a_change",
    ),
    (
        "jobs-given-twice",
        "contextd/stores/sql/postgres/queries.sql",
        " FOR UPDATE SKIP LOCKED",
        "",
        f"{CONTRACT}::test_shared_leases",
    ),
    (
        "future-schema-accepted",
        "contextd/stores/postgres/schema.py",
        "    if version > newest:\n",
        "    if version > newest + 1_000:\n",
        f"{SCHEMA}::test_a_schema_from_the_future",
    ),
)
