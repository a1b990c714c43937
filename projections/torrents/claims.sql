-- What torrents hold by the log, against what is claimed in their name; runs with search_path set to rows built aside.
SELECT info_hash, claim.stream_id, held.stream_id
FROM (
    SELECT encode(hash, 'hex') AS info_hash, 'torrent-' || id AS stream_id
    FROM torrent, unnest(ARRAY[info_hash_v1, info_hash_v2]) AS hash WHERE hash IS NOT NULL
) AS held
FULL JOIN public.claims AS claim USING (info_hash)
WHERE claim.stream_id IS DISTINCT FROM held.stream_id
ORDER BY info_hash
