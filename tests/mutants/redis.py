"""Safeguards of the Redis store, each with its file, the change, and the test that notices."""

from __future__ import annotations

APPEND = "contextd/stores/lua/append.lua"
CODE = "contextd/stores/redis"
CONTRACT = "tests/conformance/test_redis.py::TestRedisStore"
BEFORE = "tests/conformance/test_redis.py::TestRedisBeforeAnArchive"
FAULTS = "tests/stores/test_redis_faults.py"
LEVELS = "tests/stores/test_redis_durability.py"
OPENING = "tests/stores/test_redis_opening.py"

REDIS = (
    (
        "another-end-is-written-on",
        APPEND,
        "if last ~= '' and not ends_with",
        "if false and not ends_with",
        f"{FAULTS}::test_a_log_that_got_another_end",
    ),
    (
        "another-end-is-read-on",
        "contextd/stores/lua/read.lua",
        "if ARGV[4] ~= '' and not ends_with",
        "if false and not ends_with",
        f"{FAULTS}::test_a_log_that_got_another_end",
    ),
    (
        "more-than-there-is-was-seen",
        f"{CODE}/store.py",
        "(incarnation and after > revision)",
        "False",
        f"{FAULTS}::test_a_log_that_lost_its_end",
    ),
    (
        "a-request-is-done-twice",
        APPEND,
        "local answered = call('HGET', requests_key(sid), request)",
        "local answered = nil",
        f"{CONTRACT}::test_replay",
    ),
    (
        "a-request-id-means-anything",
        APPEND,
        "        if of ~= digest then return { 'reused' } end\n",
        "",
        f"{CONTRACT}::test_request_id_reused",
    ),
    (
        "any-revision-will-do",
        APPEND,
        "if current ~= expected or (",
        "if (",
        f"{CONTRACT}::test_stale_revision",
    ),
    (
        "any-session-will-do",
        APPEND,
        "(meant ~= '' and meant ~= (known.incarnation or ''))",
        "false",
        f"{CONTRACT}::test_another_one_under_its_key",
    ),
    (
        "a-lost-lease-will-do",
        APPEND,
        "    if not held(queue, jid, lease) then return { 'lost' } end\n",
        "",
        f"{CONTRACT}::test_work_goes_with_its_session",
    ),
    (
        "a-repeat-is-another-writer",
        APPEND,
        "if known.token == token then",
        "if false then",
        f"{FAULTS}::test_an_answer_that_was_lost",
    ),
    (
        "a-shorter-log-is-written-on",
        APPEND,
        "if call('LLEN', log_key(sid)) ~= tonumber(current) then return { 'corrupt' } end\n",
        "",
        f"{FAULTS}::test_damage",
    ),
    (
        "a-shorter-log-is-read",
        f"{CODE}/store.py",
        "if length != revision:",
        "if False:",
        f"{FAULTS}::test_damage",
    ),
    (
        "half-a-write-in-full-memory",
        APPEND,
        "#!lua\n",
        "#!lua flags=allow-oom\n",
        f"{FAULTS}::test_memory_that_is_used_up",
    ),
    (
        "half-of-a-moving-shard-is-served",
        f"{CODE}/servers.py",
        '{"allow_redirections": False}',
        "{}",
        f"{FAULTS}::test_a_shard_that_moves",
    ),
    (
        "a-dead-server-is-asked-again",
        f"{CODE}/line.py",
        "if self._breaker.open:",
        "if False:",
        f"{FAULTS}::test_a_server_that_is_gone_is_left_alone",
    ),
    (
        "no-replica-is-enough",
        f"{CODE}/line.py",
        "replicas >= self._servers.replicas",
        "replicas >= 0",
        f"{LEVELS}::test_a_write_that_no_replica_has",
    ),
    (
        "replicas-without-the-disk",
        f"{CODE}/opening.py",
        'not in {"", "memory"} and not synced',
        '== "fsync" and not synced',
        f"{LEVELS}::test_a_server_that_does_not_sync",
    ),
    (
        "keys-may-be-dropped",
        f"{CODE}/opening.py",
        'and policy != "noeviction"',
        'and policy == ""',
        f"{OPENING}::test_what_a_server_may_not_be",
    ),
    (
        "an-old-copy-comes-back",
        "contextd/stores/lua/restore.lua",
        "if call('GET', reservation_key(sid)) ~= ARGV[4] then return 0 end\n",
        "",
        f"{BEFORE}::test_nothing_comes_back_from_a_deletion",
    ),
    (
        "evicted-before-it-is-archived",
        "contextd/stores/lua/evict.lua",
        " or known.archived ~= ARGV[4]",
        "",
        f"{BEFORE}::test_evicted_only_when_archived",
    ),
    (
        "a-doomed-session-is-written-to",
        APPEND,
        "if hot == '1' and call('ZSCORE', DOOMED, sid) then return { 'doomed' } end\n",
        "",
        f"{BEFORE}::test_doomed",
    ),
    (
        "a-level-that-was-missed",
        "contextd/engine/record.py",
        "request.durability is not None and request.durability > reached",
        "False",
        "tests/engine/test_record.py::test_a_durability_that_was_asked_for_and_missed",
    ),
    (
        "a-retry-takes-the-best-for-granted",
        "contextd/engine/record.py",
        "if store.durability is not Durability.REPLICATED:",
        "if store.durability:",
        "tests/engine/test_record.py::test_the_durability_that_was_reached_is_told",
    ),
)
