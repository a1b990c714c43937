-- Large bodies beside the log. A body commits before the fact that relies on it.

CREATE TABLE metainfo (
    info_hash   text        PRIMARY KEY,
    body        bytea       NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
-- Torrent files do not compress.
ALTER TABLE metainfo ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE file_lists (
    torrent_id  text        PRIMARY KEY,
    body        json        NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);

-- One row a torrent, replaced in a transaction and guarded by its hash: never a file that tears.
CREATE TABLE resume_data (
    torrent_id  text        PRIMARY KEY,
    at          timestamptz NOT NULL,
    piece_count integer     NOT NULL,
    sha256      bytea       NOT NULL,
    body        bytea       NOT NULL
);

CREATE TABLE session_state (
    node text        PRIMARY KEY,
    at   timestamptz NOT NULL,
    body bytea       NOT NULL
);
