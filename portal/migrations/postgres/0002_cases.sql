-- Cases, the operators in them, their meetings and documents. Every row carries its body.

CREATE TABLE counters (
    body UUID NOT NULL REFERENCES bodies (id),
    name TEXT NOT NULL,
    last BIGINT NOT NULL,
    PRIMARY KEY (body, name)
);

CREATE TABLE cases (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    number TEXT,
    procedure TEXT NOT NULL,
    -- Counts changes; raising it takes the row's lock.
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    sector TEXT NOT NULL,
    service TEXT NOT NULL,
    utility TEXT NOT NULL,
    urgent BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    sent_at TIMESTAMPTZ,
    complete_on DATE,
    integration_by DATE,
    admitted_at TIMESTAMPTZ,
    deadline DATE,
    extension_days INTEGER NOT NULL,
    conciliator UUID REFERENCES users (id),
    next_meeting TIMESTAMPTZ,
    first_meeting_on DATE,
    meeting_started BOOLEAN NOT NULL,
    meetings_held INTEGER NOT NULL,
    postponed JSONB NOT NULL,
    outcome TEXT,
    overdue BOOLEAN NOT NULL,
    closed_at TIMESTAMPTZ,
    client_user UUID REFERENCES users (id),
    client_delegate UUID REFERENCES users (id),
    application JSONB NOT NULL,
    -- What lists show and search: written with the row, so that a list reads one table.
    client_name TEXT NOT NULL,
    operator_name TEXT NOT NULL,
    aid_name TEXT NOT NULL,
    second_aid_name TEXT NOT NULL,
    delegate_name TEXT NOT NULL,
    search TEXT NOT NULL,
    UNIQUE (body, number)
);
CREATE INDEX cases_state ON cases (body, state, number);
CREATE INDEX cases_conciliator ON cases (conciliator, state);
CREATE INDEX cases_client ON cases (client_user);
CREATE INDEX cases_client_delegate ON cases (client_delegate);
CREATE INDEX cases_deadline ON cases (body, deadline);

CREATE TABLE case_operators (
    case_id UUID NOT NULL REFERENCES cases (id),
    operator UUID NOT NULL REFERENCES operators (id),
    body UUID NOT NULL REFERENCES bodies (id),
    part TEXT NOT NULL,
    position INTEGER NOT NULL,
    compulsory BOOLEAN NOT NULL,
    convened BOOLEAN NOT NULL,
    adhesion TEXT NOT NULL,
    delegate UUID REFERENCES users (id),
    PRIMARY KEY (case_id, operator),
    UNIQUE (case_id, part)
);
CREATE INDEX case_operators_operator ON case_operators (operator, case_id);
CREATE INDEX case_operators_delegate ON case_operators (delegate, case_id);

CREATE TABLE meetings (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    case_id UUID NOT NULL REFERENCES cases (id),
    state TEXT NOT NULL,
    mode TEXT NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    is_first BOOLEAN NOT NULL,
    convened_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    outcome TEXT,
    -- The meeting in whose place this one stands.
    replaces UUID REFERENCES meetings (id)
);
CREATE INDEX meetings_case ON meetings (case_id, starts_at);
CREATE INDEX meetings_time ON meetings (body, starts_at);
-- A case has at most one meeting that is fixed or running.
CREATE UNIQUE INDEX meetings_pending ON meetings (case_id)
    WHERE state IN ('convened', 'in_progress', 'interrupted');

CREATE TABLE documents (
    id UUID PRIMARY KEY,
    body UUID NOT NULL REFERENCES bodies (id),
    case_id UUID NOT NULL REFERENCES cases (id),
    meeting_id UUID REFERENCES meetings (id),
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    sender TEXT NOT NULL,
    operator UUID REFERENCES operators (id),
    sent_by UUID REFERENCES users (id),
    sent_at TIMESTAMPTZ NOT NULL,
    confidential BOOLEAN NOT NULL,
    complete BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE INDEX documents_case ON documents (case_id, sent_at);
CREATE INDEX documents_file ON documents (body, sha256);

CREATE TABLE document_reads (
    document_id UUID NOT NULL REFERENCES documents (id),
    user_id UUID NOT NULL REFERENCES users (id),
    body UUID NOT NULL REFERENCES bodies (id),
    read_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (document_id, user_id)
);
