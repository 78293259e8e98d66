//! Another person signs in place of one who cannot or will not (R-SIGN-33).
//!
//! The frozen minutes name every signer, in the table of subjects and beside the reserved field, so
//! somebody else cannot sign the same document: the change makes a new version, and the signatures
//! given so far belong to the old one (R-SIGN-04). Who takes over must hold valid powers (R-SIGN-05):
//! a delegate of the same operator who is enabled for more than technical aid, the other person of
//! the party that the procedure profile lets sign instead, or whoever the secretariat has put on the
//! seat since, with an account or without. Nobody is identified by being chosen here: whoever signs is,
//! as every signer (R-SIGN-06), or by the certificate of the own device.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use signing::process::{Input, Status, Step};
use uuid::Uuid;

use super::ending::{Letter, tell};
use super::opening::{self, Way};
use super::steps::{advance_in, locked};
use super::store::{ProcessRow, Who};
use super::{SignatureError, store};
use crate::accounts::{Person, UserId};
use crate::cases::Part;
use crate::cases::commands::eligible_delegates;
use crate::cases::rules::{Act, Case};
use crate::db::Tx;
use crate::minutes::commands::Written;
use crate::minutes::table::Table;
use crate::portal::Portal;
use crate::powers::rules::Lack;
use crate::procedures::SeatKind;

/// Somebody who could sign in place of a signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitute {
    /// The field of the signer who is replaced, which is also the seat.
    pub field: SeatKind,
    /// The seat of who takes over; the same one, unless it is another person of the party.
    pub seat: SeatKind,
    /// Who takes over.
    pub person: Person,
    /// Why this person cannot sign after all, in words for the one who leads.
    pub hindrance: Option<String>,
}

impl Substitute {
    fn new(
        table: &Table,
        field: SeatKind,
        seat: SeatKind,
        person: Person,
        now: DateTime<Utc>,
    ) -> Self {
        let lack = table.powers.lack(seat, person.id, now);
        let hindrance = if opening::can_sign(&person) {
            lack.map(Lack::words)
        } else {
            Some("nel profilo mancano codice fiscale o cellulare".to_owned())
        };
        Self { field, seat, person, hindrance }
    }
}

impl Substitute {
    /// The table with this person on the seat.
    pub(super) fn seated_at(&self, table: &Table) -> Table {
        let mut table = table.clone();
        for one in table.sitting.iter_mut().filter(|one| one.seat == self.seat) {
            one.person = self.person.clone();
        }
        table
    }

    /// The seat does not sign this time: another person of the party does.
    pub(super) fn leaves_out(&self, seat: SeatKind) -> bool {
        self.seat != self.field && seat == self.field
    }

    /// What it changes in the case: an operator's delegate is another one from now on.
    pub(super) fn act(&self, case: &Case) -> Option<Act> {
        let convened = case.convened();
        let changes = self.seat == SeatKind::OperatorDelegate && self.seat == self.field;
        changes.then_some(Act::SubstituteDelegate {
            operator: convened.operator,
            delegate: self.person.id,
        })
    }
}

