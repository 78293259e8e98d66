//! The way into a room: a single-use token for one person and one seat (R-MEET-13). A room is a
//! meeting's, or a standing one of a case (R-MEET-23).

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::phones::{self, Phone};
use super::rules::Door;
use super::standing::{self, StandingRoom};
use super::store::MeetingRecord;
use super::{MeetingId, commands, people, store};
use crate::accounts::{Actor, UserId};
use crate::bodies::{Body, BodyId};
use crate::calendar;
use crate::cases::store::CaseRecord;
use crate::cases::{self, CaseId};
use crate::db::{Db, DbError, Tx, kept};
use crate::guests::{self, Guest};
use crate::leases;
use crate::on_db;
use crate::portal::Portal;
use crate::procedures::{RoomRules, SeatKind, SideNames};
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
    /// The days of a standing room are over (R-MEET-23).
    #[error(
        "La stanza della pratica è rimasta aperta fino al {}. Per un nuovo incontro rivolgiti alla \
         segreteria; i documenti e i verbali restano nella pagina della pratica.",
        calendar::show_day(calendar::day_of(*ended_at))
    )]
    StandingOver {
        /// Whose room it was.
        case: CaseId,
        /// When they ended.
        ended_at: DateTime<Utc>,
    },
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
    /// The room that the token opens.
    pub room: MeetingId,
    /// The seat in it.
    pub seat_id: Uuid,
    /// Name as the others see it.
    pub name: String,
    /// Role as the others see it, in words.
    pub label: String,
    /// Where the person sits.
    pub seat: SeatKind,
    /// Title of the page.
    pub title: String,
    /// The case of the room.
    pub case: CaseId,
    /// Its number.
    pub case_number: String,
    /// Nobody is admitted there: it is a standing room, and no meeting is held.
    pub standing: bool,
    /// Until when files shared with all stay; nothing: until the meeting ends.
    pub files_until: Option<DateTime<Utc>>,
    /// What the sides are called.
    pub sides: SideNames,
    /// The meeting whose minutes stand beside the room; a standing room shows the last one's.
    pub meeting: Option<MeetingId>,
}

/// What a room is for at the moment.
struct Place {
    /// The room that people really enter.
    room: MeetingId,
    case: CaseRecord,
    held: Held,
}

enum Held {
    Meeting(Box<MeetingRecord>),
    Standing { room: StandingRoom, last: Option<MeetingId> },
}

impl Place {
    /// The room at an address: a meeting's own, or a standing one. While a meeting's door is open,
    /// the standing room's address leads to that meeting (C-22).
    async fn find(portal: &Portal, body: BodyId, id: Uuid) -> Result<Option<Self>, DbError> {
        let db = &portal.db;
        if let Some(meeting) = store::read(db, body, MeetingId(id)).await? {
            let case = cases::store::read(db, body, meeting.case).await?;
            let room = meeting.id;
            return Ok(case.map(|case| Self { room, case, held: Held::Meeting(meeting.into()) }));
        }
        let Some(standing) = standing::read(db, body, id).await? else { return Ok(None) };
        let Some(case) = cases::store::read(db, body, standing.case).await? else {
            return Ok(None);
        };
        let meetings = store::of_case(db, body, standing.case).await?;
        let rules = portal.profile(&case.procedure).room;
        if let Some(meeting) = standing::held_now(&meetings, &rules, portal.now()) {
            let (room, meeting) = (meeting.id, meeting.clone());
            return Ok(Some(Self { room, case, held: Held::Meeting(meeting.into()) }));
        }
        let took_place = |m: &&MeetingRecord| m.rules.started_at.is_some();
        let last = meetings.iter().find(took_place).map(|m| m.id);
        let held = Held::Standing { room: standing, last };
        Ok(Some(Self { room: MeetingId(id), case, held }))
    }

    fn door(&self, rules: &RoomRules, now: DateTime<Utc>) -> Door {
        match &self.held {
            Held::Meeting(meeting) => meeting.rules.door(rules, now),
            Held::Standing { room, .. } if now < room.ends_at => Door::Open,
            Held::Standing { .. } => Door::Over,
        }
    }

