SELECT position, stream_id, version, recorded_at, command_id, schema_version, kind, data::text, meta::text,
       NULL::bytea AS packed
FROM events WHERE stream_id = $1 AND version > $2 ORDER BY version LIMIT $3
