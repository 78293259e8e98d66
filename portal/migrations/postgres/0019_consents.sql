-- What each party answered about a fully digital procedure (R-SIGN-37); earlier answers are in the
-- history of the case.
CREATE TABLE digital_consents (
    body UUID NOT NULL,
    case_id UUID NOT NULL,
    seat TEXT NOT NULL,
    consents BOOLEAN NOT NULL,
    given TEXT NOT NULL,
    recorded_by UUID NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (case_id, seat)
);
