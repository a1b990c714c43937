-- Large bodies beside the log. A body commits before the fact that relies on it.

-- A torrent file by the hex of its v1 info hash, or of its v2 one if it has no other.
CREATE TABLE metainfo (
    info_hash   text COLLATE "C" PRIMARY KEY,
    body        bytea            NOT NULL,
    recorded_at timestamptz      NOT NULL DEFAULT now()
);
-- Piece hashes do not compress.
ALTER TABLE metainfo ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE file_lists (
    torrent_id  text COLLATE "C" PRIMARY KEY,
    body        json             NOT NULL,
    recorded_at timestamptz      NOT NULL DEFAULT now()
);

-- One row for each torrent, replaced in a transaction and guarded by its hash: unlike a file it cannot tear.
CREATE TABLE resume_data (
    torrent_id   text COLLATE "C" PRIMARY KEY,
    at           timestamptz      NOT NULL,
    piece_count  integer          NOT NULL,
    sha256       bytea            NOT NULL,
    body         bytea            NOT NULL,
    -- A body that libtorrent refused, set aside for whoever looks into it.
    refused_body bytea
);

CREATE TABLE session_state (
    node text        PRIMARY KEY,
    at   timestamptz NOT NULL,
    body bytea       NOT NULL
);
