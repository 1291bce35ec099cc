-- The writes, each one call: what is looked at stays as it was seen until all is written.
--
-- A daemon of the release before this one goes on calling what it knows while others migrate.
-- So a later migration adds a function under another name; it never changes what one means.

-- Whoever turned waiting for the disk off for the role or the database did not mean us.
CREATE FUNCTION contextd.on_disk() RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END
$$;

-- The newest position in the inboxes of a tenant, which is ours to go on from until the end of
-- this transaction.  Whoever comes after waits, so positions are seen in their order; a sequence
-- would let a later one be seen first.
CREATE FUNCTION contextd.newest_position(tenant bytea) RETURNS bigint
LANGUAGE sql
AS $$
    SELECT newest FROM contextd.positions WHERE bucket = get_byte(sha256(tenant), 0) FOR UPDATE
$$;

-- The parts of one long value, by their lengths.  Drivers know the type of a plain value without
-- asking the server, which they would have to for an array, on each of their connections.
CREATE FUNCTION contextd.parts(p_whole bytea, p_lengths text)
RETURNS TABLE (n bigint, part bytea)
LANGUAGE sql IMMUTABLE
AS $$
    SELECT n, substring(p_whole, (sum(length) OVER (ORDER BY n) - length)::integer + 1, length)
    FROM unnest(p_lengths::integer[]) WITH ORDINALITY AS each (length, n)
$$;

CREATE FUNCTION contextd.append(
    p_tenant bytea, p_conversation bytea, p_expected integer,
    p_request bytea, p_digest bytea, p_incarnation bytea, p_begun bytea, p_hour integer,
    p_bodies bytea, p_lengths text,
    p_queue text, p_owner bytea, p_job bytea, p_token bytea,
    p_changes jsonb,
    OUT outcome text, OUT revision integer, OUT digest bytea
)
LANGUAGE plpgsql
AS $$
DECLARE
    head contextd.sessions;
    added integer := cardinality(p_lengths::integer[]);
BEGIN
    PERFORM contextd.on_disk();
    LOOP
        SELECT * INTO head FROM contextd.sessions AS s
        WHERE s.tenant = p_tenant AND s.conversation = p_conversation FOR NO KEY UPDATE;
        IF FOUND AND p_request <> '' THEN
            SELECT 'replayed', r.revision, r.digest INTO outcome, revision, digest
            FROM contextd.records AS r
            WHERE r.session = head.id AND r.request_id IS NOT NULL
                AND sha256(r.request_id) = sha256(p_request);
            IF FOUND THEN
                RETURN;
            END IF;
        END IF;
        revision := coalesce(head.revision, 0);
        IF revision <> p_expected
            OR (p_incarnation <> '' AND p_incarnation IS DISTINCT FROM head.incarnation)
        THEN
            outcome := 'conflict';
            RETURN;
        END IF;
        IF p_queue IS NOT NULL THEN
            PERFORM 1 FROM contextd.jobs AS j
            WHERE j.queue = p_queue AND contextd.key(j.tenant, j.job) = contextd.key(p_owner, p_job)
                AND j.lease = p_token AND p_token <> '' FOR UPDATE;
            IF NOT FOUND THEN
                outcome := 'lost';
                RETURN;
            END IF;
        END IF;
        EXIT WHEN head.id IS NOT NULL;
        INSERT INTO contextd.sessions (tenant, conversation, incarnation, revision, used)
        VALUES (p_tenant, p_conversation, p_begun, 0, 0)
        ON CONFLICT DO NOTHING RETURNING * INTO head;
        EXIT WHEN head.id IS NOT NULL;
    END LOOP;
    INSERT INTO contextd.records (session, revision, body, request_id, digest)
    SELECT
        head.id, p_expected + n, part,
        CASE WHEN n = added THEN nullif(p_request, '') END,
        CASE WHEN n = added AND p_request <> '' THEN p_digest END
    FROM contextd.parts(p_bodies, p_lengths);
    outcome := 'appended';
    revision := p_expected + added;
    UPDATE contextd.sessions AS s
    SET revision = append.revision, used = greatest(s.used, p_hour) WHERE s.id = head.id;
    IF p_changes <> '[]' THEN
        PERFORM contextd.change(head.id, p_tenant, p_changes);
    END IF;
END
$$;

