//! A signer's way from the open document to the confirmed contacts, and the check of the others'
//! signatures (R-SIGN-06…18, R-SIGN-36).

use signing::process::{Identification, Input, Process, Status, Step};

use super::ports::IdentificationRequest;
use super::store::{Locked, ProcessRow, Who};
use super::{SignatureError, conditions, craft, identity, rules, store};
use crate::accounts::{self, Person, UserId};
use crate::bodies::BodyId;
use crate::db::Tx;
use crate::identification::Terms;
use crate::meetings::MeetingId;
use crate::portal::Portal;
use crate::random::Token;
use crate::signatures::craft::{Expected, Signatory};
use crate::signatures::ports::LiveTopic;

/// Puts inputs to a process in one transaction, and tells the room.
pub(super) async fn advance(
    portal: &Portal,
    row: &ProcessRow,
    inputs: impl IntoIterator<Item = Input>,
    who: Who,
) -> Result<Locked, SignatureError> {
    let mut tx = portal.db.begin().await?;
    let locked = advance_in(&mut tx, portal, row, inputs, who).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(locked)
}

/// The same in the caller's transaction.
pub(super) async fn advance_in(
    tx: &mut Tx,
    portal: &Portal,
    row: &ProcessRow,
    inputs: impl IntoIterator<Item = Input>,
    who: Who,
) -> Result<Locked, SignatureError> {
    let mut locked = locked(tx, row).await?;
    let now = portal.now();
    let mut events = Vec::new();
    for input in inputs {
        events.extend(locked.process.handle(input, now)?);
    }
    store::record(tx, &locked, &events, who).await?;
    Ok(locked)
}

pub(super) async fn locked(tx: &mut Tx, row: &ProcessRow) -> Result<Locked, SignatureError> {
    store::lock(tx, row.body, row.id).await?.ok_or(SignatureError::NotFound)
}

pub(super) fn changed(portal: &Portal, row: &ProcessRow) {
    portal.signing.live.changed(MeetingId(row.meeting), LiveTopic::Signatures);
}

/// The field that a person signs in this process.
pub fn field_of(process: &Process, person: UserId) -> Option<&str> {
    let own = process.signers().find(|state| state.signer.person == person.0)?;
    Some(&own.signer.field)
}

/// The account of a signer.
pub(super) async fn signer(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    field: &str,
) -> Result<Person, SignatureError> {
    let state = process.signer(field).ok_or(SignatureError::NotFound)?;
    let id = UserId(state.signer.person);
    let person = accounts::store::person(&portal.db, BodyId(row.body), id).await?;
    person.ok_or(SignatureError::NotFound)
}

/// A signer looks at the document: it counts as opened, and who was identified before is
/// (R-SIGN-08).
pub async fn arrive(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    field: &str,
    who: Who,
) -> Result<Option<Locked>, SignatureError> {
    let Some(state) = process.signer(field) else { return Ok(None) };
    if !matches!(process.status(), Status::Sent | Status::PartiallySigned)
        || portal.now() >= row.expires_at
        || state.step >= Step::Identified
    {
        return Ok(None);
    }
    let field = field.to_owned();
    let known =
        identity::of(&portal.db, row.body, UserId(state.signer.person), portal.now()).await?;
    let known = known.filter(|_| process.on_paper().is_none());
    if known.is_none() && state.step == Step::Opened {
        return Ok(None);
    }
    let mut inputs = vec![Input::Open { field: field.clone() }];
    inputs.extend(known.map(|identification| Input::Identify { field, identification }));
    advance(portal, row, inputs, who).await.map(Some)
}

/// Where the signer goes to be identified; leads back to `return_to`.
pub async fn ask_identity(
    portal: &Portal,
    row: &ProcessRow,
    person: &Person,
    return_to: &str,
) -> Result<String, SignatureError> {
    let process = store::replay(&portal.db, row).await?;
    let field = field_of(&process, person.id).ok_or(SignatureError::NotFound)?;
    if rules::need(&process, field, portal.now()) != rules::Need::Identify {
        return Err(SignatureError::Unfit("L'identificazione non serve più.".to_owned()));
    }
    let Some(provider) = &portal.signing.identification else {
        return Err(SignatureError::Unfit(
            "L'identificazione con SPID o CIE non è attiva: contatta l'assistenza.".to_owned(),
        ));
    };
    let state = Token::new(&*portal.random);
    let mut tx = portal.db.begin().await?;
    let now = portal.now();
    identity::ask(&mut tx, state.reveal(), row.body, person.id, row.meeting, now).await?;
    tx.commit().await?;
    Ok(provider.start(&IdentificationRequest {
        state: state.reveal().to_owned(),
        return_to: return_to.to_owned(),
        fiscal_code: person.fiscal_code.clone(),
        given_name: person.given_name.clone(),
        surname: person.surname.clone(),
    }))
}

