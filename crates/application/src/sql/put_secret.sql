-- One that is kept already stays as it is, and is in use again: the fact that names it follows.
INSERT INTO secrets (fingerprint, sealed)
VALUES ($1, $2)
ON CONFLICT (fingerprint) DO UPDATE SET unused_since = NULL
