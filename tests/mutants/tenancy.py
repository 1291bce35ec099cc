"""Statements of the SQLite store that must not forget the tenant, and the tests that notice."""

from __future__ import annotations

TENANCY = (
    (
        "a-handoff",
        "WHERE handoffs.tenant = ?1 AND handoff = ?2",
        "WHERE ?1 = ?1 AND handoff = ?2",
        "test_inbox_is_where_the_log_is",
    ),
    (
        "a-change-of-a-handoff",
        "WHERE tenant = ?1 AND handoff = ?2",
        "WHERE ?1 = ?1 AND handoff = ?2",
        "test_inbox_of_each_tenant",
    ),
    (
        "the-inbox",
        "WHERE tenant = ?1 AND status = ?4 AND raised > ?2",
        "WHERE ?1 = ?1 AND status = ?4 AND raised > ?2",
        "test_inbox_pages",
    ),
    (
        "what-a-watch-tells",
        "WHERE handoffs.tenant = ?1 AND position > ?2",
        "WHERE ?1 = ?1 AND position > ?2",
        "test_inbox_tells_changes",
    ),
    (
        "what-is-lent",
        "WHERE queue = ?1 AND tenant = ?6 AND dead = 0",
        "WHERE queue = ?1 AND ?6 = ?6 AND dead = 0",
        "test_work_lease_of_a_tenant",
    ),
    (
        "what-is-postponed",
        "leased_until = 0, error = ?6\nWHERE queue = ?1 AND tenant = ?2",
        "leased_until = 0, error = ?6\nWHERE queue = ?1 AND ?2 = ?2",
        "test_work_of_each_tenant",
    ),
    (
        "what-is-given-up",
        "dead = 1, error = ?5\nWHERE queue = ?1 AND tenant = ?2",
        "dead = 1, error = ?5\nWHERE queue = ?1 AND ?2 = ?2",
        "test_work_of_each_tenant",
    ),
    (
        "what-is-done",
        "DELETE FROM jobs\nWHERE queue = ?1 AND tenant = ?2",
        "DELETE FROM jobs\nWHERE queue = ?1 AND ?2 = ?2",
        "test_work_ends_for_each_tenant",
    ),
    (
        "what-is-sent-again",
        "WHERE queue = ?1 AND tenant = ?2 AND job = ?3 AND dead = 1",
        "WHERE queue = ?1 AND ?2 = ?2 AND job = ?3 AND dead = 1",
        "test_work_ends_for_each_tenant",
    ),
    (
        "a-job",
        "WHERE queue = ?1 AND jobs.tenant = ?2 AND job = ?3",
        "WHERE queue = ?1 AND ?2 = ?2 AND job = ?3",
        "test_work_of_each_tenant",
    ),
    (
        "the-jobs",
        "WHERE queue = ?1 AND jobs.tenant = ?2 AND dead = ?3",
        "WHERE queue = ?1 AND ?2 = ?2 AND dead = ?3",
        "test_work_pages",
    ),
    (
        "what-is-known-of-an-account",
        "WHERE tenant = ?1 AND account = ?2 AND (revision = 1",
        "WHERE ?1 = ?1 AND account = ?2 AND (revision = 1",
        "test_account_ids_compare_byte_for_byte",
    ),
    (
        "the-conversations-of-an-account",
        "WHERE account_conversations.tenant = ?1 AND account = ?2",
        "WHERE ?1 = ?1 AND account = ?2",
        "test_account_knows_its_conversations",
    ),
)
"""What is found or changed, the statement's part with the tenant, without it, and the test."""
