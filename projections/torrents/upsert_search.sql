-- The lists come as JSON: arrays of arrays would have to be of one length.
INSERT INTO torrent_search (id, name_lower, labels, trackers, extensions)
SELECT id, name_lower, ARRAY(SELECT json_array_elements_text(labels::json)),
       ARRAY(SELECT json_array_elements_text(trackers::json)),
       CASE WHEN extensions IS NOT NULL THEN ARRAY(SELECT json_array_elements_text(extensions::json)) END
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS changed (id, name_lower, labels, trackers, extensions)
ON CONFLICT (id) DO UPDATE SET
    name_lower = excluded.name_lower,
    labels = excluded.labels,
    trackers = excluded.trackers,
    extensions = coalesce(excluded.extensions, torrent_search.extensions)
