-- The log: facts, the commands that made them, the info hashes they claim, and samples beside them.
-- Positions are one total order over facts and samples. They grow, never repeat, and are not dense.

CREATE TABLE log_meta (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    log_id        uuid    NOT NULL DEFAULT gen_random_uuid(),
    -- A durable ceiling: every position that was ever given out lies below or at it.
    reserved      bigint  NOT NULL DEFAULT 0,
    -- The newest position among samples that were dropped, so that the head never falls.
    samples_floor bigint  NOT NULL DEFAULT 0
);
INSERT INTO log_meta DEFAULT VALUES;

-- Unlogged: any crash recovery empties it, and that is its whole purpose (see take_positions).
CREATE UNLOGGED TABLE log_head (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row));
CREATE SEQUENCE log_positions AS bigint;

CREATE TABLE events (
    position       bigint      PRIMARY KEY,
    stream_id      text        NOT NULL,
    version        bigint      NOT NULL,
    recorded_at    timestamptz NOT NULL,
    command_id     uuid,
    schema_version smallint    NOT NULL,
    kind           text        NOT NULL,
    data           json        NOT NULL,
    meta           json        NOT NULL,
    UNIQUE (stream_id, version)
);
CREATE INDEX events_recorded_at ON events USING brin (recorded_at);

CREATE TABLE commands (
    command_id     uuid        PRIMARY KEY,
    fingerprint    bytea       NOT NULL,
    first_position bigint      NOT NULL,
    event_count    integer     NOT NULL,
    stream_id      text        NOT NULL,
    version_after  bigint      NOT NULL,
    result         json,
    recorded_at    timestamptz NOT NULL
);
CREATE INDEX commands_recorded_at ON commands USING brin (recorded_at);

CREATE TABLE claims (
    info_hash text PRIMARY KEY,
    stream_id text NOT NULL
);

