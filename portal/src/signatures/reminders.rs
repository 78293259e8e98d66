//! Reminders to whoever can sign and has not (R-SIGN-33): some days before the term by themselves, and
//! when somebody who watches asks for them.

use chrono::TimeDelta;
use signing::process::Input;

use super::steps::{advance_in, changed};
use super::store::{ProcessRow, Who};
use super::{SignatureError, ending, store, waiting};
use crate::accounts::{Actor, Person, UserId};
use crate::bodies::BodyId;
use crate::calendar;
use crate::cases::CaseId;
use crate::cases::access::{self, Relation};
use crate::cases::commands as cases;
use crate::meetings::MeetingId;
use crate::portal::Portal;

/// Whether this person may remind the signers of a process.
pub async fn may_remind(
    portal: &Portal,
    actor: &Actor,
    row: &ProcessRow,
) -> Result<bool, SignatureError> {
    let case = crate::cases::store::read(&portal.db, actor.body, CaseId(row.case_id)).await?;
    let relation = case.and_then(|case| access::relation(actor, &case));
    Ok(matches!(relation, Some(Relation::Service | Relation::Conciliator)))
}

/// Reminds whoever can sign now and was not reminded for a day. Returns how many.
pub async fn remind(portal: &Portal, row: &ProcessRow, who: Who) -> Result<usize, SignatureError> {
    let mut tx = portal.db.begin().await?;
    let process = super::steps::locked(&mut tx, row).await?.process;
    let fields = process.to_remind(portal.now());
    let inputs = fields.iter().map(|field| Input::Remind { field: field.clone() });
    let locked = advance_in(&mut tx, portal, row, inputs, who).await?;
    let body = cases::body(portal, BodyId(row.body)).await?;
    let case = crate::cases::store::load(&mut tx, body.id, CaseId(row.case_id)).await?;
    let case = case.ok_or(SignatureError::NotFound)?;
    let mut people: Vec<Person> = Vec::new();
    for state in fields.iter().filter_map(|field| locked.process.signer(field)) {
        let id = UserId(state.signer.person);
        people.extend(crate::accounts::store::person_in(&mut tx, body.id, id).await?);
    }
    let term = calendar::show(row.expires_at);
    let letter = ending::Letter {
        subject: "Promemoria di firma",
        text: &format!("il verbale aspetta la tua firma entro il {term}."),
        key: &format!("remind/{}/{}", row.id, portal.now().timestamp()),
    };
    ending::tell(&mut tx, portal, &body, &case, MeetingId(row.meeting), &people, &letter).await?;
    tx.commit().await?;
    if !people.is_empty() {
        changed(portal, row);
    }
    Ok(people.len())
}

/// Sends the reminders that are due in every body; to be called again and again.
pub async fn pass_time(portal: &Portal) -> Result<(), SignatureError> {
    let now = portal.now();
    let longest = TimeDelta::days(30);
    for row in waiting::ending_before(&portal.db, now, now + longest).await? {
        let body = cases::body(portal, BodyId(row.body)).await?;
        let days = &portal.profile(&body.procedure).signatures.reminder_days;
        let process = store::replay(&portal.db, &row).await?;
        if process.reminder_is_due(days, now)
            && let Err(error) = remind(portal, &row, Who::default()).await
        {
            tracing::error!(process = %row.id, %error, "signers are not reminded");
        }
    }
    Ok(())
}
