//! The evidence log of a process as it is read (R-SIGN-38).

use std::collections::BTreeMap;

use signing::evidence::{Entry, EvidenceLog};
use signing::process::ProcessId;
use uuid::Uuid;

use super::SignatureError;
use super::store::ProcessRow;
use crate::db::Db;
use crate::{journal, on_db};

#[derive(sqlx::FromRow)]
struct Beside {
    seq: i64,
    actor: Option<Uuid>,
    address: Option<String>,
    document: String,
}

/// The evidence log of a process (R-SIGN-38): the chain, and what stands beside it.
pub async fn load(db: &Db, row: &ProcessRow) -> Result<EvidenceLog, SignatureError> {
    let chain = journal::load(db, row.aggregate()).await?;
    let beside: Vec<Beside> = on_db!(read db, |c| sqlx::query_as(
        "SELECT seq, actor, address, document FROM signature_evidence
         WHERE body = $1 AND process = $2 ORDER BY seq"
    )
    .bind(row.body)
    .bind(row.id)
    .fetch_all(c)
    .await)?;
    let mut beside: BTreeMap<i64, Beside> = beside.into_iter().map(|one| (one.seq, one)).collect();
    let damaged = SignatureError::Damaged;
    let entries: Result<Vec<Entry>, SignatureError> = chain
        .into_iter()
        .map(|link| {
            let one = beside.remove(&link.seq).ok_or(damaged("an entry without its document"))?;
            Ok(Entry {
                seq: link.seq,
                recorded: serde_json::from_str(&link.event)
                    .map_err(|_| damaged("an event of the evidence log"))?,
                actor: one.actor,
                address: one.address.and_then(|address| address.parse().ok()),
                document: one.document.parse().map_err(|_| damaged("digest of a document"))?,
                hash: link.hash.parse().map_err(|_| damaged("link of the evidence log"))?,
            })
        })
        .collect();
    Ok(EvidenceLog { process: ProcessId(row.id), title: row.title.clone(), entries: entries? })
}
