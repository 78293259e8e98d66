//! Bodies (organismi): the organisations that share an installation and see nothing of each other
//! (R-TECH-19). The host name of a request selects the body.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Db, DbError, Tx, kept};
use crate::on_db;
use chrono::{DateTime, Utc};

/// One body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BodyId(pub Uuid);

/// A body as its pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Which.
    pub id: BodyId,
    /// Host name without port.
    pub host: String,
    /// Name on pages and documents.
    pub name: String,
    /// Key of its procedure profile.
    pub procedure: String,
}

/// Adds a body.
pub async fn create(tx: &mut Tx, body: &Body, now: DateTime<Utc>) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "INSERT INTO bodies (id, host, name, procedure, created_at) VALUES ($1, $2, $3, $4, $5)"
    )
    .bind(body.id.0)
    .bind(&body.host)
    .bind(&body.name)
    .bind(&body.procedure)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?)
}

/// All bodies, oldest first.
pub async fn all(db: &Db) -> Result<Vec<Body>, DbError> {
    let rows: Vec<(Uuid, String, String, String)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT id, host, name, procedure FROM bodies ORDER BY created_at, id"
    )
    .fetch_all(c)
    .await)?;
    Ok(rows
        .into_iter()
        .map(|(id, host, name, procedure)| Body { id: BodyId(id), host, name, procedure })
        .collect())
}
