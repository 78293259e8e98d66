//! What people and rooms do to meetings: one transaction for the meeting, its case, the history and
//! the messages.

use chrono::{DateTime, Utc};
use signing::process::Method;

use super::notices::{Told, tell};
use super::people::{self, Sitting};
use super::rules::{Meeting, MeetingAct, MeetingRefusal, by_telephone};
use super::seats::{Booked, conflicts};
use super::standing;
use super::store::{self, MeetingRecord};
use super::{MeetingId, MeetingState, Mode, Slot};
use crate::accounts::{self, Actor, UserId};
use crate::bodies::Body;
use crate::cases::access::{self, Action};
use crate::cases::commands::{By, CaseError, act_in, body};
use crate::cases::rules::{Act, Asker, Refusal};
use crate::cases::store::{self as cases, CaseRecord};
use crate::cases::{CaseId, Outcome};
use crate::db::{DbError, Tx};
use crate::guests::invitations;
use crate::portal::{Parts, Portal};
use crate::procedures::Side;
use crate::signatures::identity;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum MeetingError {
    /// No such meeting, or none of this person's.
    #[error("L'incontro non esiste.")]
    NotFound,
    /// The meeting's state does not allow it.
    #[error(transparent)]
    Refused(#[from] MeetingRefusal),
    /// Somebody is elsewhere at that time (R-MEET-04).
    #[error("In quell'orario sono già impegnati in un altro incontro: {}.", .0.join(", "))]
    Conflict(Vec<String>),
    /// R-MEET-08.
    #[error(
        "La call conference non può essere l'unica modalità della procedura: per firmare a distanza \
         occorre una firma digitale propria o l'identificazione con SPID o CIE. Manca a: {}. Scegli \
         la stanza virtuale.",
        .0.join(", ")
    )]
    ByTelephone(Vec<String>),
    /// None of the lengths to choose from.
    #[error("Scegli una durata dall'elenco.")]
    Length,
    /// The case.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A meeting to fix.
#[derive(Clone, Copy, Debug)]
pub struct Proposal {
    /// When.
    pub starts_at: DateTime<Utc>,
    /// One of the lengths of the procedure.
    pub minutes: u16,
    /// How.
    pub mode: Mode,
    /// With whom.
    pub conciliator: UserId,
}

/// Fixes a meeting and tells everybody with a seat. Assigns the conciliator if the case has another
/// one or none.
pub async fn convene(
    portal: &Portal,
    actor: &Actor,
    case: CaseId,
    proposal: Proposal,
) -> Result<MeetingId, MeetingError> {
    let body = body(portal, actor.body).await?;
    let mut tx = portal.db.begin().await?;
    let record = cases::lock(&mut tx, body.id, case).await?.ok_or(MeetingError::NotFound)?;
    allowed(actor, &record)?;
    let profile = portal.profile(&record.procedure);
    if !profile.meetings.durations_minutes.contains(&proposal.minutes) {
        return Err(MeetingError::Length);
    }
    if record.rules.conciliator != Some(proposal.conciliator) {
        let conciliator = proposal.conciliator;
        let known = crate::accounts::store::persons_with_role(
            &portal.db,
            body.id,
            crate::accounts::Role::Conciliator,
        )
        .await?;
        if !known.iter().any(|person| person.id == conciliator) {
            return Err(CaseError::Unfit("Scegli un conciliatore dall'elenco.").into());
        }
        let act = Act::AssignConciliator { conciliator };
        act_in(&mut tx, portal, &body, case, &act, actor.into()).await?;
    }
    let is_first = record.rules.first_meeting_on.is_none();
    let act = Act::Convene { starts_at: proposal.starts_at };
    let record = act_in(&mut tx, portal, &body, case, &act, actor.into()).await?;
    let slot = Slot::new(proposal.starts_at, proposal.minutes);
    let sitting = free_at(&mut tx, portal, &body, &record, slot).await?;
    if proposal.mode == Mode::CallConference {
        may_be_by_telephone(portal, &record, &sitting).await?;
    }
    let meeting = MeetingRecord {
        id: MeetingId(portal.new_id()),
        body: body.id,
        case,
        is_first,
        convened_at: portal.now(),
        replaces: None,
        rules: Meeting::convened(proposal.mode, slot),
    };
    store::insert(&mut tx, &meeting).await?;
    if meeting.rules.mode == Mode::VirtualRoom {
        standing::ensure_in(&mut tx, portal, &record).await?;
    }
    tell(&mut tx, portal, &body, &record, &meeting, &sitting, Told::Convened).await?;
    tx.commit().await?;
    Ok(meeting.id)
}

