-- Outcomes of the media test that people agreed to keep as technical evidence; deleted at their term.
CREATE TABLE media_tests (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    user_id UUID NOT NULL REFERENCES users (id),
    taken_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    -- Every check was green.
    ready BOOLEAN NOT NULL,
    -- JSON: what was shown of each check.
    checks TEXT NOT NULL
);
CREATE INDEX media_tests_of_user ON media_tests (body, user_id, taken_at);
CREATE INDEX media_tests_expiry ON media_tests (expires_at);
