//! A consistent copy of the whole database, and back; both beside hubs that serve.
//!
//! After a copy was put back, everybody signs in again, and every open room finds its lease gone:
//! its people come back to what the copy says.

use std::ffi::OsStr;
use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tokio::process::Command;

use super::{Db, DbError};
use crate::instance::{self, Nature, Stamp};

/// Why a copy was not made or not put back. In the latter case nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// PostgreSQL's own program could not be started.
    #[error("{0}: {1}")]
    Start(&'static str, std::io::Error),
    /// PostgreSQL's own program failed.
    #[error("{0} failed: {1}")]
    Program(&'static str, String),
    /// The copy is no good.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// The copy is of a database of the other nature.
    #[error("the copy is not of this nature: {0:?}")]
    Nature(Stamp),
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Leases as they are while the hub serves; kept aside while the tables change.
const KEEP_LEASES: &str = "CREATE TEMPORARY TABLE live_leases AS SELECT * FROM leases";

/// What a copy must not bring back: sign-ins that may have ended since, ways into rooms, and leases
/// that a running hub could take for its own. Generations only rise.
const FORGET: [&str; 4] = [
    "DELETE FROM join_tokens",
    "DELETE FROM sessions",
    "UPDATE leases SET node = '', expires_at = created.at, generation = 1 + generation
         + coalesce((SELECT live.generation FROM live_leases live WHERE live.room = leases.room), 0)
         FROM (SELECT min(created_at) AS at FROM bodies) created",
    "INSERT INTO leases (room, body, node, generation, expires_at)
         SELECT live.room, live.body, '', live.generation + 1, bodies.created_at
         FROM live_leases live JOIN bodies ON bodies.id = live.body
         WHERE live.room NOT IN (SELECT room FROM leases)",
];

/// Empties the schema; the copy brings its own tables.
const DROP_TABLES: &str = "DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT oid::regclass FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    LOOP EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', t); END LOOP; END $$";

impl Db {
    /// Writes a copy of the database at `url`, which this is, to a file that is not there yet. The
    /// copy shows one moment; nobody waits for it.
    pub async fn copy_to(&self, url: &str, file: &Path) -> Result<(), CopyError> {
        match self {
            Self::Sqlite { writer, .. } => {
                sqlx::query("VACUUM INTO $1").bind(file.to_string_lossy()).execute(writer).await?;
            }
            Self::Postgres { .. } => {
                let (url, password) = without_password(url);
                let what = ["--format=custom", "--schema=public", "--no-owner", "--no-privileges"];
                let mut dump = Command::new("pg_dump");
                dump.args(what).arg("--file").arg(file).arg("--dbname").arg(url);
                run("pg_dump", &mut dump, password).await?;
            }
        }
        Ok(())
    }

    /// Puts a copy in the place of everything that is there, in one transaction, and brings it to
    /// this version. `scratch`: a folder for what is written on the way.
    pub async fn put_back(
        &self,
        url: &str,
        file: &Path,
        scratch: &Path,
        nature: Nature,
    ) -> Result<(), CopyError> {
        match self {
            Self::Sqlite { writer, .. } => {
                check(file, nature).await?;
                let mut connection = writer.acquire().await?;
                let attach = sqlx::query("ATTACH $1 AS archive").bind(file.to_string_lossy());
                attach.execute(&mut *connection).await?;
                let replaced = replace(&mut connection).await;
                sqlx::query("DETACH archive").execute(&mut *connection).await?;
                replaced
            }
            Self::Postgres { .. } => {
                put_back_postgres(url, file, scratch, nature).await?;
                Ok(self.migrate().await?)
            }
        }
    }
}

/// Brings an SQLite copy to this version and looks into every page of it.
async fn check(file: &Path, nature: Nature) -> Result<(), CopyError> {
    let damaged = |e: &dyn std::fmt::Display| CopyError::Damaged(e.to_string());
    let copy = Db::connect(&format!("sqlite://{}", file.display())).await;
    let copy = copy.map_err(|e| damaged(&e))?;
    let stamp = instance::read(&copy).await.map_err(|e| damaged(&e))?;
    if stamp != Stamp::Of(nature) {
        return Err(CopyError::Nature(stamp));
    }
    copy.migrate().await.map_err(|e| damaged(&e))?;
    if let Db::Sqlite { writer, .. } = &copy {
        let said: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(writer).await?;
        if said != "ok" {
            return Err(damaged(&said));
        }
        let orphans = sqlx::query("PRAGMA foreign_key_check").fetch_all(writer).await?;
        if !orphans.is_empty() {
            return Err(damaged(&format!("{} rows refer to nothing", orphans.len())));
        }
    }
    copy.close().await;
    Ok(())
}

/// Every row of `main` gives way to those of `archive`; both have the tables of this version.
async fn replace(connection: &mut SqliteConnection) -> Result<(), CopyError> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    // Rows refer to each other: only the whole has to hold.
    sqlx::query("PRAGMA defer_foreign_keys = ON").execute(&mut *tx).await?;
    sqlx::query(KEEP_LEASES).execute(&mut *tx).await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM main.sqlite_master WHERE type = 'table'
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *tx)
    .await?;
    for table in &tables {
        let delete = format!("DELETE FROM main.\"{table}\"");
        sqlx::query(AssertSqlSafe(delete)).execute(&mut *tx).await?;
    }
    for table in &tables {
        let copy = format!("INSERT INTO main.\"{table}\" SELECT * FROM archive.\"{table}\"");
        sqlx::query(AssertSqlSafe(copy)).execute(&mut *tx).await?;
    }
    for sql in FORGET {
        sqlx::query(sql).execute(&mut *tx).await?;
    }
    sqlx::query("DROP TABLE temp.live_leases").execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

async fn put_back_postgres(
    url: &str,
    file: &Path,
    scratch: &Path,
    nature: Nature,
) -> Result<(), CopyError> {
    let (url, password) = without_password(url);
    // The whole copy is read before anything is touched.
    let script = scratch.join("database.sql");
    let mut read = Command::new("pg_restore");
    // Of the schema alone, or the script would make the schema, which is there.
    read.args(["--schema=public", "--no-owner", "--no-privileges"]);
    read.arg("--file").arg(&script).arg(file);
    run("pg_restore", &mut read, None).await?;

    let (demo, newest) = (nature == Nature::Demo, Db::newest_postgres());
    let agree = format!(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM instance WHERE demo = {demo}) THEN
             RAISE EXCEPTION 'the copy is not of this nature'; END IF;
             IF EXISTS (SELECT FROM _sqlx_migrations WHERE version > {newest}) THEN
             RAISE EXCEPTION 'the copy is of a newer version'; END IF; END $$"
    );
    let mut write = Command::new("psql");
    write.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-d", &url]);
    for sql in ["SET client_min_messages = warning", KEEP_LEASES, DROP_TABLES] {
        write.args(["-c", sql]);
    }
    write.arg("-f").arg(&script);
    // The script leaves an empty search path.
    for sql in ["SET search_path = public, pg_temp", &agree].into_iter().chain(FORGET) {
        write.args(["-c", sql]);
    }
    run("psql", &mut write, password).await
}

