//! What a stop left behind: attempts that nobody leads any more, and what is overdue.

use chrono::{DateTime, TimeDelta, Utc};
use signing::process::{AttemptId, Input};

use super::apply::{finish, tell};
use super::attempts::AttemptRow;
use super::steps::{changed, locked};
use super::store::{ProcessRow, Who};
use super::{SignatureError, attempts, ending, store, waiting};
use crate::accounts::UserId;
use crate::portal::Portal;

/// A signature that was given in time is waited for so long after the term.
const GRACE: TimeDelta = TimeDelta::hours(1);

/// Takes up attempts that nobody leads any more: a signature that was given is finished, anything
/// else is closed. Attempts whose lease ran out, or that began before `stopped`, are nobody's.
pub async fn settle(
    portal: &Portal,
    row: &ProcessRow,
    stopped: Option<DateTime<Utc>>,
) -> Result<(), SignatureError> {
    for attempt in attempts::running_attempts(&portal.db, row.id).await? {
        let process = store::replay(&portal.db, row).await?;
        let lease = process.lease().filter(|lease| lease.attempt.0 == attempt.id);
        let orphan = stopped.is_some_and(|at| attempt.started_at < at);
        if !orphan && lease.is_some_and(|lease| portal.now() < lease.until) {
            continue;
        }
        let person = process.signer(&attempt.field).map(|state| UserId(state.signer.person));
        let who = Who { user: person, address: None };
        if attempt.signature.is_some() {
            match finish(portal, row, &attempt, who).await {
                Err(SignatureError::Refused(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        } else {
            close(portal, row, &attempt, who).await?;
        }
    }
    Ok(())
}

/// Closes an attempt that nobody leads, unless its signature came after all.
async fn close(
    portal: &Portal,
    row: &ProcessRow,
    attempt: &AttemptRow,
    who: Who,
) -> Result<(), SignatureError> {
    let mut tx = portal.db.begin().await?;
    let mut locked = locked(&mut tx, row).await?;
    if !attempts::end_unsigned(&mut tx, attempt.id, portal.now()).await? {
        return Ok(());
    }
    let reason = "interrupted".to_owned();
    let input = Input::AttemptFailed { attempt: AttemptId(attempt.id), reason };
    tell(&mut tx, &mut locked, input, portal.now(), who).await?;
    tx.commit().await?;
    changed(portal, row);
    Ok(())
}

/// Takes up what a stop left behind and ends what is overdue, in every body; to be called again and
/// again. `stopped`: when every other process that served this database had stopped.
pub async fn resume_all(
    portal: &Portal,
    stopped: Option<DateTime<Utc>>,
) -> Result<(), SignatureError> {
    for row in waiting::interrupted(&portal.db).await? {
        if let Err(error) = settle(portal, &row, stopped).await {
            tracing::warn!(process = %row.id, %error, "a signature still waits");
        }
    }
    let now = portal.now();
    for row in waiting::overdue(&portal.db, now, now - GRACE).await? {
        if let Err(error) = ending::expire(portal, &row).await {
            tracing::error!(process = %row.id, %error, "a process does not expire");
        }
    }
    Ok(())
}

/// Whether a signature of this signer was given and waits for its time stamp.
pub async fn waits(portal: &Portal, row: &ProcessRow, field: &str) -> Result<bool, SignatureError> {
    let attempts = attempts::running_attempts(&portal.db, row.id).await?;
    Ok(attempts.iter().any(|attempt| attempt.field == field && attempt.signature.is_some()))
}
