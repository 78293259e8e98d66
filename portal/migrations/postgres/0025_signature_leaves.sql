-- Signers on the trust service's page, where they give leave to sign one digest; a row is taken once,
-- by the session that it was made in.
CREATE TABLE signature_leaves (
    -- SHA-256 of the state that comes back.
    state BYTEA NOT NULL PRIMARY KEY,
    body UUID NOT NULL,
    person UUID NOT NULL,
    -- As in the table of sessions.
    session BYTEA NOT NULL,
    process UUID NOT NULL REFERENCES signature_processes (id),
    field TEXT NOT NULL,
    -- The document that the signer saw, and the revision that is to be signed.
    frozen TEXT NOT NULL,
    base TEXT NOT NULL,
    credential TEXT NOT NULL,
    -- JSON of the prepared revision.
    prepared TEXT NOT NULL,
    verifier TEXT NOT NULL,
    return_to TEXT NOT NULL,
    asked_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX signature_leaves_by_field ON signature_leaves (process, field);
CREATE INDEX signature_leaves_by_time ON signature_leaves (asked_at);
