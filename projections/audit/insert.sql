INSERT INTO entry (position, recorded_at, actor, kind, subject, of_system)
SELECT position, recorded_at, actor, kind, subject, of_system
FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::boolean[])
    AS told (position, recorded_at, actor, kind, subject, of_system)
ON CONFLICT (position) DO NOTHING
