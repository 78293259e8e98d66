-- Powers to sign for another (R-SIGN-05): the document that gives them, and how long they hold. They
-- belong to an operator, or to one case, or to both.
CREATE TABLE signing_powers (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    person UUID NOT NULL REFERENCES users (id),
    operator UUID REFERENCES operators (id),
    case_id UUID REFERENCES cases (id),
    kind TEXT NOT NULL,
    -- Day of the document; of a commitment the day of the request (C-42).
    dated DATE NOT NULL,
    -- Last day.
    until DATE,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    CHECK (operator IS NOT NULL OR case_id IS NOT NULL)
);
CREATE INDEX signing_powers_operator ON signing_powers (operator);
CREATE INDEX signing_powers_case ON signing_powers (case_id);
CREATE INDEX signing_powers_person ON signing_powers (person);
CREATE INDEX signing_powers_until ON signing_powers (until) WHERE ended_at IS NULL;
