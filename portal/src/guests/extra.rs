//! Extra seats: people whom the conciliator admits to one meeting (R-MEET-47). The room has checked
//! that it is the conciliator who asks; names, numbers and links are kept here.

use uuid::Uuid;

use super::invitations::{self, Invitee, Place};
use super::{persons, store};
use crate::accounts::personal::PersonalData;
use crate::accounts::{self, fields};
use crate::bodies::{self, Body};
use crate::calendar;
use crate::cases::store::{self as cases, CaseRecord};
use crate::db::{DbError, Tx};
use crate::meetings::rules::Door;
use crate::meetings::store::{self as meetings, MeetingRecord};
use crate::meetings::{MeetingId, commands};
use crate::notifications::{self, Channel, Message};
use crate::on_db;
use crate::portal::Portal;
use crate::procedures::{SeatKind, Side};
use crate::words::words;

/// As what somebody is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// Advises a party.
    Lawyer,
    /// Translates.
    Interpreter,
    /// Stands by somebody.
    Companion,
    /// Knows the matter.
    Expert,
}

words! { Quality {
    Lawyer = "lawyer", "Avvocato";
    Interpreter = "interpreter", "Interprete";
    Companion = "companion", "Accompagnatore";
    Expert = "expert", "Esperto";
} }

/// A person, as the conciliator names them.
#[derive(Clone, Debug)]
pub struct NewSeat {
    /// First name and surname.
    pub name: String,
    /// As what.
    pub quality: Quality,
    /// Beside which side.
    pub side: Side,
    /// Mobile: link and code go there.
    pub mobile: String,
}

/// The seat that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraSeat {
    /// The seat's own id in the room.
    pub seat_id: Uuid,
    /// The personal link, for the conciliator to pass on in another way too.
    pub link: String,
    /// A code that opens the same, to be told on the telephone.
    pub code: String,
    /// Where that code is typed.
    pub address: String,
}

