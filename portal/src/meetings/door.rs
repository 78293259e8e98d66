//! The way into a room: a single-use token for one person and one seat (R-MEET-13).

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::phones::{self, Phone};
use super::rules::Door;
use super::{MeetingId, commands, people, store};
use crate::accounts::{Actor, UserId};
use crate::bodies::{Body, BodyId};
use crate::calendar;
use crate::cases;
use crate::db::{Db, DbError, Tx, kept};
use crate::leases;
use crate::on_db;
use crate::portal::Portal;
use crate::procedures::SeatKind;
use crate::random::{self, Token};
use crate::signatures::identity;

/// Why somebody does not get in.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// No such meeting, or no seat at it (R-MEET-12): the two are not told apart.
    #[error("L'indirizzo non è di un tuo incontro.")]
    NoSeat,
    /// R-MEET-11.
    #[error("La stanza apre tra {}.", calendar::duration(*seconds))]
    TooEarly {
        /// Until it opens.
        seconds: u64,
    },
    /// The meeting is over.
    #[error("L'incontro è terminato.")]
    Over,
    /// It is held by telephone.
    #[error("L'incontro si svolge in call conference.")]
    NoRoom,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What somebody with a seat gets at the door.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Opens the room once; nothing until the notice of confidentiality was accepted (R-MEET-25).
    pub token: Option<Token>,
    /// Where the person sits.
    pub seat: SeatKind,
    /// Title of the page.
    pub title: String,
    /// Number of the case.
    pub case_number: String,
}

/// Asks for a way in. `accepted`: the person accepts the notice of confidentiality now; that it was
/// accepted is remembered for the meeting.
pub async fn ask(
    portal: &Portal,
    body: &Body,
    actor: &Actor,
    meeting: MeetingId,
    accepted: bool,
) -> Result<Ticket, DoorError> {
    let record = store::read(&portal.db, body.id, meeting).await?.ok_or(DoorError::NoSeat)?;
    let case = cases::store::read(&portal.db, body.id, record.case).await?;
    let case = case.ok_or(DoorError::NoSeat)?;
    let sitting = commands::sitting(portal, &case).await?;
    let own = sitting.into_iter().find(|one| one.person.id == actor.user);
    let own = own.ok_or(DoorError::NoSeat)?;
    let (now, room) = (portal.now(), portal.profile(&case.procedure).room);
    match record.rules.door(&room, now) {
        Door::Open => {}
        Door::OpensIn { seconds } => return Err(DoorError::TooEarly { seconds }),
        Door::Over => return Err(DoorError::Over),
        Door::NoRoom => return Err(DoorError::NoRoom),
    }
    let token = Token::new(&*portal.random);
    let expires = now + TimeDelta::seconds(room.token_seconds.into());
    let mut tx = portal.db.begin().await?;
    let new_seat = portal.new_id();
    let (seat_id, accepted_at): (Uuid, Option<DateTime<Utc>>) =
        on_db!(&mut tx, |c| sqlx::query_as(
            "INSERT INTO meeting_seats
                 (id, body, meeting_id, user_id, seat, name, label, accepted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (meeting_id, user_id) DO UPDATE SET seat = excluded.seat,
                 name = excluded.name, label = excluded.label,
                 accepted_at = COALESCE(meeting_seats.accepted_at, excluded.accepted_at)
             RETURNING id, accepted_at"
        )
        .bind(new_seat)
        .bind(body.id.0)
        .bind(meeting.0)
        .bind(actor.user.0)
        .bind(own.seat.key())
        .bind(own.person.name())
        .bind(&own.label)
        .bind(accepted.then(|| kept(now)))
        .fetch_one(c)
        .await)
        .map_err(DbError::from)?;
    if accepted_at.is_some() {
        insert_token(&mut tx, body.id, seat_id, &token, expires).await?;
    }
    tx.commit().await?;
    Ok(Ticket {
        token: accepted_at.map(|_| token),
        seat: own.seat,
        title: format!("Incontro del {}", calendar::show(record.rules.slot.starts_at)),
        case_number: case.shown_number().to_owned(),
    })
}

async fn insert_token(
    tx: &mut Tx,
    body: BodyId,
    seat: Uuid,
    token: &Token,
    expires: DateTime<Utc>,
) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "INSERT INTO join_tokens (hash, body, seat_id, expires_at) VALUES ($1, $2, $3, $4)"
    )
    .bind(hex::encode(token.hash()))
    .bind(body.0)
    .bind(seat)
    .bind(kept(expires))
    .execute(c)
    .await
    .map(drop))?)
}

