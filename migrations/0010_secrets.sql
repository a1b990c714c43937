-- Secrets of the settings (a proxy's password, passwords of archives, the key of a certificate), encrypted under a key that
-- is no row. The log has fingerprints alone; a fact that names one relies on a row here, which commits before it.
--
-- A row stays when the settings give the secret up: a change may be taken back, and the settings as of then name it.

CREATE TABLE secrets (
    fingerprint text COLLATE "C" PRIMARY KEY,
    -- The nonce (24 bytes), then what XChaCha20-Poly1305 makes of the secret; the fingerprint is authenticated with it.
    sealed      bytea            NOT NULL CHECK (octet_length(sealed) > 40),
    recorded_at timestamptz      NOT NULL DEFAULT now()
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'revaer_service') THEN
        GRANT SELECT, INSERT ON secrets TO revaer_service;
    END IF;
END $$;