    fn title(&self) -> String {
        match &self.held {
            Held::Meeting(meeting) => {
                format!("Incontro del {}", calendar::show(meeting.rules.slot.starts_at))
            }
            Held::Standing { .. } => "Stanza della pratica".to_owned(),
        }
    }

    /// Nobody gets in any more.
    fn over(&self) -> DoorError {
        match &self.held {
            Held::Meeting(_) => DoorError::Over,
            Held::Standing { room, .. } => {
                DoorError::StandingOver { case: room.case, ended_at: room.ends_at }
            }
        }
    }
}

/// The room that people at this address are in, and its case: a standing room's address leads to
/// the meeting that is held there (C-22).
pub async fn room_at(
    portal: &Portal,
    body: BodyId,
    id: Uuid,
) -> Result<Option<(MeetingId, CaseRecord)>, DbError> {
    Ok(Place::find(portal, body, id).await?.map(|place| (place.room, place.case)))
}

/// A person's own seat at a room.
struct Own {
    seat: SeatKind,
    name: String,
    label: String,
}

/// The seat of an actor: of the people of the case, or the extra one that an invitation gives.
async fn own_seat(
    portal: &Portal,
    actor: &Actor,
    case: &CaseRecord,
) -> Result<Option<Own>, DbError> {
    if let Some(guest) = actor.guest.as_ref().filter(|guest| guest.seat.is_extra()) {
        let (db, now) = (&portal.db, portal.now());
        let found = guests::store::of_person(db, actor.body, guest.room, actor.user, now).await?;
        let name = actor.name.clone();
        return Ok(found.map(|one| Own { seat: one.seat, name, label: one.label }));
    }
    let sitting = commands::sitting(portal, case).await?;
    let own = sitting.into_iter().find(|one| one.person.id == actor.user);
    Ok(own.map(|one| Own { seat: one.seat, name: one.person.name(), label: one.label }))
}

