//! One SQL text for SQLite and PostgreSQL.
//!
//! Statements use `$1` parameters and native types (uuid, boolean, time); [`on_db!`] runs the same
//! expression on whichever database is open. Where a dialect must differ, it differs behind a
//! feature's `store.rs`.
//!
//! SQLite has one writer connection and a pool of readers (WAL, `synchronous=FULL`): what was
//! answered survives `kill -9`.

mod copy;
mod open;

pub use copy::CopyError;

use chrono::{DateTime, SubsecRound as _, Utc};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The statement or the connection failed.
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
    /// The tables could not be brought to this version.
    #[error("migration: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The address names no database that is served here.
    #[error("no such kind of database: {0}")]
    Address(String),
}

/// An open database.
#[derive(Clone, Debug)]
pub enum Db {
    /// One file.
    Sqlite {
        /// The one connection that writes.
        writer: SqlitePool,
        /// Connections that only read.
        reader: SqlitePool,
    },
    /// A server.
    Postgres {
        /// Connections of transactions.
        writer: PgPool,
        /// Connections that only read. They are apart so that a transaction that also reads beside
        /// itself finds one, however many transactions there are.
        reader: PgPool,
    },
}

/// A transaction that may write. Rolled back unless committed.
#[derive(Debug)]
pub enum Tx {
    /// `BEGIN IMMEDIATE` on the writer.
    Sqlite(Transaction<'static, Sqlite>),
    /// Read committed.
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one expression on whichever database it is: `on_db!(read db, |c| …)` on a pool for reading,
/// `on_db!(tx, |c| …)` on the connection of a transaction (a `&mut Tx`).
#[macro_export]
macro_rules! on_db {
    (read $db:expr, |$c:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { reader: $c, .. } => $body,
            $crate::db::Db::Postgres { reader: $c, .. } => $body,
        }
    };
    ($tx:expr, |$c:ident| $body:expr) => {
        match $tx {
            $crate::db::Tx::Sqlite(tx) => {
                let $c = &mut **tx;
                $body
            }
            $crate::db::Tx::Postgres(tx) => {
                let $c = &mut **tx;
                $body
            }
        }
    };
}

impl Db {
    /// Begins a transaction that may write.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres { writer, .. } => Tx::Postgres(writer.begin().await?),
        })
    }

    /// Waits for running statements and closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Self::Postgres { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
        }
    }
}

impl Tx {
    /// Makes it durable.
    pub async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// A time as both databases keep it: whole microseconds.
pub fn kept(time: DateTime<Utc>) -> DateTime<Utc> {
    time.trunc_subsecs(6)
}
