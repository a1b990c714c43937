-- One that is kept already stays as it is.
INSERT INTO announce_urls (stream_id, fingerprint, sealed)
VALUES ($1, $2, $3)
ON CONFLICT (stream_id, fingerprint) DO NOTHING
