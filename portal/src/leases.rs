//! Leases: which node serves a room, and until when (DESIGN §8).
//!
//! A lease that ran out may be taken by any node, under a higher generation. Whatever a node writes
//! for a room is checked against its generation in the same transaction, so that a node that was
//! away for too long writes nothing more.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::bodies::BodyId;
use crate::db::{Db, DbError, Tx, kept};
use crate::meetings::MeetingId;
use crate::on_db;

/// A node's lease of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease<'a> {
    /// Who holds it.
    pub node: &'a str,
    /// Which.
    pub generation: u32,
}

/// Takes a free lease or renews `node`'s own; its generation, or nothing while another node holds
/// it.
pub async fn take(
    tx: &mut Tx,
    body: BodyId,
    room: MeetingId,
    node: &str,
    now: DateTime<Utc>,
    length: TimeDelta,
) -> Result<Option<u32>, DbError> {
    let generation: Option<i64> = on_db!(tx, |c| {
        sqlx::query_scalar(
        "INSERT INTO leases (room, body, node, generation, expires_at) VALUES ($1, $2, $3, 1, $5)
         ON CONFLICT (room) DO UPDATE SET
             generation = CASE WHEN leases.node = $3 AND leases.expires_at > $4
                 THEN leases.generation ELSE leases.generation + 1 END,
             node = $3, expires_at = $5
         WHERE leases.node = $3 OR leases.expires_at <= $4
         RETURNING generation",
    )
    .bind(room.0)
    .bind(body.0)
    .bind(node)
    .bind(kept(now))
    .bind(kept(now + length))
    .fetch_optional(c)
    .await
    })?;
    Ok(generation.map(|g| u32::try_from(g).unwrap_or(u32::MAX)))
}

/// Whether `lease` still holds; its row stays locked until the transaction ends.
pub async fn holds(
    tx: &mut Tx,
    room: MeetingId,
    lease: Lease<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    extend(tx, room, lease, now, None).await
}

/// Keeps `node`'s leases alive, in one transaction; the rooms whose lease was lost.
pub async fn renew(
    db: &Db,
    node: &str,
    rooms: &[(MeetingId, u32)],
    now: DateTime<Utc>,
    length: TimeDelta,
) -> Result<Vec<(MeetingId, u32)>, DbError> {
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    let mut lost = Vec::new();
    let mut tx = db.begin().await?;
    for (room, generation) in rooms {
        let lease = Lease { node, generation: *generation };
        if !extend(&mut tx, *room, lease, now, Some(now + length)).await? {
            lost.push((*room, *generation));
        }
    }
    tx.commit().await?;
    Ok(lost)
}

async fn extend(
    tx: &mut Tx,
    room: MeetingId,
    lease: Lease<'_>,
    now: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE leases SET expires_at = COALESCE($5, expires_at)
         WHERE room = $1 AND node = $2 AND generation = $3 AND expires_at > $4"
    )
    .bind(room.0)
    .bind(lease.node)
    .bind(i64::from(lease.generation))
    .bind(kept(now))
    .bind(until.map(kept))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Gives a lease back: another node may take the room at once.
pub async fn release(
    db: &Db,
    room: MeetingId,
    lease: Lease<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    extend(&mut tx, room, lease, now, Some(now)).await?;
    tx.commit().await
}

/// Ends every lease: for a database that no other process can be serving any more.
pub async fn end_all(db: &Db, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query("UPDATE leases SET expires_at = $1 WHERE expires_at > $1")
        .bind(kept(now))
        .execute(c)
        .await
        .map(drop))?;
    tx.commit().await
}

/// Rooms that `node` serves although their meeting was moved or taken off (R-MEET-28).
pub async fn called_off(
    db: &Db,
    node: &str,
    now: DateTime<Utc>,
) -> Result<Vec<MeetingId>, DbError> {
    let rooms: Vec<(Uuid,)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT l.room FROM leases l JOIN meetings m ON m.id = l.room
         WHERE l.node = $1 AND l.expires_at > $2 AND m.state IN ('postponed', 'cancelled')"
    )
    .bind(node)
    .bind(kept(now))
    .fetch_all(c)
    .await)?;
    Ok(rooms.into_iter().map(|(room,)| MeetingId(room)).collect())
}
