-- The way from a meeting into its room, and which node serves it.

-- Names stand here, beside the attendance log, which holds seat ids only.
CREATE TABLE meeting_seats (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    meeting_id BLOB NOT NULL REFERENCES meetings (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    seat TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    -- When the notice of confidentiality was accepted (R-MEET-25).
    accepted_at TEXT,
    UNIQUE (meeting_id, user_id)
);

CREATE TABLE join_tokens (
    -- SHA-256 of the token, in hex: the token itself is known to its holder alone.
    hash TEXT PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    seat_id BLOB NOT NULL REFERENCES meeting_seats (id),
    expires_at TEXT NOT NULL,
    used_at TEXT
);
CREATE INDEX join_tokens_expiry ON join_tokens (expires_at);

CREATE TABLE leases (
    room BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    node TEXT NOT NULL,
    generation INTEGER NOT NULL,
    expires_at TEXT NOT NULL
);
