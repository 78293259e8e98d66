//! The rows of meetings.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::rules::Meeting;
use super::{MeetingId, MeetingState, Slot};
use crate::bodies::BodyId;
use crate::cases::CaseId;
use crate::db::{Db, DbError, Tx, kept};
use crate::on_db;
use crate::words::UnknownWord;

/// A meeting with everything its pages and rules need.
#[derive(Clone, Debug, PartialEq)]
pub struct MeetingRecord {
    /// Which.
    pub id: MeetingId,
    /// Whose.
    pub body: BodyId,
    /// Of which case.
    pub case: CaseId,
    /// First of its case.
    pub is_first: bool,
    /// When people were told.
    pub convened_at: DateTime<Utc>,
    /// In whose place it stands.
    pub replaces: Option<MeetingId>,
    /// State and attributes.
    pub rules: Meeting,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    body: Uuid,
    case_id: Uuid,
    state: String,
    mode: String,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
    is_first: bool,
    convened_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    replaces: Option<Uuid>,
}

impl Row {
    fn into_record(self) -> Result<MeetingRecord, DbError> {
        let damaged = |e: UnknownWord| DbError::Sqlx(sqlx::Error::Decode(Box::new(e)));
        Ok(MeetingRecord {
            id: MeetingId(self.id),
            body: BodyId(self.body),
            case: CaseId(self.case_id),
            is_first: self.is_first,
            convened_at: self.convened_at,
            replaces: self.replaces.map(MeetingId),
            rules: Meeting {
                state: self.state.parse().map_err(damaged)?,
                mode: self.mode.parse().map_err(damaged)?,
                slot: Slot { starts_at: self.starts_at, ends_at: self.ends_at },
                started_at: self.started_at,
                ended_at: self.ended_at,
                outcome: self.outcome.map(|o| o.parse()).transpose().map_err(damaged)?,
            },
        })
    }
}

/// Writes a new meeting.
pub async fn insert(tx: &mut Tx, meeting: &MeetingRecord) -> Result<(), DbError> {
    let rules = &meeting.rules;
    Ok(on_db!(tx, |c| sqlx::query(
        "INSERT INTO meetings (id, body, case_id, state, mode, starts_at, ends_at, is_first,
             convened_at, replaces)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    )
    .bind(meeting.id.0)
    .bind(meeting.body.0)
    .bind(meeting.case.0)
    .bind(rules.state.key())
    .bind(rules.mode.key())
    .bind(kept(rules.slot.starts_at))
    .bind(kept(rules.slot.ends_at))
    .bind(meeting.is_first)
    .bind(kept(meeting.convened_at))
    .bind(meeting.replaces.map(|m| m.0))
    .execute(c)
    .await
    .map(drop))?)
}

/// Writes a changed meeting.
pub async fn save(tx: &mut Tx, meeting: &MeetingRecord) -> Result<(), DbError> {
    let rules = &meeting.rules;
    Ok(on_db!(tx, |c| sqlx::query(
        "UPDATE meetings SET state = $3, started_at = $4, ended_at = $5, outcome = $6
         WHERE body = $1 AND id = $2"
    )
    .bind(meeting.body.0)
    .bind(meeting.id.0)
    .bind(rules.state.key())
    .bind(rules.started_at.map(kept))
    .bind(rules.ended_at.map(kept))
    .bind(rules.outcome.map(|o| o.key()))
    .execute(c)
    .await
    .map(drop))?)
}

const COLUMNS: &str = "id, body, case_id, state, mode, starts_at, ends_at, is_first, convened_at, \
    started_at, ended_at, outcome, replaces";

/// Reads the meeting of a case that is fixed or running and holds its row until the transaction
/// ends. Whoever needs the case's row too takes it afterwards.
pub async fn lock_pending(
    tx: &mut Tx,
    body: BodyId,
    case: CaseId,
) -> Result<Option<MeetingRecord>, DbError> {
    let id: Option<(Uuid,)> = on_db!(&mut *tx, |c| sqlx::query_as(
        "UPDATE meetings SET state = state WHERE body = $1 AND case_id = $2
             AND state IN ('convened', 'in_progress', 'interrupted') RETURNING id"
    )
    .bind(body.0)
    .bind(case.0)
    .fetch_optional(c)
    .await)?;
    match id {
        Some((id,)) => lock(tx, body, MeetingId(id)).await,
        None => Ok(None),
    }
}

/// Reads a meeting and holds its row until the transaction ends.
pub async fn lock(
    tx: &mut Tx,
    body: BodyId,
    id: MeetingId,
) -> Result<Option<MeetingRecord>, DbError> {
    on_db!(&mut *tx, |c| sqlx::query(
        "UPDATE meetings SET state = state WHERE body = $1 AND id = $2"
    )
    .bind(body.0)
    .bind(id.0)
    .execute(c)
    .await
    .map(drop))?;
    let sql = format!("SELECT {COLUMNS} FROM meetings WHERE body = $1 AND id = $2");
    let row: Option<Row> = on_db!(tx, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(body.0)
        .bind(id.0)
        .fetch_optional(c)
        .await)?;
    row.map(Row::into_record).transpose()
}

/// One meeting; nothing if it is another body's.
pub async fn read(db: &Db, body: BodyId, id: MeetingId) -> Result<Option<MeetingRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM meetings WHERE body = $1 AND id = $2");
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(body.0)
        .bind(id.0)
        .fetch_optional(c)
        .await)?;
    row.map(Row::into_record).transpose()
}

/// The body of a meeting: rooms know no bodies.
pub async fn body_of(db: &Db, id: MeetingId) -> Result<Option<BodyId>, DbError> {
    let row: Option<(Uuid,)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT body FROM meetings WHERE id = $1"
    )
    .bind(id.0)
    .fetch_optional(c)
    .await)?;
    Ok(row.map(|(body,)| BodyId(body)))
}

/// The meetings of a case, newest first.
pub async fn of_case(db: &Db, body: BodyId, case: CaseId) -> Result<Vec<MeetingRecord>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM meetings WHERE body = $1 AND case_id = $2
         ORDER BY starts_at DESC, id DESC"
    );
    let rows: Vec<Row> = on_db!(read db, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(body.0)
        .bind(case.0)
        .fetch_all(c)
        .await)?;
    rows.into_iter().map(Row::into_record).collect()
}

/// Fixed and running meetings of a body that share an instant with `slot`.
pub async fn pending_within(
    tx: &mut Tx,
    body: BodyId,
    slot: Slot,
) -> Result<Vec<MeetingRecord>, DbError> {
    let pending = [MeetingState::Convened, MeetingState::InProgress, MeetingState::Interrupted]
        .map(|state| format!("'{}'", state.key()))
        .join(", ");
    let sql = format!(
        "SELECT {COLUMNS} FROM meetings WHERE body = $1 AND starts_at < $2 AND ends_at > $3
             AND state IN ({pending}) ORDER BY starts_at, id"
    );
    let rows: Vec<Row> = on_db!(tx, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(body.0)
        .bind(kept(slot.ends_at))
        .bind(kept(slot.starts_at))
        .fetch_all(c)
        .await)?;
    rows.into_iter().map(Row::into_record).collect()
}
