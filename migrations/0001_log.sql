-- The log: facts in one total order, the commands that made them, the info hashes that their streams claim.
--
-- Positions are shared with samples. They grow, never repeat, and are not dense: a rollback leaves a gap.
-- These files are forward only. A file that was released is never edited; a change is a new file.

CREATE TABLE log_meta (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Tells this log from every other one: a client's position means nothing in another log.
    log_id        uuid    NOT NULL DEFAULT gen_random_uuid(),
    -- A durable ceiling: no position above it was ever given out.
    reserved      bigint  NOT NULL DEFAULT 0,
    -- The newest position among dropped samples: the head must not fall when they go.
    samples_floor bigint  NOT NULL DEFAULT 0
);
INSERT INTO log_meta DEFAULT VALUES;

-- Unlogged, so that any crash recovery empties it. That is its whole purpose: see take_positions().
CREATE UNLOGGED TABLE log_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);

-- Its last_value is the last position that was taken; nobody calls nextval() on it.
CREATE SEQUENCE log_positions AS bigint MINVALUE 0 START WITH 0;

-- Not partitioned: PostgreSQL would lose the version constraint. `json` keeps the bytes as they came and reads at almost
-- twice the rate of `jsonb`; nobody queries the log by payload.
CREATE TABLE events (
    position       bigint           PRIMARY KEY,
    stream_id      text COLLATE "C" NOT NULL,
    version        bigint           NOT NULL CHECK (version > 0),
    recorded_at    timestamptz      NOT NULL,
    command_id     uuid,
    schema_version smallint         NOT NULL,
    kind           text             NOT NULL,
    data           json             NOT NULL,
    meta           json             NOT NULL,
    UNIQUE (stream_id, version)
);
CREATE INDEX events_recorded_at ON events USING brin (recorded_at);

-- What became of a command, for as long as its repeat may come.
CREATE TABLE commands (
    command_id     uuid             PRIMARY KEY,
    fingerprint    bytea            NOT NULL,
    first_position bigint           NOT NULL,
    last_position  bigint           NOT NULL,
    event_count    integer          NOT NULL,
    stream_id      text COLLATE "C" NOT NULL,
    version_after  bigint           NOT NULL,
    result         json,
    recorded_at    timestamptz      NOT NULL
);
CREATE INDEX commands_recorded_at ON commands USING brin (recorded_at);

-- An info hash belongs to one stream. Without this two concurrent adds would make two torrents of one handle.
CREATE TABLE claims (
    info_hash text COLLATE "C" PRIMARY KEY,
    stream_id text COLLATE "C" NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: the log is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

-- The append functions hold this setting while they run, and nobody else has a reason to. What the lock protects is
-- thereby a rule of the database and not a convention among its clients.
CREATE FUNCTION refuse_plain_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('revaer.appending', true) IS DISTINCT FROM 'yes' THEN
        RAISE EXCEPTION 'INSERT into % is refused: only append() and append_samples() insert', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_by_append_only BEFORE INSERT ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_plain_insert();
-- Not even with triggers switched off for a session, as replication tools do.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_never_change;
ALTER TABLE events ENABLE ALWAYS TRIGGER events_by_append_only;