/// The signer comes back from the provider: the person of the account, and nobody else (R-SIGN-15).
pub async fn identify(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    person: &Person,
    state: &str,
    code: &str,
    who: Who,
) -> Result<(), SignatureError> {
    let Some(provider) = &portal.signing.identification else {
        return Err(SignatureError::NotFound);
    };
    let stale = || {
        SignatureError::Unfit(
            "L'identificazione è scaduta o non è stata richiesta da qui: riprova.".to_owned(),
        )
    };
    let mut tx = portal.db.begin().await?;
    let now = portal.now();
    let ours = identity::returns(&mut tx, state, row.body, person.id, row.meeting, now).await?;
    tx.commit().await?;
    if !ours {
        return Err(stale());
    }
    let identified = provider.redeem(code).await?.ok_or_else(stale)?;
    if identified.fiscal_code != person.fiscal_code {
        return Err(SignatureError::Unfit(
            "Il codice fiscale restituito dal gestore di identità non è quello del tuo profilo."
                .to_owned(),
        ));
    }
    let mut tx = portal.db.begin().await?;
    let field = field.to_owned();
    let identification = Identification {
        method: identified.method,
        at: identified.at,
        reference: identified.reference,
    };
    let ends = identified.at + Terms::days(portal.settings.identification.provider_days);
    let id = portal.new_id();
    identity::keep(&mut tx, id, row.body, person.id, &identification, Some(ends)).await?;
    let inputs = [Input::Open { field: field.clone() }, Input::Identify { field, identification }];
    advance_in(&mut tx, portal, row, inputs, who).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(())
}

/// The signer ticked these conditions, each with the digest of the text that was shown. The keys
/// that are missing come back.
pub async fn accept_conditions(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    ticked: &[(String, String)],
    who: Who,
) -> Result<Result<(), Vec<&'static str>>, SignatureError> {
    let versions = match conditions::accepted(ticked) {
        Ok(versions) => versions,
        Err(missing) => return Ok(Err(missing)),
    };
    let input = Input::AcceptConditions { field: field.to_owned(), versions };
    advance(portal, row, [input], who).await?;
    Ok(Ok(()))
}

/// The signer confirmed mobile and mail (R-SIGN-16).
pub async fn confirm_contacts(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    who: Who,
) -> Result<(), SignatureError> {
    advance(portal, row, [Input::ConfirmContacts { field: field.to_owned() }], who).await?;
    Ok(())
}

/// Presence, validity and integrity of every signature so far, for the one who signs next
/// (R-SIGN-36).
pub async fn check(
    portal: &Portal,
    row: &ProcessRow,
    field: &str,
    who: Who,
) -> Result<(), SignatureError> {
    let process = store::replay(&portal.db, row).await?;
    let now = portal.now();
    if rules::need(&process, field, now) != rules::Need::Check
        && rules::on_own_device(&process, field, now) != rules::OwnDevice::Check
    {
        return Err(signing::process::Refusal::NotYourTurn.into());
    }
    let revision = process.document();
    let expected = expected(portal, row, &process, None).await?;
    let pdf = document(portal, row, revision).await?;
    if let Some(fault) = craft::check(&portal.signing, pdf, &expected, portal.now()).await? {
        return Err(SignatureError::NotValid(fault));
    }
    let signatures = u32::try_from(expected.len()).unwrap_or(u32::MAX);
    let input = Input::CheckSignatures { field: field.to_owned(), revision, signatures };
    advance(portal, row, [input], who).await?;
    Ok(())
}

/// Who must have signed: everybody who has, and `also` the one who just does.
pub(super) async fn expected(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    also: Option<&str>,
) -> Result<Expected, SignatureError> {
    let mut expected = Expected::new();
    for state in process.signers() {
        let field = &state.signer.field;
        if state.step == Step::Signed || also == Some(field) {
            let person = signer(portal, row, process, field).await?;
            let stamped = !state.elsewhere;
            expected.insert(field.clone(), Signatory { fiscal_code: person.fiscal_code, stamped });
        }
    }
    Ok(expected)
}

/// A revision of the document.
pub(crate) async fn document(
    portal: &Portal,
    row: &ProcessRow,
    revision: signing::Digest,
) -> Result<Vec<u8>, SignatureError> {
    let content = portal.files.get(row.body, revision).await?;
    let missing = SignatureError::Damaged("the file of a revision is missing");
    Ok(content.ok_or(missing)?.into())
}
