//! Processes of every body that wait for the hub itself: for a reminder, for their end, for what a stop
//! interrupted.

use chrono::{DateTime, Utc};

use super::SignatureError;
use super::store::ProcessRow;
use crate::db::{Db, kept};
use crate::on_db;

/// Open processes whose term ends after `now` and before `until`, of every body.
pub async fn ending_before(
    db: &Db,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM signature_processes WHERE open AND expires_at > $1 AND expires_at < $2
         ORDER BY expires_at LIMIT 1000"
    )
    .bind(kept(now))
    .bind(kept(until))
    .fetch_all(c)
    .await)?)
}

/// Processes whose term is over at `now`, of every body. A signature that was given in time is waited
/// for: such a process is overdue only when its term ended before `given_before`.
pub async fn overdue(
    db: &Db,
    now: DateTime<Utc>,
    given_before: DateTime<Utc>,
) -> Result<Vec<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM signature_processes p
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
        "SELECT * FROM signature_processes p WHERE open AND EXISTS (
             SELECT 1 FROM signature_attempts a WHERE a.process = p.id AND a.ended_at IS NULL)"
    )
    .fetch_all(c)
    .await)?)
}
