//! The attendance log of a meeting: a chained journal of seat ids, sessions and epochs, without
//! names and without a word that was said (R-MEET-36, R-MEET-43). Names stand beside it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::commands::{self, MeetingError};
use super::{MeetingId, standing, store};
use crate::accounts::UserId;
use crate::bodies::BodyId;
use crate::cases::commands::{By, CaseError, body};
use crate::db::{Db, DbError, kept};
use crate::journal::{self, Aggregate, Entry, JournalError};
use crate::leases::{self, Lease};
use crate::on_db;
use crate::portal::Portal;

/// Why the log did not take what it was given.
#[derive(Debug, thiserror::Error)]
pub enum AttendanceError {
    /// Another node serves the room, or this node's lease ran out.
    #[error("the room's lease is lost")]
    LeaseLost,
    /// No such meeting.
    #[error("no such meeting")]
    NotFound,
    /// The meeting was moved or taken off: nothing can begin in its room.
    #[error("the meeting was moved or taken off")]
    CalledOff,
    /// The log.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What the log means for the meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It began.
    Started,
    /// It is over.
    Ended,
}

fn aggregate(body: BodyId, meeting: MeetingId) -> Aggregate {
    Aggregate { body: body.0, kind: "attendance", id: meeting.0 }
}

/// Appends what a room reports, all or none, and does to the meeting what it means.
pub async fn append<E: Serialize + Sync>(
    portal: &Portal,
    meeting: MeetingId,
    lease: Lease<'_>,
    entries: &[(DateTime<Utc>, E)],
    turns: &[Turn],
) -> Result<(), AttendanceError> {
    let standing = standing::find(&portal.db, meeting.0).await?;
    let body = owner(&portal.db, meeting).await?;
    let body = body_of(portal, body).await?;
    let mut tx = portal.db.begin().await?;
    let now = portal.now();
    if !leases::holds(&mut tx, meeting, lease, now).await? {
        return Err(AttendanceError::LeaseLost);
    }
    for (at, event) in entries {
        journal::append(&mut tx, aggregate(body.id, meeting), event, *at).await?;
    }
    // No meeting begins or ends with a standing room.
    for turn in turns.iter().filter(|_| standing.is_none()) {
        let done = match turn {
            Turn::Started => {
                commands::start_in(&mut tx, portal, &body, meeting, By::default()).await
            }
            Turn::Ended => commands::end_in(&mut tx, portal, &body, meeting, By::default()).await,
        };
        match done {
            Ok(()) => {}
            Err(MeetingError::Refused(_) | MeetingError::Case(CaseError::Refused(_))) => {
                if *turn == Turn::Started {
                    return Err(AttendanceError::CalledOff);
                }
                // Whatever the case says: nobody sits there any more.
                tracing::warn!(%meeting, "the case does not follow the end of its room");
            }
            Err(MeetingError::Db(error) | MeetingError::Case(CaseError::Db(error))) => {
                return Err(error.into());
            }
            Err(MeetingError::Case(CaseError::Journal(error))) => return Err(error.into()),
            Err(_) => return Err(AttendanceError::NotFound),
        }
    }
    Ok(tx.commit().await?)
}

async fn body_of(portal: &Portal, id: BodyId) -> Result<crate::bodies::Body, AttendanceError> {
    body(portal, id).await.map_err(|error| match error {
        CaseError::Db(error) => error.into(),
        _ => AttendanceError::NotFound,
    })
}

/// Whose a room is: a meeting's, or a standing one.
async fn owner(db: &Db, room: MeetingId) -> Result<BodyId, AttendanceError> {
    if let Some(body) = store::body_of(db, room).await? {
        return Ok(body);
    }
    let standing = standing::find(db, room.0).await?;
    standing.map(|room| room.body).ok_or(AttendanceError::NotFound)
}

/// The whole log, oldest first.
pub async fn load(db: &Db, meeting: MeetingId) -> Result<Vec<Entry>, AttendanceError> {
    let body = owner(db, meeting).await?;
    Ok(journal::load(db, aggregate(body, meeting)).await?)
}

/// A seat that was ever taken at a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct TakenSeat {
    /// The id that the log speaks of.
    pub id: Uuid,
    /// Name as the others saw it.
    pub name: String,
    /// The seat in words.
    pub label: String,
    /// When the notice of confidentiality was accepted (R-MEET-25).
    pub accepted_at: Option<DateTime<Utc>>,
}

/// The seats of a meeting that were ever taken.
pub async fn seats(db: &Db, body: BodyId, meeting: MeetingId) -> Result<Vec<TakenSeat>, DbError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT id, name, label, accepted_at FROM room_seats
         WHERE body = $1 AND room = $2
         UNION ALL
         SELECT id, name, 'Telefono', NULL FROM meeting_phones
         WHERE body = $1 AND meeting_id = $2 ORDER BY id"
    )
    .bind(body.0)
    .bind(meeting.0)
    .fetch_all(c)
    .await)?)
}

/// Keeps the sign-in of people whose rooms `node` serves (R-LOG-16).
pub async fn keep_signed_in(portal: &Portal, node: &str) -> Result<(), DbError> {
    let (now, idle) = (portal.now(), portal.settings.idle);
    let users: Vec<(Uuid,)> = on_db!(read & portal.db, |c| sqlx::query_as(
        "SELECT DISTINCT s.user_id FROM room_seats s JOIN leases l ON l.room = s.room
         WHERE l.node = $1 AND l.expires_at > $2 AND s.accepted_at IS NOT NULL"
    )
    .bind(node)
    .bind(kept(now))
    .fetch_all(c)
    .await)?;
    if users.is_empty() {
        return Ok(());
    }
    let users: Vec<UserId> = users.into_iter().map(|(user,)| UserId(user)).collect();
    crate::accounts::sessions::keep(&portal.db, &users, idle, now).await
}

/// The log as a file that anybody can check offline, names beside it.
#[derive(Debug, Serialize)]
pub struct Export {
    /// The meeting.
    pub meeting: Uuid,
    /// Who had which seat.
    pub seats: Vec<TakenSeat>,
    /// The chain.
    pub entries: Vec<Entry>,
}

/// The log as a file.
pub async fn export(db: &Db, body: BodyId, meeting: MeetingId) -> Result<Export, AttendanceError> {
    Ok(Export {
        meeting: meeting.0,
        seats: seats(db, body, meeting).await?,
        entries: journal::load(db, aggregate(body, meeting)).await?,
    })
}
