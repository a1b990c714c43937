INSERT INTO session_state (node, at, body) VALUES ($1, now(), $2)
ON CONFLICT (node) DO UPDATE SET at = excluded.at, body = excluded.body
