-- Only for torrents that are in the list: a late sample does not bring a removed one back.
INSERT INTO public.torrent_live (
    id, position, wanted_done_bytes, downloaded_bytes, uploaded_bytes, download_bytes_per_second,
    upload_bytes_per_second, peers, seeds
)
SELECT sample.*
FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[]
) AS sample (id, position, done, downloaded, uploaded, download_rate, upload_rate, peers, seeds)
JOIN torrent ON torrent.id = sample.id
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position,
    wanted_done_bytes = excluded.wanted_done_bytes,
    downloaded_bytes = excluded.downloaded_bytes,
    uploaded_bytes = excluded.uploaded_bytes,
    download_bytes_per_second = excluded.download_bytes_per_second,
    upload_bytes_per_second = excluded.upload_bytes_per_second,
    peers = excluded.peers,
    seeds = excluded.seeds
WHERE torrent_live.position < excluded.position
