//! Processes, credentials and attempts in the database. A process is rebuilt from its journal; its
//! row and the rows of its signers are what pages read, written in the same transaction.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use signing::{
    Digest,
    evidence::{Entry, EvidenceLog},
    ports::FieldPlace,
    process::{Process, ProcessId, Recorded, Status},
};
use uuid::Uuid;

use super::{SignatureError, rules};
use crate::{
    accounts::UserId,
    db::{Db, DbError, Tx, kept},
    journal::{self, Aggregate},
    on_db,
};

/// Who causes an event, and from where; both stand beside the chain.
#[derive(Clone, Copy, Debug, Default)]
pub struct Who {
    /// The person; absent for the clock.
    pub user: Option<UserId>,
    /// Address of the request.
    pub address: Option<IpAddr>,
}

/// One process as its row tells it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct ProcessRow {
    /// The process.
    pub id: Uuid,
    /// Its body.
    pub body: Uuid,
    /// The meeting whose minutes are signed.
    pub meeting: Uuid,
    /// The case of the meeting.
    pub case_id: Uuid,
    /// Title of the document.
    pub title: String,
    /// Outcome of the meeting, as a word.
    pub outcome: String,
    /// SHA-256 of the newest revision, and its name in the store.
    pub document: String,
    /// §4.8, as a word.
    pub status: String,
    /// Not over.
    pub open: bool,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// When it was put to signature.
    pub started_at: DateTime<Utc>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
}

impl ProcessRow {
    /// The newest revision.
    pub fn digest(&self) -> Result<Digest, SignatureError> {
        self.document.parse().map_err(|_| SignatureError::Damaged("digest of a document"))
    }

    /// The meeting needs no other process: this one is open or completed.
    pub fn is_settled(&self) -> bool {
        self.open || self.status == rules::status_key(Status::Completed)
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate { body: self.body, kind: "evidence", id: self.id }
    }
}

/// One signer as pages show it.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct SignerRow {
    /// Name of the signature field.
    pub field: String,
    /// Who.
    pub person: Uuid,
    /// The seat in words.
    pub role: String,
    /// Full name.
    pub name: String,
    /// Size of the field in points.
    pub width: f64,
    /// Size of the field in points.
    pub height: f64,
    /// §4.8, as a word.
    pub step: String,
    /// When the signature was stored.
    pub signed_at: Option<DateTime<Utc>>,
}

/// A process under its lock: until the transaction ends nobody else changes it.
#[derive(Debug)]
pub struct Locked {
    /// The row.
    pub row: ProcessRow,
    /// The process itself.
    pub process: Process,
}

/// An attempt that is not over.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AttemptRow {
    /// Which attempt.
    pub id: Uuid,
    /// Whose field.
    pub field: String,
    /// The revision that is signed.
    pub base: String,
    /// JSON of the prepared revision.
    pub prepared: String,
    /// The raw signature, once the trust service gave it.
    pub signature: Option<Vec<u8>>,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

const PROCESS: &str = "SELECT id, body, meeting, case_id, title, outcome, document, status, open, \
     expires_at, started_at, ended_at FROM signature_processes WHERE body = $1 AND id = $2";

/// The newest process of a meeting.
pub async fn latest(
    db: &Db,
    body: Uuid,
    meeting: Uuid,
) -> Result<Option<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT id, body, meeting, case_id, title, outcome, document, status, open, expires_at,
             started_at, ended_at
         FROM signature_processes WHERE body = $1 AND meeting = $2
         ORDER BY started_at DESC LIMIT 1"
    )
    .bind(body)
    .bind(meeting)
    .fetch_optional(c)
    .await)?)
}

/// One process.
pub async fn find(db: &Db, body: Uuid, id: Uuid) -> Result<Option<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(PROCESS).bind(body).bind(id).fetch_optional(c).await)?)
}

