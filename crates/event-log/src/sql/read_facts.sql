SELECT position, stream_id, version, recorded_at, command_id, schema_version, kind, data, meta
FROM events WHERE position > $1 ORDER BY position LIMIT $2
