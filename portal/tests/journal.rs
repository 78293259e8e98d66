//! Journals on both databases.

use chrono::DateTime;
use portal::journal::{Aggregate, append, load, verify};
use portal::on_db;
use portal_testing::databases;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn r_meet_43_a_chain_survives_storage_and_chains_do_not_mix() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let body = Uuid::from_u128(1);
        // Nanoseconds, which neither database keeps, must not break the chain.
        let now = DateTime::from_timestamp(1_800_000_000, 123_456_789).unwrap();
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
        let chains = [("case", 7), ("attendance", 7), ("case", 8)].map(|(kind, id)| Aggregate {
            body,
            kind,
            id: Uuid::from_u128(id),
        });
        for round in 0..3 {
            for chain in chains {
                append(&mut tx, chain, &json!({ "v": 1, "round": round }), now).await.unwrap();
            }
        }
        tx.commit().await.unwrap();

        let mut dropped = db.begin().await.unwrap();
        append(&mut dropped, chains[0], &json!("never"), now).await.unwrap();
        drop(dropped);

        for chain in chains {
            let entries = load(db, chain).await.unwrap();
            assert_eq!(entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3], "{name}");
            verify(&entries).unwrap();
        }
    }
    databases.end().await;
}
