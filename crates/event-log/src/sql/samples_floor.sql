SELECT samples_floor FROM log_meta
