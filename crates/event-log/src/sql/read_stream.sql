SELECT position, stream_id, version, recorded_at, command_id, schema_version, kind, data, meta
FROM events WHERE stream_id = $1 AND version > $2 AND position <= $3 ORDER BY version LIMIT $4
