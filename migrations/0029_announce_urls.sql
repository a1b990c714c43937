-- Announce URLs with a member's key for a private tracker, encrypted under a key that is no row. Facts have the host and a
-- fingerprint; a fact that names one relies on a row here, which commits before it. Rows go with their torrent.

CREATE TABLE announce_urls (
    stream_id   text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    -- The nonce (24 bytes), then what XChaCha20-Poly1305 makes of the URL; the fingerprint is authenticated with it.
    sealed      bytea            NOT NULL CHECK (octet_length(sealed) > 40),
    recorded_at timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (stream_id, fingerprint)
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'revaer_service') THEN
        GRANT SELECT, INSERT, DELETE ON announce_urls TO revaer_service;
    END IF;
END $$;
