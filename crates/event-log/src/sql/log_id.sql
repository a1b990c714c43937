SELECT log_id FROM log_meta
