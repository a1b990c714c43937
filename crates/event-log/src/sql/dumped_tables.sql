-- Every table whose rows are nowhere else: not what is unlogged, hence of the moment, nor what can be made from the log again.
SELECT class.relname::text, array_agg(attribute.attname::text ORDER BY attribute.attnum)
FROM pg_class AS class
JOIN pg_attribute AS attribute
    ON attribute.attrelid = class.oid AND attribute.attnum > 0 AND NOT attribute.attisdropped AND attribute.attgenerated = ''
WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p') AND NOT class.relispartition
  AND class.relpersistence = 'p' AND class.relname NOT IN ('_sqlx_migrations', 'checkpoints')
GROUP BY class.relname
ORDER BY class.relname
