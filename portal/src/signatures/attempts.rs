//! Attempts to sign in the database: certificates, codes that were asked for, prepared revisions and
//! signatures that are not yet in the document.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::SignatureError;
use super::store::ProcessRow;
use crate::db::{Db, Tx, kept};
use crate::{journal, on_db};

/// An attempt that is not over.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct AttemptRow {
    /// Which attempt.
    pub id: Uuid,
    /// Whose field.
    pub field: String,
    /// The revision that is signed.
    pub base: String,
    /// JSON of the prepared revision.
    pub prepared: String,
    /// The raw signature, once the trust service gave it.
    pub signature: Option<Vec<u8>>,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// Keeps the chain of a credential: it is needed again when the code comes.
pub async fn keep_credential(
    tx: &mut Tx,
    row: &ProcessRow,
    field: &str,
    credential: &signing::ports::Credential,
) -> Result<(), SignatureError> {
    let chain = serde_json::to_string(credential).map_err(journal::JournalError::Event)?;
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO signature_credentials (process, credential, body, field, chain)
         VALUES ($1, $2, $3, $4, $5)"
    )
    .bind(row.id)
    .bind(&credential.id)
    .bind(row.body)
    .bind(field)
    .bind(chain)
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// Keeps what the trust service calls the code it has sent, or that it has no name for it.
pub async fn keep_reference(
    tx: &mut Tx,
    process: Uuid,
    credential: &str,
    reference: Option<&str>,
) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "UPDATE signature_credentials SET code_reference = $3
         WHERE process = $1 AND credential = $2"
    )
    .bind(process)
    .bind(credential)
    .bind(reference)
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// A credential that signs in a process.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its id and chain.
    pub credential: signing::ports::Credential,
    /// What the trust service calls the code that it sent last.
    pub reference: Option<String>,
}

/// A credential of this process.
pub async fn credential(db: &Db, process: Uuid, id: &str) -> Result<Option<Kept>, SignatureError> {
    let found: Option<(String, Option<String>)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT chain, code_reference FROM signature_credentials
         WHERE process = $1 AND credential = $2"
    )
    .bind(process)
    .bind(id)
    .fetch_optional(c)
    .await)?;
    let Some((chain, reference)) = found else { return Ok(None) };
    let credential = serde_json::from_str(&chain);
    let credential = credential.map_err(|_| SignatureError::Damaged("a credential"))?;
    Ok(Some(Kept { credential, reference }))
}

/// Writes an attempt with the prepared revision, before the trust service is called.
pub async fn begin_attempt(
    tx: &mut Tx,
    row: &ProcessRow,
    attempt: &AttemptRow,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO signature_attempts (id, body, process, field, base, prepared, started_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    )
    .bind(attempt.id)
    .bind(row.body)
    .bind(row.id)
    .bind(&attempt.field)
    .bind(&attempt.base)
    .bind(&attempt.prepared)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// Keeps what the trust service gave, before anything else is done with it. Whether the attempt was
/// still there to take it; the caller holds the process.
pub async fn keep_signature(
    tx: &mut Tx,
    attempt: Uuid,
    signature: &[u8],
) -> Result<bool, SignatureError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE signature_attempts SET signature = $2 WHERE id = $1 AND ended_at IS NULL"
    )
    .bind(attempt)
    .bind(signature)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Whether somebody's signature was given and is not yet in the document; the caller holds the
/// process.
pub async fn has_given_in(tx: &mut Tx, process: Uuid) -> Result<bool, SignatureError> {
    let given: i64 = on_db!(tx, |c| sqlx::query_scalar(
        "SELECT COUNT(*) FROM signature_attempts
         WHERE process = $1 AND ended_at IS NULL AND signature IS NOT NULL"
    )
    .bind(process)
    .fetch_one(c)
    .await)?;
    Ok(given > 0)
}

/// Ends an attempt unless a signature was given meanwhile; whether it did. The caller holds the
/// process.
pub async fn end_unsigned(
    tx: &mut Tx,
    attempt: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, SignatureError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE signature_attempts SET ended_at = $2, prepared = NULL
         WHERE id = $1 AND ended_at IS NULL AND signature IS NULL"
    )
    .bind(attempt)
    .bind(kept(now))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Claims the right to ask for a certificate and a code for a signer; whether nobody else has it.
/// A claim that was not given back ends at `stale`.
pub async fn claim_request(
    tx: &mut Tx,
    process: Uuid,
    field: &str,
    now: DateTime<Utc>,
    stale: DateTime<Utc>,
) -> Result<bool, SignatureError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE signature_signers SET asked_at = $3
         WHERE process = $1 AND field = $2 AND (asked_at IS NULL OR asked_at < $4)"
    )
    .bind(process)
    .bind(field)
    .bind(kept(now))
    .bind(kept(stale))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Gives the claim back.
pub async fn end_request(tx: &mut Tx, process: Uuid, field: &str) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "UPDATE signature_signers SET asked_at = NULL WHERE process = $1 AND field = $2"
    )
    .bind(process)
    .bind(field)
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// Gives back every claim of a process that serves no more: for a database that no other process can
/// be serving.
pub async fn end_requests(db: &Db) -> Result<(), SignatureError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query(
        "UPDATE signature_signers SET asked_at = NULL WHERE asked_at IS NOT NULL"
    )
    .execute(c)
    .await
    .map(drop))?;
    tx.commit().await?;
    Ok(())
}

/// The attempt is over: what it held is dropped.
pub async fn end_attempt(
    tx: &mut Tx,
    attempt: Uuid,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "UPDATE signature_attempts SET ended_at = $2, prepared = NULL, signature = NULL
         WHERE id = $1"
    )
    .bind(attempt)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// The attempts of a process that are not over, oldest first.
pub async fn running_attempts(db: &Db, process: Uuid) -> Result<Vec<AttemptRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT id, field, base, prepared, signature, started_at FROM signature_attempts
         WHERE process = $1 AND ended_at IS NULL ORDER BY started_at"
    )
    .bind(process)
    .fetch_all(c)
    .await)?)
}
