SELECT position, stream_id, version, recorded_at, command_id, schema_version, kind, data, meta
FROM events WHERE stream_id = ANY ($1) AND version <= $2 ORDER BY stream_id, version
