//! The signature itself: certificate and code, one attempt to sign, and what a crash left behind.
//!
//! An attempt passes these points, each durable before the next begins: lease and prepared revision;
//! the signature that the trust service gave; the new revision in the file store; the row that names
//! it. [`settle`] takes up an attempt wherever it stopped.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use signing::Digest;
use signing::pades::DocumentError;
use signing::ports::{IssueRequest, QtspError, Subject};
use signing::process::{AttemptId, Input, Process, Refusal, Status, Step};
use tokio::time::timeout;

use super::attempts::{AttemptRow, Kept};
use super::craft::{CraftError, Order, Prepared};
use super::rules::{self, Need};
use super::steps::{advance_in, changed, document, expected, locked, signer};
use super::store::{Locked, ProcessRow, Who};
use super::{SignatureError, attempts, craft, ending, identity, status_data, store, waiting};
use crate::accounts::UserId;
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
/// Issuing a certificate and sending a code takes at most this.
const REQUEST: TimeDelta = TimeDelta::seconds(60);
/// A signature that was given in time is waited for so long after the term.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// Sends a code to the signer's mobile, with a new certificate if there is none to be used. One
/// request at a time: a certificate costs money, and a second code voids the first.
pub async fn request_code(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    who: Who,
) -> Result<(), SignatureError> {
    let now = portal.now();
    let mut tx = portal.db.begin().await?;
    let claimed = attempts::claim_request(&mut tx, row.id, field, now, now - REQUEST).await?;
    tx.commit().await?;
    if !claimed {
        return Err(Refusal::Held.into());
    }
    let outcome = request(portal, row, field, who).await;
    let mut tx = portal.db.begin().await?;
    attempts::end_request(&mut tx, row.id, field).await?;
    tx.commit().await?;
    outcome
}

async fn request(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    who: Who,
) -> Result<(), SignatureError> {
    settle(portal, row, None).await?;
    let process = store::replay(&portal.db, row).await?;
    let need = rules::need(&process, field, portal.now());
    if !matches!(need, Need::Request | Need::Code) {
        return Err(not_now(need).into());
    }
    let state = process.signer(field).ok_or(SignatureError::NotFound)?;
    let qtsp = &portal.signing.qtsp;
    if let Some(credential) = &state.credential {
        match qtsp.send_otp(credential).await {
            Ok(reference) => return sent(portal, row, field, credential, reference, who).await,
            Err(QtspError::Unreachable(text)) => return Err(QtspError::Unreachable(text).into()),
            // It serves no more: a new one is issued.
            Err(_) => {}
        }
    }
    let issued = |credential: String, certificate| Input::CertificateIssued {
        field: field.to_owned(),
        credential,
        certificate,
    };
    // Nothing is issued for somebody who may not sign or used up all codes.
    process.clone().handle(issued(String::new(), process.document()), portal.now())?;
    let person = signer(portal, row, &process, field).await?;
    let (id, now) = (UserId(state.signer.person), portal.now());
    let identification = identity::of(&portal.db, row.body, id, now).await?.ok_or_else(|| {
        SignatureError::Unfit(
            "La tua identificazione è scaduta: dal tuo profilo chiedine una nuova.".to_owned(),
        )
    })?;
    let request = IssueRequest {
        subject: Subject {
            given_name: person.given_name,
            surname: person.surname,
            fiscal_code: person.fiscal_code,
        },
        mobile: person.mobile,
        document: process.plan().document,
        title: row.title.clone(),
        identified_by: identification.method.as_str().to_owned(),
        identified_at: identification.at,
    };
    let credential = qtsp.issue(&request).await?;
    let certificate = credential.chain.first();
    let certificate = Digest::of(certificate.ok_or(DocumentError::NoCertificate).map_err(bad)?);
    let mut tx = portal.db.begin().await?;
    attempts::keep_credential(&mut tx, row, field, &credential).await?;
    let input = issued(credential.id.clone(), certificate);
    advance_in(&mut tx, portal, row, [input], who).await?;
    tx.commit().await?;
    changed(portal, row);
    let reference = qtsp.send_otp(&credential.id).await?;
    sent(portal, row, field, &credential.id, reference, who).await
}

