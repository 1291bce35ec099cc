"""The safeguards, each with the change that takes it away and the tests that must then go red."""

from __future__ import annotations

from dataclasses import dataclass

from tests.mutants.others import OTHERS
from tests.mutants.postgres import SHARED_IN_POSTGRES
from tests.mutants.redis import REDIS
from tests.mutants.tenancy import TENANCY
from tests.mutants.tiered import TIERED

STORE = "contextd/stores/sqlite"
FAULTS = "tests/stores/test_sqlite_faults.py"
LOSSES = "tests/crash/test_losses.py"
CONTRACT = "tests/conformance/test_stores.py::TestSqliteStore"
SQLITE = "tests/stores/test_sqlite.py"
RECORD = "tests/engine/test_record.py"
QUERIES = "contextd/stores/sql/sqlite/queries.sql"
POLICIES = "tests/engine/test_policies.py"
POLICY_E2E = "tests/acceptance/test_policy.py"


@dataclass(frozen=True)
class Edit:
    """In *file*, *old* (which must be there once) becomes *new*."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A safeguard taken away by *edits*; one of *tests*, as pytest names them, must go red.

    The `quick` ones are tried whenever the tests run.
    """

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    quick: bool = False


def mutant(name: str, file: str, old: str, new: str, *tests: str, quick: bool = False) -> Mutant:
    """Return a mutant of one edit."""
    return Mutant(name, (Edit(file, old, new),), tests, quick)


