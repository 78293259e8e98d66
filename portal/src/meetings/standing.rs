//! Standing rooms (R-MEET-23): one room of a case that stays open for the days of its procedure
//! profile, also between the fixed meetings. While the door of a fixed meeting is open, the standing
//! room's address leads into the room of that meeting, with its lobby and its own attendance log.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::rules::Door;
use super::store::{self, MeetingRecord};
use super::{MeetingId, MeetingState, Mode};
use crate::accounts::Actor;
use crate::bodies::BodyId;
use crate::calendar;
use crate::cases::list::scope;
use crate::cases::store::CaseRecord;
use crate::cases::{self, CaseId};
use crate::db::{Db, DbError, Tx, kept};
use crate::on_db;
use crate::portal::Parts;
use crate::procedures::RoomRules;

/// A standing room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingRoom {
    /// Its room.
    pub id: Uuid,
    /// Whose.
    pub body: BodyId,
    /// Of which case.
    pub case: CaseId,
    /// When it was made.
    pub opened_at: DateTime<Utc>,
    /// From when on nobody gets in.
    pub ends_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    body: Uuid,
    case_id: Uuid,
    opened_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
}

impl From<Row> for StandingRoom {
    fn from(row: Row) -> Self {
        let (body, case) = (BodyId(row.body), CaseId(row.case_id));
        Self { id: row.id, body, case, opened_at: row.opened_at, ends_at: row.ends_at }
    }
}

/// The standing room that a meeting of this case is held in, made if there is none: only where the
/// procedure has such rooms.
pub async fn ensure_in(
    tx: &mut Tx,
    portal: &Parts,
    case: &CaseRecord,
) -> Result<Option<StandingRoom>, DbError> {
    let Some(days) = portal.profile(&case.procedure).room.standing_days else { return Ok(None) };
    let now = portal.now();
    if let Some(room) = live_in(tx, case.id, now).await? {
        return Ok(Some(room));
    }
    let ends_at = now + TimeDelta::days(days.into());
    let id = portal.new_id();
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO standing_rooms (id, body, case_id, opened_at, ends_at)
         VALUES ($1, $2, $3, $4, $5)"
    )
    .bind(id)
    .bind(case.body.0)
    .bind(case.id.0)
    .bind(kept(now))
    .bind(kept(ends_at))
    .execute(c)
    .await
    .map(drop))?;
    Ok(Some(StandingRoom { id, body: case.body, case: case.id, opened_at: now, ends_at }))
}

const LIVE: &str = "SELECT id, body, case_id, opened_at, ends_at FROM standing_rooms
    WHERE case_id = $1 AND ends_at > $2 ORDER BY opened_at DESC, id DESC LIMIT 1";

/// The standing room of a case that is open.
pub async fn live_in(
    tx: &mut Tx,
    case: CaseId,
    now: DateTime<Utc>,
) -> Result<Option<StandingRoom>, DbError> {
    let row: Option<Row> =
        on_db!(tx, |c| sqlx::query_as(LIVE).bind(case.0).bind(kept(now)).fetch_optional(c).await)?;
    Ok(row.map(StandingRoom::from))
}

/// The same for a page.
pub async fn live(
    db: &Db,
    case: CaseId,
    now: DateTime<Utc>,
) -> Result<Option<StandingRoom>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(LIVE)
        .bind(case.0)
        .bind(kept(now))
        .fetch_optional(c)
        .await)?;
    Ok(row.map(StandingRoom::from))
}

/// An open standing room in which somebody has a seat.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OwnRoom {
    /// Its room.
    pub id: Uuid,
    /// Whose.
    pub case_id: Uuid,
    /// Number of that case.
    pub number: String,
    /// The activating party.
    pub client: String,
    /// From when on nobody gets in.
    pub ends_at: DateTime<Utc>,
}

impl OwnRoom {
    /// Its last day, in words.
    pub fn until(&self) -> String {
        calendar::show_day(calendar::day_of(self.ends_at))
    }
}

