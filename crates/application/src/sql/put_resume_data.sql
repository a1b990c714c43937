INSERT INTO resume_data (torrent_id, at, piece_count, sha256, body)
SELECT torrent_id, now(), piece_count, sha256, body
FROM unnest($1::text[], $2::int[], $3::bytea[], $4::bytea[]) AS rows (torrent_id, piece_count, sha256, body)
ON CONFLICT (torrent_id) DO UPDATE
SET at = excluded.at, piece_count = excluded.piece_count, sha256 = excluded.sha256, body = excluded.body
