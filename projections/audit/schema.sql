-- One generation of the read model `audit`; runs with search_path set to the generation's schema.
--
-- Who did what to whom, and when: what is searched, and nothing else. What exactly was done stays in the log alone, one look-up
-- by position away.

-- Which definition the rows were made by.
CREATE TABLE definition (version integer NOT NULL);

CREATE TABLE entry (
    position    bigint            PRIMARY KEY,
    recorded_at timestamptz       NOT NULL,
    actor       text COLLATE "C"  NOT NULL,
    kind        text COLLATE "C"  NOT NULL,
    -- The stream: `torrent-<ULID>`, `settings`, …
    subject     text COLLATE "C"  NOT NULL,
    -- Whether the service did it by itself: the most of all facts, and the least looked for.
    of_system   boolean           NOT NULL
);
