//! Identifications of people (R-SIGN-06…15): kept for the account, used by every later process.

use chrono::{DateTime, TimeDelta, Utc};
use signing::process::{Identification, Method};
use uuid::Uuid;

use super::{SignatureError, ports::Identified};
use crate::{
    accounts::UserId,
    db::{Db, Tx, kept},
    on_db,
};

/// How long a person may stay at the identity provider.
const ROUND_TRIP: TimeDelta = TimeDelta::minutes(15);

#[derive(sqlx::FromRow)]
struct Row {
    method: String,
    identified_at: DateTime<Utc>,
    reference: String,
}

/// The newest identification of a person, if there is one (R-SIGN-08).
pub async fn of(
    db: &Db,
    body: Uuid,
    person: UserId,
) -> Result<Option<Identification>, SignatureError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT method, identified_at, reference FROM identifications
         WHERE body = $1 AND person = $2 ORDER BY identified_at DESC LIMIT 1"
    )
    .bind(body)
    .bind(person.0)
    .fetch_optional(c)
    .await)?;
    row.map(|row| {
        let method = method(&row.method).ok_or(SignatureError::Damaged("an identification"))?;
        Ok(Identification { method, at: row.identified_at, reference: row.reference })
    })
    .transpose()
}

/// Keeps an identification (R-SIGN-21).
pub async fn keep(
    tx: &mut Tx,
    id: Uuid,
    body: Uuid,
    person: UserId,
    identified: &Identified,
) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO identifications (id, body, person, method, identified_at, reference)
         VALUES ($1, $2, $3, $4, $5, $6)"
    )
    .bind(id)
    .bind(body)
    .bind(person.0)
    .bind(identified.method.as_str())
    .bind(kept(identified.at))
    .bind(&identified.reference)
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// Remembers that a person was sent to the identity provider from a meeting's page.
pub async fn ask(
    tx: &mut Tx,
    state: &str,
    body: Uuid,
    person: UserId,
    meeting: Uuid,
    now: DateTime<Utc>,
) -> Result<(), SignatureError> {
    on_db!(tx, |c| sqlx::query(
        "INSERT INTO identification_requests (state, body, person, meeting, requested_at)
         VALUES ($1, $2, $3, $4, $5)"
    )
    .bind(state)
    .bind(body)
    .bind(person.0)
    .bind(meeting)
    .bind(kept(now))
    .execute(c)
    .await
    .map(drop))?;
    Ok(())
}

/// Whether `state` was given to this person for this meeting a short while ago; true once.
pub async fn returns(
    tx: &mut Tx,
    state: &str,
    body: Uuid,
    person: UserId,
    meeting: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, SignatureError> {
    let used = on_db!(tx, |c| sqlx::query(
        "UPDATE identification_requests SET used_at = $5
         WHERE state = $1 AND body = $2 AND person = $3 AND meeting = $4 AND used_at IS NULL
             AND requested_at > $6"
    )
    .bind(state)
    .bind(body)
    .bind(person.0)
    .bind(meeting)
    .bind(kept(now))
    .bind(kept(now - ROUND_TRIP))
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(used == 1)
}

/// Forgets round trips that are over.
pub async fn sweep(db: &Db, now: DateTime<Utc>) -> Result<(), SignatureError> {
    let mut tx = db.begin().await?;
    on_db!(&mut tx, |c| sqlx::query(
        "DELETE FROM identification_requests WHERE requested_at <= $1"
    )
    .bind(kept(now - ROUND_TRIP))
    .execute(c)
    .await
    .map(drop))?;
    tx.commit().await?;
    Ok(())
}

fn method(word: &str) -> Option<Method> {
    [Method::Spid, Method::Cie, Method::Video].into_iter().find(|method| method.as_str() == word)
}
