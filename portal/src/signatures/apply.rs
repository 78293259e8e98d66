//! The signature itself: one attempt to sign.
//!
//! An attempt passes these points, each durable before the next begins: lease and prepared revision;
//! the signature that the trust service gave; the new revision in the file store; the row that names
//! it. [`settle`] takes up an attempt wherever it stopped.

use std::time::Duration;

use chrono::{DateTime, Utc};
use signing::Digest;
use signing::pades::DocumentError;
use signing::ports::{Grant, QtspError};
use signing::process::{AttemptId, Input, Process, Refusal, Status, Step};
use tokio::time::timeout;

use super::attempts::{AttemptRow, Kept};
use super::craft::{CraftError, Order, Prepared};
use super::rules::{self, Need};
use super::settling::settle;
use super::steps::{changed, document, expected, locked};
use super::store::{Locked, ProcessRow, Who};
use super::{SignatureError, attempts, craft, ending, leave, powers, status_data, store};
use crate::bodies::BodyId;
use crate::db::Tx;
use crate::documents::filing;
use crate::portal::Portal;

/// Somebody else's signature takes well below a second; the next one waits for it.
const WAIT: Duration = Duration::from_millis(200);
/// How often.
const PATIENCE: usize = 50;
/// The trust service answers within this, or its signature is not waited for: well inside the lease.
const ANSWER: Duration = Duration::from_secs(20);

/// Signs with the code. `frozen` is the digest of the document that the page offered: a page of an
/// earlier version signs nothing.
pub async fn sign(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    frozen: Digest,
    code: &str,
    who: Who,
) -> Result<(), SignatureError> {
    if leave::is_given_there(portal) {
        return Err(Refusal::StepMissing.into());
    }
    let begun = begin(portal, row, field, frozen, None, who).await?;
    let Begun { credential: id, reference, to_sign, .. } = begun.clone();
    let asked = portal.signing.qtsp.sign_hash(&id, code, reference.as_deref(), &to_sign);
    conclude(portal, row, field, begun, asked, who).await
}

/// Signs what was prepared before the signer went to the trust service's page, with the leave that
/// was given there.
pub(super) async fn sign_granted(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    frozen: Digest,
    ready: Ready,
    grant: &Grant,
    who: Who,
) -> Result<(), SignatureError> {
    let begun = begin(portal, row, field, frozen, Some(&ready), who).await?;
    let (id, to_sign) = (begun.credential.clone(), begun.to_sign);
    let asked = portal.signing.qtsp.sign_granted(&id, grant, &to_sign);
    conclude(portal, row, field, begun, asked, who).await
}

/// From the trust service's answer to the end of the attempt.
async fn conclude(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    begun: Begun,
    asked: impl Future<Output = Result<Vec<u8>, QtspError>>,
    who: Who,
) -> Result<(), SignatureError> {
    let answer = timeout(ANSWER, asked).await;
    let answer = answer.unwrap_or_else(|_| Err(QtspError::Unreachable("too slow".to_owned())));
    let attempt = AttemptId(begun.attempt.id);
    match answer {
        Ok(signature) => {
            let mut tx = portal.db.begin().await?;
            locked(&mut tx, row).await?;
            if !attempts::keep_signature(&mut tx, begun.attempt.id, &signature).await? {
                return Err(Refusal::NoSuchAttempt.into());
            }
            tx.commit().await?;
            let attempt = AttemptRow { signature: Some(signature), ..begun.attempt };
            match finish(portal, row, &attempt, who).await {
                // A round finished what was begun here.
                Err(SignatureError::Refused(_)) if has_signed(portal, row, field).await? => Ok(()),
                outcome => outcome,
            }
        }
        Err(QtspError::WrongOtp) => {
            end(portal, row, begun.attempt.id, Input::OtpWrong { attempt }, who).await?;
            Err(QtspError::WrongOtp.into())
        }
        Err(error) => {
            let input = Input::AttemptFailed { attempt, reason: error.to_string() };
            end(portal, row, begun.attempt.id, input, who).await?;
            Err(error.into())
        }
    }
}

async fn has_signed(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
) -> Result<bool, SignatureError> {
    let process = store::replay(&portal.db, row).await?;
    Ok(process.signer(field).is_some_and(|state| state.step == Step::Signed))
}

