-- A row commits before the add that names it, whose claims come with its fact: an hour is longer than any add takes.
DELETE FROM announce_urls AS url
WHERE url.recorded_at < now() - interval '1 hour'
    AND NOT EXISTS (SELECT FROM claims WHERE claims.stream_id = url.stream_id)
