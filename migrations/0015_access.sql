-- What proves that somebody may ask. The log has fingerprints alone; a fact that names one relies on a row here, which
-- commits before it.

-- The keyed hashes of secrets, by the stream of the key (or of the setup) and the fingerprint. The key of the hash is no row:
-- whoever has the database alone cannot try secrets against it.
CREATE TABLE secret_hashes (
    stream_id   text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    hash        bytea            NOT NULL CHECK (octet_length(hash) = 32),
    recorded_at timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (stream_id, fingerprint)
);

-- When a key was used last, to the minute. It is no fact: nobody asks how a key came to be used, and it changes all the time.
CREATE TABLE key_uses (
    key_id       text COLLATE "C" PRIMARY KEY,
    last_used_at timestamptz      NOT NULL
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'revaer_service') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON secret_hashes, key_uses TO revaer_service;
    END IF;
END $$;