CREATE TABLE samples (
    position bigint      NOT NULL,
    at       timestamptz NOT NULL,
    node     text        NOT NULL,
    data     bytea       NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX samples_position ON samples (position);

CREATE TABLE checkpoints (
    projection  text        NOT NULL,
    generation  bigint      NOT NULL,
    position    bigint      NOT NULL DEFAULT 0,
    epoch       bigint      NOT NULL DEFAULT 0,
    owner       text,
    lease_until timestamptz,
    status      text        NOT NULL DEFAULT 'live',
    error       text,
    PRIMARY KEY (projection, generation)
);

-- Facts are inserted by append() alone and changed by nobody, the owner of the tables included.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the log is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION refuse_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('revaer.appending', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION 'INSERT into % is refused: facts and samples are appended by append() and append_samples()',
            TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER events_are_facts BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_by_append BEFORE INSERT ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_insert();
CREATE TRIGGER samples_by_append BEFORE INSERT ON samples
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_insert();

-- Takes n positions and returns the first. Only under the append lock.
--
-- Samples are not flushed, so a crash can lose the sequence's own log records and nextval() would give out positions that
-- readers have passed. Therefore `reserved` is a ceiling that was flushed before a position below it was used; after a
-- crash recovery log_head is empty and the sequence jumps to the ceiling.
CREATE FUNCTION take_positions(n bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    first   bigint;
    ceiling bigint;
BEGIN
    SELECT reserved INTO STRICT ceiling FROM log_meta;
    IF NOT EXISTS (SELECT FROM log_head) THEN
        PERFORM setval('log_positions', greatest(ceiling, 1), ceiling > 0);
        INSERT INTO log_head DEFAULT VALUES;
    END IF;
    first := nextval('log_positions');
    IF n > 1 THEN
        PERFORM setval('log_positions', first + n - 1);
    END IF;
    IF first + n - 1 > ceiling THEN
        PERFORM set_config('synchronous_commit', 'on', true);
        UPDATE log_meta SET reserved = first + n - 1 + 100000;
    END IF;
    RETURN first;
END $$;

-- Appends a batch of commands in one transaction. Arrays of one length describe the commands (c_), their facts (f_), the
-- claims they make (k_) and release (r_); f_command, k_command and r_command count commands from 1. A batch holds at most
-- one command of a stream, and no command id and no claim twice. What is refused rejects its own command alone.
CREATE FUNCTION append(
    c_stream text[], c_expected bigint[], c_id uuid[], c_fingerprint bytea[], c_result text[], c_facts bigint[],
    f_command integer[], f_nth integer[], f_kind text[], f_schema_version smallint[], f_data text[], f_meta text[],
    k_command integer[], k_claim text[], r_command integer[], r_claim text[]
) RETURNS TABLE (
    verdict text, last_position bigint, version_after bigint, recorded_at timestamptz, claim text, held_by text
) LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
#variable_conflict use_column
DECLARE
    stamp     timestamptz;
    verdicts  text[];
    versions  bigint[];
    lasts     bigint[];
    claimed   text[];
    holders   text[];
    n         bigint;
    first     bigint := 0;
BEGIN
    -- Taken by a statement of its own: what follows reads with a snapshot that is younger than the lock.
    PERFORM pg_advisory_xact_lock(8245925716347);
    stamp := clock_timestamp();

    SELECT array_agg(judged.verdict ORDER BY judged.i), array_agg(judged.version ORDER BY judged.i),
           array_agg(judged.position ORDER BY judged.i), array_agg(judged.info_hash ORDER BY judged.i),
           array_agg(judged.holder ORDER BY judged.i)
    INTO verdicts, versions, lasts, claimed, holders
    FROM (
        SELECT c.i, coalesce(newest.version, 0) AS version, coalesce(newest.position, 0) AS position,
               held.info_hash, held.holder,
               CASE WHEN EXISTS (SELECT FROM commands WHERE commands.command_id = c.id) THEN 'repeated'
                    WHEN coalesce(newest.version, 0) <> c.expected THEN 'version_conflict'
                    WHEN held.holder IS NOT NULL THEN 'claimed'
                    ELSE 'appended' END AS verdict
        FROM unnest(c_stream, c_expected, c_id) WITH ORDINALITY AS c (stream, expected, id, i)
        LEFT JOIN LATERAL (
            SELECT events.version, events.position FROM events
            WHERE events.stream_id = c.stream ORDER BY events.version DESC LIMIT 1
        ) AS newest ON true
        LEFT JOIN LATERAL (
            SELECT claims.info_hash, claims.stream_id AS holder
            FROM unnest(k_command, k_claim) AS k (command, claim)
            JOIN claims ON claims.info_hash = k.claim
            WHERE k.command = c.i AND claims.stream_id <> c.stream LIMIT 1
        ) AS held ON true
    ) AS judged;

    SELECT coalesce(sum(c.facts), 0) INTO n
    FROM unnest(c_facts, verdicts) AS c (facts, verdict) WHERE c.verdict = 'appended';

    PERFORM set_config('revaer.appending', 'on', true);
    IF n > 0 THEN
        first := take_positions(n);
        INSERT INTO events (position, stream_id, version, recorded_at, command_id, schema_version, kind, data, meta)
        SELECT first - 1 + row_number() OVER (ORDER BY f.ord), c_stream[f.command], c_expected[f.command] + f.nth,
               stamp, c_id[f.command], f.schema_version, f.kind, f.data::json, f.meta::json
        FROM unnest(f_command, f_nth, f_kind, f_schema_version, f_data, f_meta)
            WITH ORDINALITY AS f (command, nth, kind, schema_version, data, meta, ord)
        WHERE verdicts[f.command] = 'appended';
        PERFORM pg_notify('revaer_log', (first + n - 1)::text);
    END IF;

    INSERT INTO commands (command_id, fingerprint, first_position, event_count, stream_id, version_after, result,
                          recorded_at)
    SELECT accepted.id, accepted.fingerprint,
           CASE WHEN accepted.facts > 0 THEN first + accepted.before ELSE 0 END, accepted.facts, accepted.stream,
           accepted.expected + accepted.facts, accepted.result::json, stamp
    FROM (
        SELECT c.*, sum(c.facts) OVER (ORDER BY c.i) - c.facts AS before
        FROM unnest(c_stream, c_expected, c_id, c_fingerprint, c_result, c_facts)
            WITH ORDINALITY AS c (stream, expected, id, fingerprint, result, facts, i)
        WHERE verdicts[c.i] = 'appended'
    ) AS accepted
    WHERE accepted.id IS NOT NULL;

    IF cardinality(k_claim) > 0 THEN
        INSERT INTO claims (info_hash, stream_id)
        SELECT k.claim, c_stream[k.command] FROM unnest(k_command, k_claim) AS k (command, claim)
        WHERE verdicts[k.command] = 'appended'
        ON CONFLICT (info_hash) DO NOTHING;
    END IF;
    IF cardinality(r_claim) > 0 THEN
        DELETE FROM claims USING unnest(r_command, r_claim) AS r (command, claim)
        WHERE claims.info_hash = r.claim AND claims.stream_id = c_stream[r.command]
          AND verdicts[r.command] = 'appended';
    END IF;
    PERFORM set_config('revaer.appending', 'off', true);

    RETURN QUERY
    SELECT c.verdict,
           CASE WHEN c.verdict = 'appended' AND c.facts > 0
                THEN first - 1 + sum(CASE WHEN c.verdict = 'appended' THEN c.facts ELSE 0 END)
                         OVER (ORDER BY c.i)::bigint
                ELSE c.last END,
           CASE WHEN c.verdict = 'appended' THEN c.version + c.facts ELSE c.version END,
           stamp, c.claim, c.holder
    FROM unnest(verdicts, c_facts, versions, lasts, claimed, holders)
        WITH ORDINALITY AS c (verdict, facts, version, last, claim, holder, i)
    ORDER BY c.i;
END $$;

-- Appends one packed row of samples without waiting for a flush.
CREATE FUNCTION append_samples(sample_node text, sample_data bytea) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    sample_position bigint;
BEGIN
    -- Before the append lock: a partition being detached may make this wait, and facts must not wait behind it.
    LOCK TABLE samples IN ROW EXCLUSIVE MODE;
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_advisory_xact_lock(8245925716347);
    sample_position := take_positions(1);
    PERFORM set_config('revaer.appending', 'on', true);
    INSERT INTO samples (position, at, node, data)
    VALUES (sample_position, clock_timestamp(), sample_node, sample_data);
    PERFORM set_config('revaer.appending', 'off', true);
    PERFORM pg_notify('revaer_log', sample_position::text);
    RETURN sample_position;
END $$;

-- Makes the hourly partitions of samples from this hour on.
CREATE FUNCTION keep_sample_partitions(hours_ahead integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    hour timestamptz;
    name text;
BEGIN
    FOR hour IN SELECT date_trunc('hour', now()) + i * interval '1 hour' FROM generate_series(0, hours_ahead) AS i LOOP
        name := 'samples_' || to_char(hour AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF samples FOR VALUES FROM (%L) TO (%L)',
                           name, hour, hour + interval '1 hour');
        END IF;
    END LOOP;
END $$;

-- Drops the partitions that ended before a time, and keeps the head from falling. Returns how many.
CREATE FUNCTION drop_samples_before(kept_from timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    part    record;
    newest  bigint;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT child.relname AS name FROM pg_inherits
        JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
        WHERE pg_inherits.inhparent = 'samples'::regclass
          AND to_timestamp(right(child.relname, 10), 'YYYYMMDDHH24') AT TIME ZONE current_setting('TimeZone')
              AT TIME ZONE 'UTC' + interval '1 hour' <= kept_from
    LOOP
        EXECUTE format('SELECT max(position) FROM %I', part.name) INTO newest;
        UPDATE log_meta SET samples_floor = greatest(samples_floor, coalesce(newest, 0));
        EXECUTE format('ALTER TABLE samples DETACH PARTITION %I', part.name);
        EXECUTE format('DROP TABLE %I', part.name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