/// R-MEET-08.
async fn may_be_by_telephone(
    portal: &Portal,
    case: &CaseRecord,
    sitting: &[Sitting],
) -> Result<(), MeetingError> {
    let meetings = store::of_case(&portal.db, case.body, case.id).await?;
    let off = [MeetingState::Postponed, MeetingState::Cancelled];
    let in_room =
        |m: &MeetingRecord| m.rules.mode == Mode::VirtualRoom && !off.contains(&m.rules.state);
    let profile = portal.profile(&case.procedure);
    let there = |seat| sitting.iter().any(|one| one.seat == seat);
    let seats = profile.minutes_of(Outcome::Agreement).map(|rules| rules.signers_among(there));
    let mut signers = Vec::new();
    for seat in seats.unwrap_or_default() {
        let one = sitting.iter().find(|one| one.seat == seat && seat.side() == Side::Activating);
        let Some(Sitting { person, .. }) = one else { continue };
        let identified = identity::of(&portal.db, case.body.0, person.id, portal.now()).await;
        let identified = identified.map_err(CaseError::from)?;
        let from_afar = identified.is_some_and(|i| i.method != Method::Video);
        let own = accounts::store::own_signature(&portal.db, case.body, person.id).await?;
        signers.push((person.name(), own || from_afar));
    }
    by_telephone(meetings.iter().any(in_room), &signers).map_err(MeetingError::ByTelephone)
}

/// Fixes another time for a meeting that has not begun; the old one stays as postponed. `asked`: who
/// asked for it and when, if it is a postponement that the Service grants (R-CASE-50…53).
pub async fn move_to(
    portal: &Portal,
    actor: &Actor,
    meeting: MeetingId,
    starts_at: DateTime<Utc>,
    asked: Option<(Asker, DateTime<Utc>)>,
) -> Result<MeetingId, MeetingError> {
    let body = body(portal, actor.body).await?;
    let mut tx = portal.db.begin().await?;
    let mut old = store::lock(&mut tx, body.id, meeting).await?.ok_or(MeetingError::NotFound)?;
    let record = cases::lock(&mut tx, body.id, old.case).await?.ok_or(MeetingError::NotFound)?;
    allowed(actor, &record)?;
    old.rules.handle(MeetingAct::Postpone, portal.now())?;
    let act = match asked {
        Some((asked_by, asked_at)) => Act::GrantPostponement { asked_by, asked_at, starts_at },
        None => Act::MoveMeeting { starts_at },
    };
    let record = act_in(&mut tx, portal, &body, old.case, &act, actor.into()).await?;
    store::save(&mut tx, &old).await?;
    let length = old.rules.slot.ends_at - old.rules.slot.starts_at;
    let slot = Slot { starts_at, ends_at: starts_at + length };
    let sitting = free_at(&mut tx, portal, &body, &record, slot).await?;
    let new = MeetingRecord {
        id: MeetingId(portal.new_id()),
        convened_at: portal.now(),
        replaces: Some(old.id),
        rules: Meeting::convened(old.rules.mode, slot),
        ..old.clone()
    };
    store::insert(&mut tx, &new).await?;
    invitations::call_off_in(&mut tx, portal, &body, &old).await?;
    tell(&mut tx, portal, &body, &record, &new, &sitting, Told::Moved).await?;
    tx.commit().await?;
    portal.signing.live.called_off();
    Ok(new.id)
}

/// Takes a meeting off that has not begun.
pub async fn cancel(
    portal: &Portal,
    actor: &Actor,
    meeting: MeetingId,
) -> Result<CaseId, MeetingError> {
    let body = body(portal, actor.body).await?;
    let mut tx = portal.db.begin().await?;
    let mut old = store::lock(&mut tx, body.id, meeting).await?.ok_or(MeetingError::NotFound)?;
    let record = cases::lock(&mut tx, body.id, old.case).await?.ok_or(MeetingError::NotFound)?;
    allowed(actor, &record)?;
    old.rules.handle(MeetingAct::Cancel, portal.now())?;
    let act = Act::CancelMeeting;
    let record = act_in(&mut tx, portal, &body, old.case, &act, actor.into()).await?;
    store::save(&mut tx, &old).await?;
    let sitting = sitting(portal, &record).await?;
    invitations::call_off_in(&mut tx, portal, &body, &old).await?;
    tell(&mut tx, portal, &body, &record, &old, &sitting, Told::Cancelled).await?;
    tx.commit().await?;
    portal.signing.live.called_off();
    Ok(old.case)
}

