//! Who is authorised to identify by video (REQUIREMENTS §2: "if enabled").

use uuid::Uuid;

use super::VideoError;
use super::access::can_be_authorised;
use crate::accounts::{self, Actor, Person, Role, UserId};
use crate::bodies::BodyId;
use crate::db::{Db, DbError, kept};
use crate::on_db;
use crate::portal::Portal;

/// Whether an account is authorised.
pub async fn is_authorised(db: &Db, body: BodyId, user: UserId) -> Result<bool, DbError> {
    let found: Option<i64> = on_db!(read db, |c| sqlx::query_scalar(
        "SELECT CAST(1 AS BIGINT) FROM identification_operators WHERE body = $1 AND user_id = $2"
    )
    .bind(body.0)
    .bind(user.0)
    .fetch_optional(c)
    .await)?;
    Ok(found.is_some())
}

/// Everybody who is authorised.
pub async fn all(db: &Db, body: BodyId) -> Result<Vec<Person>, DbError> {
    let users: Vec<(Uuid,)> = on_db!(read db, |c| sqlx::query_as(
        "SELECT user_id FROM identification_operators WHERE body = $1 ORDER BY user_id"
    )
    .bind(body.0)
    .fetch_all(c)
    .await)?;
    let mut people = Vec::new();
    for (user,) in users {
        people.extend(accounts::store::person(db, body, UserId(user)).await?);
    }
    Ok(people)
}

/// The administrator enables or disables an account; only staff and conciliators can be enabled.
pub async fn authorise(
    portal: &Portal,
    administrator: &Actor,
    user: UserId,
    enabled: bool,
) -> Result<(), VideoError> {
    if administrator.role != Role::Administrator {
        return Err(VideoError::NotAllowed);
    }
    let body = administrator.body;
    let profiles = accounts::store::profiles(&portal.db, body, user).await?;
    if !profiles.iter().any(|profile| can_be_authorised(profile.role)) {
        return Err(VideoError::NotFound);
    }
    let mut tx = portal.db.begin().await?;
    if enabled {
        on_db!(&mut tx, |c| sqlx::query(
            "INSERT INTO identification_operators (body, user_id, authorised_by, authorised_at)
             VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
        )
        .bind(body.0)
        .bind(user.0)
        .bind(administrator.user.0)
        .bind(kept(portal.now()))
        .execute(c)
        .await
        .map(drop))?;
    } else {
        on_db!(&mut tx, |c| sqlx::query(
            "DELETE FROM identification_operators WHERE body = $1 AND user_id = $2"
        )
        .bind(body.0)
        .bind(user.0)
        .execute(c)
        .await
        .map(drop))?;
    }
    Ok(tx.commit().await?)
}