/// What was prepared before the signer gave leave.
pub(super) struct Ready {
    /// The credential that signs.
    pub credential: String,
    /// The revision that is signed.
    pub base: Digest,
    /// The revision with a place for the signature.
    pub prepared: Prepared,
}

#[derive(Clone)]
struct Begun {
    attempt: AttemptRow,
    credential: String,
    reference: Option<String>,
    to_sign: Digest,
}

/// Takes the document for one attempt, with the revision that will be signed: the one that is ready,
/// or a new one.
async fn begin(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    frozen: Digest,
    ready: Option<&Ready>,
    who: Who,
) -> Result<Begun, SignatureError> {
    for _ in 0..PATIENCE {
        settle(portal, row, None).await?;
        let process = store::replay(&portal.db, row).await?;
        if process.plan().document != frozen {
            return Err(Refusal::Stale.into());
        }
        let need = rules::need(&process, field, portal.now());
        if need != Need::Code {
            return Err(not_now(need).into());
        }
        let (kept, prepared) = match ready {
            Some(ready) => {
                let own = process.signer(field).and_then(|state| state.credential.as_ref());
                if own != Some(&ready.credential) || process.document() != ready.base {
                    return Err(SignatureError::Unfit(
                        "Nel frattempo il documento è cambiato, perché ha firmato un'altra persona: \
                         autorizza di nuovo la tua firma."
                            .to_owned(),
                    ));
                }
                let kept = attempts::credential(&portal.db, row.id, &ready.credential).await?;
                let missing = SignatureError::Damaged("a credential is missing");
                (kept.ok_or(missing)?, ready.prepared.clone())
            }
            None => prepare(portal, row, &process, field).await?,
        };
        let (attempt, base) = (AttemptId(portal.new_id()), process.document());
        let mut tx = portal.db.begin().await?;
        let mut locked = locked(&mut tx, row).await?;
        let take = Input::TakeLease { field: field.to_owned(), attempt, base };
        powers::require_in(&mut tx, portal, row, &locked.process, field).await?;
        let now = portal.now();
        // Somebody signs, or just has: this signature goes on top of theirs.
        let taken = match attempts::has_given_in(&mut tx, row.id).await? {
            true => Err(Refusal::Held),
            false => locked.process.handle(take, now),
        };
        let events = match taken {
            Err(Refusal::Held | Refusal::Stale) => {
                drop(tx);
                tokio::time::sleep(WAIT).await;
                continue;
            }
            decision => decision?,
        };
        store::record(&mut tx, &locked, &events, who).await?;
        let held = locked.process.lease().is_some_and(|lease| lease.attempt == attempt);
        let begun = AttemptRow {
            id: attempt.0,
            field: field.to_owned(),
            base: base.to_string(),
            prepared: serde_json::to_string(&prepared)
                .map_err(|_| SignatureError::Damaged("a prepared revision"))?,
            signature: None,
            started_at: now,
        };
        if held {
            attempts::begin_attempt(&mut tx, row, &begun, now).await?;
        }
        tx.commit().await?;
        changed(portal, row);
        if !held {
            return Err(Refusal::NoSuchAttempt.into());
        }
        return Ok(Begun {
            attempt: begun,
            credential: kept.credential.id,
            reference: kept.reference,
            to_sign: prepared.to_sign(),
        });
    }
    Err(Refusal::Held.into())
}

/// The next revision of the document with the signer's certificate in it.
pub(super) async fn prepare(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    field: &str,
) -> Result<(Kept, Prepared), SignatureError> {
    let state = process.signer(field).ok_or(SignatureError::NotFound)?;
    let id = state.credential.clone().ok_or(Refusal::StepMissing)?;
    let kept = attempts::credential(&portal.db, row.id, &id).await?;
    let kept = kept.ok_or(SignatureError::Damaged("a credential is missing"))?;
    let signers = store::signers(&portal.db, row.id).await?;
    let own = signers.into_iter().find(|one| one.field == field).ok_or(SignatureError::NotFound)?;
    #[expect(clippy::cast_possible_truncation, reason = "points, read from an f32")]
    let size = (own.width as f32, own.height as f32);
    let order = Order {
        document: document(portal, row, process.document()).await?,
        field: field.to_owned(),
        size,
        chain: kept.credential.chain.clone(),
        name: own.name,
        role: own.role,
        at: portal.now(),
        mode: portal.signing.qtsp.mode(),
        format: process.plan().format,
    };
    Ok((kept, craft::prepare(&portal.signing, order).await?))
}

