//! Sessions: a cookie whose hash is a row.
//!
//! A session begins after the password, without rights. The right one-time code gives it a new
//! token (so that one that was planted before is worth nothing), a chosen profile gives it rights.
//! A guest's session begins with an invitation instead of a password ([`crate::guests`]).

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Actor, Role, UserId};
use crate::bodies::BodyId;
use crate::cases::CaseId;
use crate::db::{Db, DbError, Tx, kept};
use crate::guests::{self, Guest};
use crate::on_db;
use crate::organisations::OperatorId;

/// How stale `last_seen` may be: reading a page must not cost a write each time.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);
/// A sign-in that is not finished by then begins again.
const SIGN_IN_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// A session on its way from the password to the profile.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Pending {
    /// Whose.
    pub user_id: Uuid,
    /// Hash of the code that was sent.
    pub code_hash: Option<Vec<u8>>,
    /// When that code ends.
    pub code_expires: Option<DateTime<Utc>>,
    /// How often a code was sent again (R-LOG-04).
    pub resends: i32,
    /// The code was right.
    pub authenticated_at: Option<DateTime<Utc>>,
    /// Last request.
    pub last_seen: DateTime<Utc>,
}

/// Begins a session without rights; `invitation`: of a guest.
pub async fn begin(
    tx: &mut Tx,
    body: BodyId,
    user: UserId,
    invitation: Option<Uuid>,
    token: [u8; 32],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "INSERT INTO sessions (token, body, user_id, invitation, resends, last_seen)
         VALUES ($1, $2, $3, $4, 0, $5)"
    )
    .bind(token.as_slice())
    .bind(body.0)
    .bind(user.0)
    .bind(invitation)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?)
}

/// Sets the code that is expected next.
pub async fn expect_code(
    tx: &mut Tx,
    token: [u8; 32],
    code: [u8; 32],
    expires: DateTime<Utc>,
    resends: i32,
) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "UPDATE sessions SET code_hash = $2, code_expires = $3, resends = $4 WHERE token = $1"
    )
    .bind(token.as_slice())
    .bind(code.as_slice())
    .bind(kept(expires))
    .bind(resends)
    .execute(c)
    .await
    .map(drop))?)
}

/// The session that a cookie names and that has no rights yet; `invitation`: of that guest, else of
/// somebody with an account.
pub async fn pending(
    db: &Db,
    body: BodyId,
    invitation: Option<Uuid>,
    token: [u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<Pending>, DbError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT user_id, code_hash, code_expires, resends, authenticated_at, last_seen
         FROM sessions WHERE token = $1 AND body = $2 AND profile IS NULL AND last_seen > $3
             AND (invitation = $4 OR (invitation IS NULL AND $4 IS NULL))"
    )
    .bind(token.as_slice())
    .bind(body.0)
    .bind(kept(now - SIGN_IN_WITHIN))
    .bind(invitation)
    .fetch_optional(c)
    .await)?)
}

/// The code was right: the session gets a new token and, if there is only one to choose from, its
/// profile. False if somebody else was faster with the same code.
pub async fn authenticate(
    tx: &mut Tx,
    old: [u8; 32],
    new: [u8; 32],
    profile: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE sessions SET token = $2, profile = $3, authenticated_at = $4, last_seen = $4,
             code_hash = NULL, code_expires = NULL
         WHERE token = $1 AND code_hash IS NOT NULL"
    )
    .bind(old.as_slice())
    .bind(new.as_slice())
    .bind(profile)
    .bind(kept(now))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Acts as another profile from now on (R-LOG-17). False if it is not one of the person's.
pub async fn choose(
    tx: &mut Tx,
    body: BodyId,
    token: [u8; 32],
    profile: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE sessions SET profile = $3, last_seen = $4
         WHERE token = $1 AND body = $2 AND authenticated_at IS NOT NULL
             AND user_id IN (SELECT user_id FROM profiles WHERE id = $3 AND body = $2)"
    )
    .bind(token.as_slice())
    .bind(body.0)
    .bind(profile)
    .bind(kept(now))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

#[derive(sqlx::FromRow)]
struct Row {
    user_id: Uuid,
    given_name: String,
    surname: String,
    role: String,
    operator: Option<Uuid>,
    last_seen: DateTime<Utc>,
}

