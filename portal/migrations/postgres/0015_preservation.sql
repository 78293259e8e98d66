-- Completed documents, and when the next archive time stamp is due: at once for the first.
CREATE TABLE signature_preservations (
    process UUID NOT NULL PRIMARY KEY REFERENCES signature_processes (id),
    body UUID NOT NULL REFERENCES bodies (id),
    due_at TIMESTAMPTZ NOT NULL,
    -- Failures since the last stamp.
    tries BIGINT NOT NULL DEFAULT 0,
    -- A hub works on it until then.
    held_until TIMESTAMPTZ
);
CREATE INDEX signature_preservations_due ON signature_preservations (due_at);
INSERT INTO signature_preservations (process, body, due_at)
    SELECT id, body, ended_at FROM signature_processes
    WHERE status = 'completed' AND ended_at IS NOT NULL;
