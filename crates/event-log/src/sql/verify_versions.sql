SELECT stream_id, version, position, version_before, position_before
FROM (
    SELECT stream_id, version, position,
           lag(version, 1, 0::bigint) OVER stream AS version_before,
           lag(position, 1, 0::bigint) OVER stream AS position_before
    FROM events WINDOW stream AS (PARTITION BY stream_id ORDER BY version)
) AS facts
WHERE version <> version_before + 1 OR position <= position_before
ORDER BY stream_id, version
