-- A new session: whatever moved in the old one stands still until it is sampled again.
UPDATE public.torrent_live
SET download_bytes_per_second = 0, upload_bytes_per_second = 0, peers = 0, seeds = 0
WHERE position < $1 AND (download_bytes_per_second, upload_bytes_per_second, peers, seeds) <> (0, 0, 0, 0)
