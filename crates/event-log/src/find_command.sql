SELECT command_id, fingerprint, first_position, event_count, stream_id, version_after, result::text, recorded_at
FROM commands WHERE command_id = $1