/// Why there is no such seat.
#[derive(Debug, thiserror::Error)]
pub enum ExtraError {
    /// No such meeting: a standing room has no extra seats outside its meetings.
    #[error("extra seats are of a meeting")]
    NotFound,
    /// The door of the room is not open.
    #[error("the room is not open")]
    Closed,
    /// R-MEET-19.
    #[error("all {0} seats of the room are given out")]
    Full(u16),
    /// What was typed is none.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What is wrong with the fields first, and what they mean.
fn checked(new: &NewSeat) -> Result<(SeatKind, String), ExtraError> {
    let name = new.name.trim();
    if let Some(complaint) = fields::name(name) {
        return Err(ExtraError::Field("name", complaint));
    }
    let seat = SeatKind::extra(new.side).ok_or(ExtraError::Field("side", "Scegli una parte."))?;
    let mobile = fields::mobile(&new.mobile).map_err(|text| ExtraError::Field("mobile", text))?;
    Ok((seat, mobile))
}

/// The conciliator names a person for an extra seat: link and code go to the mobile.
pub async fn add(
    portal: &Portal,
    meeting: MeetingId,
    new: &NewSeat,
) -> Result<ExtraSeat, ExtraError> {
    let (body, record, case) = of_room(portal, meeting).await?;
    let (seat, mobile) = checked(new)?;
    let mut tx = portal.db.begin().await?;
    // One after the other: the seats are counted.
    let locked = meetings::lock(&mut tx, body.id, meeting).await?.ok_or(ExtraError::NotFound)?;
    let (now, rules) = (portal.now(), portal.profile(&case.procedure).room);
    if locked.rules.door(&rules, now) != Door::Open {
        return Err(ExtraError::Closed);
    }
    let seats = commands::sitting(portal, &case).await?.len() + given_out(&mut tx, meeting).await?;
    if seats >= usize::from(rules.capacity) {
        return Err(ExtraError::Full(rules.capacity));
    }
    let side = &portal.profile(&case.procedure).sides.of(new.side).name;
    let label = format!("{}, {}", new.quality.label(), side.to_lowercase());
    let (given_name, surname) = new.name.trim().split_once(' ').unwrap_or((new.name.trim(), ""));
    let data = PersonalData {
        given_name: given_name.to_owned(),
        surname: surname.trim().to_owned(),
        mobile,
        ..PersonalData::default()
    };
    let person = persons::without_account(portal, data);
    accounts::store::insert(&mut tx, body.id, &person, "").await?;
    // Its own meeting only, also where a standing room is: the others decide nothing about it.
    let place = Place::of(portal.profile(&case.procedure), &record, None);
    let reason = new.quality.key();
    let invitee = Invitee { user: person.id, seat, label: &label, reason };
    let (invitation, token) = invitations::issue_in(&mut tx, portal, &body, place, invitee).await?;
    let link = invitations::link(portal, &body, token.reveal());
    let code = invitations::code_in(&mut tx, portal, invitation.id).await?;
    let message = Message {
        channel: Channel::Sms,
        to: person.mobile.clone(),
        subject: String::new(),
        text: format!(
            "{}: sei invitato come {} all'incontro online del {}. Collegamento personale: {link}",
            body.name,
            new.quality.label().to_lowercase(),
            calendar::show(record.rules.slot.starts_at),
        ),
        key: format!("invitation/{}", invitation.id),
    };
    notifications::send(&mut tx, body.id.0, portal.new_id(), &message, now).await?;
    let seat_id = portal.new_id();
    on_db!(&mut tx, |c| sqlx::query(
        "INSERT INTO room_seats (id, body, room, user_id, seat, name, label)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    )
    .bind(seat_id)
    .bind(body.id.0)
    .bind(meeting.0)
    .bind(person.id.0)
    .bind(seat.key())
    .bind(person.name())
    .bind(&label)
    .execute(c)
    .await
    .map(drop))
    .map_err(DbError::from)?;
    tx.commit().await?;
    Ok(ExtraSeat { seat_id, link, code, address: invitations::address(portal, &body) })
}

/// How many extra seats of a meeting stand.
async fn given_out(tx: &mut Tx, meeting: MeetingId) -> Result<usize, DbError> {
    let count: i64 = on_db!(tx, |c| sqlx::query_scalar(
        "SELECT COUNT(*) FROM invitations
         WHERE room = $1 AND ended_at IS NULL AND seat LIKE 'extra%'"
    )
    .bind(meeting.0)
    .fetch_one(c)
    .await)?;
    Ok(usize::try_from(count).unwrap_or(0))
}

async fn of_room(
    portal: &Portal,
    meeting: MeetingId,
) -> Result<(Body, MeetingRecord, CaseRecord), ExtraError> {
    let db = &portal.db;
    let body = meetings::body_of(db, meeting).await?.ok_or(ExtraError::NotFound)?;
    let record = meetings::read(db, body, meeting).await?.ok_or(ExtraError::NotFound)?;
    let case = cases::read(db, body, record.case).await?.ok_or(ExtraError::NotFound)?;
    let body = bodies::all(db).await?.into_iter().find(|one| one.id == body);
    Ok((body.ok_or(ExtraError::NotFound)?, record, case))
}

/// The extra seats of a meeting that stand: name and seat in words.
pub async fn of_meeting(
    portal: &Portal,
    meeting: &MeetingRecord,
) -> Result<Vec<(String, String)>, DbError> {
    let db = &portal.db;
    let mut extras = Vec::new();
    for one in store::of_room(db, meeting.body, meeting.id.0, portal.now()).await? {
        if !one.seat.is_extra() {
            continue;
        }
        if let Some(person) = accounts::store::person(db, meeting.body, one.user).await? {
            extras.push((one.label, person.name()));
        }
    }
    Ok(extras)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_meet_47_an_extra_seat_needs_a_name_a_side_and_a_mobile() {
        for (name, side, mobile, wrong) in [
            ("Ada Bianchi", Side::Activating, "333 1234567", None),
            ("Ada", Side::Aid, "+33 612345678", None),
            (" ", Side::Convened, "333 1234567", Some("name")),
            ("Ada\nBianchi", Side::Convened, "333 1234567", Some("name")),
            ("Ada Bianchi", Side::Neutral, "333 1234567", Some("side")),
            ("Ada Bianchi", Side::Convened, "06 1234567", Some("mobile")),
            ("Ada Bianchi", Side::Convened, "", Some("mobile")),
        ] {
            let (name, mobile) = (name.to_owned(), mobile.to_owned());
            let new = NewSeat { name, quality: Quality::Lawyer, side, mobile };
            let found = match checked(&new) {
                Err(ExtraError::Field(field, _)) => Some(field),
                _ => None,
            };
            assert_eq!(found, wrong, "{new:?}");
        }
    }
}