/// Runs one of PostgreSQL's programs to its end.
async fn run(
    name: &'static str,
    program: &mut Command,
    password: Option<String>,
) -> Result<(), CopyError> {
    if let Some(password) = password {
        // Arguments can be read by everybody on the machine.
        program.env(OsStr::new("PGPASSWORD"), password);
    }
    let output = program.output().await.map_err(|e| CopyError::Start(name, e))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(CopyError::Program(name, said.trim().to_owned()))
}

/// `scheme://user:password@rest` without the password, and the password.
fn without_password(url: &str) -> (String, Option<String>) {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = authority.rsplit_once('@')?;
        let (user, password) = user.split_once(':')?;
        let password = urlencoding::decode(password).ok()?.into_owned();
        Some((format!("{scheme}://{user}@{host}{path}"), password))
    });
    match parts {
        Some((url, password)) => (url, Some(password)),
        None => (url.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_the_address() {
        for (url, without, password) in [
            ("postgres://u:p%40w@h:5/d?x=1", "postgres://u@h:5/d?x=1", Some("p@w")),
            ("postgres://u@h/d", "postgres://u@h/d", None),
            ("postgres://h/d?a=b:c@e", "postgres://h/d?a=b:c@e", None),
            ("postgres://u:p@%2Ftmp%2Fs/d", "postgres://u@%2Ftmp%2Fs/d", Some("p")),
        ] {
            assert_eq!(without_password(url), (without.to_owned(), password.map(str::to_owned)));
        }
    }
}
