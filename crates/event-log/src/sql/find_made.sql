SELECT position, recorded_at FROM events WHERE stream_id = $1 AND version = $2 AND command_id = $3
