"""Safeguards of a hot store before an archive, each with its change and the test that notices."""

from __future__ import annotations

STORE = "contextd/stores/tiered/store.py"
ARCHIVER = "contextd/stores/tiered/archiver.py"
TESTS = "tests/stores/test_tiered.py"
CONTRACT = "tests/conformance/test_tiered.py::TestTieredStore"

TIERED = (
    (
        "what-cannot-be-asked-does-not-exist",
        STORE,
        "        if not found and not after:\n            raise why\n",
        "",
        f"{TESTS}::test_the_hot_store_is_down",
    ),
    (
        "what-is-behind-stays-behind",
        STORE,
        "        if behind > self._terms.behind:",
        "        if False:",
        f"{TESTS}::test_the_archive_is_down",
    ),
    (
        "a-session-begins-where-the-archive-does-not-know-it",
        STORE,
        "        if commit.expected_revision == 0:\n            return await",
        "        if False:\n            return await",
        f"{TESTS}::test_a_session_begins_in_the_archive",
    ),
    (
        "an-index-lags-behind-its-write",
        STORE,
        "if next(changes, None) is None or not await",
        "if True or not await",
        f"{TESTS}::test_what_changes_an_index_is_there_at_once",
    ),
    (
        "anybody-ends-a-job",
        STORE,
        "if job is None or not lease.token or job.lease != lease.token:",
        "if job is None:",
        f"{CONTRACT}::test_work_completed_too_late",
    ),
    (
        "a-deletion-begins-in-the-archive",
        STORE,
        "            await self._hot.tier.doom(key, at_revision, incarnation)\n",
        "",
        f"{TESTS}::test_a_deletion_that_is_cut_short",
    ),
    (
        "what-the-archive-lost-stays-lost",
        ARCHIVER,
        "        if there >= tail.after:\n            return there\n",
        "        return max(there, tail.after + len(tail.records))\n",
        f"{TESTS}::test_the_archive_lost_its_end",
    ),
    (
        "what-was-doomed-is-left",
        ARCHIVER,
        "            if tail.doomed:\n                await",
        "            if False:\n                await",
        f"{TESTS}::test_a_deletion_that_is_cut_short",
    ),
)
