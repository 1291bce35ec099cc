"""Safeguards against what other processes do to a session or an account, and their tests."""

from __future__ import annotations

LOG = "contextd/stores/sqlite/log.py"
CONTRACT = "tests/conformance/test_stores.py::TestSqliteStore"
REPLACED = "tests/engine/test_replaced.py"
GUESSING = "tests/engine/test_guessing.py"
FORGOTTEN = "tests/engine/test_forgotten.py"

OTHERS = (
    (
        "any-session-under-the-key-is-written-to",
        LOG,
        "if not other and revision == entry.expected_revision:",
        "if revision == entry.expected_revision:",
        f"{CONTRACT}::test_another_one_under_its_key",
    ),
    (
        "nothing-new-of-another-session",
        "contextd/stores/sqlite/store.py",
        "is_newest(key, after, incarnation)",
        "is_newest(key, after)",
        f"{CONTRACT}::test_another_one_under_its_key",
    ),
    (
        "a-replaced-session-is-read-on",
        "contextd/engine/sessions.py",
        "read(hot.key, after, incarnation=incarnation)",
        "read(hot.key, after)",
        f"{REPLACED}::test_a_context_is_of_the_session_that_is_there",
    ),
    (
        "a-replaced-session-is-folded",
        "contextd/engine/fold.py",
        "view.state.revision, incarnation=which)",
        "view.state.revision)",
        f"{REPLACED}::test_a_fold_of_the_deleted_one_is_dropped",
    ),
    (
        "a-forgotten-account-is-read-on",
        "contextd/engine/accounts.py",
        "read_account(key, after, hot.state.incarnation)",
        "read_account(key, after)",
        f"{FORGOTTEN}::test_no_context_tells_what_was_forgotten",
    ),
    (
        "a-forgotten-account-is-written-to",
        "contextd/engine/account.py",
        "append_account(change.key, update, at, which)",
        "append_account(change.key, update, at)",
        f"{FORGOTTEN}::test_a_change_decided_on_what_was_forgotten_is_decided_anew",
    ),
    (
        "a-deleted-conversation-is-recalled",
        "contextd/engine/returning.py",
        "if listed != conversations:",
        "if False:",
        f"{FORGOTTEN}::test_a_conversation_deleted_elsewhere_is_not_recalled",
    ),
    (
        "vectors-of-whatever-stands-there",
        "contextd/engine/refining.py",
        "put_vectors(key, self._space, kept, of[key])",
        "put_vectors(key, self._space, kept)",
        "tests/engine/test_refining.py::test_vectors_of_a_session_replaced_at_the_last_are_not_kept",
    ),
    (
        "vectors-of-another-session",
        "contextd/engine/refining.py",
        "if not _says(view, piece.turn):",
        "if False:",
        "tests/engine/test_refining.py::test_vectors_of_a_session_replaced_elsewhere_are_not_kept",
    ),
    (
        "a-watch-follows-another-session",
        "contextd/engine/watch.py",
        "read(key, known.revision, RECORDS, known.incarnation)",
        "read(key, known.revision, RECORDS)",
        "tests/engine/test_watch.py::test_a_session_begun_anew_under_the_same_key_is_another_one",
    ),
    (
        "a-guess-answers-a-retry",
        "contextd/engine/record.py",
        "if before is not None and guessed:",
        "if False:",
        f"{GUESSING}::test_no_answer_is_given_of_a_session_that_another_has_ended",
    ),
    (
        "a-guess-refuses",
        "contextd/engine/record.py",
        "if not guessed:",
        "if True:",
        f"{GUESSING}::test_nothing_is_refused_for_what_is_no_more",
    ),
    (
        "somebody-else-s-account-is-told-of",
        "contextd/engine/build.py",
        "if account.state.key.account_id != (request.account_id or view.state.account_id):",
        "if False:",
        "tests/engine/test_at_hand.py::test_an_account_of_somebody_else_is_not_told_of",
    ),
)
"""The name, the file, what of it becomes what, and the test that notices."""
