//! Accounts and profiles in the database.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{AccountState, Person, Profile, Role, UserId};
use crate::bodies::BodyId;
use crate::db::{Db, DbError, Tx, kept};
use crate::on_db;
use crate::organisations::OperatorId;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    username: String,
    given_name: String,
    surname: String,
    fiscal_code: String,
    email: String,
    mobile: String,
    state: String,
    created_at: DateTime<Utc>,
}

impl Row {
    fn into_person(self) -> Result<Person, DbError> {
        let state = self.state.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        Ok(Person {
            id: UserId(self.id),
            username: self.username,
            given_name: self.given_name,
            surname: self.surname,
            fiscal_code: self.fiscal_code,
            email: self.email,
            mobile: self.mobile,
            state,
            created_at: self.created_at,
        })
    }
}

fn people(rows: Vec<Row>) -> Result<Vec<Person>, DbError> {
    rows.into_iter().map(Row::into_person).collect()
}

/// Adds an account. False if the username is taken.
pub async fn insert(
    tx: &mut Tx,
    body: BodyId,
    person: &Person,
    password_hash: &str,
) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| {
        sqlx::query(
        "INSERT INTO users (id, body, username, password_hash, given_name, surname, fiscal_code,
             email, mobile, state, code_failures, password_failures, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, $11)
         ON CONFLICT (body, username) DO NOTHING"
    )
    .bind(person.id.0)
    .bind(body.0)
    .bind(&person.username)
    .bind(password_hash)
    .bind(&person.given_name)
    .bind(&person.surname)
    .bind(&person.fiscal_code)
    .bind(&person.email)
    .bind(&person.mobile)
    .bind(person.state.key())
    .bind(kept(person.created_at))
    .execute(c)
    .await
    .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Lets an account act as something more.
pub async fn add_profile(
    tx: &mut Tx,
    body: BodyId,
    user: UserId,
    profile: &Profile,
) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "INSERT INTO profiles (id, body, user_id, role, operator, aid_only)
         VALUES ($1, $2, $3, $4, $5, $6)"
    )
    .bind(profile.id)
    .bind(body.0)
    .bind(user.0)
    .bind(profile.role.key())
    .bind(profile.operator.map(|o| o.0))
    .bind(profile.aid_only)
    .execute(c)
    .await
    .map(drop))?)
}

/// One person; nothing if the account is another body's.
pub async fn person(db: &Db, body: BodyId, user: UserId) -> Result<Option<Person>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM users WHERE body = $1 AND id = $2"
    )
    .bind(body.0)
    .bind(user.0)
    .fetch_optional(c)
    .await)?;
    row.map(Row::into_person).transpose()
}

/// The person behind a username, matched exactly (R-ROLE-10), and the hash of the password.
pub async fn by_username(
    db: &Db,
    body: BodyId,
    username: &str,
) -> Result<Option<(Person, String)>, DbError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM users WHERE body = $1 AND username = $2"
    )
    .bind(body.0)
    .bind(username)
    .fetch_optional(c)
    .await)?;
    let Some(person) = row.map(Row::into_person).transpose()? else { return Ok(None) };
    let hash: String = on_db!(read db, |c| sqlx::query_scalar(
        "SELECT password_hash FROM users WHERE id = $1"
    )
    .bind(person.id.0)
    .fetch_one(c)
    .await)?;
    Ok(Some((person, hash)))
}

/// Everybody who may act in a role, by surname.
pub async fn persons_with_role(db: &Db, body: BodyId, role: Role) -> Result<Vec<Person>, DbError> {
    people(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM users WHERE body = $1
             AND id IN (SELECT user_id FROM profiles WHERE role = $2)
         ORDER BY surname, given_name, id"
    )
    .bind(body.0)
    .bind(role.key())
    .fetch_all(c)
    .await)?)
}

/// Everybody who may act in a role for an operator, by surname.
pub async fn persons_of_operator(
    db: &Db,
    body: BodyId,
    operator: OperatorId,
    role: Role,
) -> Result<Vec<Person>, DbError> {
    people(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM users WHERE body = $1
             AND id IN (SELECT user_id FROM profiles WHERE role = $2 AND operator = $3)
         ORDER BY surname, given_name, id"
    )
    .bind(body.0)
    .bind(role.key())
    .bind(operator.0)
    .fetch_all(c)
    .await)?)
}

/// [`person`], for a transaction that must not wait for a second connection.
pub async fn person_in(tx: &mut Tx, body: BodyId, user: UserId) -> Result<Option<Person>, DbError> {
    let row: Option<Row> =
        on_db!(tx, |c| sqlx::query_as("SELECT * FROM users WHERE body = $1 AND id = $2")
            .bind(body.0)
            .bind(user.0)
            .fetch_optional(c)
            .await)?;
    row.map(Row::into_person).transpose()
}

/// Everybody who may act in a role, for one operator where one is given, by surname; for a
/// transaction that must not wait for a second connection.
pub async fn acting_in(
    tx: &mut Tx,
    body: BodyId,
    role: Role,
    operator: Option<OperatorId>,
) -> Result<Vec<Person>, DbError> {
    people(on_db!(tx, |c| sqlx::query_as(
        "SELECT * FROM users WHERE body = $1 AND id IN
             (SELECT user_id FROM profiles WHERE role = $2 AND (operator = $3 OR $3 IS NULL))
         ORDER BY surname, given_name, id"
    )
    .bind(body.0)
    .bind(role.key())
    .bind(operator.map(|o| o.0))
    .fetch_all(c)
    .await)?)
}