-- What records bring beside their log, in their order; bytes come in hexadecimal.
CREATE FUNCTION contextd.change(p_session bigint, p_tenant bytea, p_changes jsonb) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    v_newest bigint;
    v record;
BEGIN
    IF p_changes @? '$[*].kind ? (@ == "filed" || @ == "moved")' THEN
        v_newest := contextd.newest_position(p_tenant);
    END IF;
    FOR v IN
        SELECT
            each ->> 'kind' AS kind, (each ->> 'revision')::integer AS revision,
            decode(each ->> 'id', 'hex') AS id, decode(each ->> 'who', 'hex') AS who,
            decode(each ->> 'text', 'hex') AS said, each ->> 'name' AS name,
            each ->> 'other' AS other, (each ->> 'at')::bigint AS at
        FROM jsonb_array_elements(p_changes) WITH ORDINALITY AS rows (each, n) ORDER BY n
    LOOP
        CASE v.kind
        WHEN 'filed' THEN
            v_newest := v_newest + 2;
            UPDATE contextd.handoffs
            SET status = 'superseded', changed_at = v.at, position = v_newest - 1
            WHERE session = p_session AND status = 'waiting';
            INSERT INTO contextd.handoffs VALUES (
                p_session, p_tenant, v.id, v.who, 'waiting', v.name, v.said,
                v.other, v.at, v.at, '', NULL, v_newest, v_newest
            )
            ON CONFLICT (contextd.key(tenant, handoff)) DO UPDATE SET
                session = excluded.session, account = excluded.account, status = 'waiting',
                reason = excluded.reason, headline = excluded.headline,
                channel_mode = excluded.channel_mode, raised_at = excluded.raised_at,
                changed_at = excluded.changed_at, agent = '', outcome = NULL,
                raised = excluded.raised, position = excluded.position;
        WHEN 'moved' THEN
            v_newest := v_newest + 1;
            UPDATE contextd.handoffs AS h
            SET status = v.name, changed_at = v.at,
                agent = CASE WHEN v.who = '' THEN h.agent ELSE v.who END,
                outcome = coalesce(v.other, h.outcome), position = v_newest
            WHERE contextd.key(h.tenant, h.handoff) = contextd.key(p_tenant, v.id);
        WHEN 'linked' THEN
            INSERT INTO contextd.account_conversations VALUES (
                p_session, p_tenant, v.id, nextval('contextd.links'), v.at, NULL, false
            )
            ON CONFLICT (session) DO UPDATE SET
                account = excluded.account, linked = excluded.linked,
                opened_at = excluded.opened_at, recap = NULL, closed = false;
        WHEN 'retitled' THEN
            UPDATE contextd.account_conversations SET recap = v.revision
            WHERE session = p_session;
        WHEN 'ended' THEN
            UPDATE contextd.account_conversations SET closed = true WHERE session = p_session;
        WHEN 'queued' THEN
            INSERT INTO contextd.jobs VALUES (
                v.name, p_tenant, v.id, p_session, v.at, 0, '', 0, false, ''
            )
            ON CONFLICT (queue, contextd.key(tenant, job)) DO UPDATE SET
                session = excluded.session, due_at = excluded.due_at, attempts = 0, lease = '',
                leased_until = 0, dead = false, error = '';
        WHEN 'done' THEN
            DELETE FROM contextd.jobs AS j
            WHERE j.queue = v.name
                AND contextd.key(j.tenant, j.job) = contextd.key(p_tenant, v.id);
        END CASE;
    END LOOP;
    UPDATE contextd.positions SET newest = v_newest
    WHERE bucket = get_byte(sha256(p_tenant), 0) AND v_newest IS NOT NULL;
END
$$;

-- All of a session, counted; with p_revision only while it is there, with p_incarnation only
-- while it is that one.
CREATE FUNCTION contextd.delete(
    p_tenant bytea, p_conversation bytea, p_revision integer, p_incarnation bytea,
    OUT conflict boolean, OUT revision integer, OUT sessions integer, OUT records integer,
    OUT request_ids integer, OUT vectors integer, OUT stretches integer, OUT handoffs integer,
    OUT jobs integer, OUT account_conversations integer
)
LANGUAGE plpgsql
AS $$
DECLARE
    head contextd.sessions;
