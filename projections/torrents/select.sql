SELECT torrent.id, torrent.info_hash_v1, torrent.info_hash_v2, torrent.name, torrent.name_key, torrent.status,
       torrent.size_bytes, torrent.size_key, torrent.wanted_bytes,
       CASE WHEN live.position > torrent.totals_position THEN live.downloaded_bytes
            ELSE torrent.downloaded_bytes END AS downloaded_bytes,
       CASE WHEN live.position > torrent.totals_position THEN live.uploaded_bytes
            ELSE torrent.uploaded_bytes END AS uploaded_bytes,
       CASE WHEN torrent.completed_at IS NOT NULL THEN 1
            WHEN torrent.wanted_bytes IS NULL THEN 0
            WHEN torrent.wanted_bytes = 0 THEN 1
            ELSE least(1, (CASE WHEN live.position > torrent.totals_position THEN live.wanted_done_bytes
                                ELSE torrent.wanted_done_bytes END)::float8 / torrent.wanted_bytes)
       END::float8 AS progress,
       coalesce(live.download_bytes_per_second, 0) AS download_bytes_per_second,
       coalesce(live.upload_bytes_per_second, 0) AS upload_bytes_per_second,
       coalesce(live.peers, 0) AS peers, coalesce(live.seeds, 0) AS seeds,
       torrent.added_at, torrent.completed_at, torrent.save_path, torrent.error_code, torrent.error_detail,
       torrent.selection, torrent.download_limit_bytes_per_second, torrent.upload_limit_bytes_per_second,
       torrent.share_limits, torrent.sequential, torrent.fsops, torrent.version, torrent.position,
       search.name_lower, search.labels, search.trackers, search.extensions
FROM torrents.torrent
JOIN torrents.torrent_search AS search ON search.id = torrent.id
LEFT JOIN public.torrent_live AS live ON live.id = torrent.id
