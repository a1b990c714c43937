WITH gone AS (DELETE FROM torrent_search WHERE id = ANY ($1))
DELETE FROM torrent WHERE id = ANY ($1)
