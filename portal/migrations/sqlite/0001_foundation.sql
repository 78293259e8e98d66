-- Bodies, people, sign-in, messages, files and journals. Every row carries its body.

CREATE TABLE instance (
    -- One row: what this database is. A demo never becomes production.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    demo BOOLEAN NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE bodies (
    id BLOB PRIMARY KEY,
    host TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    procedure TEXT NOT NULL,
    created_at TEXT NOT NULL
);

CREATE TABLE operators (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    compulsory BOOLEAN NOT NULL,
    UNIQUE (body, name)
);

CREATE TABLE users (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    -- Matched case-sensitively (R-ACC-03).
    username TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    given_name TEXT NOT NULL,
    surname TEXT NOT NULL,
    fiscal_code TEXT NOT NULL,
    email TEXT NOT NULL,
    mobile TEXT NOT NULL,
    state TEXT NOT NULL,
    -- Consecutive wrong codes, across resends (R-LOG-05).
    code_failures INTEGER NOT NULL,
    password_failures INTEGER NOT NULL,
    identified_by TEXT,
    identified_at TEXT,
    created_at TEXT NOT NULL,
    UNIQUE (body, username)
);

CREATE TABLE profiles (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    operator BLOB REFERENCES operators (id),
    -- Enabled for technical aid only (R-ROLE-26).
    aid_only BOOLEAN NOT NULL
);
CREATE INDEX profiles_of_user ON profiles (user_id);

CREATE TABLE sessions (
    -- SHA-256 of the cookie.
    token BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    user_id BLOB NOT NULL REFERENCES users (id),
    -- Set once the one-time code was right and a profile was chosen.
    profile BLOB REFERENCES profiles (id),
    code_hash BLOB,
    code_expires TEXT,
    resends INTEGER NOT NULL,
    authenticated_at TEXT,
    last_seen TEXT NOT NULL
);

CREATE TABLE outbox (
    id BLOB PRIMARY KEY,
    body BLOB NOT NULL REFERENCES bodies (id),
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    -- The same message is written once.
    key TEXT NOT NULL,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    tries INTEGER NOT NULL,
    next_try TEXT,
    error TEXT,
    UNIQUE (body, key)
);
CREATE INDEX outbox_due ON outbox (next_try) WHERE sent_at IS NULL;

CREATE TABLE files (
    body BLOB NOT NULL REFERENCES bodies (id),
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    PRIMARY KEY (body, sha256)
);

CREATE TABLE journal (
    body BLOB NOT NULL REFERENCES bodies (id),
    kind TEXT NOT NULL,
    aggregate BLOB NOT NULL,
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    prev TEXT NOT NULL,
    hash TEXT NOT NULL,
    -- RFC 3161 token over `hash`, where the chain was time-stamped.
    timestamp_token BLOB,
    PRIMARY KEY (body, kind, aggregate, seq)
);
