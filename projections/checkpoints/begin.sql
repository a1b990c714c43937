INSERT INTO public.checkpoints (projection, generation, position, epoch, owner, lease_until, status)
SELECT $1, coalesce(max(generation), 0) + 1, 0, 1, $2, clock_timestamp() + make_interval(secs => $3), $4
FROM public.checkpoints WHERE projection = $1
RETURNING generation, epoch, position