/// Everybody with an account, by username.
pub async fn everybody(db: &Db, body: BodyId) -> Result<Vec<Person>, DbError> {
    people(on_db!(read db, |c| sqlx::query_as(
        "SELECT * FROM users WHERE body = $1 AND state <> 'guest' ORDER BY username, id"
    )
    .bind(body.0)
    .fetch_all(c)
    .await)?)
}

/// What a person may act as, in the order of the roles.
pub async fn profiles(db: &Db, body: BodyId, user: UserId) -> Result<Vec<Profile>, DbError> {
    let rows: Vec<(Uuid, String, Option<Uuid>, bool)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT id, role, operator, aid_only FROM profiles WHERE body = $1 AND user_id = $2
         ORDER BY id"
    )
    .bind(body.0)
    .bind(user.0)
    .fetch_all(c)
    .await)?;
    rows.into_iter()
        .map(|(id, role, operator, aid_only)| {
            let role = role.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
            Ok(Profile { id, role, operator: operator.map(OperatorId), aid_only })
        })
        .collect()
}

/// Whether a delegate is enabled for technical aid only: at least one profile as a delegate, and
/// none of them without that limit (R-ROLE-26).
pub async fn aid_only(db: &Db, body: BodyId, user: UserId) -> Result<bool, DbError> {
    let profiles = profiles(db, body, user).await?;
    let mut delegate = profiles.iter().filter(|p| p.role == Role::OperatorDelegate).peekable();
    Ok(delegate.peek().is_some() && delegate.all(|p| p.aid_only))
}

/// Counts a wrong password; the new state of the account.
pub async fn wrong_password(
    tx: &mut Tx,
    user: UserId,
    limit: i64,
) -> Result<AccountState, DbError> {
    failed(
        tx,
        user,
        limit,
        "UPDATE users SET password_failures = password_failures + 1,
             state = CASE WHEN password_failures + 1 >= $2 AND state = 'active'
                 THEN 'suspended' ELSE state END
         WHERE id = $1 RETURNING state",
    )
    .await
}

/// Counts a wrong one-time code; the new state of the account.
pub async fn wrong_code(tx: &mut Tx, user: UserId, limit: i64) -> Result<AccountState, DbError> {
    failed(
        tx,
        user,
        limit,
        "UPDATE users SET code_failures = code_failures + 1,
             state = CASE WHEN code_failures + 1 >= $2 AND state = 'active'
                 THEN 'blocked' ELSE state END
         WHERE id = $1 RETURNING state",
    )
    .await
}

async fn failed(
    tx: &mut Tx,
    user: UserId,
    limit: i64,
    update: &'static str,
) -> Result<AccountState, DbError> {
    let state: String =
        on_db!(tx, |c| sqlx::query_scalar(update).bind(user.0).bind(limit).fetch_one(c).await)?;
    Ok(state.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?)
}

/// Forgets wrong passwords: the right one came.
pub async fn right_password(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query("UPDATE users SET password_failures = 0 WHERE id = $1")
        .bind(user.0)
        .execute(c)
        .await
        .map(drop))?)
}

/// Forgets wrong codes: the right one came.
pub async fn right_code(tx: &mut Tx, user: UserId) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query("UPDATE users SET code_failures = 0 WHERE id = $1")
        .bind(user.0)
        .execute(c)
        .await
        .map(drop))?)
}

/// Makes an account usable again (R-LOG-06, R-ACC-60). False if there is none in this body.
pub async fn unlock(tx: &mut Tx, body: BodyId, user: UserId) -> Result<bool, DbError> {
    let rows = on_db!(tx, |c| sqlx::query(
        "UPDATE users SET state = 'active', password_failures = 0, code_failures = 0
         WHERE body = $1 AND id = $2 AND state <> 'guest'"
    )
    .bind(body.0)
    .bind(user.0)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows == 1)
}

/// Says that a person signs with a certificate of their own, or does not any more (R-MEET-08).
pub async fn set_own_signature(
    tx: &mut Tx,
    body: BodyId,
    user: UserId,
    own: bool,
) -> Result<(), DbError> {
    Ok(on_db!(tx, |c| sqlx::query(
        "UPDATE users SET own_signature = $3 WHERE body = $1 AND id = $2"
    )
    .bind(body.0)
    .bind(user.0)
    .bind(own)
    .execute(c)
    .await
    .map(drop))?)
}

/// Whether a person signs with a certificate of their own.
pub async fn own_signature(db: &Db, body: BodyId, user: UserId) -> Result<bool, DbError> {
    let own: Option<bool> = on_db!(read db, |c| sqlx::query_scalar(
        "SELECT own_signature FROM users WHERE body = $1 AND id = $2"
    )
    .bind(body.0)
    .bind(user.0)
    .fetch_optional(c)
    .await)?;
    Ok(own.unwrap_or(false))
}

/// Bodies in which somebody has this mobile, oldest account first.
pub async fn bodies_of_mobile(db: &Db, mobile: &str) -> Result<Vec<BodyId>, DbError> {
    let rows: Vec<(Uuid,)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT body FROM users WHERE mobile = $1 GROUP BY body ORDER BY MIN(created_at), body"
    )
    .bind(mobile)
    .fetch_all(c)
    .await)?;
    Ok(rows.into_iter().map(|(body,)| BodyId(body)).collect())
}
