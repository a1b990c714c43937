-- Takes the lease of the live generation: when it has run out, or at once by a process that has just started.
UPDATE public.checkpoints
SET owner = $2, epoch = epoch + 1, lease_until = clock_timestamp() + make_interval(secs => $3)
WHERE projection = $1 AND status = 'live'
  AND ($4 OR owner = $2 OR lease_until IS NULL OR lease_until < clock_timestamp())
RETURNING generation, epoch, position
