-- What authorities said of certificates when somebody had signed: OCSP responses and revocation lists,
-- DER, until the document has them.
CREATE TABLE signature_status (
    process BLOB NOT NULL REFERENCES signature_processes (id),
    digest TEXT NOT NULL,
    body BLOB NOT NULL REFERENCES bodies (id),
    kind TEXT NOT NULL,
    der BLOB NOT NULL,
    PRIMARY KEY (process, digest)
);
