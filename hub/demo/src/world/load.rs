//! Meetings for load tests: as many as are asked for, and their rooms are open.
//!
//! A room is open from a quarter of an hour before its meeting until the meeting ends, and nobody
//! sits in two meetings at once (R-MEET-04). So these meetings were fixed in the past, one after the
//! other, by the commands that fix every meeting: none of them has begun, all can be entered, and
//! the same few people have a seat in each. Seats, sign-in and join tokens are those of every other
//! meeting.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use portal::bodies;
use portal::meetings::commands::{self as meetings, Proposal};
use portal::meetings::{Mode, Slot, store};
use portal::portal::Portal;
use serde::Serialize;
use uuid::Uuid;

use super::people::{ACCOUNTS, PASSWORD};
use super::{StoryClock, WorldError, cases, people};

/// The shortest that the procedure has.
const MINUTES: u16 = 30;
/// So far back that the cases' terms have not run out.
const BACK: TimeDelta = TimeDelta::days(80);
/// Most meetings in one request: each takes some hundredths of a second.
const AT_ONCE: usize = 200;
/// Who has a seat, the conciliator first.
const SEATS: [&str; 5] =
    ["conciliatore", "cliente", "delegato.operatore", "ausilio", "delegato.cliente"];

/// What [`open`] made.
#[derive(Clone, Debug, Serialize)]
pub struct OpenMeetings {
    /// The meetings.
    pub meetings: Vec<Uuid>,
    /// Who has a seat in each of them, the conciliator first.
    pub people: Vec<Seated>,
}

/// Somebody with a seat.
#[derive(Clone, Debug, Serialize)]
pub struct Seated {
    /// Account.
    pub username: &'static str,
    /// Its password.
    pub password: &'static str,
    /// Where its codes go, E.164.
    pub mobile: String,
}

/// Makes `count` meetings in the demo's first body whose rooms can be entered at once.
///
/// # Errors
/// [`WorldError`] for more than can be made at once, and when the past has no room for more.
pub async fn open(portal: &Portal, count: usize) -> Result<OpenMeetings, WorldError> {
    if count > AT_ONCE {
        return Err(WorldError(format!("at most {AT_ONCE} meetings at once")));
    }
    let now = portal.now();
    let all = bodies::all(&portal.db).await.map_err(WorldError::of)?;
    let body = all.first().ok_or_else(|| WorldError("no body".to_owned()))?;
    let cast = people::cast(portal, body.clone()).await?;
    let mut tx = portal.db.begin().await.map_err(WorldError::of)?;
    let taken = Slot { starts_at: now - BACK, ends_at: now };
    let taken = store::pending_within(&mut tx, body.id, taken).await.map_err(WorldError::of)?;
    drop(tx);
    let first = taken.iter().map(|meeting| meeting.rules.slot.starts_at).min().unwrap_or(now);
    let first = first.min(now).duration_trunc(TimeDelta::minutes(1)).map_err(WorldError::of)?;
    let length = TimeDelta::minutes(MINUTES.into());
    let mut made = Vec::with_capacity(count);
    let mut starts_at = first;
    for _ in 0..count {
        starts_at -= length;
        if starts_at < now - BACK {
            return Err(WorldError("the past is full of meetings: begin a new demo".to_owned()));
        }
        made.push(convene(portal, &cast, starts_at).await?);
    }
    let people = SEATS.iter().filter_map(|name| ACCOUNTS.iter().find(|a| a.username == *name));
    let people = people.map(|account| Seated {
        username: account.username,
        password: PASSWORD,
        mobile: account.mobile(),
    });
    Ok(OpenMeetings { meetings: made, people: people.collect() })
}

async fn convene(
    portal: &Portal,
    cast: &people::Cast,
    starts_at: DateTime<Utc>,
) -> Result<Uuid, WorldError> {
    let clock = StoryClock(Arc::new(Mutex::new(starts_at - TimeDelta::days(1))));
    let past = portal.with_clock(Arc::new(clock));
    let case = cases::ready_to_meet(&past, cast).await?;
    let proposal = Proposal {
        starts_at,
        minutes: MINUTES,
        mode: Mode::VirtualRoom,
        conciliator: cast.conciliator.user,
    };
    let convened = meetings::convene(&past, &cast.staff, case, proposal).await;
    convened.map(|meeting| meeting.0).map_err(WorldError::of)
}