/// Everybody who can take over from a signer that has not signed, by the table as it is. Nothing
/// while no document waits for signatures; whoever has an own copy is replaced by a new version.
pub async fn offered(
    portal: &Portal,
    table: &Table,
    row: &ProcessRow,
) -> Result<Vec<Substitute>, SignatureError> {
    let process = store::replay(&portal.db, row).await?;
    let ended = matches!(process.status(), Status::Completed | Status::Cancelled);
    if !table.leads || ended || process.on_paper().is_some() || row.copy > 0 {
        return Ok(Vec::new());
    }
    let outcome = row.outcome.parse();
    let outcome = outcome.map_err(|_| SignatureError::Damaged("outcome of a process"))?;
    let Some(minutes) = table.rules(portal, outcome) else { return Ok(Vec::new()) };
    let (mut found, now) = (Vec::new(), portal.now());
    for state in process.signers().filter(|state| state.step != Step::Signed) {
        let Ok(field) = state.signer.field.parse::<SeatKind>() else { continue };
        // Others of the party, and who sits on the same seat by now: another lawyer, or somebody
        // without an account whom the secretariat named in the place of the signer.
        for seat in minutes.instead_of(field).chain([field]) {
            let others = table.sitting.iter().filter(|one| one.seat == seat);
            found.extend(
                others.map(|one| Substitute::new(table, field, seat, one.person.clone(), now)),
            );
        }
        if field == SeatKind::OperatorDelegate {
            let operator = table.case.rules.convened().operator;
            let people =
                eligible_delegates(portal, table.body.id, operator, Part::Convened).await?;
            let others = people.into_iter().filter(|one| one.id.0 != state.signer.person);
            found.extend(others.map(|person| Substitute::new(table, field, field, person, now)));
        }
    }
    let mut named = BTreeSet::new();
    found.retain(|one| named.insert((one.field, one.person.id)));
    // Who has signed, or is to sign, does not sign a second time for another.
    let signs = |person: UserId| process.signers().any(|state| state.signer.person == person.0);
    found.retain(|one| !signs(one.person.id));
    Ok(found)
}

/// Puts the same text to signature again, with `person` in place of the signer of `field`. The old
/// document is taken back if it was still at signature; everybody is told. Returns the new process.
pub async fn replace(
    portal: &Portal,
    table: &Table,
    row: &ProcessRow,
    written: &Written,
    (field, person): (SeatKind, UserId),
    who: Who,
) -> Result<Uuid, SignatureError> {
    if !table.leads {
        return Err(SignatureError::NotAllowed);
    }
    if written.outcome.key() != row.outcome {
        let words = "La bozza ha un altro esito: mettila alla firma dalla bozza stessa.";
        return Err(SignatureError::Unfit(words.to_owned()));
    }
    let offered = offered(portal, table, row).await?;
    let chosen = offered.into_iter().find(|one| one.field == field && one.person.id == person);
    let unfit =
        || SignatureError::Unfit("Scegli dall'elenco chi firma e al posto di chi.".to_owned());
    let chosen = chosen.ok_or_else(unfit)?;
    if let Some(why) = &chosen.hindrance {
        let words = format!("{} non può firmare: {why}.", chosen.person.name());
        return Err(SignatureError::Unfit(words));
    }
    let way = Way::Replacing(Box::new(chosen), Box::new(row.clone()));
    opening::freeze_with(portal, table, written, way, who).await
}

/// Takes the old document back in the transaction that brings the new one.
pub(super) async fn take_back_in(
    tx: &mut Tx,
    portal: &Portal,
    old: &ProcessRow,
    chosen: &Substitute,
    who: Who,
) -> Result<(), SignatureError> {
    if locked(tx, old).await?.process.status().is_final() {
        return Ok(());
    }
    let inputs = [
        Input::Replace { field: chosen.field.key().to_owned(), person: chosen.person.id.0 },
        Input::Cancel { reason: "a signer was replaced".to_owned() },
    ];
    advance_in(tx, portal, old, inputs, who).await?;
    Ok(())
}

/// Tells those who are not invited to sign the new version: the one who was replaced, and the others
/// at the table.
pub(super) async fn tell_others_in(
    tx: &mut Tx,
    portal: &Portal,
    table: &Table,
    old: &ProcessRow,
    invited: &[Person],
) -> Result<(), SignatureError> {
    let mut others: Vec<Person> = table.sitting.iter().map(|one| one.person.clone()).collect();
    for signer in store::signers(&portal.db, old.id).await? {
        let id = UserId(signer.person);
        others.extend(crate::accounts::store::person_in(tx, table.body.id, id).await?);
    }
    let mut told: BTreeSet<UserId> = invited.iter().map(|one| one.id).collect();
    others.retain(|one| told.insert(one.id));
    let letter = Letter {
        subject: "Firmatario sostituito",
        text: "un firmatario del verbale è stato sostituito: è alla firma una nuova versione, e le \
               firme sulle precedenti non valgono più.",
        key: &format!("replaced/{}", old.id),
    };
    tell(tx, portal, &table.body, &table.case, table.meeting.id, &others, &letter).await
}
