//! Whether a signer holds valid powers (R-SIGN-05): when minutes are frozen, when a code is asked for,
//! at the signature itself, and when a document comes back from an own device.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, Utc};
use signing::process::{Process, Step};

use super::store::ProcessRow;
use super::{SignatureError, ending, store};
use crate::accounts::UserId;
use crate::bodies::BodyId;
use crate::calendar;
use crate::cases::CaseId;
use crate::cases::store as cases;
use crate::db::{Db, Tx};
use crate::meetings::people::Sitting;
use crate::minutes::table::Table;
use crate::on_db;
use crate::portal::Portal;
use crate::powers::register::Register;
use crate::powers::rules::Lack;
use crate::powers::views::StandingView;
use crate::procedures::SeatKind;

/// A conciliator is told of powers that ended so many days ago at most.
const BACK: Days = Days::new(7);

/// The signer of `field` may sign at this moment; in the transaction of the act, so that nothing comes
/// between.
pub(super) async fn require_in(
    tx: &mut Tx,
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    field: &str,
) -> Result<(), SignatureError> {
    let state = process.signer(field).ok_or(SignatureError::NotFound)?;
    let Ok(seat) = field.parse::<SeatKind>() else { return Ok(()) };
    let case = cases::load(tx, BodyId(row.body), CaseId(row.case_id)).await?;
    let case = case.ok_or(SignatureError::NotFound)?;
    let register = Register::read_in(tx, portal, &case).await?;
    match register.lack(seat, UserId(state.signer.person), portal.now()) {
        None => Ok(()),
        Some(lack) => Err(SignatureError::Unfit(to_signer(&lack.words()))),
    }
}

/// The same before anything is done that takes time or money.
pub(super) async fn require(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
    field: &str,
) -> Result<(), SignatureError> {
    let mut tx = portal.db.begin().await?;
    require_in(&mut tx, portal, row, process, field).await
}

/// What the signer is told, and what to do.
pub(super) fn to_signer(missing: &str) -> String {
    format!(
        "Non puoi firmare: {missing}. Invia il documento che ti dà i poteri alla segreteria del servizio, oppure \
         chiedi a chi conduce l'incontro di sostituire il firmatario."
    )
}

/// What the one who leads is told of somebody at the table, and what to do.
pub(super) fn to_leader(one: &Sitting, lack: Lack) -> String {
    format!(
        "{} ({}) non può firmare: {}. La segreteria del servizio può registrare i poteri; altrimenti \
         occorre un altro firmatario.",
        one.person.name(),
        one.label,
        lack.words()
    )
}

/// Everybody at the table who is to sign some outcome and could not, told to the one who leads.
pub(crate) fn missing(portal: &Portal, table: &Table) -> Vec<String> {
    let minutes = &portal.profile(&table.case.procedure).minutes;
    let present = |seat| table.sitting.iter().any(|one| one.seat == seat);
    let signs = |seat| minutes.iter().any(|one| one.signers_among(present).contains(&seat));
    let signers: Vec<&Sitting> = table.sitting.iter().filter(|one| signs(one.seat)).collect();
    let lacks = table.lacks(&signers, table.at);
    lacks.into_iter().map(|(one, lack)| to_leader(one, lack)).collect()
}

/// What the powers of every signer of a process are now, by field; without those who need none.
pub(super) async fn standings(
    portal: &Portal,
    row: &ProcessRow,
    process: &Process,
) -> Result<BTreeMap<String, StandingView>, SignatureError> {
    let case = cases::read(&portal.db, BodyId(row.body), CaseId(row.case_id)).await?;
    let register = Register::read(portal, &case.ok_or(SignatureError::NotFound)?).await?;
    let now = portal.now();
    let mut found = BTreeMap::new();
    for state in process.signers().filter(|state| state.step != Step::Signed) {
        let field = &state.signer.field;
        let Ok(seat) = field.parse::<SeatKind>() else { continue };
        let standing = register.standing(seat, UserId(state.signer.person), now);
        found.extend(standing.map(|one| (field.clone(), StandingView::of(one, now))));
    }
    Ok(found)
}

/// The same from the journal as it is.
pub(super) async fn of_signers(
    portal: &Portal,
    row: &ProcessRow,
) -> Result<BTreeMap<String, StandingView>, SignatureError> {
    standings(portal, row, &store::replay(&portal.db, row).await?).await
}

/// Tells the conciliator, once, that the powers of somebody who has not signed ran out; to be called
/// again and again.
pub async fn pass_time(portal: &Portal) -> Result<(), SignatureError> {
    for row in with_ended_powers(&portal.db, portal.now()).await? {
        let missing = of_signers(portal, &row).await?;
        for (field, _) in missing.iter().filter(|(_, standing)| standing.missing) {
            let letter = ending::Letter {
                subject: "Un firmatario non ha più poteri",
                text: "i poteri di un firmatario del verbale sono scaduti: non può più firmare. La \
                       segreteria può registrare un nuovo documento; altrimenti sostituisci il \
                       firmatario, oppure chiudi la raccolta delle firme.",
                key: &format!("powers/{}/{field}", row.id),
            };
            let mut tx = portal.db.begin().await?;
            ending::tell_neutral(&mut tx, portal, &row, &letter).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Open processes with a signer whose powers ended lately, before `now`, of every body.
async fn with_ended_powers(db: &Db, now: DateTime<Utc>) -> Result<Vec<ProcessRow>, SignatureError> {
    let today = calendar::day_of(now);
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT p.*
         FROM signature_processes p WHERE p.open AND EXISTS (
             SELECT 1 FROM signature_signers s JOIN signing_powers w ON w.person = s.person
             WHERE s.process = p.id AND s.signed_at IS NULL AND w.until < $1 AND w.until >= $2)"
    )
    .bind(today)
    .bind(today - BACK)
    .fetch_all(c)
    .await)?)
}
