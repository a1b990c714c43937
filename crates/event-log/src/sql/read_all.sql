(SELECT position, stream_id, version, recorded_at, command_id, schema_version, kind, data, meta, NULL::bytea AS packed
 FROM events WHERE position > $1 ORDER BY position LIMIT $2)
UNION ALL
(SELECT position, node, NULL, at, NULL, NULL, NULL, NULL, NULL, data
 FROM samples WHERE position > $1 ORDER BY position LIMIT $2)
ORDER BY position LIMIT $2
