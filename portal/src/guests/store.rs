//! The rows of invitations and of the people of a case who have no account.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Invitation, rules};
use crate::accounts::UserId;
use crate::bodies::BodyId;
use crate::cases::CaseId;
use crate::db::{Db, DbError, Tx, kept};
use crate::meetings::MeetingId;
use crate::meetings::seats::Seated;
use crate::on_db;
use crate::procedures::SeatKind;
use crate::words::UnknownWord;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    body: Uuid,
    room: Uuid,
    case_id: Uuid,
    user_id: Uuid,
    seat: String,
    label: String,
    reason: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    codes_sent: i64,
    last_code_at: Option<DateTime<Utc>>,
    code_failures: i64,
}

fn damaged(error: UnknownWord) -> DbError {
    DbError::Sqlx(sqlx::Error::Decode(Box::new(error)))
}

impl Row {
    fn into_invitation(self) -> Result<Invitation, DbError> {
        Ok(Invitation {
            id: self.id,
            body: BodyId(self.body),
            room: self.room,
            case: CaseId(self.case_id),
            user: UserId(self.user_id),
            seat: self.seat.parse().map_err(damaged)?,
            label: self.label,
            reason: self.reason,
            created_at: self.created_at,
            expires_at: self.expires_at,
            codes_sent: self.codes_sent,
            last_code_at: self.last_code_at,
            code_failures: self.code_failures,
        })
    }
}

const COLUMNS: &str = "id, body, room, case_id, user_id, seat, label, reason, created_at, \
    expires_at, codes_sent, last_code_at, code_failures";

/// Writes an invitation whose link has this hash.
pub async fn insert(tx: &mut Tx, new: &Invitation, link: [u8; 32]) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "INSERT INTO invitations (id, body, room, case_id, user_id, seat, label, reason, link,
             created_at, expires_at, codes_sent, code_failures)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0)"
    )
    .bind(new.id)
    .bind(new.body.0)
    .bind(new.room)
    .bind(new.case.0)
    .bind(new.user.0)
    .bind(new.seat.key())
    .bind(&new.label)
    .bind(&new.reason)
    .bind(hex::encode(link))
    .bind(kept(new.created_at))
    .bind(kept(new.expires_at))
    .execute(c)
    .await
    .map(drop))?)
}

/// The invitation that stands and whose link or letter's code has this hash.
pub async fn by_secret(
    db: &Db,
    body: BodyId,
    secret: [u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<Invitation>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM invitations WHERE body = $1 AND (link = $2 OR letter = $2)
             AND ended_at IS NULL AND expires_at > $3"
    );
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(body.0)
        .bind(hex::encode(secret))
        .bind(kept(now))
        .fetch_optional(c)
        .await)?;
    row.map(Row::into_invitation).transpose()
}

/// The invitations to a room that stand.
pub async fn of_room(
    db: &Db,
    body: BodyId,
    room: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Invitation>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM invitations WHERE body = $1 AND room = $2 AND ended_at IS NULL
             AND expires_at > $3 ORDER BY created_at, id"
    );
    let rows: Vec<Row> = on_db!(read db, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(body.0)
        .bind(room)
        .bind(kept(now))
        .fetch_all(c)
        .await)?;
    rows.into_iter().map(Row::into_invitation).collect()
}

/// The invitation of a person to a room, if it stands.
pub async fn of_person(
    db: &Db,
    body: BodyId,
    room: Uuid,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<Option<Invitation>, DbError> {
    let all = of_room(db, body, room, now).await?;
    Ok(all.into_iter().find(|one| one.user == user))
}

/// Counts one more code. False if there were enough, or the last one is too fresh.
pub async fn count_code(tx: &mut Tx, id: Uuid, now: DateTime<Utc>) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE invitations SET codes_sent = codes_sent + 1, last_code_at = $2
         WHERE id = $1 AND codes_sent < $3 AND (last_code_at IS NULL OR last_code_at <= $4)"
    )
    .bind(id)
    .bind(kept(now))
    .bind(rules::CODES)
    .bind(kept(now - TimeDelta::seconds(rules::CODE_EVERY_S)))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Counts a wrong code; how many in a row it makes.
pub async fn wrong_code(tx: &mut Tx, id: Uuid) -> Result<i64, DbError> {
    Ok(on_db!(tx, |c| sqlx::query_scalar(
        "UPDATE invitations SET code_failures = code_failures + 1 WHERE id = $1
         RETURNING code_failures"
    )
    .bind(id)
    .fetch_one(c)
    .await)?)
}

/// Forgets wrong codes, as long as there were not too many. False if there were.
pub async fn right_code(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE invitations SET code_failures = 0
         WHERE id = $1 AND code_failures < $2 AND ended_at IS NULL"
    )
    .bind(id)
    .bind(rules::CODE_LIMIT)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// The code of the newest letter takes the place of an earlier one.