MUTANTS = (
    # ── what daemons share in PostgreSQL ──
    *(
        mutant(f"postgres-{name}", file, old, new, test)
        for name, file, old, new, test in SHARED_IN_POSTGRES
    ),
    # ── what is acknowledged is on disk ──
    mutant(
        "no-fsync",
        f"{STORE}/file.py",
        '"synchronous", "full"',
        '"synchronous", "off"',
        f"{LOSSES}::test_nothing_acknowledged_is_lost_without_power",
        quick=True,
    ),
    mutant(
        "fsync-at-checkpoints-only",
        f"{STORE}/file.py",
        '"synchronous", "full"',
        '"synchronous", "normal"',
        f"{LOSSES}::test_nothing_acknowledged_is_lost_without_power",
    ),
    Mutant(
        "acknowledge-before-commit",
        (
            Edit(
                f"{STORE}/database.py",
                '        self._connection.execute("BEGIN IMMEDIATE")\n',
                "        if self._connection.in_transaction:\n"
                '            self._connection.execute("COMMIT")\n'
                '        self._connection.execute("BEGIN IMMEDIATE")\n',
            ),
            Edit(
                f"{STORE}/database.py",
                '            self._connection.execute("COMMIT")\n        except',
                "        except",
            ),
        ),
        (f"{LOSSES}::test_nothing_acknowledged_is_lost_without_power",),
    ),
    mutant(
        "acknowledge-a-failed-group",
        f"{STORE}/writer.py",
        "            outcomes = [translated(error) for _ in jobs]\n",
        "            outcomes = [None for _ in jobs]\n",
        f"{FAULTS}::test_a_failed_commit",
    ),
    mutant(
        "go-on-after-a-failed-sync",
        f"{STORE}/writer.py",
        "        except (apsw.Error, ContextdError) as error:\n            self._drop()\n",
        "        except (apsw.Error, ContextdError) as error:\n",
        f"{FAULTS}::test_healing_syncs_the_database_itself",
    ),
    mutant(
        "no-proof-at-opening",
        f"{STORE}/opening.py",
        "        database.prove()\n",
        "",
        f"{FAULTS}::test_healing_syncs_the_database_itself",
    ),
    mutant(
        "no-rewritten-wal",
        f"{STORE}/opening.py",
        "            file.rewrite_wal(path, vfs)\n",
        "",
        f"{LOSSES}::test_an_opening_that_failed_is_not_built_on[20]",
    ),
    mutant(
        "checkpoint-at-every-close",
        f"{STORE}/database.py",
        "NO_CKPT_ON_CLOSE, not tidy)",
        "NO_CKPT_ON_CLOSE, False)",
        f"{FAULTS}::test_closing_after_a_failed_sync_trusts_no_second_one",
    ),
    mutant(
        "half-a-commit",
        f"{STORE}/log.py",
        "            with self._do.whole():\n"
        "                session = session or self._open_session(entry)\n"
        "                self._add(session, revision, entry)\n"
        "                self._add_beside(session, entry)\n",
        "            session = session or self._open_session(entry)\n"
        "            self._add(session, revision, entry)\n"
        "            self._add_beside(session, entry)\n",
        f"{SQLITE}::test_an_answered_id_lets_no_part_of_a_commit_in",
    ),
    mutant(
        "two-daemons-on-one-file",
        f"{STORE}/file.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        f"{SQLITE}::test_one_process_at_a_time",
    ),
    mutant(
        "no-checksum",
        "contextd/stores/codec.py",
        "!= checksum:",
        "!= checksum and False:",
        "tests/stores/test_codec.py::test_every_flipped_bit_is_found",
    ),
    mutant(
        "gaps-in-a-log",
        f"{STORE}/log.py",
        "if found != list(range(after + 1, newest + 1)):",
        "if False:",
        f"{SQLITE}::test_a_lost_record_is_noticed",
    ),
    # ── deleted is gone ──
    mutant(
        "no-zeros",
        f"{STORE}/file.py",
        '"secure_delete", "on"',
        '"secure_delete", "off"',
        f"{SQLITE}::test_deleted_text_is_in_no_file",
    ),
    mutant(
        "deleted-stays-in-the-wal",
        f"{STORE}/writer.py",
        "        self._scrub_due |= any(job.scrub for job in jobs)\n",
        "",
        f"{SQLITE}::test_deleted_text_is_in_no_file",
        f"{FAULTS}::test_a_deletion_that_could_not_scrub_says_so",
    ),
    mutant(
        "deleted-stays-in-the-middle",
        f"{STORE}/opening.py",
        "copier = file.connect(path, bare.name)",
        "copier = file.connect(path, vfs)",
        "tests/stores/test_sqlite_erasure.py"
        "::test_a_checkpoint_leaves_nothing_in_the_middles_of_pages",
    ),
    mutant(
        "maps-are-taken-for-trees",
        f"{STORE}/remains.py",
        "return pages < FEW_PAGES and not maps",
        "return pages < FEW_PAGES",
        "tests/stores/test_sqlite_others.py::test_a_file_with_maps_of_pointers_stays_whole",
    ),
    # ── exactly once ──
    mutant(
        "no-dedupe-in-the-store",
        f"{STORE}/log.py",
        'self._do.row("find_request", session, entry.request_id) if entry.request_id else None',
        "None",
        f"{CONTRACT}::test_replay",
    ),
    mutant(
        "same-id-other-body",
        f"{STORE}/log.py",
        "if digest != entry.digest:",
        "if False:",
        f"{CONTRACT}::test_request_id_reused",
    ),
    mutant(
        "no-dedupe-in-the-engine",
        "contextd/engine/writing.py",
        "before = state.answered(request_id)",
        "before = None",
        f"{RECORD}::test_retry_gets_the_first_answer",
        quick=True,
    ),
    mutant(
        "a-hang-up-stops-the-write",
        "contextd/engine/writing.py",
        "return await asyncio.shield(task)",
        "return await task",
        f"{RECORD}::test_a_write_that_has_begun_is_finished_without_its_caller",
    ),
    # ── one order ──
    mutant(
        "any-revision-will-do",
        f"{STORE}/log.py",
        "if not other and revision == entry.expected_revision:",
        "if not other:",
        f"{CONTRACT}::test_stale_revision",
    ),
    *(mutant(*each) for each in OTHERS),
    mutant(
        "the-callers-revision-is-ignored",
        "contextd/engine/record.py",
        "at = view.state.revision if expected is None else expected",
        "at = view.state.revision",
        f"{RECORD}::test_expected_revision_is_enforced",
    ),
    mutant(
        "any-fold-is-published",
        "contextd/engine/fold.py",
        "if _standing(view) != before:",
        "if False:",
        "tests/engine/test_fold.py::test_two_folders_publish_one_fold",
    ),
    mutant(
        "newest-known-though-it-failed",
        f"{STORE}/store.py",
        "        except BaseException:\n            self._heads.forget(key)\n            raise\n"
        "        if not appended",
        "        except BaseException:\n            raise\n        if not appended",
        f"{FAULTS}::test_a_conflict_can_be_resolved",
    ),
    mutant(
        "any-durability-is-promised",
        "contextd/engine/record.py",
        "if asked is not None and asked > reached:",
        "if False:",
        f"{RECORD}::test_a_stronger_durability_than_the_store_has_is_refused",
    ),
    # ── each tenant its own ──
    mutant(
        "no-tenant-in-the-list",
        QUERIES,
        "WHERE tenant = ?1 AND conversation > ?2",
        "WHERE ?1 = ?1 AND conversation > ?2",
        f"{CONTRACT}::test_paging",
    ),
    mutant(
        "no-tenant-in-a-session",
        QUERIES,
        "used, incarnation FROM sessions WHERE tenant = ?1 AND conversation = ?2",
        "used, incarnation FROM sessions WHERE ?1 = ?1 AND conversation = ?2",
        f"{CONTRACT}::test_ids_compare_byte_for_byte",
    ),
    *(
        mutant(f"no-tenant-in-{name}", QUERIES, old, new, f"{CONTRACT}::{test}")
        for name, old, new, test in TENANCY
    ),
    *(mutant(f"redis-{name}", *rest) for name, *rest in REDIS),
    *(mutant(f"tiered-{name}", *rest) for name, *rest in TIERED),
    mutant(
        "any-credential-for-any-tenant",
        "contextd/policy/access.py",
        "if principal.tenants is None or asked in principal.tenants:",
        "if True:",
        "tests/policy/test_access.py::test_another_tenant_is_denied",
    ),
    mutant(
        "a-token-never-ends",
        "contextd/auth/authenticator.py",
        "if token.until <= self._clock():",
        "if False:",
        "tests/auth/test_authenticator.py::test_a_static_token_ends",
    ),
    mutant(
        "any-method-for-any-credential",
        "contextd/rpc/gate.py",
        "if principal.methods is not None and method not in principal.methods:",
        "if False:",
        "tests/rpc/test_gate.py::test_a_credential_may_be_for_some_methods_only",
    ),
    # ── no more than there is room for ──
    mutant(
        "no-bound-on-writes",
        f"{STORE}/writer.py",
        "if self._queue.qsize() >= self._max_pending:",
        "if False:",
        f"{FAULTS}::test_too_many_waiting",
    ),
    mutant(
        "everybody-waits",
        "contextd/rpc/lines.py",
        "return ahead >= self._lines[priority].room",
        "return False",
        "tests/rpc/test_admission.py::test_a_full_queue_refuses_at_once",
    ),
    mutant(
        "late-calls-wait-on",
        "contextd/rpc/admission.py",
        "if remaining is not None and oldest is not None and now - oldest > remaining:",
        "if False:",
        "tests/rpc/test_admission.py::test_no_call_waits_in_vain",
    ),
    mutant(
        "a-closed-door-lets-in",
        "contextd/rpc/admission.py",
        "        if self._closed:\n            raise Draining\n",
        "",
        "tests/rpc/test_admission.py::test_a_closed_door",
    ),
    # ── stored text is data ──
    mutant(
        "stored-text-begins-a-line",
        "contextd/policy/quoting.py",
        "    if not text.isprintable():\n"
        '        text = _CONTROL.sub(" ", text)\n'
        '    return " ".join(text.split())\n',
        "    return text\n",
        "tests/policy/test_quoting.py::test_nothing_stored_begins_a_line",
    ),
    # ── a stored index is that of these turns ──
    mutant(
        "take-any-stretch",
        "contextd/policy/retrieval/packed_stretch.py",
        " or of != _print(turns)",
        "",
        "tests/engine/test_keeping.py::test_a_session_begun_anew_takes_nothing_of_the_old",
        quick=True,
    ),
    mutant(
        "keep-what-was-deleted",
        "contextd/engine/keeping.py",
        "first, body, state.incarnation)",
        "first, body)",
        "tests/engine/test_keeping.py::test_nothing_is_stored_of_a_session_deleted_meanwhile",
    ),
    mutant(
        "stretches-outlive-their-session",
        f"{STORE}/log.py",
        'stretches = self._do.run("delete_stretches", session)',
        "stretches = 2",
        f"{CONTRACT}::test_stretches_go_with_their_session",
        f"{SQLITE}::test_what_was_computed_of_a_deleted_session_is_in_no_file",
    ),
    # ── a policy decides its own calls, and nothing made by another one shows ──
    mutant(
        "memory-outlives-its-policy",
        "contextd/engine/sessions.py",
        "        if self.memory.policy_hash != policy.hash:\n",
        "        if not self.memory.policy_hash:\n",
        f"{POLICIES}::test_after_a_change_a_session_answers_as_one_that_never_knew_another_policy",
    ),
    mutant(
        "one-memory-for-old-and-new-calls",
        "contextd/engine/sessions.py",
        "            self.memory, self.weighed = Memory(policy.hash), (0, 0)\n",
        "            self.memory.policy_hash = policy.hash\n"
        "            self.memory.folds.clear()\n",
        f"{POLICIES}::test_an_old_call_leaves_nothing_to_new_ones",
    ),
    mutant(
        "passages-of-another-length",
        "contextd/engine/sessions.py",
        "        if self.passage_words not in (0, passage_words):\n",
        "        if passage_words < 0:\n",
        f"{POLICIES}::test_other_passages_are_cut_and_refined_anew",
    ),
    mutant(
        "two-runs-in-one-index",
        "contextd/engine/indexing.py",
        "            if view.index is not index:\n                return False\n",
        "            index = view.index\n",
        f"{POLICIES}::test_an_index_that_is_replaced_while_it_is_made_is_not_made_further",
    ),
    mutant(
        "policy-asked-in-the-middle",
        "contextd/engine/build.py",
        "            view, call.request, call.policy, now=now,",
        "            view, call.request, self.policies.of(call.request.key.tenant_id), now=now,",
        f"{POLICIES}::test_a_call_that_has_begun_goes_on_by_the_policy_it_began_with",
    ),
    mutant(
        "a-retry-told-todays-policy",
        "contextd/policy/answers.py",
        "            policy_hash=self._policies[policy],\n",
        "            policy_hash=self._policies[-1],\n",
        "tests/policy/test_answers.py",
    ),
    mutant(
        "a-bad-policy-put-in-force",
        "contextd/config/policy_file.py",
        "    if wrong:\n        raise ConfigInvalid",
        "    if not document:\n        raise ConfigInvalid",
        f"{POLICY_E2E}::test_a_broken_version_leaves_the_last_good_one_in_force",
    ),
    mutant(
        "a-changed-policy-left-alone",
        "contextd/app/policies.py",
        "        in_force.use(read.policies)\n",
        "",
        f"{POLICY_E2E}::test_a_swapped_config_map_takes_effect",
    ),
    # ── who has a conversation ──
    mutant(
        "the-assistant-speaks-beside-a-human",
        "contextd/engine/writing.py",
        "        check_turns(view.state.owner, (turn.role for turn in draft.turns))\n",
        "",
        "tests/engine/test_handoffs.py::test_while_a_human_has_it_the_assistant_is_silent",
        quick=True,
    ),
    mutant(
        "a-claimed-handoff-is-claimed-again",
        "contextd/policy/ownership.py",
        "    if owner.agent and owner.agent != agent and not take_over:\n"
        "        raise HandoffTaken(owner.agent)\n",
        "",
        "tests/engine/test_handoffs.py::test_of_many_who_claim_at_once_one_gets_it",
    ),
    mutant(
        "old-calls-for-a-human-hand-over-again",
        "contextd/policy/judgement/escalation.py",
        "first = max(raised_at, state.owner.ended_through, len(state.turns) - turns)",
        "first = max(0, len(state.turns) - turns)",
        "tests/policy/prompt/test_handed_back.py"
        "::test_the_old_call_for_a_human_hands_over_no_more_and_a_new_one_does",
    ),
    mutant(
        "old-folds-tell-what-was-settled",
        "contextd/policy/prompt/blocks.py",
        "    fold = after_handoffs(fold, state.owner)  # it may have been made before they ended\n",
        "",
        "tests/policy/prompt/test_handed_back.py"
        "::test_a_standing_order_for_a_human_ends_with_the_stretch",
    ),
    # ── watches ──
    mutant(
        "who-does-not-read-is-waited-for",
        "contextd/rpc/streams.py",
        "async with asyncio.timeout(self.watches.limits.stall_seconds):",
        "async with asyncio.timeout(None):",
        "tests/rpc/test_streams.py::test_a_watcher_that_stops_reading_is_told_and_may_go_on",
    ),
    mutant(
        "a-drain-waits-for-watches",
        "contextd/rpc/server.py",
        "        self._calls.watches.drain()\n",
        "",
        "tests/rpc/test_streams.py::test_a_drain_ends_watches_with_its_reason",
    ),
    mutant(
        "a-watch-outlives-its-credential",
        "contextd/rpc/streams.py",
        "                self.gate.claim(self.gate.identify(stream.name, context), "
        "stream.scope(message))\n",
        "",
        "tests/rpc/test_streams.py::test_a_watch_ends_with_the_credential_it_began_with",
    ),
    mutant(
        "a-write-wakes-nobody",
        "contextd/engine/writing.py",
        "        self.changes.wrote(key, commit.records)\n",
        "",
        "tests/engine/test_watch.py"
        "::test_what_is_written_is_told_at_once_and_the_end_with_the_session",
    ),
    # ── what comes from a file ──
    mutant(
        "an-import-takes-any-log",
        "contextd/engine/moving.py",
        "        check_log(request.key, request.records, now=self.clock(), "
        "first_line=request.first_line)\n",
        "",
        "tests/engine/test_moving.py::test_who_has_a_conversation_cannot_be_forged",
    ),
    mutant(
        "an-import-believes-the-tokens",
        "contextd/engine/moving.py",
        "replace(turn, tokens=count_turn(turn, tokenizer))",
        "turn",
        "tests/engine/test_moving.py::test_tokens_are_counted_here",
    ),
    mutant(
        "an-import-takes-the-handoffs-of-others",
        "contextd/engine/moving.py",
        "        await self._check_ids(hot.key, request, records)\n",
        "",
        "tests/engine/test_moving.py::test_a_handoff_of_another_session_is_not_taken",
    ),
    mutant(
        "an-import-goes-over-what-is-there",
        "contextd/engine/moving.py",
        "                raise SessionExists\n",
        "                pass\n",
        "tests/engine/test_moving.py::test_again_is_no_error_and_another_is",
    ),
    mutant(
        "an-import-rings-the-desk-again",
        "contextd/engine/moving.py",
        "        return replace(record, announce=False)\n",
        "        return record\n",
        "tests/engine/test_moving.py::test_what_was_open_is_open",
    ),
    mutant(
        "an-upload-is-for-any-tenant",
        "contextd/rpc/uploads.py",
        "tenant = self.gate.claim(principal, upload.scope(first))",
        "tenant = upload.scope(first).tenant_id",
        "tests/rpc/test_archives.py::test_the_tenant_is_the_credentials",
    ),
    mutant(
        "an-import-has-no-bounds",
        "contextd/rpc/archives.py",
        "    _check(found, limits)\n",
        "",
        "tests/rpc/test_archives.py::test_bounds_are_those_of_a_request",
    ),
    mutant(
        "an-import-is-free",
        "contextd/rpc/uploads.py",
        "self.gate.enter(tenant, upload.turns(received))",
        "self.gate.enter(tenant, 0)",
        "tests/rpc/test_archives.py::test_imported_turns_count",
    ),
    mutant(
        "a-cut-file-is-whole",
        "contextd/archive.py",
        "        if not self._ended:\n",
        "        if False:\n",
        "tests/test_archive.py::test_what_is_wrong_is_named",
    ),
    # ── what nobody uses ──
    mutant(
        "an-erasure-does-not-look-again",
        "contextd/engine/inspect.py",
        "idle.account_id, idle.revision, idle.incarnation)",
        "idle.account_id, 0, idle.incarnation)",
        "tests/engine/test_expire.py::test_who_speaks_in_the_last_moment_keeps_the_session",
    ),
    mutant(
        "an-erasure-takes-whatever-stands-there",
        "contextd/engine/inspect.py",
        "idle.account_id, idle.revision, idle.incarnation)",
        "idle.account_id, idle.revision)",
        "tests/engine/test_expire.py::test_a_session_begun_anew_is_not_erased_for_the_one_before",
    ),
    mutant(
        "what-is-open-is-erased",
        "contextd/engine/expire.py",
        "if idle.open and not rules.erase_open:",
        "if False:",
        "tests/engine/test_expire.py::test_what_is_open_stays_until_it_has_ended",
    ),
    mutant(
        "one-time-to-live-for-all",
        "contextd/engine/expire.py",
        "if not rules.keep_days or idle.used_before > now - rules.keep_days * DAY:",
        "if not rules.keep_days:",
        "tests/engine/test_expire.py::test_each_tenant_has_its_own_time",
    ),
    mutant(
        "own-work-keeps-a-session",
        "contextd/projections.py",
        "OWN_WORK = (Folded, Summarized, Recapped)",
        "OWN_WORK = ()",
        f"{CONTRACT}::test_own_work_is_no_use",
    ),
    mutant(
        "an-id-outlives-its-conversation",
        "contextd/engine/writing.py",
        'ContactRepeated(now, replace(repeat, conversation_id=""))',
        "ContactRepeated(now, repeat)",
        "tests/engine/test_returning.py::test_the_id_of_a_deleted_conversation_goes_with_it",
    ),
)
