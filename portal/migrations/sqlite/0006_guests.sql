-- People without an account, their personal invitations, and standing rooms.

-- People of a case who have no account: the secretariat names them with their seat.
CREATE TABLE case_persons (
    case_id BLOB NOT NULL REFERENCES cases (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    body BLOB NOT NULL REFERENCES bodies (id),
    seat TEXT NOT NULL,
    added_at TEXT NOT NULL,
    PRIMARY KEY (case_id, user_id),
    UNIQUE (case_id, seat)
);

-- One room of a case that stays open for days, also between its meetings (R-MEET-23).
CREATE TABLE standing_rooms (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    case_id BLOB NOT NULL REFERENCES cases (id),
    opened_at TEXT NOT NULL,
    ends_at TEXT NOT NULL
);
CREATE INDEX standing_rooms_case ON standing_rooms (case_id, opened_at);

-- The way of one person into one room: a meeting's or a standing one's (R-MEET-46, R-MEET-47).
-- Link and code of the letter are kept as SHA-256 in hex.
CREATE TABLE invitations (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    room BLOB NOT NULL,
    case_id BLOB NOT NULL REFERENCES cases (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    seat TEXT NOT NULL,
    label TEXT NOT NULL,
    -- Why the conciliator admits somebody to an extra seat.
    reason TEXT NOT NULL,
    link TEXT NOT NULL UNIQUE,
    letter TEXT UNIQUE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT,
    codes_sent INTEGER NOT NULL,
    last_code_at TEXT,
    code_failures INTEGER NOT NULL
);
CREATE INDEX invitations_room ON invitations (room, user_id);
-- Of several links to one person only the newest works.
CREATE UNIQUE INDEX invitations_live ON invitations (room, user_id) WHERE ended_at IS NULL;

-- A guest's session has an invitation where an account's has a profile.
ALTER TABLE sessions ADD COLUMN invitation BLOB REFERENCES invitations (id);

-- The person signs with a certificate of their own (R-MEET-08).
ALTER TABLE users ADD COLUMN own_signature BOOLEAN NOT NULL DEFAULT FALSE;

-- Seats are of rooms: a standing one has no meeting.
DROP TABLE join_tokens;
CREATE TABLE room_seats (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    room BLOB NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    seat TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    -- When the notice of confidentiality was accepted (R-MEET-25).
    accepted_at TEXT,
    UNIQUE (room, user_id)
);
INSERT INTO room_seats (id, body, room, user_id, seat, name, label, accepted_at)
    SELECT id, body, meeting_id, user_id, seat, name, label, accepted_at FROM meeting_seats;
DROP TABLE meeting_seats;
CREATE TABLE join_tokens (
    -- SHA-256 of the token, in hex: the token itself is known to its holder alone.
    hash TEXT PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    seat_id BLOB NOT NULL REFERENCES room_seats (id),
    expires_at TEXT NOT NULL,
    used_at TEXT
);
CREATE INDEX join_tokens_expiry ON join_tokens (expires_at);
