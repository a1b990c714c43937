SELECT guard.relation, guard.trigger
FROM (VALUES ('events', 'events_never_change', 'A'), ('events', 'events_by_append_only', 'A'),
             ('samples', 'samples_never_change', 'O'), ('samples', 'samples_by_append_only', 'O'))
    AS guard (relation, trigger, enabled)
LEFT JOIN pg_trigger ON pg_trigger.tgrelid = to_regclass('public.' || guard.relation)
    AND pg_trigger.tgname = guard.trigger AND pg_trigger.tgenabled IN (guard.enabled::"char", 'A')
WHERE pg_trigger.oid IS NULL
