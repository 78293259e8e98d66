//! The stamp of a database, on both databases (DESIGN §6.6).

use chrono::DateTime;
use portal::instance::{Nature, Stamp, made_at, read, stamp};
use portal::on_db;
use portal_testing::databases;
use uuid::Uuid;

#[tokio::test]
async fn a_database_says_what_it_is_and_the_first_stamp_stays() {
    let databases = databases().await;
    let (now, later) = (1_800_000_000, 1_800_000_001);
    let [now, later] = [now, later].map(|at| DateTime::from_timestamp(at, 5_000).unwrap());
    for (name, db) in &databases.all {
        assert_eq!(read(db).await.unwrap(), Stamp::Unused, "{name}");

        let mut tx = db.begin().await.unwrap();
        on_db!(&mut tx, |c| sqlx::query(
            "INSERT INTO bodies (id, host, name, procedure, created_at)
             VALUES ($1, 'localhost', 'Servizio', 'conciliazione', $2)"
        )
        .bind(Uuid::from_u128(1))
        .bind(now)
        .execute(c)
        .await
        .map(drop))
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(read(db).await.unwrap(), Stamp::Missing, "{name}");

        let demo = Stamp::Of(Nature::Demo);
        assert_eq!(stamp(db, Nature::Demo, now).await.unwrap(), demo, "{name}");
        assert_eq!(stamp(db, Nature::Production, later).await.unwrap(), demo, "{name}");
        assert_eq!(read(db).await.unwrap(), demo, "{name}");
        assert_eq!(made_at(db).await.unwrap(), now, "{name}");
    }
    databases.end().await;
}