/// Processes whose term is over at `now`, of every body. A signature that was given in time is waited
/// for: such a process is overdue only when its term ended before `given_before`.
pub async fn overdue(
    db: &Db,
    now: DateTime<Utc>,
    given_before: DateTime<Utc>,
) -> Result<Vec<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT id, body, meeting, case_id, title, outcome, document, status, open, expires_at,
             started_at, ended_at
         FROM signature_processes p
         WHERE open AND expires_at <= $1 AND (expires_at <= $2 OR NOT EXISTS (
             SELECT 1 FROM signature_attempts a
             WHERE a.process = p.id AND a.ended_at IS NULL AND a.signature IS NOT NULL))
         ORDER BY expires_at LIMIT 100"
    )
    .bind(kept(now))
    .bind(kept(given_before))
    .fetch_all(c)
    .await)?)
}

/// Processes with an attempt that is not over, of every body.
pub async fn interrupted(db: &Db) -> Result<Vec<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT id, body, meeting, case_id, title, outcome, document, status, open, expires_at,
             started_at, ended_at
         FROM signature_processes p WHERE open AND EXISTS (
             SELECT 1 FROM signature_attempts a WHERE a.process = p.id AND a.ended_at IS NULL)"
    )
    .fetch_all(c)
    .await)?)
}

/// Signers of a process, in order.
pub async fn signers(db: &Db, process: Uuid) -> Result<Vec<SignerRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT field, person, role, name, width, height, step, signed_at
         FROM signature_signers WHERE process = $1 ORDER BY position"
    )
    .bind(process)
    .fetch_all(c)
    .await)?)
}

/// The process as its journal tells it.
pub async fn replay(db: &Db, row: &ProcessRow) -> Result<Process, SignatureError> {
    let entries = journal::load(db, row.aggregate()).await?;
    rebuild(entries.iter().map(|entry| entry.event.as_str()))
}

/// Takes the process for this transaction and rebuilds it.
pub async fn lock(tx: &mut Tx, body: Uuid, id: Uuid) -> Result<Option<Locked>, SignatureError> {
    on_db!(&mut *tx, |c| sqlx::query(
        "UPDATE signature_processes SET locked = locked + 1 WHERE body = $1 AND id = $2"
    )
    .bind(body)
    .bind(id)
    .execute(c)
    .await
    .map(drop))?;
    let row: Option<ProcessRow> =
        on_db!(&mut *tx, |c| sqlx::query_as(PROCESS).bind(body).bind(id).fetch_optional(c).await)?;
    let Some(row) = row else { return Ok(None) };
    let events: Vec<(String,)> = on_db!(tx, |c| {
        sqlx::query_as(
        "SELECT event FROM journal WHERE body = $1 AND kind = $2 AND aggregate = $3 ORDER BY seq"
    )
    .bind(body)
    .bind(row.aggregate().kind)
    .bind(id)
    .fetch_all(c)
    .await
    })?;
    let process = rebuild(events.iter().map(|(event,)| event.as_str()))?;
    Ok(Some(Locked { row, process }))
}

fn rebuild<'a>(events: impl Iterator<Item = &'a str>) -> Result<Process, SignatureError> {
    let damaged = |_| SignatureError::Damaged("an event of the evidence log");
    let events: Result<Vec<Recorded>, _> =
        events.map(|event| serde_json::from_str(event).map_err(damaged)).collect();
    Ok(Process::replay(&events?)?)
}

/// What a new process is made of, beside its plan.
#[derive(Debug)]
pub struct NewProcess<'a> {
    /// Body.
    pub body: Uuid,
    /// Meeting.
    pub meeting: Uuid,
    /// Case.
    pub case: Uuid,
    /// Title of the document.
    pub title: &'a str,
    /// Outcome, as a word.
    pub outcome: &'a str,
    /// Role and full name of every signer, by field.
    pub people: &'a [(String, String, String)],
    /// Where the fields are.
    pub places: &'a [FieldPlace],
}

