//! A signature made on the signer's own device: download, sign, upload (R-SIGN-29).

use signing::process::{Format, Input, Process, Refusal, Status};
use signing::returned::{FileSentOut, SentOut, Signed, judge, judge_file};

use super::steps::{changed, document, locked, signer};
use super::store::{ProcessRow, Who};
use super::{SignatureError, attempts, craft, ending, powers, rules, settling, status_data, store};
use crate::bodies::BodyId;
use crate::documents::filing;
use crate::portal::Portal;

/// Takes the document back. The new revision is stored before a row names it, as one act with the
/// end of the process if it was the last signature.
pub async fn take_back(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    pdf: Vec<u8>,
    who: Who,
) -> Result<(), SignatureError> {
    settling::settle(portal, row, None).await?;
    let process = store::replay(&portal.db, row).await?;
    let now = portal.now();
    match rules::on_own_device(&process, field, now) {
        rules::OwnDevice::Ready => {}
        rules::OwnDevice::Check => return Err(Refusal::NotChecked.into()),
        rules::OwnDevice::No => return Err(why_not(&process, field).into()),
    }
    powers::require(portal, row, &process, field).await?;
    let handed_in = (process.plan().format == Format::Cades).then(|| pdf.clone());
    let (pdf, signed) = judged(portal, row, &process, field, pdf).await?;
    let base = process.document();
    let kept = match handed_in {
        // What this person signed is kept as it came, beside the file with everybody's signatures.
        Some(own) => {
            let own = filing::keep(portal, BodyId(row.body), own.into()).await?;
            Some(own.sha256.parse().map_err(|_| SignatureError::Damaged("digest of a file"))?)
        }
        None => None,
    };
    let file = filing::keep(portal, BodyId(row.body), pdf.into()).await?;
    let revision = file.sha256.parse().map_err(|_| SignatureError::Damaged("digest of a file"))?;
    let mut tx = portal.db.begin().await?;
    let mut locked = locked(&mut tx, row).await?;
    // Somebody's signature was given and waits for its time stamp: it comes first.
    if attempts::has_given_in(&mut tx, row.id).await? {
        return Err(Refusal::Held.into());
    }
    powers::require_in(&mut tx, portal, row, &locked.process, field).await?;
    let field = field.to_owned();
    let certificate = signed.certificate;
    let input = Input::SignedElsewhere { field, base, revision, certificate, file: kept };
    let turn = locked.process.turn();
    let events = locked.process.handle(input, portal.now())?;
    store::record(&mut tx, &locked, &events, who).await?;
    ending::hand_over_in(&mut tx, portal, &locked, turn).await?;
    if locked.process.status() == Status::Completed {
        ending::complete_in(&mut tx, portal, &locked, &file, who).await?;
    }
    tx.commit().await?;
    changed(portal, row);
    status_data::keep_soon(portal, row, &locked.process);
    Ok(())
}

/// The next revision: exactly the newest one with this signer's signature, where all that was there
/// before still holds; or, where signatures stand beside the document, the signed file with what was
/// handed in put beside what it had, and a time stamp (R-SIGN-35).
async fn judged(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    field: &str,
    pdf: Vec<u8>,
) -> Result<(Vec<u8>, Signed), SignatureError> {
    let frozen = document(portal, row, process.plan().document).await?;
    let newest = document(portal, row, process.document()).await?;
    let fiscal_code = signer(portal, row, process, field).await?.fiscal_code;
    let (trust, now, field) = (portal.signing.trust.anchors(), portal.now(), field.to_owned());
    let format = process.plan().format;
    let work = move || {
        let (frozen, newest, fiscal_code) = (&*frozen, &*newest, &*fiscal_code);
        match format {
            Format::Pades => {
                let sent = SentOut { frozen, newest, field: &field, fiscal_code };
                judge(&sent, &pdf, &trust, now).map(|signed| (pdf, signed))
            }
            Format::Cades => {
                let sent = FileSentOut { frozen, newest, fiscal_code };
                judge_file(&sent, &pdf, &trust, now)
            }
        }
    };
    let judged = tokio::task::spawn_blocking(work).await.map_err(craft::CraftError::from)?;
    if let Err(fault) = &judged {
        tracing::info!(process = %row.id, %fault, "a document from an own device is not taken");
    }
    let (next, signed) = judged?;
    if format == Format::Pades {
        return Ok((next, signed));
    }
    // Without a time stamp for now: it gets one when everybody has signed.
    match craft::time_stamped(&portal.signing, next.clone()).await {
        Ok(stamped) => Ok((stamped, signed)),
        Err(error) => {
            tracing::warn!(process = %row.id, %error, "no time stamp for a signature");
            Ok((next, signed))
        }
    }
}

/// Why this signer cannot hand anything in.
fn why_not(process: &Process, field: &str) -> Refusal {
    let Some(state) = process.signer(field) else { return Refusal::UnknownSigner };
    if process.status().is_final() {
        Refusal::Status(process.status())
    } else if state.signed_at.is_some() {
        Refusal::AlreadySigned
    } else if process.turn() != Some(state.group) {
        Refusal::NotYourTurn
    } else if process.lease().is_some() {
        Refusal::Held
    } else {
        Refusal::StepMissing
    }
}
