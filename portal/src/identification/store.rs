//! Video identifications in the database.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::rules::{Details, Event, Video};
use super::{State, VideoError, VideoId};
use crate::accounts::UserId;
use crate::bodies::BodyId;
use crate::db::{Db, DbError, Tx, kept};
use crate::journal::{self, Aggregate, Entry};
use crate::on_db;

/// A video identification as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoRecord {
    /// Which.
    pub id: VideoId,
    /// Where.
    pub body: BodyId,
    /// The meeting whose minutes the person wants to sign.
    pub meeting: Option<Uuid>,
    /// Rises with every change: who writes must have read the newest.
    pub version: i64,
    /// What the rules know.
    pub video: Video,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    body: Uuid,
    person: Uuid,
    state: String,
    operator: Option<Uuid>,
    room: Option<Uuid>,
    meeting: Option<Uuid>,
    requested_at: DateTime<Utc>,
    appointment_at: Option<DateTime<Utc>>,
    touched_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    version: i64,
    details: String,
}

impl Row {
    fn into_record(self) -> Result<VideoRecord, DbError> {
        let state: State = self.state.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        let details: Details =
            serde_json::from_str(&self.details).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        Ok(VideoRecord {
            id: VideoId(self.id),
            body: BodyId(self.body),
            meeting: self.meeting,
            version: self.version,
            video: Video {
                person: UserId(self.person),
                state,
                operator: self.operator.map(UserId),
                room: self.room,
                requested_at: self.requested_at,
                appointment_at: self.appointment_at,
                touched_at: self.touched_at,
                ended_at: self.ended_at,
                details,
            },
        })
    }
}

fn records(rows: Vec<Row>) -> Result<Vec<VideoRecord>, DbError> {
    rows.into_iter().map(Row::into_record).collect()
}

fn aggregate(body: BodyId, id: VideoId) -> Aggregate {
    Aggregate { body: body.0, kind: "identification", id: id.0 }
}

fn json(details: &Details) -> Result<String, DbError> {
    Ok(serde_json::to_string(details).map_err(|e| sqlx::Error::Encode(Box::new(e)))?)
}

/// Keeps a new request with its first event. False if the person has an open one.
pub async fn insert(tx: &mut Tx, record: &VideoRecord, event: &Event) -> Result<bool, VideoError> {
    let (video, details) = (&record.video, json(&record.video.details)?);
    let rows = on_db!(&mut *tx, |c| sqlx::query(
        "INSERT INTO video_identifications (id, body, person, state, meeting, requested_at,
             touched_at, version, details)
         VALUES ($1, $2, $3, $4, $5, $6, $6, 1, $7) ON CONFLICT DO NOTHING"
    )
    .bind(record.id.0)
    .bind(record.body.0)
    .bind(video.person.0)
    .bind(video.state.key())
    .bind(record.meeting)
    .bind(kept(video.requested_at))
    .bind(&details)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    if rows == 1 {
        journal::append(tx, aggregate(record.body, record.id), event, video.requested_at).await?;
    }
    Ok(rows == 1)
}

/// Writes a change with its event. [`VideoError::Changed`] if somebody else was faster.
pub async fn update(
    tx: &mut Tx,
    record: &VideoRecord,
    event: &Event,
    now: DateTime<Utc>,
) -> Result<(), VideoError> {
    let (video, details) = (&record.video, json(&record.video.details)?);
    let rows = on_db!(&mut *tx, |c| sqlx::query(
        "UPDATE video_identifications SET state = $3, operator = $4, room = $5,
             appointment_at = $6, touched_at = $7, ended_at = $8, details = $9,
             version = version + 1
         WHERE id = $1 AND version = $2"
    )
    .bind(record.id.0)
    .bind(record.version)
    .bind(video.state.key())
    .bind(video.operator.map(|o| o.0))
    .bind(video.room)
    .bind(video.appointment_at.map(kept))
    .bind(kept(video.touched_at))
    .bind(video.ended_at.map(kept))
    .bind(&details)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    if rows != 1 {
        return Err(VideoError::Changed);
    }
    if let Event::Taken { room, .. } = event {
        on_db!(&mut *tx, |c| sqlx::query(
            "INSERT INTO identification_rooms (room, body, identification) VALUES ($1, $2, $3)"
        )
        .bind(room)
        .bind(record.body.0)
        .bind(record.id.0)
        .execute(c)
        .await
        .map(drop))?;
    }
    journal::append(tx, aggregate(record.body, record.id), event, now).await?;
    Ok(())
}

/// One; nothing if it is another body's.
pub async fn read(db: &Db, body: BodyId, id: VideoId) -> Result<Option<VideoRecord>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM video_identifications WHERE body = $1 AND id = $2"
    )
    .bind(body.0)
    .bind(id.0)
    .fetch_optional(c)
    .await)?;
    row.map(Row::into_record).transpose()
}

/// The newest one of a person.
pub async fn newest(db: &Db, body: BodyId, person: UserId) -> Result<Option<VideoRecord>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM video_identifications WHERE body = $1 AND person = $2
         ORDER BY requested_at DESC, id DESC LIMIT 1"
    )
    .bind(body.0)
    .bind(person.0)
    .fetch_optional(c)
    .await)?;
    row.map(Row::into_record).transpose()
}

/// Everybody who waits or is in session: first who has an appointment, then who came first.
pub async fn queue(db: &Db, body: BodyId) -> Result<Vec<VideoRecord>, DbError> {
    records(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM video_identifications
         WHERE body = $1 AND state IN ('waiting', 'in_session')
         ORDER BY COALESCE(appointment_at, requested_at), id"
    )
    .bind(body.0)
    .fetch_all(c)
    .await)?)
}

/// The newest that came to an end.
pub async fn ended(db: &Db, body: BodyId, limit: i64) -> Result<Vec<VideoRecord>, DbError> {
    records(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM video_identifications WHERE body = $1 AND ended_at IS NOT NULL
         ORDER BY ended_at DESC, id DESC LIMIT $2"
    )
    .bind(body.0)
    .bind(limit)
    .fetch_all(c)
    .await)?)
}

/// Of every body: open ones in which nothing happened since.
pub async fn untouched(db: &Db, since: DateTime<Utc>) -> Result<Vec<VideoRecord>, DbError> {
    records(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM video_identifications
         WHERE state IN ('waiting', 'in_session') AND touched_at <= $1 ORDER BY touched_at LIMIT 500"
    )
    .bind(kept(since))
    .fetch_all(c)
    .await)?)
}

/// Of every body: ended ones whose document is still written down.
pub async fn to_erase(db: &Db, before: DateTime<Utc>) -> Result<Vec<VideoRecord>, DbError> {
    records(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM video_identifications
         WHERE ended_at <= $1 AND details LIKE '%\"document\":{%' ORDER BY ended_at LIMIT 500"
    )
    .bind(kept(before))
    .fetch_all(c)
    .await)?)
}

/// The evidence of one, oldest first.
pub async fn evidence(db: &Db, body: BodyId, id: VideoId) -> Result<Vec<Entry>, VideoError> {
    Ok(journal::load(db, aggregate(body, id)).await?)
}
