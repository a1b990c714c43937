SELECT coalesce(greatest((SELECT max(position) FROM events), (SELECT max(position) FROM samples)), 0),
       reserved, samples_floor,
       (SELECT last_value FROM pg_sequences WHERE schemaname = 'public' AND sequencename = 'log_positions'),
       NOT EXISTS (SELECT FROM log_head)
FROM log_meta
