//! Outcomes of the media test that people agreed to keep (R-TEST-01…09): technical evidence for the
//! service staff, with figures and without media, deleted at its term.

pub mod pages;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounts::{Actor, UserId};
use crate::bodies::BodyId;
use crate::db::{Db, DbError, kept};
use crate::on_db;
use crate::portal::Portal;

/// Outcomes kept of one person; the oldest gives way.
const KEPT: i64 = 10;

/// One check as it was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked, in words.
    pub label: String,
    /// It was fine.
    pub green: bool,
    /// What was found.
    pub words: String,
    /// Figures, one line each.
    pub figures: Vec<String>,
}

/// An outcome that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaTest {
    /// Which.
    pub id: Uuid,
    /// When.
    pub taken_at: DateTime<Utc>,
    /// When it is deleted.
    pub expires_at: DateTime<Utc>,
    /// Every check was fine.
    pub ready: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    taken_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ready: bool,
    checks: String,
}

impl Row {
    fn into_test(self) -> Result<MediaTest, DbError> {
        let checks = serde_json::from_str(&self.checks);
        Ok(MediaTest {
            id: self.id,
            taken_at: self.taken_at,
            expires_at: self.expires_at,
            ready: self.ready,
            checks: checks.map_err(|e| sqlx::Error::Decode(Box::new(e)))?,
        })
    }
}

/// Keeps an outcome of the person's own; when it will be deleted.
pub async fn keep(
    portal: &Portal,
    actor: &Actor,
    ready: bool,
    checks: &[Check],
) -> Result<DateTime<Utc>, DbError> {
    let (id, now) = (portal.new_id(), portal.now());
    let expires_at = kept(now + TimeDelta::days(portal.settings.media_test_days.into()));
    let checks = serde_json::to_string(checks).map_err(|e| sqlx::Error::Encode(Box::new(e)))?;
    let mut tx = portal.db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query(
        "INSERT INTO media_tests (id, body, user_id, taken_at, expires_at, ready, checks)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    )
    .bind(id)
    .bind(actor.body.0)
    .bind(actor.user.0)
    .bind(kept(now))
    .bind(expires_at)
    .bind(ready)
    .bind(&checks)
    .execute(c)
    .await
    .map(drop))?;
    on_db!(&mut tx, |c| sqlx::query(
        "DELETE FROM media_tests WHERE body = $1 AND user_id = $2 AND id NOT IN
             (SELECT id FROM media_tests WHERE body = $1 AND user_id = $2
              ORDER BY taken_at DESC, id DESC LIMIT $3)"
    )
    .bind(actor.body.0)
    .bind(actor.user.0)
    .bind(KEPT)
    .execute(c)
    .await
    .map(drop))?;
    tx.commit().await?;
    Ok(expires_at)
}

/// The outcomes that are kept of a person, newest first.
pub async fn of(
    db: &Db,
    body: BodyId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<MediaTest>, DbError> {
    let rows: Vec<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT id, taken_at, expires_at, ready, checks FROM media_tests
         WHERE body = $1 AND user_id = $2 AND expires_at > $3 ORDER BY taken_at DESC, id DESC"
    )
    .bind(body.0)
    .bind(user.0)
    .bind(kept(now))
    .fetch_all(c)
    .await)?;
    rows.into_iter().map(Row::into_test).collect()
}

/// Deletes one of the person's own. False if there is none.
pub async fn delete(portal: &Portal, actor: &Actor, id: Uuid) -> Result<bool, DbError> {
    let mut tx = portal.db.begin().await?;
    let rows = on_db!(&mut tx, |c| sqlx::query(
        "DELETE FROM media_tests WHERE id = $1 AND body = $2 AND user_id = $3"
    )
    .bind(id)
    .bind(actor.body.0)
    .bind(actor.user.0)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    tx.commit().await?;
    Ok(rows == 1)
}

/// Deletes what is past its term.
pub async fn sweep(db: &Db, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query("DELETE FROM media_tests WHERE expires_at <= $1")
        .bind(kept(now))
        .execute(c)
        .await
        .map(drop))?;
    tx.commit().await
}
