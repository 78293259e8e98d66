//! Leave to sign, given on the trust service's own page (OAuth 2.0) where it takes no code from us:
//! the way there and back.
//!
//! **Invariant:** whoever comes back brings a state that was given to this person in this session for
//! this document, a short while ago, and serves once; everything else about the signature stands in
//! our row, nothing in the address. What was prepared before is signed, or nothing is.

use chrono::{DateTime, TimeDelta, Utc};
use openssl::x509::X509;
use signing::Digest;
use signing::ports::{Authorisation, Grant, GrantRequest};
use signing::process::{Input, Process, Refusal};
use uuid::Uuid;

use super::apply::{self, Ready, not_now};
use super::codes;
use super::rules::{self, Need};
use super::settling::settle;
use super::steps::{advance, advance_in, changed};
use super::store::{self, ProcessRow, Who};
use super::{SignatureError, attempts, powers};
use crate::accounts::UserId;
use crate::db::{Db, Tx, kept};
use crate::meetings::MeetingId;
use crate::on_db;
use crate::portal::Portal;
use crate::random::{self, Token};

/// Where signers come back to.
pub const RETURN: &str = "/firma/autorizzata";
/// How long a signer may stay at the trust service.
const ROUND_TRIP: TimeDelta = TimeDelta::minutes(15);
/// A certificate that ends before the signer is back is not used.
const LEAST_LIFE: TimeDelta = TimeDelta::minutes(20);
/// What a trust service may answer instead of a code (RFC 6749 §4.1.2.1).
const ERRORS: [&str; 7] = [
    "access_denied",
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
];

/// Whether signers give leave there.
pub fn is_given_there(portal: &Portal) -> bool {
    portal.signing.qtsp.authorisation() == Authorisation::Page
}

/// Who asks, and where from.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The person and the address.
    pub who: Who,
    /// Hash of the session's token.
    pub session: [u8; 32],
    /// Where the person is to come back to: [`RETURN`] at the body's address.
    pub return_to: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    process: Uuid,
    field: String,
    frozen: String,
    base: String,
    credential: String,
    prepared: String,
    verifier: String,
    return_to: String,
    asked_at: DateTime<Utc>,
}

/// Address of the trust service's page for this signature, with a new certificate if there is none
/// to be used. `frozen` is the digest of the document that the page offered.
pub async fn ask(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    frozen: Digest,
    asker: &Asker,
) -> Result<String, SignatureError> {
    codes::alone(portal, row, field, asked(portal, row, field, frozen, asker)).await
}

async fn asked(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    frozen: Digest,
    asker: &Asker,
) -> Result<String, SignatureError> {
    if !is_given_there(portal) {
        return Err(Refusal::StepMissing.into());
    }
    settle(portal, row, None).await?;
    let mut process = store::replay(&portal.db, row).await?;
    if process.plan().document != frozen {
        return Err(Refusal::Stale.into());
    }
    let need = rules::need(&process, field, portal.now());
    if !matches!(need, Need::Request | Need::Code) {
        return Err(not_now(need).into());
    }
    powers::require(portal, row, &process, field).await?;
    if !is_certified(portal, row, &process, field).await? {
        codes::issue(portal, row, &process, field, asker.who).await?;
        process = store::replay(&portal.db, row).await?;
    }
    let (credential, prepared) = apply::prepare(portal, row, &process, field).await?;
    let (digest, credential) = (prepared.to_sign(), credential.credential.id);
    let (state, verifier) = (Token::new(&*portal.random), Token::new(&*portal.random));
    let address = portal.signing.qtsp.authorise_at(&GrantRequest {
        credential: &credential,
        digest: &digest,
        title: &row.title,
        state: state.reveal(),
        verifier: verifier.reveal(),
        return_to: &asker.return_to,
    })?;
    let leave = Row {
        process: row.id,
        field: field.to_owned(),
        frozen: frozen.to_string(),
        base: process.document().to_string(),
        credential,
        prepared: serde_json::to_string(&prepared)
            .map_err(|_| SignatureError::Damaged("a prepared revision"))?,
        verifier: verifier.reveal().to_owned(),
        return_to: asker.return_to.clone(),
        asked_at: portal.now(),
    };
    let mut tx = portal.db.begin().await?;
    keep(&mut tx, row.body, state.hash(), asker, &leave).await?;
    let input = Input::AskLeave { field: field.to_owned(), digest };
    advance_in(&mut tx, portal, row, [input], asker.who).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(address)
}

/// Whether the signer has a certificate that lasts until they are back.
async fn is_certified(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    field: &str,
) -> Result<bool, SignatureError> {
    let Some(id) = process.signer(field).and_then(|state| state.credential.clone()) else {
        return Ok(false);
    };
    let kept = attempts::credential(&portal.db, row.id, &id).await?;
    let ends = kept.as_ref().and_then(|kept| {
        let certificate = X509::from_der(kept.credential.chain.first()?).ok()?;
        signing::cms::Certificate::from_der(&certificate.to_der().ok()?).ok()?.not_after()
    });
    Ok(ends.is_some_and(|end| portal.now() + LEAST_LIFE < end))
}

