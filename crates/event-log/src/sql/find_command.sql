SELECT fingerprint, stream_id, first_position, last_position, event_count, version_after, result, recorded_at
FROM commands WHERE command_id = $1
