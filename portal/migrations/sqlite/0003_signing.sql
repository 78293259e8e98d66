-- Minutes and signatures. Every row carries its body.

-- What the conciliator writes; one draft a meeting, kept after freezing for a new version.
CREATE TABLE minutes (
    body BLOB NOT NULL,
    meeting BLOB NOT NULL PRIMARY KEY,
    outcome TEXT NOT NULL,
    text TEXT NOT NULL,
    revision BIGINT NOT NULL,
    saved_at TEXT NOT NULL,
    shown_at TEXT
);

-- One frozen document on its way through its signers. `document` is the digest of the newest
-- revision, which is also its name in the object store. `locked` only takes the row's lock.
CREATE TABLE signature_processes (
    id BLOB NOT NULL PRIMARY KEY,
    body BLOB NOT NULL,
    meeting BLOB NOT NULL,
    case_id BLOB NOT NULL,
    title TEXT NOT NULL,
    outcome TEXT NOT NULL,
    frozen TEXT NOT NULL,
    document TEXT NOT NULL,
    status TEXT NOT NULL,
    open BOOLEAN NOT NULL,
    expires_at TEXT NOT NULL,
    started_by BLOB NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    locked BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX signature_processes_by_meeting ON signature_processes (body, meeting, started_at);
CREATE INDEX signature_processes_by_expiry ON signature_processes (open, expires_at);
-- A meeting has one document at signature at a time.
CREATE UNIQUE INDEX signature_processes_open ON signature_processes (meeting) WHERE open;

-- What pages show of a signer; the truth is the journal.
CREATE TABLE signature_signers (
    process BLOB NOT NULL REFERENCES signature_processes (id),
    field TEXT NOT NULL,
    body BLOB NOT NULL,
    position BIGINT NOT NULL,
    person BLOB NOT NULL,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    width DOUBLE PRECISION NOT NULL,
    height DOUBLE PRECISION NOT NULL,
    step TEXT NOT NULL,
    signed_at TEXT,
    PRIMARY KEY (process, field)
);

-- Certificates issued for a process: JSON of the DER chain.
CREATE TABLE signature_credentials (
    process BLOB NOT NULL REFERENCES signature_processes (id),
    credential TEXT NOT NULL,
    body BLOB NOT NULL,
    field TEXT NOT NULL,
    chain TEXT NOT NULL,
    PRIMARY KEY (process, credential)
);

-- One attempt to sign. `prepared` and `signature` are emptied when it ends.
CREATE TABLE signature_attempts (
    id BLOB NOT NULL PRIMARY KEY,
    body BLOB NOT NULL,
    process BLOB NOT NULL REFERENCES signature_processes (id),
    field TEXT NOT NULL,
    base TEXT NOT NULL,
    prepared TEXT,
    signature BLOB,
    started_at TEXT NOT NULL,
    ended_at TEXT
);
CREATE INDEX signature_attempts_running ON signature_attempts (process, ended_at);

-- Who was identified, how and when (R-SIGN-06, R-SIGN-08).
CREATE TABLE identifications (
    id BLOB NOT NULL PRIMARY KEY,
    body BLOB NOT NULL,
    person BLOB NOT NULL,
    method TEXT NOT NULL,
    identified_at TEXT NOT NULL,
    reference TEXT NOT NULL
);
CREATE INDEX identifications_by_person ON identifications (body, person, identified_at);

-- Round trips to the identity provider; a state comes back once.
CREATE TABLE identification_requests (
    state TEXT NOT NULL PRIMARY KEY,
    body BLOB NOT NULL,
    person BLOB NOT NULL,
    meeting BLOB NOT NULL,
    requested_at TEXT NOT NULL,
    used_at TEXT
);

-- What stands beside the evidence log's chain and can be erased: who, and from which address.
CREATE TABLE signature_evidence (
    process BLOB NOT NULL REFERENCES signature_processes (id),
    seq BIGINT NOT NULL,
    body BLOB NOT NULL,
    actor BLOB,
    address TEXT,
    document TEXT NOT NULL,
    PRIMARY KEY (process, seq)
);