/// Writes a process with its first events.
pub async fn insert(
    tx: &mut Tx,
    new: &NewProcess<'_>,
    process: &Process,
    events: &[Recorded],
    who: Who,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    let plan = process.plan();
    let id = plan.process.0;
    on_db!(&mut *tx, |c| sqlx::query(
        "INSERT INTO signature_processes (id, body, meeting, case_id, title, outcome, frozen,
             document, status, open, expires_at, started_by, started_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    )
    .bind(id)
    .bind(new.body)
    .bind(new.meeting)
    .bind(new.case)
    .bind(new.title)
    .bind(new.outcome)
    .bind(plan.document.to_string())
    .bind(process.document().to_string())
    .bind(rules::status_key(process.status()))
    .bind(!process.status().is_final())
    .bind(kept(plan.terms.expires_at))
    .bind(who.user.map(|user| user.0))
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?;
    for (position, state) in (0_i64..).zip(process.signers()) {
        let field = &state.signer.field;
        let (_, role, name) = new
            .people
            .iter()
            .find(|(key, _, _)| key == field)
            .ok_or(SignatureError::Damaged("a signer without name"))?;
        let place = new
            .places
            .iter()
            .find(|place| place.name == *field)
            .ok_or(SignatureError::Damaged("a signer without field"))?;
        let [left, bottom, right, top] = place.rect.map(f64::from);
        on_db!(&mut *tx, |c| sqlx::query(
            "INSERT INTO signature_signers (process, field, body, position, person, role, name,
                 width, height, step)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        )
        .bind(id)
        .bind(field)
        .bind(new.body)
        .bind(position)
        .bind(state.signer.person)
        .bind(role)
        .bind(name)
        .bind(right - left)
        .bind(top - bottom)
        .bind(rules::step_key(state.step))
        .execute(c)
        .await
        .map(drop))?;
    }
    let aggregate = Aggregate { body: new.body, kind: "evidence", id };
    append(tx, aggregate, process, events, who).await
}

/// Writes events that were just applied to `locked.process`, and the rows that pages read.
pub async fn record(
    tx: &mut Tx,
    locked: &Locked,
    events: &[Recorded],
    who: Who,
) -> Result<(), SignatureError> {
    let Some(last) = events.last() else { return Ok(()) };
    let (row, process) = (&locked.row, &locked.process);
    let ended = process.status().is_final().then(|| kept(last.at));
    on_db!(&mut *tx, |c| sqlx::query(
        "UPDATE signature_processes SET document = $2, status = $3, open = $4, ended_at = $5
         WHERE id = $1"
    )
    .bind(row.id)
    .bind(process.document().to_string())
    .bind(rules::status_key(process.status()))
    .bind(ended.is_none())
    .bind(ended)
    .execute(c)
    .await
    .map(drop))?;
    if let Some(ended) = ended {
        // What was given for a document that nobody completes any more belongs to nothing.
        on_db!(&mut *tx, |c| sqlx::query(
            "UPDATE signature_attempts SET ended_at = $2, prepared = NULL, signature = NULL
             WHERE process = $1 AND ended_at IS NULL"
        )
        .bind(row.id)
        .bind(ended)
        .execute(c)
        .await
        .map(drop))?;
    }
    for state in process.signers() {
        on_db!(&mut *tx, |c| sqlx::query(
            "UPDATE signature_signers SET step = $3, signed_at = $4, person = $5
             WHERE process = $1 AND field = $2"
        )
        .bind(row.id)
        .bind(&state.signer.field)
        .bind(rules::step_key(state.step))
        .bind(state.signed_at.map(kept))
        .bind(state.signer.person)
        .execute(c)
        .await
        .map(drop))?;
    }
    append(tx, row.aggregate(), process, events, who).await
}

