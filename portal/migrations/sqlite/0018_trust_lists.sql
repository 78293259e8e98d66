-- Trusted lists as they were fetched; of the installation, not of a body. Checked again whenever they
-- are read.
CREATE TABLE trust_lists (
    -- LOTL for the list of lists, or the territory of a national one.
    name TEXT NOT NULL PRIMARY KEY,
    location TEXT NOT NULL,
    -- The last good one; empty until there was one.
    list BLOB NOT NULL,
    -- Of the last good one: no lower number is taken afterwards.
    sequence BIGINT NOT NULL,
    -- With which the server tells whether there is a newer one.
    tag TEXT NOT NULL,
    due_at TEXT NOT NULL,
    -- Since when something has been wrong, and what.
    failing_since TEXT,
    fault TEXT NOT NULL
);
