//! Loads: many rooms at once, and what they cost the hub.

pub mod forwarding;
mod seats;

pub use seats::Seats;

use crate::browser::BrowserError;
use crate::crowd::CrowdError;
use crate::isolation::Isolation;
use crate::participant::{Entrance, Participant, StepError};
use crate::process::Process;
use crate::report::{Failure, LoadReport};
use crate::room::{Known, RequestError};
use crate::run::{RunError, local_address};
use crate::stamp::Canary;
use crate::story::StoryError;
use rand::Rng;
use serde::Serialize;
use signaling::protocol::{ClientMessage, RoomId, Session};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// For anything that should happen.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why a load stopped.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// People, meetings.
    #[error(transparent)]
    Story(#[from] StoryError),
    /// A page.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// A participant.
    #[error(transparent)]
    Step(#[from] StepError),
    /// A room's answer.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Media.
    #[error(transparent)]
    Crowd(#[from] CrowdError),
    /// What is there is not what should be.
    #[error("{0}")]
    Wrong(String),
}

/// Which load.
#[derive(Clone, Debug)]
pub enum Scenario {
    /// The cost of media.
    Forwarding(forwarding::Settings),
}

/// A load to run.
pub struct Load {
    /// Which.
    pub scenario: Scenario,
    /// The hub's origin, `http://host:port`.
    pub hub: String,
    /// Rooms instead of the scenario's.
    pub meetings: Option<u32>,
    /// Where documents and pictures go.
    pub save: Option<PathBuf>,
}

impl Load {
    /// Runs it; the report, whatever came of it.
    ///
    /// # Errors
    /// [`RunError`] when it could not be begun.
    pub async fn run(self, random: &mut impl Rng) -> Result<LoadReport, RunError> {
        let began = Instant::now();
        let hub = self.hub.trim_end_matches('/').to_owned();
        let from = local_address(&hub).await?;
        let port = hub.rsplit(':').next().and_then(|port| port.parse().ok());
        let target = Target { process: port.and_then(Process::listening), hub, from };
        let canary = Canary::new(random);
        let (name, done) = match self.scenario {
            Scenario::Forwarding(mut settings) => {
                if let Some(rooms) = self.meetings {
                    settings.shapes.truncate(1);
                    settings.shapes.iter_mut().for_each(|shape| shape.rooms = rooms as usize);
                }
                ("forwarding", findings(forwarding::run(&target, &settings, canary).await))
            }
        };
        let (found, failures) = done;
        Ok(LoadReport::new(name, began.elapsed(), failures, found))
    }
}

/// What a load that stopped found: nothing, and why.
fn findings<T: Serialize>(
    done: Result<(T, Vec<Failure>), LoadError>,
) -> (serde_json::Value, Vec<Failure>) {
    match done {
        Ok((found, failures)) => {
            (serde_json::to_value(found).expect("findings are plain structs"), failures)
        }
        Err(error) => {
            let failure =
                Failure { meeting: 0, step: "run".to_owned(), message: error.to_string() };
            (serde_json::Value::Object(Default::default()), vec![failure])
        }
    }
}

/// Where a load goes.
#[derive(Clone, Debug)]
pub struct Target {
    /// The hub's origin.
    pub hub: String,
    /// Its process, if it runs on this machine and may be looked at.
    pub process: Option<Process>,
    /// The local address that reaches it.
    pub from: IpAddr,
}

/// One room of a load, its people together in plenary. The first is the conciliator.
pub struct Table {
    /// The meeting.
    pub meeting: Uuid,
    /// What crossed sessions.
    pub isolation: Arc<Isolation>,
    /// Who sits at it.
    pub people: Vec<Participant>,
}

impl Table {
    /// Lets people in and begins the meeting.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn gather(
        target: &Target,
        seats: &Seats,
        meeting: Uuid,
        people: usize,
        canary: Canary,
        media: bool,
    ) -> Result<Self, LoadError> {
        let isolation = Arc::new(Isolation::new(RoomId(meeting)));
        let mut came = Vec::with_capacity(people);
        for seat in 0..people {
            let entrance = Entrance {
                name: format!("seat {seat}"),
                room: RoomId(meeting),
                from: target.from,
                canary,
                isolation: Arc::clone(&isolation),
                tickets: seats.tickets(meeting, seat)?,
                patience: PATIENCE,
            };
            came.push(match media {
                true => Participant::enter(entrance).await?,
                false => Participant::attend(entrance).await?,
            });
        }
        let table = Self { meeting, isolation, people: came };
        let conciliator = table.conciliator();
        let started = |known: &Known| known.view.as_ref().is_some_and(|view| view.started);
        conciliator.bring_about("start", |_| ClientMessage::Start, started).await?;
        let together = |known: &Known| {
            known.session == Some(Session::Plenary) && known.others().len() == people - 1
        };
        conciliator.bring_about("admission", |_| ClientMessage::AdmitAll, together).await?;
        for one in &table.people {
            one.until("plenary", together).await?;
        }
        Ok(table)
    }

    /// Who leads the meeting.
    pub fn conciliator(&self) -> &Participant {
        self.people.first().expect("a table has people")
    }

    /// The conciliator ends the meeting for all.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn end(&self) -> Result<(), LoadError> {
        let over = |known: &Known| known.ended.is_some();
        let ended = self.conciliator().bring_about("end", |_| ClientMessage::End, over).await;
        if !over(&self.conciliator().known()) {
            ended?;
        }
        Ok(())
    }
}
