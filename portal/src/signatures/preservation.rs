//! Completed documents are made to last: the status of every certificate goes into them, and an
//! archive time stamp over it, which is renewed before it gives way (B-LTA, of PAdES and of CAdES).
//!
//! A job, so that a responder that is down delays nothing else. Each step may be done again: what
//! counts is the row that names the new revision, and only one hub at a time works on a document.

use chrono::{DateTime, TimeDelta, Utc};
use signing::cades;
use signing::pades::{self, DocumentError, ValidationData};
use signing::pdf::signature_fields;
use signing::preservation::{gather, newest_stamps};
use signing::process::{Format, Input, Process};
use signing::verify::{Kind, Level, Report};
use uuid::Uuid;

use super::craft::{self, CraftError, Expected, TIMESTAMP_FIELDS};
use super::steps::{changed, document, expected, locked};
use super::store::{self, ProcessRow, Who};
use super::{SignatureError, ports::SigningPorts, status_data};
use crate::bodies::BodyId;
use crate::cases::CaseId;
use crate::db::{Db, DbError, Tx, kept};
use crate::documents::{filing, store as documents};
use crate::on_db;
use crate::portal::Portal;

/// Where the archive time stamps are of signatures that stand beside the document.
const BESIDE: &str = "signed_file";

/// A hub that died gives the document back after this.
const HOLD: TimeDelta = TimeDelta::minutes(10);
/// After a failure it is tried again, twice as late each time, and at least once a day.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::days(1);

/// A document that is to be made to last, in the transaction that completes it.
pub(super) async fn enrol_in(
    tx: &mut Tx,
    row: &ProcessRow,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO signature_preservations (process, body, due_at) VALUES ($1, $2, $3)
         ON CONFLICT (process) DO NOTHING"
    )
    .bind(row.id)
    .bind(row.body)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop)?);
    Ok(())
}

/// Stamps what is due, of every body; to be called again and again.
pub async fn round(portal: &Portal) -> Result<(), SignatureError> {
    for row in due(&portal.db, portal.now()).await? {
        if !claim(&portal.db, row.id, portal.now()).await? {
            continue;
        }
        if let Err(error) = preserve(portal, &row).await {
            tracing::warn!(process = %row.id, %error, "a document still waits to be archived");
            put_off(&portal.db, row.id, portal.now()).await?;
        }
    }
    Ok(())
}

async fn preserve(portal: &Portal, row: &ProcessRow) -> Result<(), SignatureError> {
    let process = store::replay(&portal.db, row).await?;
    let base = process.document();
    let newest = document(portal, row, base).await?;
    let made = stamped(portal, row, &process, newest).await?;
    let file = filing::keep(portal, BodyId(row.body), made.file.into()).await?;
    let revision = file.sha256.parse();
    let revision = revision.map_err(|_| SignatureError::Damaged("digest of a revision"))?;
    let mut tx = portal.db.begin().await?;
    let mut locked = locked(&mut tx, row).await?;
    let input = Input::Preserved { base, revision, field: made.field, renewal: made.due };
    let events = locked.process.handle(input, portal.now())?;
    store::record(&mut tx, &locked, &events, Who::default()).await?;
    let (body, case) = (BodyId(row.body), CaseId(row.case_id));
    documents::replace_file(&mut tx, body, case, &base.to_string(), &file).await?;
    schedule(&mut tx, row.id, made.due).await?;
    status_data::clear(&mut tx, row.id).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(())
}

/// A revision with its archive time stamp.
struct Stamped {
    file: Vec<u8>,
    /// Where the stamp is.
    field: String,
    /// When it wants to be renewed.
    due: DateTime<Utc>,
}

async fn stamped(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    newest: Vec<u8>,
) -> Result<Stamped, SignatureError> {
    let expected = expected(portal, row, process, None).await?;
    let kept = status_data::load(&portal.db, row.id).await?;
    let (ports, now) = (&portal.signing, portal.now());
    let (file, field) = match process.plan().format {
        Format::Pades => stamp(ports, newest, &kept, now).await?,
        Format::Cades => stamp_beside(ports, newest, &kept, now).await?,
    };
    Ok(judged(ports, file, field, &expected, now).await?)
}

/// The PDF with its validation data and a document time stamp in this field.
async fn stamp(
    ports: &SigningPorts,
    pdf: Vec<u8>,
    kept: &ValidationData,
    now: DateTime<Utc>,
) -> Result<(Vec<u8>, String), CraftError> {
    let data = gather(&pdf, kept, &ports.trust.anchors(), &*ports.status, now).await?;
    let prepare = move || {
        let complete = data.ocsp.is_empty() && data.crls.is_empty();
        let pdf = if complete { pdf } else { pades::add_validation_data(&pdf, &data)? };
        let field = free_field(&pdf)?;
        Ok::<_, DocumentError>((pades::prepare_timestamp(&pdf, &field)?, field))
    };
    let (prepared, field) = tokio::task::spawn_blocking(prepare).await??;
    let token = ports.tsa.timestamp(&prepared.to_stamp()).await?;
    let finish = move || pades::finish_timestamp(prepared, &token);
    Ok((tokio::task::spawn_blocking(finish).await??, field))
}