async fn append(
    tx: &mut Tx,
    aggregate: Aggregate,
    process: &Process,
    events: &[Recorded],
    who: Who,
) -> Result<(), SignatureError> {
    for event in events {
        let entry = journal::append(tx, aggregate, event, event.at).await?;
        on_db!(&mut *tx, |c| sqlx::query(
            "INSERT INTO signature_evidence (process, seq, body, actor, address, document)
             VALUES ($1, $2, $3, $4, $5, $6)"
        )
        .bind(aggregate.id)
        .bind(entry.seq)
        .bind(aggregate.body)
        .bind(who.user.map(|user| user.0))
        .bind(who.address.map(|address| address.to_string()))
        .bind(process.document().to_string())
        .execute(c)
        .await
        .map(drop))?;
    }
    Ok(())
}

/// Keeps the chain of a credential: it is needed again when the code comes.
pub async fn keep_credential(
    tx: &mut Tx,
    row: &ProcessRow,
    field: &str,
    credential: &signing::ports::Credential,
) -> Result<(), SignatureError> {
    let chain = serde_json::to_string(credential).map_err(journal::JournalError::Event)?;
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO signature_credentials (process, credential, body, field, chain)
         VALUES ($1, $2, $3, $4, $5)"
    )
    .bind(row.id)
    .bind(&credential.id)
    .bind(row.body)
    .bind(field)
    .bind(chain)
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// A credential of this process.
pub async fn credential(
    db: &Db,
    process: Uuid,
    id: &str,
) -> Result<Option<signing::ports::Credential>, SignatureError> {
    let found: Option<(String,)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT chain FROM signature_credentials WHERE process = $1 AND credential = $2"
    )
    .bind(process)
    .bind(id)
    .fetch_optional(c)
    .await)?;
    found
        .map(|(chain,)| serde_json::from_str(&chain))
        .transpose()
        .map_err(|_| SignatureError::Damaged("a credential"))
}

/// Writes an attempt with the prepared revision, before the trust service is called.
pub async fn begin_attempt(
    tx: &mut Tx,
    row: &ProcessRow,
    attempt: &AttemptRow,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO signature_attempts (id, body, process, field, base, prepared, started_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    )
    .bind(attempt.id)
    .bind(row.body)
    .bind(row.id)
    .bind(&attempt.field)
    .bind(&attempt.base)
    .bind(&attempt.prepared)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// Keeps what the trust service gave, before anything else is done with it. Whether the attempt was
/// still there to take it; the caller holds the process.
pub async fn keep_signature(
    tx: &mut Tx,
    attempt: Uuid,
    signature: &[u8],
) -> Result<bool, SignatureError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE signature_attempts SET signature = $2 WHERE id = $1 AND ended_at IS NULL"
    )
    .bind(attempt)
    .bind(signature)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Whether somebody's signature was given and is not yet in the document; the caller holds the
/// process.
pub async fn has_given_in(tx: &mut Tx, process: Uuid) -> Result<bool, SignatureError> {
    let given: i64 = on_db!(tx, |c| sqlx::query_scalar(
        "SELECT COUNT(*) FROM signature_attempts
         WHERE process = $1 AND ended_at IS NULL AND signature IS NOT NULL"
    )
    .bind(process)
    .fetch_one(c)
    .await)?;
    Ok(given > 0)
}

/// Ends an attempt unless a signature was given meanwhile; whether it did. The caller holds the
/// process.
pub async fn end_unsigned(
    tx: &mut Tx,
    attempt: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, SignatureError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE signature_attempts SET ended_at = $2, prepared = NULL
         WHERE id = $1 AND ended_at IS NULL AND signature IS NULL"
    )
    .bind(attempt)
    .bind(kept(now))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Claims the right to ask for a certificate and a code for a signer; whether nobody else has it.
/// A claim that was not given back ends at `stale`.
pub async fn claim_request(
    tx: &mut Tx,
    process: Uuid,
    field: &str,
    now: DateTime<Utc>,
    stale: DateTime<Utc>,
) -> Result<bool, SignatureError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE signature_signers SET asked_at = $3
         WHERE process = $1 AND field = $2 AND (asked_at IS NULL OR asked_at < $4)"
    )
    .bind(process)
    .bind(field)
    .bind(kept(now))
    .bind(kept(stale))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Gives the claim back.
