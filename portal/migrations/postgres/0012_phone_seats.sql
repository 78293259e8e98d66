-- Who takes part by telephone (R-MEET-29). Names and numbers stand here, beside the attendance log.
CREATE TABLE meeting_phones (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    meeting_id UUID NOT NULL REFERENCES meetings (id),
    name TEXT NOT NULL,
    number TEXT NOT NULL,
    side TEXT NOT NULL,
    added_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX meeting_phones_meeting ON meeting_phones (meeting_id);