/// What the trust service sends back with the signer.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// A code that is worth the leave.
    Code(&'a str),
    /// No leave, and the word for it.
    Error(&'a str),
}

/// What came of a signer's way back.
#[derive(Debug)]
pub struct Returned {
    /// Where the signer belongs.
    pub meeting: MeetingId,
    /// Which copy was to be signed; 0 for a document that all share.
    pub copy: i64,
    /// The signature, or why there is none.
    pub outcome: Result<(), SignatureError>,
}

/// A signer comes back. Nothing for a state that was not given to this person in this session, or was
/// brought back before.
pub async fn come_back(
    portal: &Portal,
    body: Uuid,
    person: UserId,
    session: [u8; 32],
    state: &str,
    answer: Answer<'_>,
    who: Who,
) -> Result<Option<Returned>, SignatureError> {
    let mut tx = portal.db.begin().await?;
    let leave = take(&mut tx, random::hash(state), body, person, session).await?;
    tx.commit().await?;
    let Some(leave) = leave else { return Ok(None) };
    let row = store::find(&portal.db, body, leave.process).await?;
    let row = row.ok_or(SignatureError::NotFound)?;
    let outcome = match answer {
        _ if leave.asked_at <= portal.now() - ROUND_TRIP => Err(SignatureError::Unfit(
            "L'autorizzazione è arrivata troppo tardi: chiedila di nuovo.".to_owned(),
        )),
        Answer::Code(code) => signed(portal, &row, leave, code, who).await,
        Answer::Error(word) => refused(portal, &row, &leave.field, word, who).await,
    };
    Ok(Some(Returned { meeting: MeetingId(row.meeting), copy: row.copy, outcome }))
}

async fn signed(
    portal: &Portal,
    row: &ProcessRow,
    leave: Row,
    code: &str,
    who: Who,
) -> Result<(), SignatureError> {
    let damaged = |_| SignatureError::Damaged("leave to sign");
    let ready = Ready {
        credential: leave.credential,
        base: leave.base.parse().map_err(damaged)?,
        prepared: serde_json::from_str(&leave.prepared)
            .map_err(|_| SignatureError::Damaged("a prepared revision"))?,
    };
    let frozen = leave.frozen.parse().map_err(damaged)?;
    let (verifier, return_to) = (leave.verifier, leave.return_to);
    let grant = Grant { code: code.to_owned(), verifier, return_to };
    apply::sign_granted(portal, row, &leave.field, frozen, ready, &grant, who).await
}

/// The signer comes back without leave. Who could have given it keeps the certificate; with one that
/// the trust service does not take, another is issued next.
async fn refused(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    word: &str,
    who: Who,
) -> Result<(), SignatureError> {
    let reason = ERRORS.into_iter().find(|known| *known == word).unwrap_or("other");
    let field = field.to_owned();
    let mut inputs = vec![Input::LeaveRefused { field: field.clone(), reason: reason.to_owned() }];
    let by_signer = reason == "access_denied";
    if !by_signer {
        inputs.push(Input::RestartCode { field });
    }
    match advance(portal, row, inputs, who).await {
        // It ended or went on meanwhile: there is nothing to write down.
        Ok(_) | Err(SignatureError::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    let text = if by_signer {
        "Non hai autorizzato la firma: il documento non è firmato. Puoi riprovare quando vuoi."
    } else {
        "Il prestatore del servizio di firma non ha accettato la richiesta: riprova."
    };
    Err(SignatureError::Unfit(text.to_owned()))
}

/// Writes a row; earlier ones of the same signature serve no more.
async fn keep(
    tx: &mut Tx,
    body: Uuid,
    state: [u8; 32],
    asker: &Asker,
    leave: &Row,
) -> Result<(), SignatureError> {
    let person = asker.who.user.ok_or(SignatureError::NotAllowed)?;
    on_db!(&mut *tx, |c| sqlx::query(
        "DELETE FROM signature_leaves WHERE process = $1 AND field = $2"
    )
    .bind(leave.process)
    .bind(&leave.field)
    .execute(c)
    .await
    .map(drop))?;
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO signature_leaves (state, body, person, session, process, field, frozen, base,
             credential, prepared, verifier, return_to, asked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    )
    .bind(state.as_slice())
    .bind(body)
    .bind(person.0)
    .bind(asker.session.as_slice())
    .bind(leave.process)
    .bind(&leave.field)
    .bind(&leave.frozen)
    .bind(&leave.base)
    .bind(&leave.credential)
    .bind(&leave.prepared)
    .bind(&leave.verifier)
    .bind(&leave.return_to)
    .bind(kept(leave.asked_at))
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// The row of a state, which is gone then.
async fn take(
    tx: &mut Tx,
    state: [u8; 32],
    body: Uuid,
    person: UserId,
    session: [u8; 32],
) -> Result<Option<Row>, SignatureError> {
    Ok(on_db!(tx, |c| {
        sqlx::query_as(
        "DELETE FROM signature_leaves
         WHERE state = $1 AND body = $2 AND person = $3 AND session = $4
         RETURNING process, field, frozen, base, credential, prepared, verifier, return_to, asked_at"
    )
    .bind(state.as_slice())
    .bind(body)
    .bind(person.0)
    .bind(session.as_slice())
    .fetch_optional(c)
    .await
    })?)
}

/// Forgets who did not come back.
pub async fn sweep(db: &Db, now: DateTime<Utc>) -> Result<(), SignatureError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query("DELETE FROM signature_leaves WHERE asked_at <= $1")
        .bind(kept(now - ROUND_TRIP))
        .execute(c)
        .await
        .map(drop))?;
    tx.commit().await?;
    Ok(())
}
