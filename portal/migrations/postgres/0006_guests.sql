-- People without an account, their personal invitations, and standing rooms.

-- People of a case who have no account: the secretariat names them with their seat.
CREATE TABLE case_persons (
    case_id UUID NOT NULL REFERENCES cases (id),
    user_id UUID NOT NULL REFERENCES users (id),
    body UUID NOT NULL REFERENCES bodies (id),
    seat TEXT NOT NULL,
    added_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (case_id, user_id),
    UNIQUE (case_id, seat)
);

-- One room of a case that stays open for days, also between its meetings (R-MEET-23).
CREATE TABLE standing_rooms (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    case_id UUID NOT NULL REFERENCES cases (id),
    opened_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX standing_rooms_case ON standing_rooms (case_id, opened_at);

-- The way of one person into one room: a meeting's or a standing one's (R-MEET-46, R-MEET-47).
-- Link and code of the letter are kept as SHA-256 in hex.
CREATE TABLE invitations (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    room UUID NOT NULL,
    case_id UUID NOT NULL REFERENCES cases (id),
    user_id UUID NOT NULL REFERENCES users (id),
    seat TEXT NOT NULL,
    label TEXT NOT NULL,
    -- Why the conciliator admits somebody to an extra seat.
    reason TEXT NOT NULL,
    link TEXT NOT NULL UNIQUE,
    letter TEXT UNIQUE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    codes_sent BIGINT NOT NULL,
    last_code_at TIMESTAMPTZ,
    code_failures BIGINT NOT NULL
);
CREATE INDEX invitations_room ON invitations (room, user_id);
-- Of several links to one person only the newest works.
CREATE UNIQUE INDEX invitations_live ON invitations (room, user_id) WHERE ended_at IS NULL;

-- A guest's session has an invitation where an account's has a profile.
ALTER TABLE sessions ADD COLUMN invitation UUID REFERENCES invitations (id);

-- The person signs with a certificate of their own (R-MEET-08).
ALTER TABLE users ADD COLUMN own_signature BOOLEAN NOT NULL DEFAULT FALSE;

-- Seats are of rooms: a standing one has no meeting.
ALTER TABLE meeting_seats DROP CONSTRAINT meeting_seats_meeting_id_fkey;
ALTER TABLE meeting_seats RENAME COLUMN meeting_id TO room;
ALTER TABLE meeting_seats RENAME TO room_seats;
