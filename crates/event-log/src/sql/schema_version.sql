SELECT coalesce(max(version) FILTER (WHERE success), 0) FROM public._sqlx_migrations
