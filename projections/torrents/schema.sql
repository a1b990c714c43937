-- One generation of the read model `torrents`; runs with search_path set to the generation's schema.
--
-- What changes often and what is searched are tables apart, so that a change of state touches no search index.

-- Which definition the rows were made by.
CREATE TABLE definition (version integer NOT NULL);

CREATE TABLE torrent (
    id                               text COLLATE "C"  PRIMARY KEY,
    info_hash_v1                     bytea,
    info_hash_v2                     bytea,
    name                             text              NOT NULL,
    -- The beginning of the name in lower case: an index holds no entry above 2,700 bytes.
    name_key                         text COLLATE "C"  NOT NULL,
    status                           text              NOT NULL,
    size_bytes                       bigint,
    size_key                         bigint            NOT NULL,
    wanted_bytes                     bigint,
    wanted_done_bytes                bigint            NOT NULL,
    downloaded_bytes                 bigint            NOT NULL,
    uploaded_bytes                   bigint            NOT NULL,
    -- Of the last fact that carried counters: a sample counts when it is younger.
    totals_position                  bigint            NOT NULL,
    added_at                         timestamptz       NOT NULL,
    completed_at                     timestamptz,
    save_path                        text              NOT NULL,
    error_code                       text,
    error_detail                     text,
    selection                        json              NOT NULL,
    download_limit_bytes_per_second  bigint,
    upload_limit_bytes_per_second    bigint,
    share_limits                     json              NOT NULL,
    sequential                       boolean           NOT NULL,
    -- Its job in the file pipeline, as it is shown; null while there was none.
    fsops                            json,
    -- Whether somebody has to do something about that job.
    fsops_pending                    boolean           NOT NULL,
    version                          bigint            NOT NULL,
    position                         bigint            NOT NULL
);

CREATE TABLE torrent_search (
    id         text COLLATE "C"  PRIMARY KEY,
    name_lower text              NOT NULL,
    labels     text[]            NOT NULL,
    trackers   text[]            NOT NULL,
    -- Null until the files are known.
    extensions text[]
);
