//! Identifications of people (R-SIGN-06…15): kept for the account, used by every later process.

use chrono::{DateTime, TimeDelta, Utc};
use signing::process::{Identification, Method};
use uuid::Uuid;

use super::SignatureError;
use crate::{
    accounts::UserId,
    calendar,
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

/// The newest identification of a person that still counts, if there is one (R-SIGN-08, R-MEET-33).
pub async fn of(
    db: &Db,
    body: Uuid,
    person: UserId,
    now: DateTime<Utc>,
) -> Result<Option<Identification>, SignatureError> {
    let row: Option<Row> = on_db!(read db, |c| sqlx::query_as(
        "SELECT method, identified_at, reference FROM identifications
         WHERE body = $1 AND person = $2 AND (expires_at IS NULL OR expires_at > $3)
         ORDER BY identified_at DESC LIMIT 1"
    )
    .bind(body)
    .bind(person.0)
    .bind(kept(now))
    .fetch_optional(c)
    .await)?;
    row.map(|row| {
        let method = method(&row.method).ok_or(SignatureError::Damaged("an identification"))?;
        Ok(Identification { method, at: row.identified_at, reference: row.reference })
    })
    .transpose()
}

/// An identification as the profile shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How, in words.
    pub method: &'static str,
    /// When.
    pub at: DateTime<Utc>,
    /// Until when; those from before identifications ended have no end.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Standing {
    /// Day of the identification.
    pub fn since(&self) -> String {
        calendar::show_day(calendar::day_of(self.at))
    }

    /// Last day of the identification.
    pub fn until(&self) -> Option<String> {
        self.expires_at.map(|end| calendar::show_day(calendar::day_of(end)))
    }
}

/// The identification that counts, for the profile (R-MEET-33).
pub async fn standing(
    db: &Db,
    body: Uuid,
    person: UserId,
    now: DateTime<Utc>,
) -> Result<Option<Standing>, SignatureError> {
    let row: Option<(String, DateTime<Utc>, Option<DateTime<Utc>>)> = on_db!(read db, |c| sqlx::query_as(
            "SELECT method, identified_at, expires_at FROM identifications
             WHERE body = $1 AND person = $2 AND (expires_at IS NULL OR expires_at > $3)
             ORDER BY identified_at DESC LIMIT 1"
        )
        .bind(body)
        .bind(person.0)
        .bind(kept(now))
        .fetch_optional(c)
        .await)?;
    row.map(|(word, at, expires_at)| {
        let method = match method(&word).ok_or(SignatureError::Damaged("an identification"))? {
            Method::Spid => "SPID",
            Method::Cie => "CIE",
            Method::Video => "VISI (video-identificazione)",
        };
        Ok(Standing { method, at, expires_at })
    })
    .transpose()
}

/// Keeps an identification (R-SIGN-21) until it ends (R-MEET-33).
pub async fn keep(
    tx: &mut Tx,
    id: Uuid,
    body: Uuid,
    person: UserId,
    identification: &Identification,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(), SignatureError> {
    on_db!(tx, |c| {
        sqlx::query(
        "INSERT INTO identifications (id, body, person, method, identified_at, reference, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)"
    )
    .bind(id)
    .bind(body)
    .bind(person.0)
    .bind(identification.method.as_str())
    .bind(kept(identification.at))
    .bind(&identification.reference)
    .bind(expires_at.map(kept))
    .execute(c)
    .await
    .map(drop)
    })?;
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
