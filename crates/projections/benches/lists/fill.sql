-- $1 torrents straight into the live rows, skewed like a library that was collected for years: a few trackers and extensions
-- have nearly all, names share their technical part, labels reach from one in ten to one in a hundred thousand. Ids are numbers
-- of 26 digits, which are ULIDs too. `scatter` is a permutation of sorts, so that what is rare is spread over the whole order.
CREATE TEMPORARY TABLE drawn AS
SELECT n, lpad(n::text, 26, '0') AS id, (n * 2654435761) % 4294967291 AS scatter, md5(n::text) AS text
FROM generate_series(1, $1::bigint) AS n;

INSERT INTO torrents.torrent
SELECT id, NULL, NULL, name, lower(name),
       status, CASE WHEN status = 'metadata' THEN NULL ELSE size END, CASE WHEN status = 'metadata' THEN -1 ELSE size END,
       CASE WHEN status = 'metadata' THEN NULL ELSE size END, CASE WHEN status = 'metadata' THEN 0 ELSE size * (scatter % 97) / 97 END,
       size, size, 1, timestamptz '2020-01-01' + n * interval '61 seconds',
       CASE WHEN status IN ('seeding', 'completed') THEN timestamptz '2020-01-01' + n * interval '62 seconds' END,
       'films', NULL, NULL, '{}', NULL, NULL, '{}', false, 8, n
FROM (
    SELECT *, 1000000 + scatter % 50000000000 AS size,
           CASE WHEN scatter % 10000 = 0 THEN 'failed'
                WHEN scatter % 1000 = 1 THEN 'metadata'
                WHEN scatter % 100 < 3 THEN 'downloading'
                WHEN scatter % 10 = 4 THEN 'paused'
                WHEN scatter % 10 = 5 THEN 'completed'
                ELSE 'seeding' END AS status,
           initcap(substr(text, 1, 6)) || '.' || substr(text, 7, 5) || '.S0' || n % 9 || 'E' || 10 + n % 17
               || CASE WHEN scatter % 100003 < 2 THEN '.Zyzzyva' WHEN scatter % 1009 = 3 THEN '.Remastered' ELSE '' END
               || CASE WHEN scatter % 10 < 6 THEN '.1080p' WHEN scatter % 10 < 9 THEN '.720p' ELSE '.2160p' END
               || '.WEB.x264-' || upper(substr(text, 30, 3)) AS name
    FROM drawn
) AS named;

INSERT INTO torrents.torrent_search
SELECT id, torrent.name_key,
       array_remove(ARRAY[
           CASE WHEN scatter % 10 = 7 THEN 'tenth' END,
           CASE WHEN scatter % 101 = 5 THEN 'hundredth' END,
           CASE WHEN scatter % 1009 = 5 THEN 'thousandth' END,
           CASE WHEN scatter % 10007 = 5 THEN 'ten-thousandth' END,
           CASE WHEN scatter % 100003 < 2 THEN 'hundred-thousandth' END,
           -- Not spread: all of it lies at one end of the default order.
           CASE WHEN n > $1::bigint * 99 / 100 THEN 'newest' END], NULL),
       CASE WHEN scatter % 2 = 0 THEN ARRAY['open.example', 'tracker' || scatter % 7 || '.example']
            WHEN scatter % 5003 = 1 THEN ARRAY['private.example']
            ELSE ARRAY['tracker' || scatter % 7 || '.example'] END,
       CASE WHEN status = 'metadata' THEN NULL
            WHEN scatter % 1009 = 11 THEN ARRAY['iso']
            WHEN scatter % 20 = 3 THEN ARRAY['cue', 'flac', 'jpg']
            WHEN scatter % 3 = 1 THEN ARRAY['mkv', 'nfo', 'srt']
            ELSE ARRAY['mkv'] END
FROM drawn JOIN torrents.torrent USING (id);

INSERT INTO public.torrent_live
SELECT id, 2, wanted_bytes * (scatter % 89) / 89, size_bytes, size_bytes, 0, 0, 0, 0
FROM drawn JOIN torrents.torrent USING (id) WHERE status = 'downloading';

DROP TABLE drawn;