/// The signed file with validation data, and for each signature a time stamp and an archive time stamp
/// (CAdES B-LTA).
async fn stamp_beside(
    ports: &SigningPorts,
    file: Vec<u8>,
    kept: &ValidationData,
    now: DateTime<Utc>,
) -> Result<(Vec<u8>, String), CraftError> {
    let file = craft::time_stamped(ports, file).await?;
    let data = gather(&file, kept, &ports.trust.anchors(), &*ports.status, now).await?;
    let prepare = move || cades::prepare_archive(cades::add_validation_data(&file, &data)?);
    let prepared = tokio::task::spawn_blocking(prepare).await??;
    let tokens = craft::tokens(ports, prepared.to_stamp()).await?;
    let finish = move || cades::finish_archive(&prepared, &tokens);
    Ok((tokio::task::spawn_blocking(finish).await??, BESIDE.to_owned()))
}

/// Checked before anybody relies on it, and when it wants to be renewed.
async fn judged(
    ports: &SigningPorts,
    file: Vec<u8>,
    field: String,
    expected: &Expected,
    now: DateTime<Utc>,
) -> Result<Stamped, CraftError> {
    let (file, report) = craft::report_on(ports, file, now).await?;
    if let Some(fault) = craft::fault(&report, expected).or_else(|| short_lived(&report)) {
        return Err(CraftError::Invalid(fault));
    }
    let renewal = ports.renewal.clone();
    let due = move || Ok::<_, DocumentError>((renewal.due_first(&newest_stamps(&file)?)?, file));
    let (due, file) = tokio::task::spawn_blocking(due).await??;
    Ok(Stamped { file, field, due })
}

/// The first of the reserved fields that is still empty.
fn free_field(pdf: &[u8]) -> Result<String, DocumentError> {
    let document = signing::pdf::open(pdf)?;
    let fields = signature_fields(&document);
    let is_free = |name: &str| fields.iter().any(|field| field.name == name && !field.signed);
    let free = TIMESTAMP_FIELDS.into_iter().find(|name| is_free(name));
    free.map(str::to_owned)
        .ok_or(DocumentError::Structure("no field is left for an archive time stamp"))
}

/// A signature that did not reach the level of the archive. One without a time stamp of its own, from
/// somebody's own device, has no such level, but the archive time stamp proves it all the same.
fn short_lived(report: &Report) -> Option<String> {
    let mut signatures = report.signatures.iter().filter(|one| one.kind == Kind::Signature);
    let short = signatures.find(|one| one.timestamp.is_some() && one.level != Some(Level::BLta))?;
    Some(format!("{}: the validation data are not complete", short.field))
}

/// Documents whose time has come and on which nobody works.
async fn due(db: &Db, now: DateTime<Utc>) -> Result<Vec<ProcessRow>, SignatureError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT p.*
         FROM signature_preservations a JOIN signature_processes p ON p.id = a.process
         WHERE a.due_at <= $1 AND (a.held_until IS NULL OR a.held_until < $1)
         ORDER BY a.due_at LIMIT 50"
    )
    .bind(kept(now))
    .fetch_all(c)
    .await)?)
}

/// Gives every document back: for a database that no other process can be serving.
pub async fn release(db: &Db) -> Result<(), SignatureError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query(
        "UPDATE signature_preservations SET held_until = NULL WHERE held_until IS NOT NULL"
    )
    .execute(c)
    .await
    .map(drop))?;
    tx.commit().await?;
    Ok(())
}

/// Takes the right to work on a document; whether nobody else has it or was faster.
async fn claim(db: &Db, process: Uuid, now: DateTime<Utc>) -> Result<bool, SignatureError> {
    let mut tx = db.begin().await?;
    let rows = on_db!(&mut tx, |c| sqlx::query(
        "UPDATE signature_preservations SET held_until = $3
         WHERE process = $1 AND due_at <= $2 AND (held_until IS NULL OR held_until < $2)"
    )
    .bind(process)
    .bind(kept(now))
    .bind(kept(now + HOLD))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    tx.commit().await?;
    Ok(rows == 1)
}

async fn schedule(tx: &mut Tx, process: Uuid, due: DateTime<Utc>) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "UPDATE signature_preservations SET due_at = $2, tries = 0, held_until = NULL
         WHERE process = $1"
    )
    .bind(process)
    .bind(kept(due))
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// Gives a document back, for later.
async fn put_off(db: &Db, process: Uuid, now: DateTime<Utc>) -> Result<(), SignatureError> {
    let mut tx = db.begin().await?;
    let tries: i64 = on_db!(&mut tx, |c| sqlx::query_scalar(
        "UPDATE signature_preservations SET tries = tries + 1, held_until = NULL
         WHERE process = $1 RETURNING tries"
    )
    .bind(process)
    .fetch_one(c)
    .await)?;
    let again = now + pause(tries);
    on_db!(&mut tx, |c| sqlx::query(
        "UPDATE signature_preservations SET due_at = $2 WHERE process = $1"
    )
    .bind(process)
    .bind(kept(again))
    .execute(c)
    .await
    .map(drop))?;
    tx.commit().await?;
    Ok(())
}

fn pause(tries: i64) -> TimeDelta {
    let doublings = u32::try_from(tries - 1).unwrap_or_default().min(16);
    (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_tried_again_later_and_later() {
        let cases = [(1, 1), (2, 2), (3, 4), (10, 512), (11, 1024), (12, 1440), (1_000, 1440)];
        for (tries, minutes) in cases {
            assert_eq!(pause(tries), TimeDelta::minutes(minutes), "{tries}");
        }
    }
}
