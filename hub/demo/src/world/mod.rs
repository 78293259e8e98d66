//! The demo world: two bodies, their people, cases in every state, and a meeting that is about to
//! begin in each. Everything is made by the portal's own commands,
//! by a clock that runs through the last months.

mod cases;
pub mod load;
mod mediation;
mod minutes;
mod people;
mod powers;

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use portal::bodies;
use portal::clock::Clock;
use portal::meetings::commands::{self as meetings, Proposal};
use portal::meetings::{MeetingId, Mode, Slot, store};
use portal::portal::Portal;

pub use people::{ACCOUNTS, Account, HOSTS, MEDIATION, PASSWORD};

/// Why the demo world could not be made.
#[derive(Debug, thiserror::Error)]
#[error("demo world: {0}")]
pub struct WorldError(pub String);

impl WorldError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// A clock that is set by hand.
#[derive(Clone, Debug)]
struct StoryClock(Arc<Mutex<DateTime<Utc>>>);

impl StoryClock {
    /// Begins another story.
    fn restart(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// Moves on, never back.
    fn set(&self, to: DateTime<Utc>) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = to.max(*now);
    }
}

impl Clock for StoryClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the demo's past is.
const PAST: TimeDelta = TimeDelta::days(150);
/// From the start of the hub to the meeting.
const AHEAD: TimeDelta = TimeDelta::minutes(10);

/// Fills an empty installation; where there is one already, only sees to it that a meeting is about
/// to begin. Returns the meeting whose minutes [`sign`] puts to signature once the trust service
/// answers.
pub async fn fill(portal: &Portal) -> Result<Option<MeetingId>, WorldError> {
    let mut agreed = None;
    // An older demo has its people, and nobody's powers yet.
    powers::record_all(portal).await?;
    if bodies::all(&portal.db).await.map_err(WorldError::of)?.is_empty() {
        let now = portal.now();
        let clock = StoryClock(Arc::new(Mutex::new(now - PAST)));
        let past = portal.with_clock(Arc::new(clock.clone()));
        let conciliation = people::conciliation(&past).await?;
        // The older body is the one that serves hosts which are nobody's.
        clock.set(past.now() + TimeDelta::hours(1));
        people::mediation(&past).await?;
        powers::record_all(portal).await?;
        agreed = cases::tell(&past, &clock, &conciliation, now).await?;
    }
    meeting_ahead(portal).await?;
    let all = bodies::all(&portal.db).await.map_err(WorldError::of)?;
    if let Some(body) = all.iter().find(|body| body.procedure == "mediazione") {
        mediation::ahead(portal, body).await?;
    }
    Ok(agreed)
}

/// Everybody signs the agreement of a meeting that [`fill`] returned.
pub async fn sign(portal: &Portal, meeting: MeetingId) -> Result<(), WorldError> {
    let all = bodies::all(&portal.db).await.map_err(WorldError::of)?;
    let body = all.first().ok_or_else(|| WorldError("no body".to_owned()))?;
    let cast = people::cast(portal, body.clone()).await?;
    let conciliators = [&cast.conciliator, &cast.second_conciliator];
    minutes::put_to_signature(portal, body, conciliators, meeting).await?;
    minutes::sign(portal, body, meeting).await
}

/// A meeting in ten minutes, unless one is fixed for the next half hour.
async fn meeting_ahead(portal: &Portal) -> Result<(), WorldError> {
    let now = portal.now();
    let all = bodies::all(&portal.db).await.map_err(WorldError::of)?;
    let body = all.first().ok_or_else(|| WorldError("no body".to_owned()))?;
    let cast = people::cast(portal, body.clone()).await?;
    let mut tx = portal.db.begin().await.map_err(WorldError::of)?;
    let soon = Slot { starts_at: now, ends_at: now + AHEAD * 3 };
    let soon = store::pending_within(&mut tx, body.id, soon).await.map_err(WorldError::of)?;
    drop(tx);
    if !soon.is_empty() {
        return Ok(());
    }
    let case = cases::ready_to_meet(portal, &cast).await?;
    let starts_at = (now + AHEAD).duration_trunc(TimeDelta::minutes(1)).map_err(WorldError::of)?;
    let proposal = Proposal {
        starts_at,
        minutes: 60,
        mode: Mode::VirtualRoom,
        conciliator: cast.conciliator.user,
    };
    let convened = meetings::convene(portal, &cast.staff, case, proposal).await;
    convened.map(drop).map_err(WorldError::of)
}
