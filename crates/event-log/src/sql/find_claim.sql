SELECT stream_id FROM claims WHERE info_hash = $1
