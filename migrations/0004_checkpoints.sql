-- How far each generation of a projection has come, who runs it, and until when.
--
-- The lease says who should run, on the database's clock; correctness comes from the fence: the first statement of a
-- transaction that writes rows moves `position` from the old value under its own `epoch`, or the transaction stops.

CREATE TABLE checkpoints (
    projection  text   NOT NULL,
    generation  bigint NOT NULL,
    position    bigint NOT NULL DEFAULT 0,
    epoch       bigint NOT NULL DEFAULT 0,
    owner       text,
    lease_until timestamptz,
    status      text   NOT NULL DEFAULT 'live',
    error       text,
    PRIMARY KEY (projection, generation)
) WITH (fillfactor = 50); -- Updated at every batch: room for the next version of a row on the same page.
