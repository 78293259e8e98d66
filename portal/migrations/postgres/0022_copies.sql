-- Documents that were put to signature together have the same `version`: one that all share, or a copy
-- for each recipient (R-SIGN-27). `copy` is its number from 1; 0 for a shared document.
ALTER TABLE signature_processes ADD COLUMN version UUID;
UPDATE signature_processes SET version = id;
ALTER TABLE signature_processes ADD COLUMN copy BIGINT NOT NULL DEFAULT 0;
-- A meeting has each of them at signature once at a time.
DROP INDEX signature_processes_open;
CREATE UNIQUE INDEX signature_processes_open ON signature_processes (meeting, copy) WHERE open;

-- People typed in to get an own copy of a meeting's minutes (R-SIGN-26); they have no account.
CREATE TABLE minutes_recipients (
    body UUID NOT NULL REFERENCES bodies (id),
    meeting UUID NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id),
    added_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (meeting, user_id)
);