pub async fn end_request(tx: &mut Tx, process: Uuid, field: &str) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "UPDATE signature_signers SET asked_at = NULL WHERE process = $1 AND field = $2"
    )
    .bind(process)
    .bind(field)
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// The attempt is over: what it held is dropped.
pub async fn end_attempt(
    tx: &mut Tx,
    attempt: Uuid,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "UPDATE signature_attempts SET ended_at = $2, prepared = NULL, signature = NULL
         WHERE id = $1"
    )
    .bind(attempt)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// The attempts of a process that are not over, oldest first.
pub async fn running_attempts(db: &Db, process: Uuid) -> Result<Vec<AttemptRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT id, field, base, prepared, signature, started_at FROM signature_attempts
         WHERE process = $1 AND ended_at IS NULL ORDER BY started_at"
    )
    .bind(process)
    .fetch_all(c)
    .await)?)
}

/// The process of a case that is not over.
pub async fn open_of_case_in(
    tx: &mut Tx,
    body: Uuid,
    case: Uuid,
) -> Result<Option<ProcessRow>, DbError> {
    Ok(on_db!(tx, |c| sqlx::query_as(
        "SELECT id, body, meeting, case_id, title, outcome, document, status, open, expires_at,
             started_at, ended_at
         FROM signature_processes WHERE body = $1 AND case_id = $2 AND open
         ORDER BY started_at LIMIT 1"
    )
    .bind(body)
    .bind(case)
    .fetch_optional(c)
    .await)?)
}

/// Whether a document of the meeting is at signature, or signed.
pub async fn is_open_in(tx: &mut Tx, body: Uuid, meeting: Uuid) -> Result<bool, SignatureError> {
    let open: i64 = on_db!(tx, |c| sqlx::query_scalar(
        "SELECT COUNT(*) FROM signature_processes
         WHERE body = $1 AND meeting = $2 AND (open OR status = 'completed')"
    )
    .bind(body)
    .bind(meeting)
    .fetch_one(c)
    .await)?;
    Ok(open > 0)
}

#[derive(sqlx::FromRow)]
struct Beside {
    seq: i64,
    actor: Option<Uuid>,
    address: Option<String>,
    document: String,
}

/// The evidence log of a process (R-SIGN-38): the chain, and what stands beside it.
pub async fn evidence(db: &Db, row: &ProcessRow) -> Result<EvidenceLog, SignatureError> {
    let chain = journal::load(db, row.aggregate()).await?;
    let beside: Vec<Beside> = on_db!(read db, |c| sqlx::query_as(
        "SELECT seq, actor, address, document FROM signature_evidence
         WHERE body = $1 AND process = $2 ORDER BY seq"
    )
    .bind(row.body)
    .bind(row.id)
    .fetch_all(c)
    .await)?;
    let mut beside: BTreeMap<i64, Beside> = beside.into_iter().map(|one| (one.seq, one)).collect();
    let damaged = SignatureError::Damaged;
    let entries: Result<Vec<Entry>, SignatureError> = chain
        .into_iter()
        .map(|link| {
            let one = beside.remove(&link.seq).ok_or(damaged("an entry without its document"))?;
            Ok(Entry {
                seq: link.seq,
                recorded: serde_json::from_str(&link.event)
                    .map_err(|_| damaged("an event of the evidence log"))?,
                actor: one.actor,
                address: one.address.and_then(|address| address.parse().ok()),
                document: one.document.parse().map_err(|_| damaged("digest of a document"))?,
                hash: link.hash.parse().map_err(|_| damaged("link of the evidence log"))?,
            })
        })
        .collect();
    Ok(EvidenceLog { process: ProcessId(row.id), title: row.title.clone(), entries: entries? })
}

impl From<sqlx::Error> for SignatureError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(DbError::from(error))
    }
}