/// Takes the fixed meeting of a case off because the procedure ended.
pub(crate) async fn take_off_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    case: &CaseRecord,
    mut meeting: MeetingRecord,
) -> Result<(), DbError> {
    if meeting.rules.handle(MeetingAct::Cancel, portal.now()).is_err() {
        return Ok(());
    }
    store::save(tx, &meeting).await?;
    let sitting = sitting(portal, case).await?;
    invitations::call_off_in(tx, portal, body, &meeting).await?;
    tell(tx, portal, body, case, &meeting, &sitting, Told::Cancelled).await
}

/// The conciliator started the meeting in the room (R-MEET-15). Nothing happens a second time.
pub async fn start_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    meeting: MeetingId,
    by: By,
) -> Result<(), MeetingError> {
    let mut record = store::lock(tx, body.id, meeting).await?.ok_or(MeetingError::NotFound)?;
    if record.rules.started_at.is_some() {
        return Ok(());
    }
    record.rules.handle(MeetingAct::Start, portal.now())?;
    act_in(tx, portal, body, record.case, &Act::StartMeeting, by).await?;
    Ok(store::save(tx, &record).await?)
}

/// The meeting is over in the room. Nothing happens a second time.
pub async fn end_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    meeting: MeetingId,
    by: By,
) -> Result<(), MeetingError> {
    let mut record = store::lock(tx, body.id, meeting).await?.ok_or(MeetingError::NotFound)?;
    if !matches!(record.rules.state, MeetingState::InProgress | MeetingState::Interrupted) {
        return Ok(());
    }
    record.rules.handle(MeetingAct::End, portal.now())?;
    store::save(tx, &record).await?;
    match act_in(tx, portal, body, record.case, &Act::EndMeeting, by).await {
        // The outcome was recorded while people were still in the room: for the case it was over.
        Ok(_) | Err(CaseError::Refused(Refusal::WrongState(_))) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The conciliator records what a meeting came to (R-MEET-34). The same outcome twice is one.
pub async fn conclude_in(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    meeting: MeetingId,
    outcome: Outcome,
    by: By,
) -> Result<CaseRecord, MeetingError> {
    let mut record = store::lock(tx, body.id, meeting).await?.ok_or(MeetingError::NotFound)?;
    if record.rules.outcome == Some(outcome) {
        let case = cases::lock(tx, body.id, record.case).await?;
        return case.ok_or(MeetingError::NotFound);
    }
    let acts = record.rules.conclude(outcome, portal.now())?;
    store::save(tx, &record).await?;
    let mut case = cases::lock(tx, body.id, record.case).await?.ok_or(MeetingError::NotFound)?;
    for act in &acts {
        case = act_in(tx, portal, body, case.id, act, by).await?;
    }
    Ok(case)
}

fn allowed(actor: &Actor, case: &CaseRecord) -> Result<(), MeetingError> {
    let relation = access::relation(actor, case).ok_or(MeetingError::NotFound)?;
    if access::may(relation, Action::Convene) { Ok(()) } else { Err(CaseError::NotAllowed.into()) }
}

/// Everybody with a seat at the meetings of a case.
pub async fn sitting(portal: &Parts, case: &CaseRecord) -> Result<Vec<Sitting>, DbError> {
    let people = people::of_case(&portal.db, case, None).await?;
    let profile = portal.profile(&case.procedure);
    people::sitting(&portal.db, case.body, profile, &people.seated()).await
}

/// Everybody with a seat, if all of them are free. Two that fix meetings at once wait for each
/// other.
async fn free_at(
    tx: &mut Tx,
    portal: &Parts,
    body: &Body,
    case: &CaseRecord,
    slot: Slot,
) -> Result<Vec<Sitting>, MeetingError> {
    cases::count(tx, body.id, "agenda").await?;
    let seated = people::of_case(&portal.db, case, None).await?.seated();
    let mut booked = Vec::new();
    for other in store::pending_within(tx, body.id, slot).await? {
        if other.case == case.id {
            continue;
        }
        if let Some(record) = cases::load(tx, body.id, other.case).await? {
            let people = people::of_case(&portal.db, &record, None).await?;
            let slot = other.rules.slot;
            booked.extend(people.seated().iter().map(|one| Booked { user: one.user, slot }));
        }
    }
    let busy = conflicts(slot, &seated, &booked);
    let sitting =
        people::sitting(&portal.db, body.id, portal.profile(&case.procedure), &seated).await?;
    if busy.is_empty() {
        return Ok(sitting);
    }
    let is_busy = |one: &Sitting| busy.iter().any(|b| b.user == one.person.id);
    let names = sitting.iter().filter(|one| is_busy(one));
    Err(MeetingError::Conflict(
        names.map(|one| format!("{} ({})", one.person.name(), one.label)).collect(),
    ))
}
