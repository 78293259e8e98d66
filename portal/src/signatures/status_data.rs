//! What authorities say of certificates while a document is at signature: asked when somebody has
//! signed, and kept for the archive, in case nobody tells it any more when the last one has.
//!
//! Beside the document, not in it: each signature finds the revision of the one before as it was.

use signing::Digest;
use signing::pades::ValidationData;
use signing::preservation::gather;
use signing::process::{Process, Status};
use uuid::Uuid;

use super::SignatureError;
use super::craft::CraftError;
use super::steps::document;
use super::store::ProcessRow;
use crate::db::{Db, Tx};
use crate::on_db;
use crate::portal::Portal;

/// Asks and keeps, beside everything else: nobody waits for it, and what is not answered is asked
/// again when everybody has signed. Nothing is to be asked for a complete document, which is archived
/// at once.
pub(super) fn keep_soon(portal: &Portal, row: &ProcessRow, process: &Process) {
    if process.status() == Status::Completed {
        return;
    }
    let (portal, row, revision) = (portal.clone(), row.clone(), process.document());
    tokio::spawn(async move {
        if let Err(error) = keep(&portal, &row, revision).await {
            tracing::info!(process = %row.id, %error, "the status of a certificate is not told yet");
        }
    });
}

/// Asks about every certificate in a revision, and keeps the answers.
pub async fn keep(
    portal: &Portal,
    row: &ProcessRow,
    revision: Digest,
) -> Result<(), SignatureError> {
    let pdf = document(portal, row, revision).await?;
    let kept = load(&portal.db, row.id).await?;
    let ports = &portal.signing;
    let data = gather(&pdf, &kept, &ports.trust.anchors(), &*ports.status, portal.now()).await;
    let data = data.map_err(CraftError::from)?;
    let mut tx = portal.db.begin().await?;
    for (kind, list) in [("ocsp", &data.ocsp), ("crl", &data.crls)] {
        for der in list {
            on_db!(&mut tx, |c| sqlx::query(
                "INSERT INTO signature_status (process, digest, body, kind, der)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (process, digest) DO NOTHING"
            )
            .bind(row.id)
            .bind(Digest::of(der).to_string())
            .bind(row.body)
            .bind(kind)
            .bind(der)
            .execute(c)
            .await
            .map(drop))?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// What was kept for a process.
pub async fn load(db: &Db, process: Uuid) -> Result<ValidationData, SignatureError> {
    let rows: Vec<(String, Vec<u8>)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT kind, der FROM signature_status WHERE process = $1 ORDER BY digest"
    )
    .bind(process)
    .fetch_all(c)
    .await)?;
    let mut data = ValidationData::default();
    for (kind, der) in rows {
        match kind.as_str() {
            "ocsp" => data.ocsp.push(der),
            _ => data.crls.push(der),
        }
    }
    Ok(data)
}

/// The document has them now.
pub(super) async fn clear(tx: &mut Tx, process: Uuid) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query("DELETE FROM signature_status WHERE process = $1")
        .bind(process)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}