BEGIN
    PERFORM contextd.on_disk();
    SELECT * INTO head FROM contextd.sessions AS s
    WHERE s.tenant = p_tenant AND s.conversation = p_conversation FOR UPDATE;
    revision := coalesce(head.revision, 0);
    conflict := (p_revision > 0 AND revision <> p_revision)
        OR (p_incarnation <> '' AND p_incarnation IS DISTINCT FROM head.incarnation);
    IF conflict THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT 1 FROM contextd.handoffs AS h WHERE h.session = head.id) THEN
        PERFORM contextd.newest_position(p_tenant);  -- in this order, or two wait for each other
    END IF;
    SELECT count(*) INTO request_ids FROM contextd.records AS r
    WHERE r.session = head.id AND r.request_id IS NOT NULL;
    DELETE FROM contextd.records AS r WHERE r.session = head.id;
    GET DIAGNOSTICS records = ROW_COUNT;
    DELETE FROM contextd.vectors AS v WHERE v.session = head.id;
    GET DIAGNOSTICS vectors = ROW_COUNT;
    DELETE FROM contextd.stretches AS t WHERE t.session = head.id;
    GET DIAGNOSTICS stretches = ROW_COUNT;
    DELETE FROM contextd.handoffs AS h WHERE h.session = head.id;
    GET DIAGNOSTICS handoffs = ROW_COUNT;
    DELETE FROM contextd.jobs AS j WHERE j.session = head.id;
    GET DIAGNOSTICS jobs = ROW_COUNT;
    DELETE FROM contextd.account_conversations AS c WHERE c.session = head.id;
    GET DIAGNOSTICS account_conversations = ROW_COUNT;
    DELETE FROM contextd.sessions AS s WHERE s.id = head.id;
    GET DIAGNOSTICS sessions = ROW_COUNT;
END
$$;

-- An account is ours until the end of this transaction: no row stands for all of it, so whoever
-- writes to one waits here for who came before.  Two accounts may share a lock; that does no harm.
CREATE FUNCTION contextd.lock_account(p_key bytea) RETURNS void
LANGUAGE sql
AS $$
    SELECT pg_advisory_xact_lock(('x' || encode(substring(p_key, 1, 8), 'hex'))::bit(64)::bigint)
$$;

-- One change of an account.
CREATE FUNCTION contextd.append_account(
    p_tenant bytea, p_account bytea, p_expected integer, p_body bytea,
    p_request bytea, p_digest bytea, p_incarnation bytea, p_begun bytea,
    OUT outcome text, OUT revision integer, OUT digest bytea
)
LANGUAGE plpgsql
AS $$
DECLARE
    v_key bytea := contextd.key(p_tenant, p_account);
    v_incarnation bytea;
BEGIN
    PERFORM contextd.on_disk();
    PERFORM contextd.lock_account(v_key);
    IF p_request <> '' THEN
        SELECT 'replayed', a.revision, a.digest INTO outcome, revision, digest
        FROM contextd.accounts AS a
        WHERE contextd.key(a.tenant, a.account) = v_key AND a.request_id IS NOT NULL
            AND sha256(a.request_id) = sha256(p_request);
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    SELECT coalesce(max(a.revision), 0), (array_agg(a.incarnation))[1]
    INTO revision, v_incarnation FROM contextd.accounts AS a
    WHERE contextd.key(a.tenant, a.account) = v_key;
    outcome := 'conflict';
    IF revision = p_expected
        AND (p_incarnation = '' OR p_incarnation IS NOT DISTINCT FROM v_incarnation)
    THEN
        outcome := 'appended';
        revision := p_expected + 1;
        INSERT INTO contextd.accounts VALUES (
            p_tenant, p_account, revision, p_body, nullif(p_request, ''),
            CASE WHEN p_request <> '' THEN p_digest END, coalesce(v_incarnation, p_begun)
        );
    END IF;
END
$$;

-- All changes of an account, counted.
CREATE FUNCTION contextd.delete_account(p_tenant bytea, p_account bytea, OUT gone bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    v_key bytea := contextd.key(p_tenant, p_account);
BEGIN
    PERFORM contextd.on_disk();
    PERFORM contextd.lock_account(v_key);
    DELETE FROM contextd.accounts AS a WHERE contextd.key(a.tenant, a.account) = v_key;
    GET DIAGNOSTICS gone = ROW_COUNT;
END
$$;
