//! The foundation under every store, on both databases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use chrono::{DateTime, TimeDelta, Utc};
use portal::db::kept;
use portal::on_db;
use portal_testing::databases;
use uuid::Uuid;

type Body = (Uuid, String, DateTime<Utc>);
const INSERT: &str =
    "INSERT INTO bodies (id, host, name, procedure, created_at) VALUES ($1, $2, $3, $4, $5)";
const SELECT: &str = "SELECT id, name, created_at FROM bodies ORDER BY created_at";

fn time(nanos: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::nanoseconds(nanos)
}

#[tokio::test]
async fn what_is_committed_is_read_back_exactly_and_what_is_dropped_is_gone() {
    let databases = databases().await;
    for (name, db) in &databases.all {
        let rows = [
            (Uuid::from_u128(2), "però — €", kept(time(123_456_789))),
            (Uuid::from_u128(1), "Organismo", kept(time(1_000))),
        ];
        let mut tx = db.begin().await.unwrap();
        for (id, title, at) in rows {
            on_db!(&mut tx, |c| sqlx::query(INSERT)
                .bind(id)
                .bind(id.to_string())
                .bind(title)
                .bind("conciliazione")
                .bind(at)
                .execute(c)
                .await
                .map(drop))
            .unwrap();
        }
        tx.commit().await.unwrap();

        let mut dropped = db.begin().await.unwrap();
        on_db!(&mut dropped, |c| sqlx::query("DELETE FROM bodies").execute(c).await.map(drop))
            .unwrap();
        drop(dropped);

        let found: Vec<Body> =
            on_db!(read db, |c| sqlx::query_as(SELECT).fetch_all(c).await).unwrap();
        let expected: Vec<Body> =
            rows.iter().rev().map(|(id, title, at)| (*id, (*title).to_owned(), *at)).collect();
        assert_eq!(found, expected, "{name}");
    }
    databases.end().await;
}

#[tokio::test]
async fn a_reader_of_sqlite_cannot_write() {
    let databases = databases().await;
    let (_, db) = &databases.all[0];
    let result = on_db!(read db, |c| sqlx::query("DELETE FROM bodies").execute(c).await.map(drop));
    assert!(result.is_err());
    databases.end().await;
}
