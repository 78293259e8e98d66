//! Journals: append-only lists of events, one chain of hashes per aggregate.
//!
//! An entry's hash is SHA-256 over the previous hash (hexadecimal; 64 zeros before the first), the
//! sequence number, the time in microseconds since 1970 and the event's JSON as it is stored, each
//! followed by a line feed. So a chain can be recomputed from its export by anybody, offline.
//! Events carry ids; names and addresses stand beside the chain.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::db::{Db, DbError, Tx, kept};
use crate::on_db;

/// The hash before the first entry of a chain.
pub const ORIGIN: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a chain is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Aggregate {
    /// Body it belongs to.
    pub body: Uuid,
    /// `case`, `attendance`, `evidence`, or `powers` of one document (R-SIGN-05).
    pub kind: &'static str,
    /// The case, meeting, signature process or document.
    pub id: Uuid,
}

/// One link of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// JSON, exactly as hashed.
    pub event: String,
    /// Hash of the entry before.
    pub prev: String,
    /// This entry's hash.
    pub hash: String,
}

/// Why a journal was not written or not accepted.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// An event that has no JSON form.
    #[error("event: {0}")]
    Event(#[from] serde_json::Error),
    /// The chain does not hold from this entry on.
    #[error("the chain is broken at entry {0}")]
    Broken(i64),
}

impl From<sqlx::Error> for JournalError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Appends one event in the caller's transaction. Returns the new head.
pub async fn append<E: Serialize + Sync>(
    tx: &mut Tx,
    aggregate: Aggregate,
    event: &E,
    now: DateTime<Utc>,
) -> Result<Entry, JournalError> {
    let Aggregate { body, kind, id } = aggregate;
    let last: Option<(i64, String)> = on_db!(&mut *tx, |c| sqlx::query_as(
        "SELECT seq, hash FROM journal WHERE body = $1 AND kind = $2 AND aggregate = $3
         ORDER BY seq DESC LIMIT 1"
    )
    .bind(body)
    .bind(kind)
    .bind(id)
    .fetch_optional(c)
    .await)?;
    let (seq, prev) = last.unwrap_or_else(|| (0, ORIGIN.to_owned()));
    let entry = link(seq + 1, kept(now), serde_json::to_string(event)?, prev);
    // Two writers of one aggregate meet at the primary key: the second one fails and retries.
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO journal (body, kind, aggregate, seq, at, event, prev, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
    )
    .bind(body)
    .bind(kind)
    .bind(id)
    .bind(entry.seq)
    .bind(entry.at)
    .bind(&entry.event)
    .bind(&entry.prev)
    .bind(&entry.hash)
    .execute(c)
    .await
    .map(drop))?;
    Ok(entry)
}

/// The whole chain, oldest first.
pub async fn load(db: &Db, aggregate: Aggregate) -> Result<Vec<Entry>, JournalError> {
    let Aggregate { body, kind, id } = aggregate;
    load_chain(db, body, kind, id).await
}

async fn load_chain(db: &Db, body: Uuid, kind: &str, id: Uuid) -> Result<Vec<Entry>, JournalError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT seq, at, event, prev, hash FROM journal
         WHERE body = $1 AND kind = $2 AND aggregate = $3 ORDER BY seq"
    )
    .bind(body)
    .bind(kind)
    .bind(id)
    .fetch_all(c)
    .await)?)
}

/// What recomputing every chain of a database found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many chains there are.
    pub chains: usize,
    /// How many entries they have together.
    pub entries: usize,
    /// Chains that do not hold: kind, id, and the first entry that is wrong.
    pub broken: Vec<(String, Uuid, i64)>,
}

/// Recomputes every chain of every body.
pub async fn audit(db: &Db) -> Result<Audit, JournalError> {
    let chains: Vec<(Uuid, String, Uuid)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT DISTINCT body, kind, aggregate FROM journal ORDER BY body, kind, aggregate"
    )
    .fetch_all(c)
    .await)?;
    let mut audit = Audit { chains: chains.len(), ..Audit::default() };
    for (body, kind, id) in chains {
        let entries = load_chain(db, body, &kind, id).await?;
        audit.entries += entries.len();
        match verify(&entries) {
            Ok(()) => {}
            Err(JournalError::Broken(seq)) => audit.broken.push((kind, id, seq)),
            Err(other) => return Err(other),
        }
    }
    Ok(audit)
}

/// Recomputes a chain.
pub fn verify(entries: &[Entry]) -> Result<(), JournalError> {
    let mut prev = ORIGIN.to_owned();
    for (seq, entry) in (1..).zip(entries) {
        let expected = link(seq, entry.at, entry.event.clone(), prev);
        if *entry != expected {
            return Err(JournalError::Broken(seq));
        }
        prev = expected.hash;
    }
    Ok(())
}

fn link(seq: i64, at: DateTime<Utc>, event: String, prev: String) -> Entry {
    let text = format!("{prev}\n{seq}\n{}\n{event}\n", at.timestamp_micros());
    Entry { seq, at, event, prev, hash: hex::encode(Sha256::digest(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Vec<Entry> {
        let at = DateTime::from_timestamp_micros(1_800_000_000_000_001).unwrap();
        let mut entries: Vec<Entry> = Vec::new();
        for seq in 1..=4 {
            let prev = entries.last().map_or_else(|| ORIGIN.to_owned(), |e| e.hash.clone());
            entries.push(link(seq, at, format!("{{\"n\":{seq}}}"), prev));
        }
        entries
    }

    #[test]
    fn r_meet_43_every_change_to_a_chain_is_found_where_it_is() {
        assert!(verify(&chain()).is_ok());
        assert!(verify(&[]).is_ok());
        type Change = fn(&mut Vec<Entry>);
        let changes: [(i64, Change); 6] = [
            (2, |c| c[1].event.push(' ')),
            (3, |c| c[2].at += chrono::TimeDelta::microseconds(1)),
            (1, |c| c[0].prev.replace_range(0..1, "1")),
            (4, |c| c[3].hash.replace_range(0..2, "zz")),
            (2, |c| drop(c.remove(1))),
            (2, |c| c.swap(1, 2)),
        ];
        for (at, change) in changes {
            let mut broken = chain();
            change(&mut broken);
            assert!(matches!(verify(&broken), Err(JournalError::Broken(n)) if n == at), "{at}");
        }
    }
}
