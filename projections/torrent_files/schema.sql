-- One generation of the read model `torrent_files`; runs with search_path set to the generation's schema.
--
-- The paths are not copied: a file list never changes and lies in the table of bodies. What changes is the priorities, as
-- runs, because a rule gives the same one to thousands of files in a row.

-- Which definition the rows were made by.
CREATE TABLE definition (version integer NOT NULL);

CREATE TABLE file_priorities (
    torrent_id text COLLATE "C"  PRIMARY KEY,
    -- `[[how many files, priority], …]`, in the order of the files; null until a selection was applied.
    runs       json,
    position   bigint            NOT NULL
);
