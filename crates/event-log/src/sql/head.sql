SELECT greatest((SELECT max(position) FROM events), (SELECT max(position) FROM samples), samples_floor)
FROM log_meta
