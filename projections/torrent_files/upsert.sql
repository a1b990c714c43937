INSERT INTO file_priorities (torrent_id, runs, position)
SELECT torrent_id, runs::json, position
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS changed (torrent_id, runs, position)
ON CONFLICT (torrent_id) DO UPDATE SET
    runs = coalesce(excluded.runs, file_priorities.runs),
    position = excluded.position
