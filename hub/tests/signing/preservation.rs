//! What happens to a document after its last signature: it is made to last, once, and again in time.

use chrono::{DateTime, TimeDelta, Utc};
use portal::clock::Clock as _;
use portal::db::Db;
use portal::journal;
use portal::on_db;
use portal::signatures::{preservation, status_data};
use portal_testing::databases;
use signing::verify::{Kind, Level, Report, verify};

use crate::parties::Mood;
use crate::reader::{TEXT, went_on};
use crate::stage::Stage;

/// Everybody signs.
async fn completed(stage: &Stage) {
    stage.browser("conciliatore").await.freeze(TEXT).await;
    for (username, actor) in [("cliente", &stage.client), ("del.luce", &stage.delegate)] {
        let mut person = stage.browser(username).await;
        person.get_ready().await;
        went_on(&person.sign(stage, actor).await);
    }
    let mut conciliator = stage.browser("conciliatore").await;
    conciliator.get_ready().await;
    went_on(&conciliator.send("firma/verifica", &[]).await);
    went_on(&conciliator.sign(stage, &stage.conciliator).await);
}

fn levels(report: &Report) -> Vec<Level> {
    report.signatures.iter().filter_map(|one| one.level).collect()
}

fn stamps(report: &Report) -> usize {
    report.signatures.iter().filter(|one| one.kind == Kind::DocumentTimestamp).count()
}

/// When the document is looked at next.
pub async fn due(db: &Db) -> DateTime<Utc> {
    let due: Result<DateTime<Utc>, portal::db::DbError> = async {
        Ok(on_db!(read db, |c| sqlx::query_scalar(
            "SELECT due_at FROM signature_preservations"
        )
        .fetch_one(c)
        .await?))
    }
    .await;
    due.unwrap()
}

#[tokio::test]
async fn what_authorities_say_is_kept_when_somebody_has_signed() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        stage.browser("conciliatore").await.freeze(TEXT).await;
        let process = stage.process().await.id;
        assert_eq!(status_data::load(db, process).await.unwrap(), Default::default(), "{name}");
        let mut client = stage.browser("cliente").await;
        client.get_ready().await;
        went_on(&client.sign(&stage, &stage.client).await);
        let kept = async {
            while status_data::load(db, process).await.unwrap().ocsp.is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), kept).await.unwrap();
        // Again it is the same.
        let (portal, row) = (&stage.world.portal, stage.process().await);
        let before = status_data::load(db, process).await.unwrap();
        status_data::keep(portal, &row, row.digest().unwrap()).await.unwrap();
        assert_eq!(status_data::load(db, process).await.unwrap(), before, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn a_complete_document_is_archived_once_and_stamped_again_in_time() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let stage = Stage::set(db, &databases.folder().join(name)).await;
        let portal = &stage.world.portal;
        preservation::round(portal).await.unwrap();
        completed(&stage).await;
        let (signed, report, _) = stage.document().await;
        assert_eq!((levels(&report), stamps(&report)), (vec![Level::BT; 3], 0), "{name}");
        let ended = stage.process().await.ended_at;

        // Nobody gives time: it stays as it is, and is tried again later.
        stage.mood(Mood::NoTime);
        preservation::round(portal).await.unwrap();
        assert_eq!(stage.document().await.0, signed, "{name}");
        stage.mood(Mood::Good);
        preservation::round(portal).await.unwrap();
        assert_eq!(stage.document().await.0, signed, "{name}: not at once");

        // Two hubs at the same time stamp once.
        stage.world.clock.advance(TimeDelta::minutes(1));
        let (one, two) = tokio::join!(preservation::round(portal), preservation::round(portal));
        one.and(two).unwrap();
        let (archived, report, signatures) = stage.document().await;
        assert!(archived.starts_with(&signed), "{name}: a document only grows");
        assert!(report.accepted() && signatures == 3, "{name} {report:#?}");
        assert_eq!((levels(&report), stamps(&report)), (vec![Level::BLta; 3], 1), "{name}");
        let row = stage.process().await;
        assert_eq!((row.ended_at, row.status.as_str()), (ended, "completed"), "{name}");

        // What was filed in the case has grown with it.
        let mut client = stage.browser("cliente").await;
        assert_eq!(client.open("documento.pdf").await.bytes, archived, "{name}");
        let page = client.browser.get(&format!("/pratiche/{}?scheda=documenti", stage.case)).await;
        let mut links = page.text().split("href=\"").filter_map(|rest| rest.split('"').next());
        let link = links.find(|link| link.contains("/documenti/") && !link.ends_with("info.csv"));
        let link = link.unwrap().to_owned();
        let filed = client.browser.get(&link).await;
        assert_eq!(filed.bytes, archived, "{name} {link}");

        // Long before the authority ends nothing happens; then the next stamp covers the first.
        let first_due = due(db).await;
        let now = stage.world.clock.now();
        assert!(first_due > now + TimeDelta::days(365 * 9), "{name} {first_due}");
        stage.world.clock.advance(first_due - now - TimeDelta::days(1));
        preservation::round(portal).await.unwrap();
        assert_eq!(stage.document().await.0, archived, "{name}");
        stage.world.clock.advance(TimeDelta::days(1));
        preservation::round(portal).await.unwrap();
        let (renewed, report, _) = stage.document().await;
        assert!(renewed.starts_with(&archived), "{name}");
        assert_eq!((levels(&report), stamps(&report)), (vec![Level::BLta; 3], 2), "{name}");
        assert!(report.accepted(), "{name} {report:#?}");
        assert!(due(db).await >= first_due + TimeDelta::days(30), "{name}");

        // Cut back to its first stamp it holds as well, and every step is in the evidence.
        let cut = verify(&archived, &stage.trust, stage.world.clock.now());
        assert!(cut.accepted(), "{name} {cut:#?}");
        let kept = status_data::load(db, stage.process().await.id).await.unwrap();
        assert_eq!(kept, Default::default(), "{name}: the document has them");
        let mut conciliator = stage.browser("conciliatore").await;
        let log = conciliator.open("evidenze.json").await;
        assert_eq!(log.text().matches("\"preserved\"").count(), 2, "{name} {}", log.text());
        assert!(journal::audit(db).await.unwrap().broken.is_empty(), "{name}");
    }
    databases.end().await;
}
