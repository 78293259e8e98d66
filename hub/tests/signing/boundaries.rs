//! Every boundary between two steps of a signature, and everything that can happen there: the line
//! breaks, the process dies, the store or the database fails. Exactly one valid revision results.

use std::path::Path;

use axum::http::StatusCode;
use chrono::TimeDelta;
use portal::db::Db;
use portal::journal;
use portal::signatures::{apply, attempts, codes, evidence, settling, store};
use portal_testing::databases;
use signing::evidence::Entry;
use signing::process::Event;
use sqlx::AssertSqlSafe;

use crate::parties::Point;
use crate::reader::{Reader, TEXT, went_on};
use crate::stage::Stage;

/// What happens at a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accident {
    /// What was sent or comes back gets lost.
    Lost,
    /// The process dies.
    Killed,
    /// The new revision cannot be stored.
    NoStore,
    /// The transaction fails at this table: the evidence log, or the messages to who is next.
    NoRow(&'static str),
}

use Accident::{Killed, Lost, NoRow, NoStore};

/// Boundaries in the order of a signature.
const BOUNDARIES: [(Point, &[Accident]); 8] = [
    (Point::IssueAsked, &[Lost, Killed]),
    (Point::Issued, &[Lost, Killed, NoRow("journal")]),
    (Point::CodeAsked, &[Lost, Killed]),
    (Point::CodeSent, &[Lost, Killed, NoRow("journal")]),
    (Point::HashSent, &[Lost, Killed]),
    (Point::HashSigned, &[Lost, Killed, NoRow("signature_attempts")]),
    (Point::TimeAsked, &[Lost, Killed]),
    (Point::TimeGot, &[Lost, Killed, NoStore, NoRow("journal"), NoRow("outbox")]),
];

#[tokio::test]
async fn r_sign_34_whatever_happens_between_two_steps_one_valid_signature_results() {
    let databases = databases().await;
    let (name, db) = &databases.all[0];
    let stage = Stage::set(db, &databases.folder().join(name)).await;
    let files = databases.folder().join(name).join("files");
    let mut conciliator = stage.browser("conciliatore").await;
    let mut rounds = 0;
    let (mut client, mut delegate) =
        (stage.browser("cliente").await, stage.browser("del.luce").await);
    for (point, accidents) in BOUNDARIES {
        for accident in accidents {
            let told = format!("{point:?} {accident:?}");
            conciliator.freeze(TEXT).await;
            // The delegate first: the client's signature gives the turn to the conciliator.
            delegate.get_ready().await;
            went_on(&delegate.sign(&stage, &stage.delegate).await);
            client.get_ready().await;
            let asks = point < Point::HashSent;
            if !asks {
                went_on(&client.send("firma/codice", &[]).await);
            }
            stage.turnstile.close(point);
            let outcome = under_way(&stage, asks, *accident, &files).await;
            assert!(outcome.is_none_or(|good| !good), "{told}: nothing went wrong");
            // What nobody has heard of has not happened, and what was given is not lost.
            let given = attempts::running_attempts(db, stage.process().await.id).await.unwrap();
            let given = given.iter().any(|attempt| attempt.signature.is_some());
            assert_eq!(given, point >= Point::TimeAsked, "{told}");
            assert_eq!(stage.document().await.2, 1, "{told}");

            resume(&stage).await;
            let (_, report, signatures) = stage.document().await;
            assert_eq!(signatures, if given { 2 } else { 1 }, "{told}");
            assert!(report.accepted(), "{told} {report:?}");
            to_the_end(&stage, &mut client).await;
            in_order(&stage, db, &told).await;
            rounds += 1;
            let next = stage.mails("conciliatore", "Ora tocca a te firmare").await;
            assert_eq!(next, rounds, "{told}: whoever is next is told once");
            assert_eq!(client.next().await, "nothing", "{told}");
            went_on(&conciliator.send("annulla", &[]).await);
        }
    }
    databases.end().await;
}

