//! The room of a session: two seats, the operator's and the person's, and nobody else's ever. It is
//! not a meeting's room: it has its own id, its own journal, and ends with the session (R-MEET-32).

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::access::{self, Action, Relation};
use super::rules::Act;
use super::store;
use super::{State, VideoError, VideoId, commands};
use crate::accounts::{self, Actor, UserId};
use crate::bodies::BodyId;
use crate::db::{Db, DbError, Tx, kept};
use crate::journal::{self, Aggregate, Entry, JournalError};
use crate::leases::{self, Lease};
use crate::meetings::MeetingId;
use crate::on_db;
use crate::portal::Portal;
use crate::random::{self, Token};

/// Life of a way in.
const TOKEN: TimeDelta = TimeDelta::seconds(60);

/// Asks for a way into the session's room: the operator and the person get one.
pub async fn ask(
    portal: &Portal,
    actor: &Actor,
    id: VideoId,
) -> Result<(Token, Relation), VideoError> {
    let (record, relation) = commands::seen(portal, actor, id).await?;
    if !access::may(relation, Action::EnterRoom) {
        return Err(VideoError::NotAllowed);
    }
    if record.video.state != State::InSession {
        return Err(super::rules::Refusal::WrongState.into());
    }
    let token = Token::new(&*portal.random);
    let mut tx = portal.db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query(
        "INSERT INTO identification_tokens (hash, body, identification, user_id, expires_at)
         VALUES ($1, $2, $3, $4, $5)"
    )
    .bind(hex::encode(token.hash()))
    .bind(record.body.0)
    .bind(id.0)
    .bind(actor.user.0)
    .bind(kept(portal.now() + TOKEN))
    .execute(c)
    .await
    .map(drop))?;
    tx.commit().await?;
    Ok((token, relation))
}

/// A spent token: who sits in which room, under which lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// The session's room.
    pub room: Uuid,
    /// Who.
    pub user: UserId,
    /// Name as the other sees it.
    pub name: String,
    /// It is the operator.
    pub operator: bool,
    /// Generation of this node's lease.
    pub generation: u32,
}

/// Why a token does not open the room.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// The session is over, or the seat is another person's by now.
    #[error("the session is over")]
    Over,
    /// Another node serves the room.
    #[error("another node serves the room")]
    Elsewhere,
    /// Something about the identification.
    #[error(transparent)]
    Video(#[from] VideoError),
}

impl From<DbError> for EntryError {
    fn from(error: DbError) -> Self {
        Self::Video(error.into())
    }
}

/// Spends a token and takes or renews `node`'s lease of the room, in one transaction; that the
/// person came is evidence. Nothing for a token that is not of an identification.
pub async fn enter(
    portal: &Portal,
    token: &str,
    node: &str,
    lease: TimeDelta,
) -> Result<Option<Entered>, EntryError> {
    let now = portal.now();
    let mut tx = portal.db.begin().await?;
    let spent: Option<(Uuid, Uuid, Uuid)> = on_db!(&mut tx, |c| sqlx::query_as(
        "UPDATE identification_tokens SET used_at = $2
         WHERE hash = $1 AND used_at IS NULL AND expires_at > $2
         RETURNING body, identification, user_id"
    )
    .bind(hex::encode(random::hash(token)))
    .bind(kept(now))
    .fetch_optional(c)
    .await)
    .map_err(DbError::from)?;
    let Some((body, id, user)) = spent else { return Ok(None) };
    let (body, user) = (BodyId(body), UserId(user));
    let record = store::read(&portal.db, body, VideoId(id)).await?;
    let mut record = record.ok_or(EntryError::Over)?;
    let operator = record.video.operator == Some(user);
    let seated = operator || record.video.person == user;
    let room = record.video.room.filter(|_| seated && record.video.state == State::InSession);
    let room = room.ok_or(EntryError::Over)?;
    if operator && !super::operators::is_authorised(&portal.db, body, user).await? {
        return Err(EntryError::Over);
    }
    if !operator && record.video.details.met_at.is_none() {
        let event = record.video.handle(Act::Meet, now).map_err(VideoError::from)?;
        store::update(&mut tx, &record, &event, now).await?;
    }
    let generation = leases::take(&mut tx, body, MeetingId(room), node, now, lease).await?;
    let generation = generation.ok_or(EntryError::Elsewhere)?;
    let person = accounts::store::person_in(&mut tx, body, user).await?;
    let name = person.map(|person| person.name()).unwrap_or_default();
    tx.commit().await?;
    Ok(Some(Entered { room, user, name, operator, generation }))
}

/// Rooms that `node` serves although their session is over.
pub async fn over(db: &Db, node: &str, now: DateTime<Utc>) -> Result<Vec<Uuid>, DbError> {
    let rooms: Vec<(Uuid,)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT l.room FROM leases l
         JOIN identification_rooms r ON r.room = l.room
         JOIN video_identifications v ON v.id = r.identification
         WHERE l.node = $1 AND l.expires_at > $2
             AND (v.state <> 'in_session' OR v.room <> r.room)"
    )
    .bind(node)
    .bind(kept(now))
    .fetch_all(c)
    .await)?;
    Ok(rooms.into_iter().map(|(room,)| room).collect())
}

fn aggregate(body: BodyId, room: Uuid) -> Aggregate {
    Aggregate { body: body.0, kind: "identification_room", id: room }
}

/// The body of a session's room; nothing for any other room.
async fn body_of(tx: &mut Tx, room: Uuid) -> Result<Option<BodyId>, DbError> {
    let body: Option<Uuid> = on_db!(tx, |c| sqlx::query_scalar(
        "SELECT body FROM identification_rooms WHERE room = $1"
    )
    .bind(room)
    .fetch_optional(c)
    .await)?;
    Ok(body.map(BodyId))
}

/// The attendance of a session's room, oldest first; nothing for any other room.
pub async fn attendance(db: &Db, room: Uuid) -> Result<Option<Vec<Entry>>, JournalError> {
    let body: Option<Uuid> = on_db!(read db, |c| sqlx::query_scalar(
        "SELECT body FROM identification_rooms WHERE room = $1"
    )
    .bind(room)
    .fetch_optional(c)
    .await)?;
    match body {
        Some(body) => Ok(Some(journal::load(db, aggregate(BodyId(body), room)).await?)),
        None => Ok(None),
    }
}

/// Appends what a session's room reports, all or none; false if the room is not a session's, or
/// its lease is lost.
pub async fn append<E: Serialize + Sync>(
    portal: &Portal,
    room: Uuid,
    lease: Lease<'_>,
    entries: &[(DateTime<Utc>, E)],
) -> Result<bool, JournalError> {
    let mut tx = portal.db.begin().await?;
    let Some(body) = body_of(&mut tx, room).await? else { return Ok(false) };
    if !leases::holds(&mut tx, MeetingId(room), lease, portal.now()).await? {
        return Ok(false);
    }
    for (at, event) in entries {
        journal::append(&mut tx, aggregate(body, room), event, *at).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Forgets tokens that ran out a day ago.
pub async fn sweep(db: &Db, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query("DELETE FROM identification_tokens WHERE expires_at < $1")
        .bind(kept(now - TimeDelta::days(1)))
        .execute(c)
        .await
        .map(drop))?;
    tx.commit().await
}
