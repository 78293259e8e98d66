//! Drafts of minutes: one for each meeting.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Draft, Saved, commands::Written};
use crate::{
    cases::Outcome,
    db::{Db, DbError, Tx, kept},
    on_db,
};

#[derive(sqlx::FromRow)]
struct Row {
    outcome: String,
    text: String,
    revision: i64,
    saved_at: DateTime<Utc>,
    shown_at: Option<DateTime<Utc>>,
    annexes: String,
}

/// The draft of a meeting.
pub async fn find(db: &Db, body: Uuid, meeting: Uuid) -> Result<Option<Draft>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT outcome, text, revision, saved_at, shown_at, annexes FROM minutes
         WHERE body = $1 AND meeting = $2"
    )
    .bind(body)
    .bind(meeting)
    .fetch_optional(c)
    .await)?;
    Ok(row.and_then(|row| {
        Some(Draft {
            outcome: row.outcome.parse::<Outcome>().ok()?,
            text: row.text,
            revision: row.revision,
            saved_at: row.saved_at,
            shown: row.shown_at.is_some(),
            annexes: serde_json::from_str(&row.annexes).ok()?,
        })
    }))
}

/// Writes the draft if `revision` is still the newest (0: there is none yet), so that two windows
/// never overwrite each other unseen.
pub async fn save(
    tx: &mut Tx,
    body: Uuid,
    meeting: Uuid,
    written: &Written,
    now: DateTime<Utc>,
) -> Result<Saved, DbError> {
    let Written { outcome, text, revision, annexes } = written;
    let annexes = serde_json::to_string(annexes).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let written = on_db!(&mut *tx, |c| sqlx::query(
        "INSERT INTO minutes (body, meeting, outcome, text, revision, saved_at, annexes)
         VALUES ($1, $2, $3, $4, $5, $6, $8)
         ON CONFLICT (meeting) DO UPDATE
         SET outcome = $3, text = $4, revision = $5, saved_at = $6, annexes = $8
         WHERE minutes.revision = $7 AND minutes.body = $1"
    )
    .bind(body)
    .bind(meeting)
    .bind(outcome.key())
    .bind(text)
    .bind(revision + 1)
    .bind(kept(now))
    .bind(revision)
    .bind(&annexes)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(if written == 1 { Saved::As(revision + 1) } else { Saved::Overtaken })
}

/// Everybody at the table may see the draft from now on.
pub async fn show(
    tx: &mut Tx,
    body: Uuid,
    meeting: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on_db!(tx, |c| sqlx::query(
        "UPDATE minutes SET shown_at = $3 WHERE body = $1 AND meeting = $2"
    )
    .bind(body)
    .bind(meeting)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}
