SELECT greatest((SELECT max(position) FROM events), (SELECT max(position) FROM samples),
                (SELECT samples_floor FROM log_meta))
