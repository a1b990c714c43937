SELECT position, stream_id, version, recorded_at, command_id, schema_version, kind, data::text, meta::text,
       NULL::bytea AS packed
FROM events WHERE position > $1 ORDER BY position LIMIT $2
