-- What samples say of each torrent, outside the generations: a rebuild has no part in it, since samples are dropped while facts
-- are not. Unlogged, because a crash loses nothing but a moment. One row for each torrent in the list, no more.
CREATE UNLOGGED TABLE IF NOT EXISTS public.torrent_live (
    id                        text COLLATE "C"  PRIMARY KEY,
    position                  bigint            NOT NULL,
    wanted_done_bytes         bigint            NOT NULL,
    downloaded_bytes          bigint            NOT NULL,
    uploaded_bytes            bigint            NOT NULL,
    download_bytes_per_second bigint            NOT NULL,
    upload_bytes_per_second   bigint            NOT NULL,
    peers                     bigint            NOT NULL,
    seeds                     bigint            NOT NULL
) WITH (fillfactor = 50) -- Rewritten at every tick: room for the next version of a row on the same page.
