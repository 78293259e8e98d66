//! The outbox on both databases.

use chrono::DateTime;
use portal::notifications::{Channel, Message, send};
use portal::on_db;
use portal_testing::databases;
use uuid::Uuid;

#[tokio::test]
async fn r_notify_19_a_repeated_act_writes_its_message_once_and_a_dropped_one_never() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let body = Uuid::from_u128(1);
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let message = Message {
            channel: Channel::Mail,
            to: "anna@example.it".into(),
            subject: "Convocazione".into(),
            text: "È stato fissato un incontro.".into(),
            key: "convened/1".into(),
        };
        let mut tx = db.begin().await.unwrap();
        on_db!(&mut tx, |c| sqlx::query(
            "INSERT INTO bodies (id, host, name, procedure, created_at)
             VALUES ($1, 'localhost', 'Servizio', 'conciliazione', $2)"
        )
        .bind(body)
        .bind(now)
        .execute(c)
        .await
        .map(drop))
        .unwrap();
        assert!(send(&mut tx, body, Uuid::from_u128(10), &message, now).await.unwrap(), "{name}");
        assert!(!send(&mut tx, body, Uuid::from_u128(11), &message, now).await.unwrap(), "{name}");
        tx.commit().await.unwrap();

        let mut dropped = db.begin().await.unwrap();
        let other = Message { key: "convened/2".into(), ..message };
        assert!(send(&mut dropped, body, Uuid::from_u128(12), &other, now).await.unwrap());
        drop(dropped);

        let keys: Vec<(String,)> =
            on_db!(read db, |c| sqlx::query_as("SELECT key FROM outbox").fetch_all(c).await)
                .unwrap();
        assert_eq!(keys, [("convened/1".to_owned(),)], "{name}");
    }
    databases.end().await;
}
