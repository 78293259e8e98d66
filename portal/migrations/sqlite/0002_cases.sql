-- Cases, the operators in them, their meetings and documents. Every row carries its body.

CREATE TABLE counters (
    body BLOB NOT NULL REFERENCES bodies (id),
    name TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (body, name)
);

CREATE TABLE cases (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    number TEXT,
    procedure TEXT NOT NULL,
    -- Counts changes; raising it takes the row's lock.
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    sector TEXT NOT NULL,
    service TEXT NOT NULL,
    utility TEXT NOT NULL,
    urgent BOOLEAN NOT NULL,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    complete_on TEXT,
    integration_by TEXT,
    admitted_at TEXT,
    deadline TEXT,
    extension_days INTEGER NOT NULL,
    conciliator BLOB REFERENCES users (id),
    next_meeting TEXT,
    first_meeting_on TEXT,
    meeting_started BOOLEAN NOT NULL,
    meetings_held INTEGER NOT NULL,
    postponed TEXT NOT NULL,
    outcome TEXT,
    overdue BOOLEAN NOT NULL,
    closed_at TEXT,
    client_user BLOB REFERENCES users (id),
    client_delegate BLOB REFERENCES users (id),
    application TEXT NOT NULL,
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
    case_id BLOB NOT NULL REFERENCES cases (id),
    operator BLOB NOT NULL REFERENCES operators (id),
    body BLOB NOT NULL REFERENCES bodies (id),
    part TEXT NOT NULL,
    position INTEGER NOT NULL,
    compulsory BOOLEAN NOT NULL,
    convened BOOLEAN NOT NULL,
    adhesion TEXT NOT NULL,
    delegate BLOB REFERENCES users (id),
    PRIMARY KEY (case_id, operator),
    UNIQUE (case_id, part)
);
CREATE INDEX case_operators_operator ON case_operators (operator, case_id);
CREATE INDEX case_operators_delegate ON case_operators (delegate, case_id);

CREATE TABLE meetings (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    case_id BLOB NOT NULL REFERENCES cases (id),
    state TEXT NOT NULL,
    mode TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    is_first BOOLEAN NOT NULL,
    convened_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    outcome TEXT,
    -- The meeting in whose place this one stands.
    replaces BLOB REFERENCES meetings (id)
);
CREATE INDEX meetings_case ON meetings (case_id, starts_at);
CREATE INDEX meetings_time ON meetings (body, starts_at);
-- A case has at most one meeting that is fixed or running.
CREATE UNIQUE INDEX meetings_pending ON meetings (case_id)
    WHERE state IN ('convened', 'in_progress', 'interrupted');

CREATE TABLE documents (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    case_id BLOB NOT NULL REFERENCES cases (id),
    meeting_id BLOB REFERENCES meetings (id),
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    sender TEXT NOT NULL,
    operator BLOB REFERENCES operators (id),
    sent_by BLOB REFERENCES users (id),
    sent_at TEXT NOT NULL,
    confidential BOOLEAN NOT NULL,
    complete BOOLEAN NOT NULL,
    name TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE INDEX documents_case ON documents (case_id, sent_at);
CREATE INDEX documents_file ON documents (body, sha256);

CREATE TABLE document_reads (
    document_id BLOB NOT NULL REFERENCES documents (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    body BLOB NOT NULL REFERENCES bodies (id),
    read_at TEXT NOT NULL,
    PRIMARY KEY (document_id, user_id)
);