/// The client asks for a code or signs, and this happens at the turnstile. Whether it came to a good
/// end; nothing if the process died.
async fn under_way(stage: &Stage, asks: bool, what: Accident, files: &Path) -> Option<bool> {
    let (portal, row) = (stage.world.portal.clone(), stage.process().await);
    let who = store::Who { user: Some(stage.client.user), address: None };
    let frozen = store::replay(&portal.db, &row).await.unwrap().plan().document;
    let code = if asks { String::new() } else { stage.code(&stage.client).await };
    let work = tokio::spawn(async move {
        match asks {
            true => codes::request_code(&portal, &row, "client", who).await,
            false => apply::sign(&portal, &row, "client", frozen, &code, who).await,
        }
    });
    stage.turnstile.reached().await;
    let (db, away) = (&stage.world.portal.db, files.with_extension("away"));
    match what {
        Killed => {
            work.abort();
            assert!(work.await.unwrap_err().is_cancelled());
            return None;
        }
        Lost => {}
        NoStore => {
            std::fs::rename(files, &away).unwrap();
            std::fs::write(files, "no folder").unwrap();
        }
        NoRow(table) => execute(db, format!("ALTER TABLE {table} RENAME TO away")).await,
    }
    stage.turnstile.open(what == Lost);
    let outcome = work.await.unwrap();
    match what {
        NoStore => {
            std::fs::remove_file(files).unwrap();
            std::fs::rename(&away, files).unwrap();
        }
        NoRow(table) => execute(db, format!("ALTER TABLE away RENAME TO {table}")).await,
        Lost | Killed => {}
    }
    Some(outcome.is_ok())
}

/// What the hub does when it starts.
async fn resume(stage: &Stage) {
    let portal = &stage.world.portal;
    settling::resume_all(portal, Some(portal.now() + TimeDelta::seconds(1))).await.unwrap();
    // A request that died is not waited for longer than a minute.
    stage.world.clock.advance(TimeDelta::seconds(61));
}

/// The signer does what the page asks for until it asks for nothing more.
async fn to_the_end(stage: &Stage, client: &mut Reader) {
    for _ in 0..4 {
        match client.next().await.as_str() {
            "request" => went_on(&client.send("firma/codice", &[]).await),
            "code" => {
                let code = stage.code(&stage.client).await;
                let page = client.enter(&code).await;
                let told = page.status == StatusCode::SEE_OTHER || page.text().contains("codice");
                assert!(told, "{}", page.text());
            }
            "nothing" => return,
            other => panic!("what is {other}?"),
        }
    }
    panic!("the page goes in circles");
}

/// One revision more with one valid signature, and nothing left behind.
async fn in_order(stage: &Stage, db: &Db, told: &str) {
    let (pdf, report, signatures) = stage.document().await;
    assert!(report.accepted() && signatures == 2, "{told} {report:?}");
    let row = stage.process().await;
    let frozen = store::replay(db, &row).await.unwrap().plan().document;
    let files = &stage.world.portal.files;
    let frozen = files.get(row.body, frozen).await.unwrap().unwrap();
    let revisions = |pdf: &[u8]| pdf.windows(5).filter(|bytes| bytes == b"%%EOF").count();
    assert_eq!(revisions(&pdf), revisions(&frozen) + 2, "{told}: one for each signature");
    assert!(attempts::running_attempts(db, row.id).await.unwrap().is_empty(), "{told}");
    let log = evidence::load(db, &row).await.unwrap();
    let signed = |entry: &&Entry| matches!(entry.recorded.event, Event::Signed { .. });
    assert_eq!(log.entries.iter().filter(signed).count(), 2, "{told}: {log:?}");
    assert_eq!(journal::audit(db).await.unwrap().broken, [], "{told}");
}

async fn execute(db: &Db, sql: String) {
    match db {
        Db::Sqlite { writer, .. } => {
            sqlx::query(AssertSqlSafe(sql)).execute(writer).await.map(drop).unwrap();
        }
        Db::Postgres { writer, .. } => {
            sqlx::query(AssertSqlSafe(sql)).execute(writer).await.map(drop).unwrap();
        }
    }
}