/// Asks for a way in. `accepted`: the person accepts the notice of confidentiality now; that it was
/// accepted is remembered for the room.
pub async fn ask(
    portal: &Portal,
    body: &Body,
    actor: &Actor,
    room: MeetingId,
    accepted: bool,
) -> Result<Ticket, DoorError> {
    let place = Place::find(portal, body.id, room.0).await?.ok_or(DoorError::NoSeat)?;
    let bound = |guest: &Guest| guest.room == room.0 || guest.meetings.contains(&room);
    if actor.guest.as_ref().is_some_and(|guest| !bound(guest)) {
        return Err(DoorError::NoSeat);
    }
    let own = own_seat(portal, actor, &place.case).await?.ok_or(DoorError::NoSeat)?;
    let (now, profile) = (portal.now(), portal.profile(&place.case.procedure));
    let rules = profile.room;
    match place.door(&rules, now) {
        Door::Open => {}
        Door::OpensIn { seconds } => return Err(DoorError::TooEarly { seconds }),
        Door::Over => return Err(place.over()),
        Door::NoRoom => return Err(DoorError::NoRoom),
    }
    let token = Token::new(&*portal.random);
    let expires = now + TimeDelta::seconds(rules.token_seconds.into());
    let mut tx = portal.db.begin().await?;
    let new_seat = portal.new_id();
    let (seat_id, accepted_at): (Uuid, Option<DateTime<Utc>>) =
        on_db!(&mut tx, |c| sqlx::query_as(
            "INSERT INTO room_seats
                 (id, body, room, user_id, seat, name, label, accepted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (room, user_id) DO UPDATE SET seat = excluded.seat,
                 name = excluded.name, label = excluded.label,
                 accepted_at = COALESCE(room_seats.accepted_at, excluded.accepted_at)
             RETURNING id, accepted_at"
        )
        .bind(new_seat)
        .bind(body.id.0)
        .bind(place.room.0)
        .bind(actor.user.0)
        .bind(own.seat.key())
        .bind(&own.name)
        .bind(&own.label)
        .bind(accepted.then(|| kept(now)))
        .fetch_one(c)
        .await)
        .map_err(DbError::from)?;
    if accepted_at.is_some() {
        insert_token(&mut tx, body.id, seat_id, &token, expires).await?;
    }
    tx.commit().await?;
    let kept_in = match &place.held {
        Held::Meeting(meeting) => {
            standing::of_meeting(&portal.db, body.id, meeting.id, now).await?
        }
        Held::Standing { room, .. } => Some(*room),
    };
    Ok(Ticket {
        token: accepted_at.map(|_| token),
        room: place.room,
        seat_id,
        name: own.name,
        label: own.label,
        seat: own.seat,
        title: place.title(),
        case: place.case.id,
        case_number: place.case.shown_number().to_owned(),
        standing: matches!(place.held, Held::Standing { .. }),
        files_until: kept_in.map(|room| room.ends_at),
        sides: profile.sides.clone(),
        meeting: match &place.held {
            _ if own.seat.is_extra() => None,
            Held::Meeting(meeting) => Some(meeting.id),
            Held::Standing { last, .. } => *last,
        },
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
    /// Whose room: a meeting's, or a standing one by its own id.
    pub meeting: MeetingId,
    /// Nobody is admitted there: it is a standing room, and no meeting is held.
    pub standing: bool,
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
    /// Most people at once beside the neutral person (R-MEET-19).
    pub capacity: u16,
    /// Seconds that a lost seat keeps its place (R-MEET-27).
    pub grace_seconds: u16,
    /// When the meeting is planned to end; a standing room has no such hour.
    pub planned_end: Option<DateTime<Utc>>,
    /// The person was identified, and may sign without further ado.
    pub identified: bool,
    /// Who takes part by telephone.
    pub phones: Vec<Phone>,
}

#[derive(sqlx::FromRow)]
struct SeatRow {
    body: Uuid,
    room: Uuid,
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
        "SELECT body, room, user_id, seat, name, label FROM room_seats WHERE id = $1"
    )
    .bind(seat_id)
    .fetch_one(c)
    .await)
    .map_err(DbError::from)?;
    let (body, room) = (BodyId(row.body), MeetingId(row.room));
    let seat: SeatKind =
        row.seat.parse().map_err(|e| DbError::from(sqlx::Error::Decode(Box::new(e))))?;
    let place = Place::find(portal, body, room.0).await?.ok_or(EntryError::Token)?;
    let (user, case) = (UserId(row.user_id), &place.case);
    // A delegate may have been replaced since the token was given out, an invitation called off.
    let still_seated = if seat.is_extra() {
        guests::store::of_person(&portal.db, body, room.0, user, now).await?.is_some()
    } else {
        people::of_case(&portal.db, case, None).await?.seat_of(user) == Some(seat)
    };
    if !still_seated {
        return Err(EntryError::Token);
    }
    let rules = portal.profile(&case.procedure).room;
    // The door of a meeting may have opened since: its room is another one.
    if place.room != room {
        return Err(EntryError::Token);
    }
    if place.door(&rules, now) != Door::Open {
        return Err(EntryError::Over);
    }
    let identified = identity::of(&portal.db, body.0, user, now).await;
    let identified = identified.inspect_err(|error| tracing::error!(%error, "identification"));
    let phones = phones::of(&portal.db, room).await?;
    let meeting = room;
    let generation = leases::take(&mut tx, body, meeting, node, now, lease).await?;
    let generation = generation.ok_or(EntryError::Elsewhere)?;
    tx.commit().await?;
    Ok(Entered {
        meeting,
        standing: matches!(place.held, Held::Standing { .. }),
        seat_id,
        seat,
        name: row.name,
        label: row.label,
        generation,
        capacity: rules.capacity.saturating_sub(1),
        grace_seconds: rules.grace_seconds,
        planned_end: match &place.held {
            Held::Meeting(meeting) => Some(meeting.rules.slot.ends_at),
            Held::Standing { .. } => None,
        },
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
