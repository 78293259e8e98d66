//! Messages to people: written in the transaction that causes them, delivered later.
//!
//! A message's key makes it idempotent: an act that is repeated writes it once. Messages never
//! carry case content (R-NOTIFY-32); they link to the sign-in.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::bodies::BodyId;
use crate::db::{Db, DbError, Tx, kept};
use crate::on_db;
use crate::words::words;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// E-mail.
    Mail,
    /// SMS to a mobile.
    Sms,
}

words!(Channel { Mail = "mail"; Sms = "sms"; });

/// One message to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How.
    pub channel: Channel,
    /// E-mail address, or mobile in E.164 form.
    pub to: String,
    /// Empty for SMS.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// What makes it this message and no other, e.g. `convened/MEETING/USER`.
    pub key: String,
}

/// Puts a message into the outbox of `body`. False if it is there already, or if the person has no
/// such address.
pub async fn send(
    tx: &mut Tx,
    body: Uuid,
    id: Uuid,
    message: &Message,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    if message.to.is_empty() {
        return Ok(false);
    }
    let now = kept(now);
    let rows = on_db!(tx, |c| sqlx::query(
        "INSERT INTO outbox
             (id, body, channel, recipient, subject, text, key, created_at, tries, next_try)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $8) ON CONFLICT (body, key) DO NOTHING"
    )
    .bind(id)
    .bind(body)
    .bind(message.channel.key())
    .bind(&message.to)
    .bind(&message.subject)
    .bind(&message.text)
    .bind(&message.key)
    .bind(now)
    .execute(c)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(rows > 0)
}

/// A message as the outbox shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Sent {
    /// Which.
    pub id: Uuid,
    /// The word of its [`Channel`].
    pub channel: String,
    /// Recipient.
    #[serde(rename = "to")]
    pub recipient: String,
    /// Empty for SMS.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// The newest messages of a body, to one recipient unless `to` is empty, newest first.
pub async fn newest(db: &Db, body: BodyId, to: &str, limit: i64) -> Result<Vec<Sent>, DbError> {
    Ok(on_db!(read db, |c| sqlx::query_as(
        "SELECT id, channel, recipient, subject, text, created_at FROM outbox
         WHERE body = $1 AND (recipient = $2 OR $2 = '') ORDER BY created_at DESC, id DESC LIMIT $3"
    )
    .bind(body.0)
    .bind(to)
    .bind(limit)
    .fetch_all(c)
    .await)?)
}
