//! Rows of trusted lists.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::accounts::Role;
use crate::db::{Db, DbError, Tx, kept};
use crate::on_db;

/// A list as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct KeptList {
    /// `LOTL`, or the territory.
    pub(super) name: String,
    /// Where it came from.
    pub(super) location: String,
    /// The last good one; empty: there was none yet.
    pub(super) list: Vec<u8>,
    /// Its number.
    pub(super) sequence: i64,
    /// How its server names this edition.
    pub(super) tag: String,
    /// When to ask again.
    pub(super) due_at: DateTime<Utc>,
    /// Since when something has been wrong.
    pub(super) failing_since: Option<DateTime<Utc>>,
    /// What is wrong, in English; empty: nothing.
    pub(super) fault: String,
}

/// Somebody who looks after an installation.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Administrator {
    pub(super) id: Uuid,
    pub(super) body: Uuid,
    pub(super) email: String,
}

pub(super) async fn all(db: &Db) -> Result<Vec<KeptList>, DbError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT name, location, list, sequence, tag, due_at, failing_since, fault
         FROM trust_lists ORDER BY name"
    )
    .fetch_all(c)
    .await)?)
}

/// Writes the row as it is now to be. False if another hub took a newer edition meanwhile.
pub(super) async fn put(tx: &mut Tx, row: &KeptList) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "INSERT INTO trust_lists
             (name, location, list, sequence, tag, due_at, failing_since, fault)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (name) DO UPDATE SET location = $2, list = $3, sequence = $4, tag = $5,
             due_at = $6, failing_since = $7, fault = $8 WHERE trust_lists.sequence <= $4"
    )
    .bind(&row.name)
    .bind(&row.location)
    .bind(&row.list)
    .bind(row.sequence)
    .bind(&row.tag)
    .bind(kept(row.due_at))
    .bind(row.failing_since.map(kept))
    .bind(&row.fault)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows > 0)
}

pub(super) async fn administrators(db: &Db) -> Result<Vec<Administrator>, DbError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT DISTINCT u.id, u.body, u.email FROM users u JOIN profiles p ON p.user_id = u.id
         WHERE p.role = $1 ORDER BY u.id"
    )
    .bind(Role::Administrator.key())
    .fetch_all(c)
    .await)?)
}
