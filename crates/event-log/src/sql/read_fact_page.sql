SELECT position, stream_id, version, recorded_at, kind, data, meta
FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
