-- Made when the rows are there: a rebuild fills its tables without them.
CREATE INDEX torrent_by_added_at ON torrent (added_at, id);
CREATE INDEX torrent_by_name ON torrent (name_key, id);
CREATE INDEX torrent_by_size ON torrent (size_key, id);
CREATE INDEX torrent_by_status ON torrent (status, added_at, id);
-- Few at any time: what the pipeline looks for when it starts.
CREATE INDEX torrent_by_fsops_pending ON torrent (id) WHERE fsops_pending;
CREATE INDEX torrent_by_info_hash_v1 ON torrent (info_hash_v1) WHERE info_hash_v1 IS NOT NULL;
CREATE INDEX torrent_by_info_hash_v2 ON torrent (info_hash_v2) WHERE info_hash_v2 IS NOT NULL;
CREATE INDEX torrent_search_lists ON torrent_search USING gin (labels, trackers, extensions);