/// From the signature to the stored revision. Without a time stamp the attempt waits.
pub(super) async fn finish(
    portal: &Portal,
    row: &ProcessRow,
    attempt: &AttemptRow,
    who: Who,
) -> Result<(), SignatureError> {
    let damaged = SignatureError::Damaged;
    let process = store::replay(&portal.db, row).await?;
    let expected = expected(portal, row, &process, Some(&attempt.field)).await?;
    let prepared: Prepared =
        serde_json::from_str(&attempt.prepared).map_err(|_| damaged("a prepared revision"))?;
    let signature = attempt.signature.clone().ok_or(damaged("an attempt without signature"))?;
    let id = AttemptId(attempt.id);
    let ports = &portal.signing;
    let pdf = match craft::complete(ports, prepared, signature, &expected, &*portal.clock).await {
        Ok(pdf) => pdf,
        Err(error) if is_final(&error) => {
            let input = Input::AttemptFailed { attempt: id, reason: error.to_string() };
            end(portal, row, attempt.id, input, who).await?;
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    let file = filing::keep(portal, BodyId(row.body), pdf.into()).await?;
    let base = attempt.base.parse().map_err(|_| damaged("digest of an attempt"))?;
    let revision = file.sha256.parse().map_err(|_| damaged("digest of a revision"))?;
    let mut tx = portal.db.begin().await?;
    let mut locked = locked(&mut tx, row).await?;
    let signed = Input::Signed { attempt: id, base, revision };
    let turn = locked.process.turn();
    let decision = locked.process.handle(signed, portal.now());
    if let Ok(events) = &decision {
        store::record(&mut tx, &locked, events, who).await?;
        ending::hand_over_in(&mut tx, portal, &locked, turn).await?;
        if locked.process.status() == Status::Completed {
            ending::complete_in(&mut tx, portal, &locked, &file, who).await?;
        }
    }
    // Taken back or ended meanwhile: the signature belongs to no document any more.
    attempts::end_attempt(&mut tx, attempt.id, portal.now()).await?;
    tx.commit().await?;
    changed(portal, row);
    if decision.is_ok() {
        status_data::keep_soon(portal, row, &locked.process);
    }
    decision.map(drop).map_err(Into::into)
}

/// The signature can never become part of the document.
fn is_final(error: &CraftError) -> bool {
    match error {
        CraftError::Document(error) => !matches!(error, DocumentError::Timestamp(_)),
        CraftError::Invalid(_) => true,
        _ => false,
    }
}

/// Closes an attempt that gave no signature.
async fn end(
    portal: &Portal,
    row: &ProcessRow,
    attempt: uuid::Uuid,
    input: Input,
    who: Who,
) -> Result<(), SignatureError> {
    let mut tx = portal.db.begin().await?;
    let mut locked = locked(&mut tx, row).await?;
    tell(&mut tx, &mut locked, input, portal.now(), who).await?;
    attempts::end_attempt(&mut tx, attempt, portal.now()).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(())
}

pub(super) async fn tell(
    tx: &mut Tx,
    locked: &mut Locked,
    input: Input,
    now: DateTime<Utc>,
    who: Who,
) -> Result<(), SignatureError> {
    match locked.process.handle(input, now) {
        Ok(events) => store::record(tx, locked, &events, who).await,
        // The process is over, or somebody else went ahead: nothing to tell.
        Err(Refusal::NoSuchAttempt | Refusal::Status(_) | Refusal::Over) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}

pub(super) fn not_now(need: Need) -> Refusal {
    match need {
        Need::Others => Refusal::NotYourTurn,
        Need::Check => Refusal::NotChecked,
        Need::Busy => Refusal::Held,
        Need::Nothing => Refusal::AlreadySigned,
        Need::Identify | Need::Conditions | Need::Contacts | Need::Request | Need::Code => {
            Refusal::StepMissing
        }
    }
}
