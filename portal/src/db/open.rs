//! Opening a database and bringing its tables to this version.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Db, DbError};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a statement waits for another's lock.
const BUSY: Duration = Duration::from_secs(10);
const READERS: u32 = 8;
/// Of a server; SQLite has one.
const WRITERS: u32 = 8;

impl Db {
    /// Opens `sqlite://PATH` (created if missing) or `postgres://…` and migrates it.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        let db = Self::connect(url).await?;
        db.migrate().await?;
        Ok(db)
    }

    /// Brings the tables to this version.
    pub async fn migrate(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite { writer, .. } => SQLITE.run(writer).await?,
            Self::Postgres { writer, .. } => POSTGRES.run(writer).await?,
        }
        Ok(())
    }

    /// The newest state of PostgreSQL's tables that this version knows.
    pub(super) fn newest_postgres() -> i64 {
        POSTGRES.iter().map(|migration| migration.version).max().unwrap_or(0)
    }

    /// Opens `sqlite://PATH` (created if missing) or `postgres://…` and leaves it as it is.
    pub async fn connect(url: &str) -> Result<Self, DbError> {
        if url.starts_with("sqlite:") {
            Self::connect_sqlite(url).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let writer = PgPoolOptions::new().max_connections(WRITERS).connect(url).await?;
            let reader = PgPoolOptions::new().max_connections(READERS).connect(url).await?;
            Ok(Self::Postgres { writer, reader })
        } else {
            // Only the scheme: the rest may hold a password.
            let scheme = url.split(':').next().unwrap_or_default();
            Err(DbError::Address(scheme.to_owned()))
        }
    }

    async fn connect_sqlite(url: &str) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.pragma("query_only", "ON"))
            .await?;
        Ok(Self::Sqlite { writer, reader })
    }
}
