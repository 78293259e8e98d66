//! `hub backup`, `hub restore` and `hub verify-journals` beside a serving hub, on both databases.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use portal::db::{Db, Tx};
use portal::files::Files;
use portal_testing::databases;
use sqlx::{AssertSqlSafe, query_as, query_scalar};
use support::person::Person;
use support::{Hub, free_port, hub, said};
use uuid::Uuid;

#[tokio::test]
async fn what_was_there_comes_back_and_a_damaged_archive_changes_nothing() {
    let databases = databases().await;
    let dir = databases.folder();
    let url = databases.another_postgres("hub").await;
    let kinds = [("sqlite", vec![]), ("postgres", vec!["--database".to_owned(), url])];
    for (kind, database) in kinds {
        there_and_back(&dir.join(kind), &database).await;
    }
    // A backup goes back into the kind of database it comes from.
    let archive = dir.join("postgres/all.tar");
    let output = hub(&["restore", path(&archive), "--data", path(&dir.join("sqlite/data"))]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("postgres"), "{}", said(&output));
    databases.end().await;
}

async fn there_and_back(dir: &Path, database: &[String]) {
    let data = dir.join("data");
    let mut place = vec!["--demo", "--data", path(&data)];
    place.extend(database.iter().map(String::as_str));
    let mut arguments = vec!["--demo"];
    arguments.extend(database.iter().map(String::as_str));
    let binary = Path::new(env!("CARGO_BIN_EXE_hub"));
    let mut serving = Hub::start_with(binary, &data, free_port(), &arguments);
    let body = Uuid::from_u128(7);
    let files = Files::local(&data.join("files")).unwrap();
    let digest = files.put(body, Bytes::from_static(b"verbale")).await.unwrap();

    let client = Person::signed_in(serving.listen, "cliente").await;
    assert!(client.is_signed_in().await);
    assert_eq!(client.messages().await.len(), 1);

    // The archive is whole, private, and never written over.
    let archive = dir.join("all.tar");
    let run = |first: &[&str]| hub(&[first, &place[..]].concat());
    let output = run(&["backup", path(&archive)]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(archive.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(run(&["backup", path(&archive)]).status.code(), Some(1));

    // Life goes on, and a file is lost.
    client.sign_in().await;
    assert_eq!(client.messages().await.len(), 2);
    let lost = data.join("files").join(body.to_string()).join(&digest.to_string()[..2]);
    std::fs::remove_dir_all(lost).unwrap();

    // Damaged archives change nothing.
    let whole = std::fs::read(&archive).unwrap();
    let damaged = dir.join("damaged.tar");
    for at in [200, 600, whole.len() / 2, whole.len() - 3000] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        std::fs::write(&damaged, bytes).unwrap();
        let output = run(&["restore", path(&damaged)]);
        assert_eq!(output.status.code(), Some(1), "byte {at}");
        assert!(said(&output).contains("damaged"), "byte {at}: {}", said(&output));
    }
    std::fs::write(&damaged, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(run(&["restore", path(&damaged)]).status.code(), Some(1));
    assert_eq!(client.messages().await.len(), 2);
    assert_eq!(files.get(body, digest).await.unwrap(), None);

    // The whole one brings everything back under the serving hub, twice as well as once; sign-ins
    // are not brought back.
    for _ in 0..2 {
        let output = run(&["restore", path(&archive)]);
        assert!(output.status.success(), "{}", said(&output));
        assert!(!said(&output).contains("restart"), "{}", said(&output));
        assert_eq!(client.messages().await.len(), 1);
        assert_eq!(files.get(body, digest).await.unwrap().unwrap(), "verbale");
        assert!(!client.is_signed_in().await);
        client.sign_in().await;
        assert!(client.is_signed_in().await);
        assert_eq!(client.messages().await.len(), 2);
    }
    assert_eq!(scratch(&data), Vec::<String>::new());

    // Every chain holds, also after a restart; a changed entry is found.
    let output = run(&["verify-journals"]);
    assert!(output.status.success(), "{}", said(&output));
    serving.kill();
    serving.restart();
    assert_eq!(client.messages().await.len(), 2);
    tamper(&serving, database).await;
    let output = run(&["verify-journals"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("broken at entry 2"), "{}", said(&output));

    // On a fresh place the archive is a whole hub.
    if database.is_empty() {
        assert!(serving.stop().success());
        let fresh = dir.join("fresh");
        let output = hub(&["restore", path(&archive), "--demo", "--data", path(&fresh)]);
        assert!(output.status.success(), "{}", said(&output));
        let serving = Hub::start(&fresh);
        let client = Person::signed_in(serving.listen, "cliente").await;
        assert_eq!(client.messages().await.len(), 2);
        let root = |data: &Path| std::fs::read(data.join("demo-root.pem")).unwrap();
        assert_eq!(root(&fresh), root(&data));
        let output = hub(&["verify-journals", "--data", path(&fresh)]);
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// A demo's database, and what is in it.
struct World {
    data: PathBuf,
    /// `--database URL`, or nothing for SQLite.
    database: Vec<String>,
    archive: PathBuf,
    rows: Rows,
}

/// Body and number of rows in each table.
type Rows = Vec<(String, Vec<(Uuid, i64)>)>;

impl World {
    async fn make(dir: &Path, name: &str, database: Vec<String>) -> Self {
        let (data, archive) = (dir.join(name), dir.join(name).with_extension("tar"));
        let mut world = Self { data, database, archive, rows: Rows::new() };
        let arguments = [&["--demo".to_owned()], &world.database[..]].concat();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let binary = Path::new(env!("CARGO_BIN_EXE_hub"));
        assert!(Hub::start_with(binary, &world.data, free_port(), &arguments).stop().success());
        let output = world.command(&["backup", path(&world.archive)]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        world.rows = world.rows().await;
        world
    }

    fn command(&self, what: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
        command.args(what).args(["--demo", "--data", path(&self.data)]);
        command.args(&self.database);
        command
    }

    /// What is there now, apart from what a restore leaves out.
    async fn rows(&self) -> Rows {
        let db = open(&self.data, &self.database).await;
        let rows = match &db {
            Db::Sqlite { reader, .. } => {
                let tables = "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c
                    WHERE m.type = 'table' AND c.name = 'body' ORDER BY 1";
                let tables: Vec<String> = query_scalar(tables).fetch_all(reader).await.unwrap();
                let mut rows = Rows::new();
                for table in tables {
                    let found = query_as(count(&table)).fetch_all(reader).await.unwrap();
                    rows.push((table, found));
                }
                rows
            }
            Db::Postgres { reader, .. } => {
                // A killed client's work may still be going on.
                let busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql'";
                while query_scalar::<_, i64>(busy).fetch_one(reader).await.unwrap() > 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                let tables = "SELECT table_name::text FROM information_schema.columns
                    WHERE table_schema = 'public' AND column_name = 'body' ORDER BY 1";
                let tables: Vec<String> = query_scalar(tables).fetch_all(reader).await.unwrap();
                let mut rows = Rows::new();
                for table in tables {
                    let found = query_as(count(&table)).fetch_all(reader).await.unwrap();
                    rows.push((table, found));
                }
                rows
            }
        };
        db.close().await;
        let left_out = ["sessions", "join_tokens", "leases"];
        rows.into_iter().filter(|(table, _)| !left_out.contains(&table.as_str())).collect()
    }
}

fn count(table: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SELECT body, count(*) FROM {table} GROUP BY body ORDER BY body"))
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_the_old_or_the_new_and_never_a_mixture() {
    let databases = databases().await;
    for kind in ["sqlite", "postgres"] {
        let mut worlds = Vec::new();
        for name in ["one", "two"] {
            let database = match kind {
                "sqlite" => vec![],
                _ => vec!["--database".to_owned(), databases.another_postgres(name).await],
            };
            worlds.push(World::make(&databases.folder().join(kind), name, database).await);
        }
        let (here, other) = (&worlds[0], &worlds[1]);
        assert_ne!(here.rows, other.rows);

        let begin = Instant::now();
        assert!(
            here.command(&["restore", path(&other.archive)]).output().unwrap().status.success()
        );
        let whole = begin.elapsed();
        assert_eq!(here.rows().await, other.rows, "{kind}: a restore that is left alone");

        let (mut present, mut wanted) = (other, here);
        let mut killed_before = 0;
        for step in 0..=12 {
            let restore =
                here.command(&["restore", path(&wanted.archive)]).process_group(0).spawn();
            let mut restore = restore.unwrap();
            tokio::time::sleep(whole * step / 12).await;
            let group = format!("-{}", restore.id());
            // It may have ended by itself.
            let _ =
                Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
            let ended = restore.wait().unwrap().success();
            let found = here.rows().await;
            assert!(found == present.rows || found == wanted.rows, "{kind}, {step}/12: {found:?}");
            assert!(!ended || found == wanted.rows, "{kind}, {step}/12: it said that it was done");
            if found == wanted.rows {
                std::mem::swap(&mut present, &mut wanted);
            } else {
                killed_before += 1;
            }
        }
        assert!(killed_before > 0, "{kind}: one was killed before it had changed anything");

        // Whatever was left behind: the next one succeeds, cleans up, and the hub serves.
        let output = here.command(&["restore", path(&wanted.archive)]).output().unwrap();
        assert!(output.status.success(), "{kind}: {}", said(&output));
        assert_eq!(here.rows().await, wanted.rows, "{kind}");
        assert_eq!(scratch(&here.data), Vec::<String>::new(), "{kind}");
        let output = here.command(&["verify-journals"]).output().unwrap();
        assert!(output.status.success(), "{kind}: {}", said(&output));
    }
    databases.end().await;
}

fn scratch(data: &Path) -> Vec<String> {
    std::fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("scratch"))
        .collect()
}

async fn open(data: &Path, database: &[String]) -> Db {
    let sqlite = format!("sqlite://{}", data.join("accordo.db").display());
    Db::connect(database.get(1).unwrap_or(&sqlite)).await.unwrap()
}

/// Somebody with access to the database rewrites what happened.
async fn tamper(hub: &Hub, database: &[String]) {
    let db = open(&hub.data, database).await;
    let mut tx = db.begin().await.unwrap();
    let sql = "UPDATE journal SET event = '{}' WHERE kind = 'case' AND seq = 2 AND aggregate =
        (SELECT aggregate FROM journal WHERE kind = 'case' AND seq = 3 LIMIT 1)";
    let changed = match &mut tx {
        Tx::Sqlite(tx) => sqlx::query(sql).execute(&mut **tx).await.unwrap().rows_affected(),
        Tx::Postgres(tx) => sqlx::query(sql).execute(&mut **tx).await.unwrap().rows_affected(),
    };
    assert_eq!(changed, 1);
    tx.commit().await.unwrap();
    db.close().await;
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
