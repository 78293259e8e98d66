//! Asking for a code, with a new certificate where there is none to be used.

use chrono::TimeDelta;
use signing::Digest;
use signing::pades::DocumentError;
use signing::ports::{IssueRequest, QtspError, Subject};
use signing::process::{Input, Process, Refusal};

use super::apply::not_now;
use super::craft::CraftError;
use super::rules::{self, Need};
use super::settling::settle;
use super::steps::{advance_in, changed, signer};
use super::store::{ProcessRow, Who};
use super::{SignatureError, attempts, identity, leave, powers, store};
use crate::accounts::UserId;
use crate::portal::Portal;

/// Issuing a certificate and sending a code takes at most this.
const REQUEST: TimeDelta = TimeDelta::seconds(60);

/// Sends a code to the signer's mobile, with a new certificate if there is none to be used.
pub async fn request_code(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    who: Who,
) -> Result<(), SignatureError> {
    alone(portal, row, field, request(portal, row, field, who)).await
}

/// One request at a time: a certificate costs money, and a second code voids the first.
pub(super) async fn alone<T>(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    request: impl Future<Output = Result<T, SignatureError>>,
) -> Result<T, SignatureError> {
    let now = portal.now();
    let mut tx = portal.db.begin().await?;
    let claimed = attempts::claim_request(&mut tx, row.id, field, now, now - REQUEST).await?;
    tx.commit().await?;
    if !claimed {
        return Err(Refusal::Held.into());
    }
    let outcome = request.await;
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
    if !matches!(need, Need::Request | Need::Code) || leave::is_given_there(portal) {
        return Err(not_now(need).into());
    }
    powers::require(portal, row, &process, field).await?;
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
    let credential = issue(portal, row, &process, field, who).await?;
    let reference = qtsp.send_otp(&credential).await?;
    sent(portal, row, field, &credential, reference, who).await
}

/// A new certificate for the signer; gives the id of its credential.
pub(super) async fn issue(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    field: &str,
    who: Who,
) -> Result<String, SignatureError> {
    let state = process.signer(field).ok_or(SignatureError::NotFound)?;
    let issued = |credential: String, certificate| Input::CertificateIssued {
        field: field.to_owned(),
        credential,
        certificate,
    };
    // Nothing is issued for somebody who may not sign or used up all codes.
    process.clone().handle(issued(String::new(), process.document()), portal.now())?;
    let person = signer(portal, row, process, field).await?;
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
    let credential = portal.signing.qtsp.issue(&request).await?;
    let certificate = credential.chain.first();
    let certificate = Digest::of(certificate.ok_or(DocumentError::NoCertificate).map_err(bad)?);
    let mut tx = portal.db.begin().await?;
    attempts::keep_credential(&mut tx, row, field, &credential).await?;
    let input = issued(credential.id.clone(), certificate);
    advance_in(&mut tx, portal, row, [input], who).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(credential.id)
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

fn bad(error: DocumentError) -> SignatureError {
    CraftError::Document(error).into()
}
