-- Appending under one lock: the order of positions is the order of commits.

-- Takes n positions and returns the last one before them. Only under the append lock.
--
-- Samples commit without a flush, so a crash can take back positions that readers have passed. `reserved` is therefore
-- raised, and flushed, before a position above it is used; a crash recovery empties log_head, and the first append after
-- it jumps to the ceiling.
CREATE FUNCTION take_positions(n bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    last    bigint;
    ceiling bigint;
BEGIN
    SELECT last_value INTO STRICT last FROM log_positions;
    SELECT reserved INTO STRICT ceiling FROM log_meta;
    IF NOT EXISTS (SELECT FROM log_head) THEN
        last := greatest(last, ceiling);
        INSERT INTO log_head DEFAULT VALUES;
    END IF;
    IF last + n > ceiling THEN
        IF current_setting('synchronous_commit') = 'off' THEN
            PERFORM set_config('synchronous_commit', 'on', true);
        END IF;
        UPDATE log_meta SET reserved = last + n + 100000;
    END IF;
    -- Never rolled back: what follows may fail, but no position is taken twice.
    PERFORM setval('log_positions', last + n);
    RETURN last;
END $$;

-- Appends a batch of commands as one statement, so that a stalled client never holds the lock.
--
-- c_ describes the commands, f_ their facts in order, k_ and r_ the info hashes that they claim and release; the
-- numbers in f_command, k_command and r_command count commands from 1. No two commands of a batch share a stream, a
-- command id or an info hash: the writer sees to it.
--
-- Trusting (checked is false), any violation fails the whole batch: nothing is written, and the caller comes again with
-- checked set. Checked, each command gets a verdict, refused ones are left out and the rest is appended.
--
-- The positions follow `base`, fact by fact, in the order of the commands that were appended. `versions` and `positions`
-- are those of the streams before the append; trusting, `positions` is there only if a command has no facts.
CREATE FUNCTION append(
    checked boolean,
    c_stream text[], c_expected bigint[], c_facts integer[], c_id uuid[], c_fingerprint bytea[], c_result text[],
    f_command integer[], f_version bigint[], f_schema_version smallint[], f_kind text[], f_data text[], f_meta text[],
    k_command integer[], k_hash text[],
    r_command integer[], r_hash text[],
    OUT base bigint, OUT stamp timestamptz,
    OUT verdicts text[], OUT versions bigint[], OUT positions bigint[], OUT taken text[], OUT takers text[]
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
SET lock_timeout = '10s'
SET revaer.appending = 'yes'
AS $$
DECLARE
    total bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append() needs snapshots younger than its lock, hence READ COMMITTED'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    -- A statement of its own: the snapshots of those below are younger than the lock.
    PERFORM pg_advisory_xact_lock(8245925716347);
    stamp := clock_timestamp();

    IF checked THEN
        SELECT array_agg(judged.verdict ORDER BY judged.i), array_agg(judged.version ORDER BY judged.i),
               array_agg(judged.position ORDER BY judged.i), array_agg(judged.info_hash ORDER BY judged.i),
               array_agg(judged.holder ORDER BY judged.i),
               coalesce(sum(judged.facts) FILTER (WHERE judged.verdict = 'appended'), 0)
        INTO verdicts, versions, positions, taken, takers, total
        FROM (
            SELECT c.i, c.facts, coalesce(newest.version, 0) AS version, coalesce(newest.position, 0) AS position,
                   held.info_hash, held.holder,
                   -- The command id first: a repeat is a repeat even though its version is old by now.
                   CASE WHEN recorded.command_id IS NOT NULL THEN 'recorded'
                        WHEN coalesce(newest.version, 0) <> c.expected THEN 'version_conflict'
                        WHEN held.holder IS NOT NULL THEN 'claimed'
                        ELSE 'appended' END AS verdict
            FROM unnest(c_stream, c_expected, c_facts, c_id) WITH ORDINALITY AS c (stream, expected, facts, id, i)
            LEFT JOIN LATERAL (
                SELECT commands.command_id FROM commands WHERE commands.command_id = c.id LIMIT 1
            ) AS recorded ON true
            LEFT JOIN LATERAL (
                SELECT events.version, events.position FROM events
                WHERE events.stream_id = c.stream ORDER BY events.version DESC LIMIT 1
            ) AS newest ON true
            LEFT JOIN LATERAL (
                SELECT claims.info_hash, claims.stream_id AS holder
                FROM unnest(k_command, k_hash) AS k (command, hash)
                JOIN claims ON claims.info_hash = k.hash
                WHERE k.command = c.i AND claims.stream_id <> c.stream LIMIT 1
            ) AS held ON true
        ) AS judged;
    ELSE
        -- The unique constraint alone would accept version 7 after version 1, and a command without facts at any.
        -- A scalar subquery, because EXISTS may be planned as a hash of the whole table.
        IF EXISTS (
            SELECT FROM unnest(c_stream, c_expected) AS c (stream, expected)
            WHERE c.expected <> coalesce((SELECT events.version FROM events WHERE events.stream_id = c.stream
                                          ORDER BY events.version DESC LIMIT 1), 0)
        ) THEN
            RAISE EXCEPTION 'a stream is not at the expected version' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF 0 = ANY (c_facts) THEN
            SELECT array_agg(coalesce((SELECT events.position FROM events WHERE events.stream_id = c.stream
                                       ORDER BY events.version DESC LIMIT 1), 0) ORDER BY c.i)
            INTO positions FROM unnest(c_stream) WITH ORDINALITY AS c (stream, i);
        END IF;
        total := cardinality(f_kind);
    END IF;

    IF total > 0 THEN
        base := take_positions(total);
        INSERT INTO events (position, stream_id, version, recorded_at, command_id, schema_version, kind, data, meta)
        SELECT base + row_number() OVER (ORDER BY f.i), c_stream[f.command], f.version, stamp, c_id[f.command],
               f.schema_version, f.kind, f.data::json, f.meta::json
        FROM unnest(f_command, f_version, f_schema_version, f_kind, f_data, f_meta)
            WITH ORDINALITY AS f (command, version, schema_version, kind, data, meta, i)
        WHERE NOT checked OR verdicts[f.command] = 'appended';
        -- A hint and nothing more; under 20 bytes.
        PERFORM pg_notify('revaer_log', (base + total)::text);
    END IF;

    INSERT INTO commands (command_id, fingerprint, first_position, last_position, event_count, stream_id,
                          version_after, result, recorded_at)
    SELECT c.id, c.fingerprint,
           CASE WHEN c.facts > 0 THEN base + c.through - c.facts + 1 ELSE 0 END,
           CASE WHEN c.facts > 0 THEN base + c.through ELSE positions[c.i::integer] END,
           c.facts, c.stream, c.expected + c.facts, c.result::json, stamp
    FROM (
        SELECT c.*, sum(c.facts) OVER (ORDER BY c.i) AS through
        FROM unnest(c_stream, c_expected, c_facts, c_id, c_fingerprint, c_result)
            WITH ORDINALITY AS c (stream, expected, facts, id, fingerprint, result, i)
        WHERE NOT checked OR verdicts[c.i::integer] = 'appended'
    ) AS c
    WHERE c.id IS NOT NULL;

    IF cardinality(k_hash) > 0 THEN
        -- What the stream holds already is no conflict; what another holds violates the primary key.
        INSERT INTO claims (info_hash, stream_id)
        SELECT DISTINCT k.hash, c_stream[k.command]
        FROM unnest(k_command, k_hash) AS k (command, hash)
        LEFT JOIN claims AS own ON own.info_hash = k.hash AND own.stream_id = c_stream[k.command]
        WHERE own.info_hash IS NULL AND (NOT checked OR verdicts[k.command] = 'appended');
    END IF;
    IF cardinality(r_hash) > 0 THEN
        DELETE FROM claims USING unnest(r_command, r_hash) AS r (command, hash)
        WHERE claims.info_hash = r.hash AND claims.stream_id = c_stream[r.command]
          AND (NOT checked OR verdicts[r.command] = 'appended');
    END IF;
END $$;
