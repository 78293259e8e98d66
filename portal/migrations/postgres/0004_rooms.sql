-- The way from a meeting into its room, and which node serves it.

-- Names stand here, beside the attendance log, which holds seat ids only.
CREATE TABLE meeting_seats (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    meeting_id UUID NOT NULL REFERENCES meetings (id),
    user_id UUID NOT NULL REFERENCES users (id),
    seat TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    -- When the notice of confidentiality was accepted (R-MEET-25).
    accepted_at TIMESTAMPTZ,
    UNIQUE (meeting_id, user_id)
);

CREATE TABLE join_tokens (
    -- SHA-256 of the token, in hex: the token itself is known to its holder alone.
    hash TEXT PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    seat_id UUID NOT NULL REFERENCES meeting_seats (id),
    expires_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);
CREATE INDEX join_tokens_expiry ON join_tokens (expires_at);

CREATE TABLE leases (
    room UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    node TEXT NOT NULL,
    generation BIGINT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
