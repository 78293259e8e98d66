//! People whom the conciliator adds to an open room by telephone (R-MEET-29): name and number stand
//! here, the attendance log holds their seat's id.

use sqlx::FromRow;
use uuid::Uuid;

use super::{MeetingId, store};
use crate::db::{Db, DbError, kept};
use crate::on_db;
use crate::portal::Portal;

/// Somebody on the telephone.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Phone {
    /// The seat's id.
    pub id: Uuid,
    /// Name as the others see it.
    pub name: String,
    /// Number, as the conciliator typed it.
    pub number: String,
    /// Whose side, in the room's word for it.
    pub side: String,
}

/// Why nobody could be added.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// No such meeting.
    #[error("no such meeting")]
    NotFound,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Keeps somebody's name and number; the new seat's id.
pub async fn add(
    portal: &Portal,
    meeting: MeetingId,
    name: &str,
    number: &str,
    side: &str,
) -> Result<Uuid, PhoneError> {
    let body = store::body_of(&portal.db, meeting).await?.ok_or(PhoneError::NotFound)?;
    let (id, now) = (portal.new_id(), portal.now());
    let mut tx = portal.db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query(
        "INSERT INTO meeting_phones (id, body, meeting_id, name, number, side, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    )
    .bind(id)
    .bind(body.0)
    .bind(meeting.0)
    .bind(name)
    .bind(number)
    .bind(side)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))
    .map_err(DbError::from)?;
    tx.commit().await?;
    Ok(id)
}

/// Everybody who was ever added to a meeting by telephone.
pub async fn of(db: &Db, meeting: MeetingId) -> Result<Vec<Phone>, DbError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT id, name, number, side FROM meeting_phones WHERE meeting_id = $1 ORDER BY added_at"
    )
    .bind(meeting.0)
    .fetch_all(c)
    .await)?)
}