pub async fn set_letter(tx: &mut Tx, id: Uuid, letter: [u8; 32]) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query("UPDATE invitations SET letter = $2 WHERE id = $1")
        .bind(id)
        .bind(hex::encode(letter))
        .execute(c)
        .await
        .map(drop))?)
}

/// Ends the invitations to a room, all or one person's. Returns whose they were.
pub async fn end(
    tx: &mut Tx,
    room: Uuid,
    user: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<Vec<Invitation>, DbError> {
    let sql = format!(
        "UPDATE invitations SET ended_at = $2 WHERE room = $1 AND ended_at IS NULL
             AND (user_id = $3 OR $3 IS NULL) RETURNING {COLUMNS}"
    );
    let rows: Vec<Row> = on_db!(tx, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(room)
        .bind(kept(now))
        .bind(user.map(|u| u.0))
        .fetch_all(c)
        .await)?;
    rows.into_iter().map(Row::into_invitation).collect()
}

/// Ends every invitation of a person in a case.
pub async fn end_in_case(
    tx: &mut Tx,
    case: CaseId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "UPDATE invitations SET ended_at = $3
         WHERE case_id = $1 AND user_id = $2 AND ended_at IS NULL"
    )
    .bind(case.0)
    .bind(user.0)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?)
}

/// Meetings that are held in a room: its own, or those of the case that the standing room is of.
pub async fn meetings_of(
    db: &Db,
    body: BodyId,
    room: Uuid,
    case: CaseId,
) -> Result<Vec<MeetingId>, DbError> {
    let rows: Vec<(Uuid,)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT id FROM meetings WHERE body = $1 AND case_id = $2
             AND state NOT IN ('postponed', 'cancelled')
             AND (id = $3 OR EXISTS (SELECT 1 FROM standing_rooms s WHERE s.id = $3))
         ORDER BY starts_at DESC, id DESC"
    )
    .bind(body.0)
    .bind(case.0)
    .bind(room)
    .fetch_all(c)
    .await)?;
    Ok(rows.into_iter().map(|(id,)| MeetingId(id)).collect())
}

/// Adds a person without an account to a case. False if somebody has the seat.
pub async fn add_person(
    tx: &mut Tx,
    body: BodyId,
    case: CaseId,
    person: Seated,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "INSERT INTO case_persons (case_id, user_id, body, seat, added_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
    )
    .bind(case.0)
    .bind(person.user.0)
    .bind(body.0)
    .bind(person.seat.key())
    .bind(kept(now))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Takes a person off a case. False if there is no such person.
pub async fn remove_person(tx: &mut Tx, case: CaseId, user: UserId) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "DELETE FROM case_persons WHERE case_id = $1 AND user_id = $2"
    )
    .bind(case.0)
    .bind(user.0)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// The people of a case without an account, in the order they were named.
pub async fn persons(db: &Db, case: CaseId) -> Result<Vec<Seated>, DbError> {
    let rows: Vec<(Uuid, String)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT user_id, seat FROM case_persons WHERE case_id = $1 ORDER BY added_at, user_id"
    )
    .bind(case.0)
    .fetch_all(c)
    .await)?;
    seated(rows)
}

/// [`persons`], for a transaction that added one.
pub async fn persons_in(tx: &mut Tx, case: CaseId) -> Result<Vec<Seated>, DbError> {
    let rows: Vec<(Uuid, String)> = on_db!(tx, |c| sqlx::query_as(
        "SELECT user_id, seat FROM case_persons WHERE case_id = $1 ORDER BY added_at, user_id"
    )
    .bind(case.0)
    .fetch_all(c)
    .await)?;
    seated(rows)
}

fn seated(rows: Vec<(Uuid, String)>) -> Result<Vec<Seated>, DbError> {
    rows.into_iter()
        .map(|(user, seat)| {
            let seat: SeatKind = seat.parse().map_err(damaged)?;
            Ok(Seated { user: UserId(user), seat })
        })
        .collect()
}

/// Whether a person's invitation in a case was blocked by wrong codes.
pub async fn blocked(
    db: &Db,
    case: CaseId,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let count: i64 = on_db!(read db, |c| sqlx::query_scalar(
        "SELECT COUNT(*) FROM invitations WHERE case_id = $1 AND user_id = $2
             AND ended_at IS NULL AND expires_at > $3 AND code_failures >= $4"
    )
    .bind(case.0)
    .bind(user.0)
    .bind(kept(now))
    .bind(rules::CODE_LIMIT)
    .fetch_one(c)
    .await)?;
    Ok(count > 0)
}
