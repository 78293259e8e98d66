//! `kill -9` of the hub in the middle of the story: after the restart everything that was accepted
//! is there, and the people go on to the signed minutes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use portal::db::Db;
use support::story::Play;
use support::{Hub, hub, said};
use uuid::Uuid;

/// So long the hub stays away: everybody notices.
const AWAY: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_convening() {
    killed_before("login").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_plenary() {
    killed_before("breakout").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_two_are_in_a_breakout() {
    killed_before("resume").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_the_minutes_were_frozen() {
    killed_before("signatures").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_two_signatures() {
    killed_before("further-signatures").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_signature_is_being_made() {
    let dir = tempfile::tempdir().unwrap();
    let mut hub = Hub::start(&dir.path().join("hub"));
    let mut play = Play::begin::<&str>(&hub.url(), 1, dir.path(), &[]);
    play.until("a code", |play| play.log().contains("the code is sent"));
    kill_and_restart(&mut hub).await;
    play.until("a lost answer", |play| play.log().contains("trying again"));
    goes_on_to_the_end(play, &hub, dir.path()).await;
}

/// The story waits before `step`; there the hub is killed.
async fn killed_before(step: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut hub = Hub::start(&dir.path().join("hub"));
    let (go, waiting) = (dir.path().join("go"), dir.path().join("go.waiting"));
    let arguments = ["--pause-at", step, "--pause-file", go.to_str().unwrap()];
    let mut play = Play::begin(&hub.url(), 1, dir.path(), &arguments);
    play.until("the pause", |_| waiting.exists());
    kill_and_restart(&mut hub).await;
    std::fs::write(go, "").unwrap();
    goes_on_to_the_end(play, &hub, dir.path()).await;
}

/// Everything that was in the journals before is there afterwards.
async fn kill_and_restart(hub: &mut Hub) {
    let before = journal(&hub.data).await;
    assert!(!before.is_empty());
    hub.kill();
    tokio::time::sleep(AWAY).await;
    hub.restart();
    let after = journal(&hub.data).await;
    assert!(before.is_subset(&after), "{:?} is lost", before.difference(&after));
}

async fn goes_on_to_the_end(play: Play, serving: &Hub, dir: &Path) {
    let (good, report) = tokio::task::block_in_place(|| play.end());
    let log = || std::fs::read_to_string(dir.join("story.log")).unwrap();
    assert!(good, "{report:#}\n{}\n{}", log(), serving.log_text());
    assert_eq!(report["meetings_completed"], 1);
    assert_eq!(report["signed_documents"], 1);
    assert_eq!(report["leaked_packets"], 0);
    Play::assert_documents_are_accepted(dir, 1);
    let output = hub(&["verify-journals", "--demo", "--data", serving.data.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
}

/// Aggregate, place and hash of every entry of every journal.
async fn journal(data: &Path) -> BTreeSet<(Uuid, i64, String)> {
    let url = format!("sqlite://{}", data.join("accordo.db").display());
    let db = Db::connect(&url).await.unwrap();
    let Db::Sqlite { reader, .. } = &db else { panic!("this hub runs on SQLite") };
    let sql = "SELECT aggregate, seq, hash FROM journal";
    let entries: Vec<(Uuid, i64, String)> = sqlx::query_as(sql).fetch_all(reader).await.unwrap();
    db.close().await;
    entries.into_iter().collect()
}
