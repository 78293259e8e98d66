//! Minutes of agreements: put to signature, and signed by everybody.

use portal::accounts::Actor;
use portal::bodies::Body;
use portal::cases::Outcome;
use portal::identification::Terms;
use portal::meetings::MeetingId;
use portal::minutes::commands::{self as drafts, Written};
use portal::minutes::table::Table;
use portal::portal::Portal;
use portal::signatures::conditions::IN_FORCE;
use portal::signatures::rules::{self, Need};
use portal::signatures::store::{self, ProcessRow, Who};
use portal::signatures::{apply, codes, identity, opening, steps};
use portal::{accounts, notifications};
use signing::process::{Format, Identification, Method, SignerState};

use super::WorldError;

const TEXT: &str = "Le parti concordano uno storno di 120,00 euro sulla prossima fattura.\n\n\
    Con l'esecuzione di quanto sopra le parti dichiarano di non avere altro a pretendere.";

/// Whoever of these leads the case freezes the minutes of an agreement.
pub(super) async fn put_to_signature(
    portal: &Portal,
    body: &Body,
    conciliators: [&Actor; 2],
    meeting: MeetingId,
) -> Result<(), WorldError> {
    for actor in conciliators {
        let table = Table::seen(portal, body, actor, meeting).await.map_err(WorldError::of)?;
        if let Some(table) = table.filter(|table| table.leads) {
            let who = Who { user: Some(actor.user), address: None };
            let written = Written {
                outcome: Outcome::Agreement,
                text: TEXT.to_owned(),
                revision: 0,
                annexes: Vec::new(),
            };
            // Kept like any draft, for a new version.
            drafts::save(portal, &table, &written, false).await.map_err(WorldError::of)?;
            let frozen = opening::freeze(portal, &table, &written, Format::Pades, who).await;
            return frozen.map(drop).map_err(WorldError::of);
        }
    }
    Err(WorldError("nobody leads that meeting".to_owned()))
}

/// Everybody signs, with codes from the outbox.
pub(super) async fn sign(
    portal: &Portal,
    body: &Body,
    meeting: MeetingId,
) -> Result<(), WorldError> {
    let row = store::latest(&portal.db, body.id.0, meeting.0).await.map_err(WorldError::of)?;
    let row = row.ok_or_else(|| WorldError("nothing is at signature".to_owned()))?;
    let process = store::replay(&portal.db, &row).await.map_err(WorldError::of)?;
    for signer in process.signers() {
        sign_as(portal, body, &row, signer).await?;
    }
    Ok(())
}

async fn sign_as(
    portal: &Portal,
    body: &Body,
    row: &ProcessRow,
    signer: &SignerState,
) -> Result<(), WorldError> {
    let (field, user) = (signer.signer.field.as_str(), accounts::UserId(signer.signer.person));
    let who = Who { user: Some(user), address: None };
    let person =
        accounts::store::person(&portal.db, body.id, user).await.map_err(WorldError::of)?;
    let person = person.ok_or_else(|| WorldError("a signer is missing".to_owned()))?;
    let identification = Identification {
        method: Method::Spid,
        at: portal.now(),
        reference: "demo-world".to_owned(),
    };
    let ends = Some(portal.now() + Terms::days(portal.settings.identification.provider_days));
    let mut tx = portal.db.begin().await.map_err(WorldError::of)?;
    let id = portal.new_id();
    let kept = identity::keep(&mut tx, id, body.id.0, user, &identification, ends).await;
    kept.map_err(WorldError::of)?;
    tx.commit().await.map_err(WorldError::of)?;

    let process = store::replay(&portal.db, row).await.map_err(WorldError::of)?;
    steps::arrive(portal, row, &process, field, who).await.map_err(WorldError::of)?;
    let ticked: Vec<(String, String)> =
        IN_FORCE.iter().map(|one| (one.key.to_owned(), one.digest().to_string())).collect();
    let accepted = steps::accept_conditions(portal, row, field, &ticked, who).await;
    accepted.map_err(WorldError::of)?.map_err(|missing| WorldError(missing.join(", ")))?;
    steps::confirm_contacts(portal, row, field, who).await.map_err(WorldError::of)?;
    let process = store::replay(&portal.db, row).await.map_err(WorldError::of)?;
    if rules::need(&process, field, portal.now()) == Need::Check {
        steps::check(portal, row, field, who).await.map_err(WorldError::of)?;
    }
    codes::request_code(portal, row, field, who).await.map_err(WorldError::of)?;
    let sent = notifications::newest(&portal.db, body.id, &person.mobile, 1).await;
    let code: String = match sent.map_err(WorldError::of)?.first() {
        Some(message) => message.text.chars().take(6).collect(),
        None => return Err(WorldError("no code came".to_owned())),
    };
    let frozen = process.plan().document;
    apply::sign(portal, row, field, frozen, &code, who).await.map_err(WorldError::of)
}
