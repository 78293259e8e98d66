//! The evidence log of a process as it is read (R-SIGN-38).

use std::collections::BTreeMap;

use signing::evidence::{Entry, EvidenceLog};
use signing::process::ProcessId;
use uuid::Uuid;

use super::store::ProcessRow;
use super::{SignatureError, craft, evidence_words, store};
use crate::accounts::{self, UserId};
use crate::bodies::BodyId;
use crate::db::Db;
use crate::portal::Portal;
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

/// The log as PDF, with itself as an associated file.
pub async fn printed(
    portal: &Portal,
    row: &ProcessRow,
    body: &str,
) -> Result<Vec<u8>, SignatureError> {
    let log = load(&portal.db, row).await?;
    let signers = store::signers(&portal.db, row.id).await?;
    let mut people = BTreeMap::new();
    for actor in log.entries.iter().filter_map(|entry| entry.actor) {
        if people.contains_key(&actor) {
            continue;
        }
        let person = accounts::store::person(&portal.db, BodyId(row.body), UserId(actor)).await?;
        people.insert(actor, person.map(|person| person.name()).unwrap_or_default());
    }
    let form = evidence_words::form(&log, body, &signers, &people);
    craft::evidence(&portal.signing, form).await.map_err(SignatureError::from)
}