/// The code is on its way; what the trust service calls it is kept with that, so that the code holds
/// whatever happens to this process.
async fn sent(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    credential: &str,
    reference: Option<String>,
    who: Who,
) -> Result<(), SignatureError> {
    let mut tx = portal.db.begin().await?;
    attempts::keep_reference(&mut tx, row.id, credential, reference.as_deref()).await?;
    let input = Input::OtpSent { field: field.to_owned() };
    advance_in(&mut tx, portal, row, [input], who).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(())
}

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
    let begun = begin(portal, row, field, frozen, who).await?;
    let Begun { credential: id, reference, to_sign, .. } = &begun;
    let asked = portal.signing.qtsp.sign_hash(id, code, reference.as_deref(), to_sign);
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

struct Begun {
    attempt: AttemptRow,
    credential: String,
    reference: Option<String>,
    to_sign: Digest,
}

/// Takes the document for one attempt, with the revision that will be signed.
async fn begin(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    frozen: Digest,
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
        let (kept, prepared) = prepare(portal, row, &process, field).await?;
        let (attempt, base) = (AttemptId(portal.new_id()), process.document());
        let mut tx = portal.db.begin().await?;
        let mut locked = locked(&mut tx, row).await?;
        let take = Input::TakeLease { field: field.to_owned(), attempt, base };
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
async fn prepare(
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
async fn finish(
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

async fn tell(
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

/// Takes up attempts that nobody leads any more: a signature that was given is finished, anything
/// else is closed. Attempts whose lease ran out, or that began before `stopped`, are nobody's.
pub async fn settle(
    portal: &Portal,
    row: &ProcessRow,
    stopped: Option<DateTime<Utc>>,
) -> Result<(), SignatureError> {
    for attempt in attempts::running_attempts(&portal.db, row.id).await? {
        let process = store::replay(&portal.db, row).await?;
        let lease = process.lease().filter(|lease| lease.attempt.0 == attempt.id);
        let orphan = stopped.is_some_and(|at| attempt.started_at < at);
        if !orphan && lease.is_some_and(|lease| portal.now() < lease.until) {
            continue;
        }
        let person = process.signer(&attempt.field).map(|state| UserId(state.signer.person));
        let who = Who { user: person, address: None };
        if attempt.signature.is_some() {
            match finish(portal, row, &attempt, who).await {
                Err(SignatureError::Refused(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        } else {
            close(portal, row, &attempt, who).await?;
        }
    }
    Ok(())
}

/// Closes an attempt that nobody leads, unless its signature came after all.
async fn close(
    portal: &Portal,
    row: &ProcessRow,
    attempt: &AttemptRow,
    who: Who,
) -> Result<(), SignatureError> {
    let mut tx = portal.db.begin().await?;
    let mut locked = locked(&mut tx, row).await?;
    if !attempts::end_unsigned(&mut tx, attempt.id, portal.now()).await? {
        return Ok(());
    }
    let reason = "interrupted".to_owned();
    let input = Input::AttemptFailed { attempt: AttemptId(attempt.id), reason };
    tell(&mut tx, &mut locked, input, portal.now(), who).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(())
}

/// Takes up what a stop left behind and ends what is overdue, in every body; to be called again and
/// again. `stopped`: when every other process that served this database had stopped.
pub async fn resume_all(
    portal: &Portal,
    stopped: Option<DateTime<Utc>>,
) -> Result<(), SignatureError> {
    for row in waiting::interrupted(&portal.db).await? {
        if let Err(error) = settle(portal, &row, stopped).await {
            tracing::warn!(process = %row.id, %error, "a signature still waits");
        }
    }
    let now = portal.now();
    for row in waiting::overdue(&portal.db, now, now - GRACE).await? {
        if let Err(error) = ending::expire(portal, &row).await {
            tracing::error!(process = %row.id, %error, "a process does not expire");
        }
    }
    Ok(())
}

/// Whether a signature of this signer was given and waits for its time stamp.
pub async fn waits(portal: &Portal, row: &ProcessRow, field: &str) -> Result<bool, SignatureError> {
    let attempts = attempts::running_attempts(&portal.db, row.id).await?;
    Ok(attempts.iter().any(|attempt| attempt.field == field && attempt.signature.is_some()))
}

fn not_now(need: Need) -> Refusal {
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

fn bad(error: DocumentError) -> SignatureError {
    CraftError::Document(error).into()
}
