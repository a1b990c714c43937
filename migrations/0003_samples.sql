-- Samples: what was true for a moment, one packed row for each process and tick. They share the positions of facts,
-- commit without a flush and are dropped by the hour.

CREATE TABLE samples (
    position bigint      NOT NULL,
    at       timestamptz NOT NULL,
    node     text        NOT NULL,
    data     bytea       NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX samples_position ON samples (position);

CREATE TRIGGER samples_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON samples
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER samples_by_append_only BEFORE INSERT ON samples
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_plain_insert();

CREATE FUNCTION append_samples(sample_node text, sample_data bytea) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
SET lock_timeout = '10s'
SET revaer.appending = 'yes'
AS $$
DECLARE
    taken bigint;
BEGIN
    -- Before the append lock: where a partition is being detached this waits, and facts must not wait behind it.
    LOCK TABLE ONLY samples IN ROW EXCLUSIVE MODE;
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_advisory_xact_lock(8245925716347);
    taken := take_positions(1) + 1;
    INSERT INTO samples (position, at, node, data) VALUES (taken, clock_timestamp(), sample_node, sample_data);
    PERFORM pg_notify('revaer_log', taken::text);
    RETURN taken;
END $$;

-- Makes the partition of the hour that a time falls into, if it is missing.
--
-- Made apart and then attached, which neither readers nor appends wait for. DDL never waits longer than 200 ms for a lock,
-- because everybody else would wait behind it; the caller comes again.
CREATE FUNCTION make_sample_partition(moment timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
SET lock_timeout = '200ms'
AS $$
DECLARE
    hour      timestamptz := date_trunc('hour', moment, 'UTC');
    partition text        := 'samples_' || to_char(hour AT TIME ZONE 'UTC', 'YYYYMMDDHH24');
BEGIN
    -- Several processes keep the partitions of one database.
    PERFORM pg_advisory_xact_lock(8245925716348);
    IF to_regclass(partition) IS NULL THEN
        EXECUTE format('CREATE TABLE %I (LIKE samples INCLUDING ALL)', partition);
        EXECUTE format('ALTER TABLE samples ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       partition, hour, hour + interval '1 hour');
    END IF;
END $$;

-- Drops the oldest partition if it ended before a time, and says whether there was one.
--
-- One partition for each call, hence for each transaction: while it lasts, readers of samples wait.
CREATE FUNCTION drop_sample_partition(kept_from timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
SET lock_timeout = '200ms'
AS $$
DECLARE
    partition name;
    newest    bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(8245925716348);
    SELECT child.relname INTO partition
    FROM pg_inherits JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
    WHERE pg_inherits.inhparent = 'samples'::regclass
      AND child.relname <= ('samples_' || to_char((kept_from - interval '1 hour') AT TIME ZONE 'UTC', 'YYYYMMDDHH24'))::name
    ORDER BY child.relname LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    EXECUTE format('ALTER TABLE samples DETACH PARTITION %I', partition);
    EXECUTE format('SELECT max(position) FROM %I', partition) INTO newest;
    UPDATE log_meta SET samples_floor = newest WHERE newest > samples_floor;
    EXECUTE format('DROP TABLE %I', partition);
    RETURN true;
END $$;

SELECT make_sample_partition(now() + hours * interval '1 hour') FROM generate_series(0, 1) AS hours;