/// The person behind a cookie, acting. Nothing for a session that is unknown, idle for longer than
/// `idle`, of another body, or of an account that was locked since.
pub async fn actor(
    db: &Db,
    body: BodyId,
    token: [u8; 32],
    idle: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<Actor>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT s.user_id, u.given_name, u.surname, p.role, p.operator, s.last_seen
         FROM sessions s JOIN users u ON u.id = s.user_id JOIN profiles p ON p.id = s.profile
         WHERE s.token = $1 AND s.body = $2 AND s.last_seen > $3 AND u.state = 'active'"
    )
    .bind(token.as_slice())
    .bind(body.0)
    .bind(kept(now - idle))
    .fetch_optional(c)
    .await)?;
    let Some(row) = row else { return guest(db, body, token, idle, now).await };
    seen(db, token, row.last_seen, now).await?;
    let role = row.role.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
    Ok(Some(Actor {
        body,
        user: UserId(row.user_id),
        name: format!("{} {}", row.given_name, row.surname),
        role,
        operator: row.operator.map(OperatorId),
        sectors: Vec::new(),
        guest: None,
    }))
}

#[derive(sqlx::FromRow)]
struct GuestRow {
    user_id: Uuid,
    given_name: String,
    surname: String,
    last_seen: DateTime<Utc>,
    invitation: Uuid,
    room: Uuid,
    case_id: Uuid,
    seat: String,
}

/// The guest behind a cookie (R-MEET-46), as long as the invitation stands.
async fn guest(
    db: &Db,
    body: BodyId,
    token: [u8; 32],
    idle: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<Actor>, DbError> {
    let row: Option<GuestRow> = on_db!(read db, |c| sqlx::query_as(
        "SELECT s.user_id, u.given_name, u.surname, s.last_seen, i.id AS invitation, i.room,
             i.case_id, i.seat
         FROM sessions s JOIN users u ON u.id = s.user_id JOIN invitations i ON i.id = s.invitation
         WHERE s.token = $1 AND s.body = $2 AND s.last_seen > $3 AND u.state = 'guest'
             AND s.authenticated_at IS NOT NULL AND i.ended_at IS NULL AND i.expires_at > $4"
    )
    .bind(token.as_slice())
    .bind(body.0)
    .bind(kept(now - idle))
    .bind(kept(now))
    .fetch_optional(c)
    .await)?;
    let Some(row) = row else { return Ok(None) };
    seen(db, token, row.last_seen, now).await?;
    let seat = row.seat.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
    let case = CaseId(row.case_id);
    Ok(Some(Actor {
        body,
        user: UserId(row.user_id),
        name: format!("{} {}", row.given_name, row.surname),
        role: Role::Guest,
        operator: None,
        sectors: Vec::new(),
        guest: Some(Guest {
            invitation: row.invitation,
            room: row.room,
            case,
            seat,
            meetings: guests::store::meetings_of(db, body, row.room, case).await?,
        }),
    }))
}

/// Notes that a session was used.
async fn seen(
    db: &Db,
    token: [u8; 32],
    last: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if now - last <= SEEN_EVERY {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query("UPDATE sessions SET last_seen = $2 WHERE token = $1")
        .bind(token.as_slice())
        .bind(kept(now))
        .execute(c)
        .await
        .map(drop))?;
    tx.commit().await
}

/// Keeps the sessions of people who sit in a room: its idle limit is suspended (R-LOG-16).
pub async fn keep(
    db: &Db,
    users: &[UserId],
    idle: TimeDelta,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    for user in users {
        on_db!(&mut tx, |c| {
            sqlx::query(
            "UPDATE sessions SET last_seen = $2 WHERE user_id = $1
                 AND (profile IS NOT NULL OR (invitation IS NOT NULL AND authenticated_at IS NOT NULL))
                 AND last_seen < $2 AND last_seen > $3"
        )
        .bind(user.0)
        .bind(kept(now))
        .bind(kept(now - idle))
        .execute(c)
        .await
        .map(drop)
        })?;
    }
    tx.commit().await
}

/// Ends a session.
pub async fn end(tx: &mut Tx, token: [u8; 32]) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query("DELETE FROM sessions WHERE token = $1")
        .bind(token.as_slice())
        .execute(c)
        .await
        .map(drop))?)
}

/// Removes sessions that cannot be used any more.
pub async fn sweep(db: &Db, idle: TimeDelta, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query("DELETE FROM sessions WHERE last_seen < $1")
        .bind(kept(now - idle.max(SIGN_IN_WITHIN)))
        .execute(c)
        .await
        .map(drop))?;
    tx.commit().await
}
