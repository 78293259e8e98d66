//! The people of a case who have no account, as the secretariat names them: the client, a lawyer,
//! the other party of a mediation.

use uuid::Uuid;

use super::{invitations, store};
use crate::accounts::personal::{Email, PersonalComplaints, PersonalData};
use crate::accounts::{self, AccountState, Actor, Person, UserId};
use crate::cases::CaseId;
use crate::cases::access::{self, Action};
use crate::cases::commands::{CaseError, body};
use crate::cases::store::{self as cases, CaseRecord};
use crate::db::DbError;
use crate::meetings::notices::{self as meetings, place_in};
use crate::meetings::seats::Seated;
use crate::meetings::store as meeting_store;
use crate::meetings::{Mode, people};
use crate::portal::Portal;
use crate::procedures::SeatKind;

/// A person, as typed.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct NewPerson {
    /// Who it is; the invitation of somebody without an e-mail address goes by post.
    #[serde(flatten)]
    pub person: PersonalData,
    /// The word of a [`SeatKind`].
    #[serde(default, rename = "posto")]
    pub seat: String,
}

/// What is wrong, beside each field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of NewPerson")]
pub struct Complaints {
    pub person: PersonalComplaints,
    pub seat: Option<&'static str>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// Fields to put right.
    #[error("fields to put right")]
    Fields(Box<Complaints>),
    /// There is no meeting to invite to.
    #[error("Non c'è un incontro in stanza virtuale a cui invitare la persona.")]
    NoMeeting,
    /// The case.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Seats of a case on which nobody is and a person without an account can be.
pub async fn free_seats(portal: &Portal, case: &CaseRecord) -> Result<Vec<SeatKind>, DbError> {
    let taken = people::of_case(&portal.db, case, None).await?.seated();
    let seats = [SeatKind::Client, SeatKind::ClientDelegate, SeatKind::OperatorDelegate];
    Ok(seats.into_iter().filter(|seat| taken.iter().all(|one| one.seat != *seat)).collect())
}

/// A case whose people `actor` may name.
pub async fn case_of(portal: &Portal, actor: &Actor, id: CaseId) -> Result<CaseRecord, CaseError> {
    let case = cases::read(&portal.db, actor.body, id).await?.ok_or(CaseError::NotFound)?;
    let relation = access::relation(actor, &case).ok_or(CaseError::NotFound)?;
    if access::may(relation, Action::Convene) { Ok(case) } else { Err(CaseError::NotAllowed) }
}

/// Names a person without an account. If a meeting is fixed, the invitation goes out at once.
pub async fn add(
    portal: &Portal,
    actor: &Actor,
    case: CaseId,
    new: &NewPerson,
) -> Result<UserId, PersonError> {
    let record = case_of(portal, actor, case).await?;
    let free = free_seats(portal, &record).await?;
    let (person, seat) = checked(portal, new, &free).map_err(PersonError::Fields)?;
    let body = body(portal, actor.body).await?;
    let mut tx = portal.db.begin().await?;
    accounts::store::insert(&mut tx, body.id, &person, "").await?;
    let seated = Seated { user: person.id, seat };
    if !store::add_person(&mut tx, body.id, case, seated, portal.now()).await? {
        let seat = Some("Il posto è già occupato.");
        return Err(PersonError::Fields(Box::new(Complaints { seat, ..Complaints::default() })));
    }
    meetings::invite_in(&mut tx, portal, &body, &record, (&person, seat)).await?;
    tx.commit().await?;
    Ok(person.id)
}

/// Everything that is wrong with the fields of a person.
fn checked(
    portal: &Portal,
    new: &NewPerson,
    free: &[SeatKind],
) -> Result<(Person, SeatKind), Box<Complaints>> {
    let person = new.person.checked(Email::Optional);
    let seat = new.seat.parse::<SeatKind>().ok().filter(|seat| free.contains(seat));
    match (person, seat) {
        (Ok(data), Some(seat)) => Ok((without_account(portal, data), seat)),
        (person, seat) => Err(Box::new(Complaints {
            person: person.err().unwrap_or_default(),
            seat: seat.is_none().then_some("Scegli un posto libero dall'elenco."),
        })),
    }
}

/// A person who cannot sign in: no password fits, and the name is none that can be typed.
pub(crate) fn without_account(portal: &Portal, data: PersonalData) -> Person {
    let id = UserId(portal.new_id());
    Person {
        id,
        username: format!("ospite/{}", id.0),
        given_name: data.given_name,
        surname: data.surname,
        fiscal_code: data.fiscal_code,
        email: data.email,
        mobile: data.mobile,
        state: AccountState::Guest,
        created_at: portal.now(),
    }
}

/// Takes a person off a case; invitations and sessions end.
pub async fn remove(
    portal: &Portal,
    actor: &Actor,
    case: CaseId,
    user: Uuid,
) -> Result<(), PersonError> {
    case_of(portal, actor, case).await?;
    let mut tx = portal.db.begin().await?;
    if !store::remove_person(&mut tx, case, UserId(user)).await? {
        return Err(CaseError::NotFound.into());
    }
    store::end_in_case(&mut tx, case, UserId(user), portal.now()).await?;
    Ok(tx.commit().await?)
}

/// Sends a new link in the place of the earlier one.
pub async fn invite_again(
    portal: &Portal,
    actor: &Actor,
    case: CaseId,
    user: Uuid,
) -> Result<(), PersonError> {
    let record = case_of(portal, actor, case).await?;
    let (person, seat) = named(portal, &record, user).await?;
    let body = body(portal, actor.body).await?;
    let mut tx = portal.db.begin().await?;
    if !meetings::invite_in(&mut tx, portal, &body, &record, (&person, seat)).await? {
        return Err(PersonError::NoMeeting);
    }
    Ok(tx.commit().await?)
}

/// What a letter to a person says.
#[derive(Clone, Debug)]
pub struct Letter {
    /// To whom.
    pub person: Person,
    /// Typed at [`Letter::address`]; shown once.
    pub code: String,
    /// Where it is typed.
    pub address: String,
    /// The meeting.
    pub meeting: meeting_store::MeetingRecord,
}

/// Writes the code of a letter for a person who is invited already; an earlier code ends.
pub async fn letter(
    portal: &Portal,
    actor: &Actor,
    case: CaseId,
    user: Uuid,
) -> Result<Letter, PersonError> {
    let record = case_of(portal, actor, case).await?;
    let (person, _) = named(portal, &record, user).await?;
    let body = body(portal, actor.body).await?;
    let mut tx = portal.db.begin().await?;
    let meeting = meeting_store::lock_pending(&mut tx, body.id, case).await?;
    let meeting = meeting.filter(|m| m.rules.mode == Mode::VirtualRoom);
    let meeting = meeting.ok_or(PersonError::NoMeeting)?;
    let place = place_in(&mut tx, portal, &record, &meeting).await?;
    let now = portal.now();
    let found = store::of_person(&portal.db, body.id, place.room, person.id, now).await?;
    let invitation = found.ok_or(PersonError::NoMeeting)?;
    let code = invitations::code_in(&mut tx, portal, invitation.id).await?;
    tx.commit().await?;
    Ok(Letter { person, code, address: invitations::address(portal, &body), meeting })
}

async fn named(
    portal: &Portal,
    case: &CaseRecord,
    user: Uuid,
) -> Result<(Person, SeatKind), PersonError> {
    let all = store::persons(&portal.db, case.id).await?;
    let one = all.into_iter().find(|one| one.user.0 == user).ok_or(CaseError::NotFound)?;
    let person = accounts::store::person(&portal.db, case.body, one.user).await?;
    Ok((person.ok_or(CaseError::NotFound)?, one.seat))
}
