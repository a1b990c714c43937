-- What exactly was done, by the places that were found.
SELECT position, stream_id, version, recorded_at, command_id, schema_version, kind, data::text AS data, meta::text AS meta
FROM public.events
WHERE position = ANY ($1)
ORDER BY position DESC
