-- Appending again, for less: what a batch costs under the lock is what every append of the database waits for.
--
-- Beside 0002 three things are new. JSON is parsed when the statement's values arrive, hence before the lock. Only those
-- streams are looked up of which the writer doesn't know that they have the expected version: it may know because it
-- committed that version, on this very connection, or because every stream has version 0; and if the stream has moved on
-- by now, the unique constraint says so. And a command is remembered only if its repeat may come.

DROP FUNCTION append(
    boolean, text[], bigint[], integer[], uuid[], bytea[], text[], integer[], bigint[], smallint[], text[], text[], text[],
    integer[], text[], integer[], text[]
);

-- Appends a batch of commands as one statement, so that a stalled client never holds the lock.
--
-- c_ describes the commands, c_before the number of facts of those before it; v_ says whose stream is looked up; f_ are the
-- facts in order; m_ is what is remembered of some commands; k_ and r_ are the info hashes that they claim and release. The
-- numbers in v_command, f_command, m_command, k_command and r_command count commands from 1. No two commands of a batch share
-- a stream, a command id or an info hash: the writer sees to it.
--
-- Trusting (checked is false), any violation fails the whole batch: nothing is written, and the caller comes again with
-- checked set. Checked, each command gets a verdict, refused ones are left out and the rest is appended.
--
-- The positions follow `base`, fact by fact, in the order of the commands that were appended. `versions` and `positions`
-- are those of the streams before the append; trusting, `positions` is there only if a command has no facts.
CREATE FUNCTION append(
    checked boolean,
    c_stream text[], c_expected bigint[], c_facts integer[], c_before bigint[], c_id uuid[],
    v_command integer[],
    f_command integer[], f_version bigint[], f_schema_version smallint[], f_kind text[], f_data json[], f_meta json[],
    m_command integer[], m_fingerprint bytea[], m_result json[],
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
               array_agg(judged.through - judged.appended ORDER BY judged.i), coalesce(max(judged.through), 0)
        INTO verdicts, versions, positions, taken, takers, c_before, total
        FROM (
            SELECT verdict.*, sum(verdict.appended) OVER (ORDER BY verdict.i) AS through
            FROM (
                SELECT c.i, coalesce(newest.version, 0) AS version, coalesce(newest.position, 0) AS position,
                       held.info_hash, held.holder, said.verdict,
                       CASE WHEN said.verdict = 'appended' THEN c.facts ELSE 0 END AS appended
                FROM unnest(c_stream, c_expected, c_facts, c_id) WITH ORDINALITY AS c (stream, expected, facts, id, i)
                LEFT JOIN LATERAL (
                    SELECT commands.command_id FROM commands WHERE commands.command_id = c.id LIMIT 1
                ) AS recorded ON true
                -- A command that is not remembered is known by its facts, where they would be.
                LEFT JOIN LATERAL (
                    SELECT events.command_id FROM events
                    WHERE events.stream_id = c.stream AND events.version = c.expected + 1 AND events.command_id = c.id
                      AND c.facts > 0 AND c.i <> ALL (m_command) LIMIT 1
                ) AS made ON true
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
                -- The command id first: a repeat is a repeat even though its version is old by now.
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN recorded.command_id IS NOT NULL OR made.command_id IS NOT NULL THEN 'recorded'
                                WHEN coalesce(newest.version, 0) <> c.expected THEN 'version_conflict'
                                WHEN held.holder IS NOT NULL THEN 'claimed'
                                ELSE 'appended' END AS verdict
                ) AS said
            ) AS verdict
        ) AS judged;
    ELSE
        -- The unique constraint alone would accept version 7 after version 1, and a command without facts at any.
        -- A scalar subquery, because EXISTS may be planned as a hash of the whole table.
        IF cardinality(v_command) > 0 AND EXISTS (
            SELECT FROM unnest(v_command) AS v (command)
            WHERE c_expected[v.command] <> coalesce((SELECT events.version FROM events
                                                     WHERE events.stream_id = c_stream[v.command]
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
        SELECT base + c_before[f.command] + f.version - c_expected[f.command], c_stream[f.command], f.version, stamp,
               c_id[f.command], f.schema_version, f.kind, f.data, f.meta
        FROM unnest(f_command, f_version, f_schema_version, f_kind, f_data, f_meta)
            AS f (command, version, schema_version, kind, data, meta)
        WHERE NOT checked OR verdicts[f.command] = 'appended';
        -- A hint and nothing more; under 20 bytes.
        PERFORM pg_notify('revaer_log', (base + total)::text);
    END IF;

    IF cardinality(m_command) > 0 THEN
        INSERT INTO commands (command_id, fingerprint, first_position, last_position, event_count, stream_id,
                              version_after, result, recorded_at)
        SELECT c_id[m.command], m.fingerprint,
               CASE WHEN c_facts[m.command] > 0 THEN base + c_before[m.command] + 1 ELSE 0 END,
               CASE WHEN c_facts[m.command] > 0 THEN base + c_before[m.command] + c_facts[m.command]
                    ELSE positions[m.command] END,
               c_facts[m.command], c_stream[m.command], c_expected[m.command] + c_facts[m.command], m.result, stamp
        FROM unnest(m_command, m_fingerprint, m_result) AS m (command, fingerprint, result)
        WHERE NOT checked OR verdicts[m.command] = 'appended';
    END IF;

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

REVOKE EXECUTE ON FUNCTION append FROM PUBLIC;
DO $$
BEGIN
    -- It is left out where the migrating role may not make roles: see 0006.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'revaer_service') THEN
        GRANT EXECUTE ON FUNCTION append TO revaer_service;
    END IF;
END $$;