/// The open standing rooms that an actor may enter with an account, the next to close first.
pub async fn of_actor(db: &Db, actor: &Actor, now: DateTime<Utc>) -> Result<Vec<OwnRoom>, DbError> {
    // Only constants of the program are put into the text.
    let sql = format!(
        "SELECT s.id, s.case_id, COALESCE(cases.number, '') AS number,
             cases.client_name AS client, s.ends_at
         FROM cases JOIN standing_rooms s ON s.case_id = cases.id
         WHERE cases.body = $1 AND s.ends_at > $4 AND ({})
         ORDER BY s.ends_at, s.id",
        scope(actor.role)
    );
    Ok(on_db!(read db, |c| sqlx::query_as(AssertSqlSafe(sql))
        .bind(actor.body.0)
        .bind(actor.user.0)
        .bind(actor.operator.map(|o| o.0))
        .bind(kept(now))
        .fetch_all(c)
        .await)?)
}

/// One standing room, open or not; nothing if it is another body's.
pub async fn read(db: &Db, body: BodyId, id: Uuid) -> Result<Option<StandingRoom>, DbError> {
    Ok(find(db, id).await?.filter(|room| room.body == body))
}

/// One standing room, whose ever: rooms know no bodies.
pub async fn find(db: &Db, id: Uuid) -> Result<Option<StandingRoom>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT id, body, case_id, opened_at, ends_at FROM standing_rooms WHERE id = $1"
    )
    .bind(id)
    .fetch_optional(c)
    .await)?;
    Ok(row.map(StandingRoom::from))
}

/// The standing room that a meeting is held in: what is shared there stays as long as that room.
pub async fn of_meeting(
    db: &Db,
    body: BodyId,
    meeting: MeetingId,
    now: DateTime<Utc>,
) -> Result<Option<StandingRoom>, DbError> {
    match store::read(db, body, meeting).await? {
        Some(meeting) if meeting.rules.mode == Mode::VirtualRoom => {
            live(db, meeting.case, now).await
        }
        _ => Ok(None),
    }
}

/// The meeting whose door is open: it takes the standing room's place. One that was never begun does
/// so until its planned end only, lest nobody can talk until it is put on record.
pub fn held_now<'a>(
    meetings: &'a [MeetingRecord],
    rules: &RoomRules,
    now: DateTime<Utc>,
) -> Option<&'a MeetingRecord> {
    let takes_place = |meeting: &&MeetingRecord| {
        let begun = meeting.rules.state != MeetingState::Convened;
        meeting.rules.door(rules, now) == Door::Open && (begun || now < meeting.rules.slot.ends_at)
    };
    meetings.iter().find(takes_place)
}

/// What becomes of a standing room that people are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// A meeting opens: people come back through its lobby.
    Yields,
    /// Its days are over.
    Over,
}

/// Standing rooms that `node` serves and that have to close.
pub async fn to_close(portal: &Parts, node: &str) -> Result<Vec<(Uuid, Turn)>, DbError> {
    let (db, now) = (&portal.db, portal.now());
    let rows: Vec<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT s.id, s.body, s.case_id, s.opened_at, s.ends_at
         FROM leases l JOIN standing_rooms s ON s.id = l.room
         WHERE l.node = $1 AND l.expires_at > $2"
    )
    .bind(node)
    .bind(kept(now))
    .fetch_all(c)
    .await)?;
    let mut closing = Vec::new();
    for room in rows.into_iter().map(StandingRoom::from) {
        if room.ends_at <= now {
            closing.push((room.id, Turn::Over));
            continue;
        }
        let Some(case) = cases::store::read(db, room.body, room.case).await? else { continue };
        let meetings = store::of_case(db, room.body, room.case).await?;
        if held_now(&meetings, &portal.profile(&case.procedure).room, now).is_some() {
            closing.push((room.id, Turn::Yields));
        }
    }
    Ok(closing)
}