/// A spent token: who sits where, in which room, under which lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Whose room.
    pub meeting: MeetingId,
    /// The seat's own id: the same for every join of this person to this meeting.
    pub seat_id: Uuid,
    /// Where the person sits.
    pub seat: SeatKind,
    /// Name as the others see it.
    pub name: String,
    /// The seat in words.
    pub label: String,
    /// Generation of this node's lease.
    pub generation: u32,
    /// Most people at once (R-MEET-19).
    pub capacity: u16,
    /// Seconds that a lost seat keeps its place (R-MEET-27).
    pub grace_seconds: u16,
    /// When the meeting is planned to end.
    pub planned_end: DateTime<Utc>,
    /// The person was identified, and may sign without further ado.
    pub identified: bool,
    /// Who takes part by telephone.
    pub phones: Vec<Phone>,
}

#[derive(sqlx::FromRow)]
struct SeatRow {
    body: Uuid,
    meeting_id: Uuid,
    user_id: Uuid,
    seat: String,
    name: String,
    label: String,
}

/// Why a token does not open the room.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// Unknown, spent, too old, or of a seat that is another person's by now.
    #[error("the join token is unknown, spent or expired")]
    Token,
    /// The meeting is over.
    #[error("the meeting is over")]
    Over,
    /// Another node serves the room.
    #[error("another node serves the room")]
    Elsewhere,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Spends a token and takes or renews `node`'s lease of the room, in one transaction.
pub async fn enter(
    portal: &Portal,
    token: &str,
    node: &str,
    lease: TimeDelta,
) -> Result<Entered, EntryError> {
    let now = portal.now();
    let mut tx = portal.db.begin().await?;
    let seat: Option<Uuid> = on_db!(&mut tx, |c| sqlx::query_scalar(
        "UPDATE join_tokens SET used_at = $2
         WHERE hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING seat_id"
    )
    .bind(hex::encode(random::hash(token)))
    .bind(kept(now))
    .fetch_optional(c)
    .await)
    .map_err(DbError::from)?;
    let seat_id = seat.ok_or(EntryError::Token)?;
    let row: SeatRow = on_db!(&mut tx, |c| sqlx::query_as(
        "SELECT body, meeting_id, user_id, seat, name, label FROM meeting_seats WHERE id = $1"
    )
    .bind(seat_id)
    .fetch_one(c)
    .await)
    .map_err(DbError::from)?;
    let (body, meeting) = (BodyId(row.body), MeetingId(row.meeting_id));
    let seat: SeatKind =
        row.seat.parse().map_err(|e| DbError::from(sqlx::Error::Decode(Box::new(e))))?;
    let record = store::read(&portal.db, body, meeting).await?.ok_or(EntryError::Token)?;
    let case = cases::store::read(&portal.db, body, record.case).await?.ok_or(EntryError::Token)?;
    // A delegate may have been replaced since the token was given out.
    let people = people::of_case(&portal.db, &case, None).await?;
    if people.seat_of(UserId(row.user_id)) != Some(seat) {
        return Err(EntryError::Token);
    }
    let room = portal.profile(&case.procedure).room;
    if record.rules.door(&room, now) != Door::Open {
        return Err(EntryError::Over);
    }
    let identified = identity::of(&portal.db, body.0, UserId(row.user_id)).await;
    let identified = identified.inspect_err(|error| tracing::error!(%error, "identification"));
    let phones = phones::of(&portal.db, meeting).await?;
    let generation = leases::take(&mut tx, body, meeting, node, now, lease).await?;
    let generation = generation.ok_or(EntryError::Elsewhere)?;
    tx.commit().await?;
    Ok(Entered {
        meeting,
        seat_id,
        seat,
        name: row.name,
        label: row.label,
        generation,
        capacity: room.capacity,
        grace_seconds: room.grace_seconds,
        planned_end: record.rules.slot.ends_at,
        identified: identified.is_ok_and(|found| found.is_some()),
        phones,
    })
}

/// Forgets tokens that ran out a day ago.
pub async fn sweep(db: &Db, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query("DELETE FROM join_tokens WHERE expires_at < $1")
        .bind(kept(now - TimeDelta::days(1)))
        .execute(c)
        .await
        .map(drop))?;
    tx.commit().await
}
