-- The first statement of every transaction that writes rows. No row: somebody else runs this projection, or its generation is
-- no longer the one; roll back.
UPDATE public.checkpoints
SET position = $5, error = NULL, lease_until = clock_timestamp() + make_interval(secs => $6)
WHERE projection = $1 AND generation = $2 AND epoch = $3 AND position = $4 AND status <> 'retired'
