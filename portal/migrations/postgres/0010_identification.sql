-- Video identification (R-MEET-30…33).

-- Who may identify, enabled by the administrator.
CREATE TABLE identification_operators (
    body UUID NOT NULL REFERENCES bodies (id),
    user_id UUID NOT NULL REFERENCES users (id),
    authorised_by UUID NOT NULL REFERENCES users (id),
    authorised_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (body, user_id)
);

CREATE TABLE video_identifications (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    person UUID NOT NULL REFERENCES users (id),
    state TEXT NOT NULL,
    operator UUID REFERENCES users (id),
    -- The session's own room; every session has another one.
    room UUID,
    -- The meeting whose minutes the person wants to sign.
    meeting UUID,
    requested_at TIMESTAMPTZ NOT NULL,
    appointment_at TIMESTAMPTZ,
    touched_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    version BIGINT NOT NULL,
    -- JSON: consent, document, confirmations, reason. Beside the journal, so that it can be erased.
    details TEXT NOT NULL
);
-- One request at a time.
CREATE UNIQUE INDEX video_identifications_open ON video_identifications (body, person)
    WHERE state IN ('waiting', 'in_session');
CREATE INDEX video_identifications_queue ON video_identifications (body, state, requested_at);

-- The rooms that sessions had: what a room reports last comes when its session is over.
CREATE TABLE identification_rooms (
    room UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    identification UUID NOT NULL REFERENCES video_identifications (id)
);

-- Ways into a session's room; spent at once.
CREATE TABLE identification_tokens (
    -- SHA-256 of the token, in hex.
    hash TEXT PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    identification UUID NOT NULL REFERENCES video_identifications (id),
    user_id UUID NOT NULL REFERENCES users (id),
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);
CREATE INDEX identification_tokens_expiry ON identification_tokens (expires_at);

-- Until when an identification counts; those from before the column have no end.
ALTER TABLE identifications ADD COLUMN expires_at TIMESTAMPTZ;
