DELETE FROM commands
WHERE command_id IN (
    SELECT command_id FROM commands WHERE recorded_at < now() - make_interval(secs => $1) LIMIT $2
)
