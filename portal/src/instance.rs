//! What a database is, demo or production: stamped by whoever opens it first, for good
//! (DESIGN §6.6).

use chrono::{DateTime, Utc};

use crate::db::{Db, DbError, kept};
use crate::on_db;

/// What an installation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Outside parties are played.
    Demo,
    /// Outside parties are real.
    Production,
}

/// What a database says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Nobody has used it yet.
    Unused,
    /// It holds bodies and yet does not say what it is.
    Missing,
    /// It says what it is.
    Of(Nature),
}

/// Reads the stamp; needs no tables to be there.
pub async fn read(db: &Db) -> Result<Stamp, DbError> {
    let tables: bool =
        match db {
            Db::Sqlite { reader, .. } => {
                sqlx::query_scalar(
                    "SELECT count(*) = 2 FROM sqlite_master WHERE name IN ('instance', 'bodies')",
                )
                .fetch_one(reader)
                .await?
            }
            Db::Postgres { reader, .. } => sqlx::query_scalar(
                "SELECT to_regclass('instance') IS NOT NULL AND to_regclass('bodies') IS NOT NULL",
            )
            .fetch_one(reader)
            .await?,
        };
    if !tables {
        return Ok(Stamp::Unused);
    }
    let demo: Option<bool> = on_db!(read db, |c| {
        sqlx::query_scalar("SELECT demo FROM instance WHERE id = 1").fetch_optional(c).await
    })?;
    if let Some(demo) = demo {
        return Ok(Stamp::Of(if demo { Nature::Demo } else { Nature::Production }));
    }
    let bodies: i64 = on_db!(read db, |c| {
        sqlx::query_scalar("SELECT count(*) FROM bodies").fetch_one(c).await
    })?;
    Ok(if bodies == 0 { Stamp::Unused } else { Stamp::Missing })
}

/// When a stamped database was made: tells one installation from another.
pub async fn made_at(db: &Db) -> Result<DateTime<Utc>, DbError> {
    on_db!(read db, |c| {
        sqlx::query_scalar("SELECT created_at FROM instance WHERE id = 1").fetch_one(c).await
    })
    .map_err(DbError::from)
}

/// Stamps an unused, migrated database. The first stamp stays: the answer is what the database is
/// from now on.
pub async fn stamp(db: &Db, nature: Nature, now: DateTime<Utc>) -> Result<Stamp, DbError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query(
        "INSERT INTO instance (id, demo, created_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING"
    )
    .bind(nature == Nature::Demo)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?;
    tx.commit().await?;
    read(db).await
}
