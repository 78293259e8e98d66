//! Processes, credentials and attempts in the database. A process is rebuilt from its journal; its
//! row and the rows of its signers are what pages read, written in the same transaction.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use signing::{
    Digest,
    ports::FieldPlace,
    process::{Process, Recorded},
};
use uuid::Uuid;

use super::{SignatureError, rules};
use crate::{
    accounts::UserId,
    cases::Outcome,
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
    /// The documents that were put to signature together: shared by all copies (R-SIGN-27).
    pub version: Uuid,
    /// Number of the copy, from 1; 0 for a document that all share.
    pub copy: i64,
}

impl ProcessRow {
    /// The newest revision.
    pub fn digest(&self) -> Result<Digest, SignatureError> {
        self.document.parse().map_err(|_| SignatureError::Damaged("digest of a document"))
    }

    /// The parties accept by signing (R-MEET-37).
    pub fn is_proposal(&self) -> bool {
        self.outcome == Outcome::Proposal.key()
    }

    pub(super) fn aggregate(&self) -> Aggregate {
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

const PROCESS: &str = "SELECT * FROM signature_processes \
     WHERE body = $1 AND id = $2";

/// The newest process of a meeting; of copies the first.
pub async fn latest(
    db: &Db,
    body: Uuid,
    meeting: Uuid,
) -> Result<Option<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM signature_processes WHERE body = $1 AND meeting = $2
         ORDER BY started_at DESC, copy LIMIT 1"
    )
    .bind(body)
    .bind(meeting)
    .fetch_optional(c)
    .await)?)
}

/// The newest proposal of a case that somebody refused, or that was not accepted in time.
pub async fn unaccepted_proposal(
    db: &Db,
    body: Uuid,
    case: Uuid,
) -> Result<Option<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM signature_processes
         WHERE body = $1 AND case_id = $2 AND outcome = $3 AND status IN ('refused', 'expired')
         ORDER BY started_at DESC LIMIT 1"
    )
    .bind(body)
    .bind(case)
    .bind(Outcome::Proposal.key())
    .fetch_optional(c)
    .await)?)
}

/// A process of a body.
pub async fn find(db: &Db, body: Uuid, id: Uuid) -> Result<Option<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(PROCESS).bind(body).bind(id).fetch_optional(c).await)?)
}

/// Which version of a meeting's minutes a process signs, from 1: each later one cancels those before
/// (R-SIGN-04).
pub async fn version(db: &Db, row: &ProcessRow) -> Result<i64, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_scalar(
        "SELECT COUNT(DISTINCT version) FROM signature_processes
         WHERE body = $1 AND meeting = $2 AND started_at <= $3"
    )
    .bind(row.body)
    .bind(row.meeting)
    .bind(kept(row.started_at))
    .fetch_one(c)
    .await)?)
}

/// Versions of a meeting's minutes that were put to signature so far.
pub async fn versions_in(tx: &mut Tx, body: Uuid, meeting: Uuid) -> Result<i64, SignatureError> {
    Ok(on_db!(tx, |c| sqlx::query_scalar(
        "SELECT COUNT(DISTINCT version) FROM signature_processes WHERE body = $1 AND meeting = $2"
    )
    .bind(body)
    .bind(meeting)
    .fetch_one(c)
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
    /// What is put to signature together.
    pub version: Uuid,
    /// Number of the copy; 0 for a document that all share.
    pub copy: i64,
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
             document, status, open, expires_at, started_by, started_at, version, copy)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
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
    .bind(new.version)
    .bind(new.copy)
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
        "UPDATE signature_processes SET document = $2, status = $3, open = $4,
             ended_at = COALESCE(ended_at, $5)
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

/// The process of a case that is not over.
pub async fn open_of_case_in(
    tx: &mut Tx,
    body: Uuid,
    case: Uuid,
) -> Result<Option<ProcessRow>, DbError> {
    Ok(on_db!(tx, |c| sqlx::query_as(
        "SELECT * FROM signature_processes WHERE body = $1 AND case_id = $2 AND open
         ORDER BY started_at LIMIT 1"
    )
    .bind(body)
    .bind(case)
    .fetch_optional(c)
    .await)?)
}

/// Whether a document of the meeting is at signature, or signed: of copies all of them.
pub async fn is_open_in(tx: &mut Tx, body: Uuid, meeting: Uuid) -> Result<bool, SignatureError> {
    let open: i64 = on_db!(tx, |c| sqlx::query_scalar(
        "SELECT COUNT(*) FROM signature_processes p
         WHERE body = $1 AND meeting = $2 AND (open OR NOT EXISTS (
             SELECT 1 FROM signature_processes o
             WHERE o.version = p.version AND o.status <> 'completed'))"
    )
    .bind(body)
    .bind(meeting)
    .fetch_one(c)
    .await)?;
    Ok(open > 0)
}

impl From<sqlx::Error> for SignatureError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(DbError::from(error))
    }
}
