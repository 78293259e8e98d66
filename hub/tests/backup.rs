//! `hub backup`, `hub restore` and `hub verify-journals` beside a serving hub, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bytes::Bytes;
use portal::db::{Db, Tx};
use portal::files::Files;
use portal::testing::databases;
use support::person::Person;
use support::{Hub, free_port, hub, said};

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
    let body = uuid::Uuid::from_u128(7);
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
    let leftovers: Vec<_> = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("scratch"))
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");

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

async fn open(hub: &Hub, database: &[String]) -> Db {
    let sqlite = format!("sqlite://{}", hub.data.join("accordo.db").display());
    Db::connect(database.get(1).unwrap_or(&sqlite)).await.unwrap()
}

/// Somebody with access to the database rewrites what happened.
async fn tamper(hub: &Hub, database: &[String]) {
    let db = open(hub, database).await;
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
