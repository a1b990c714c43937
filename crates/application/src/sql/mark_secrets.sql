-- $1: the fingerprints that the settings name; $2: now. Rows that are marked right already stay as they are.
UPDATE secrets
SET unused_since = CASE WHEN fingerprint = ANY ($1) THEN NULL ELSE $2::timestamptz END
WHERE (fingerprint = ANY ($1)) = (unused_since IS NOT NULL)
