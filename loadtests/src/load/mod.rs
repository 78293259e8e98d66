//! Loads: many rooms at once, and what they cost the hub.

pub mod breakouts;
pub mod churn;
pub mod flaky;
pub mod forwarding;
pub mod rival;
mod seats;
pub mod signing;
pub mod sockets;

pub use seats::{Seats, Way};

use crate::browser::BrowserError;
use crate::chart::{Chart, Headline};
use crate::crowd::CrowdError;
use crate::isolation::Isolation;
use crate::participant::{Entrance, Participant, StepError};
use crate::process::Process;
use crate::report::{Failure, LoadReport};
use crate::room::{Known, RequestError, Tickets};
use crate::run::{RunError, local_address};
use crate::stamp::Canary;
use crate::story::StoryError;
use rand::Rng;
use serde::Serialize;
use signaling::protocol::{ClientMessage, RoomId, Session, Side};
use std::net::IpAddr;
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
    /// Very many sockets.
    Sockets(sockets::Settings),
    /// Constant moves.
    Breakouts(breakouts::Settings),
    /// Coming and going.
    Churn(churn::Settings),
    /// Torn sockets.
    Flaky(flaky::Settings),
    /// The cost of a signature.
    Signing(signing::Settings),
}

impl Scenario {
    /// As its file says.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Forwarding(_) => "forwarding",
            Self::Sockets(_) => "sockets",
            Self::Breakouts(_) => "breakouts",
            Self::Churn(_) => "churn",
            Self::Flaky(_) => "flaky",
            Self::Signing(_) => "signing",
        }
    }

    fn rooms(&self) -> usize {
        match self {
            Self::Forwarding(settings) => settings.rooms(),
            Self::Sockets(settings) => settings.rooms(),
            Self::Breakouts(settings) => settings.rooms,
            Self::Churn(settings) => settings.rooms,
            Self::Flaky(settings) => settings.rooms,
            Self::Signing(_) => 0,
        }
    }

    /// The same with another number of rooms.
    fn with_rooms(mut self, rooms: usize) -> Self {
        match &mut self {
            Self::Forwarding(settings) => {
                settings.shapes.truncate(1);
                settings.shapes.iter_mut().for_each(|shape| shape.rooms = rooms);
            }
            Self::Sockets(settings) => settings.sockets = rooms * settings.people,
            Self::Breakouts(settings) => settings.rooms = rooms,
            Self::Churn(settings) => settings.rooms = rooms,
            Self::Flaky(settings) => settings.rooms = rooms,
            Self::Signing(_) => {}
        }
        self
    }

    /// The same for another time.
    fn lasting(mut self, time: u64) -> Self {
        let (Self::Forwarding(forwarding::Settings { seconds, .. })
        | Self::Sockets(sockets::Settings { seconds, .. })
        | Self::Breakouts(breakouts::Settings { seconds, .. })
        | Self::Churn(churn::Settings { seconds, .. })
        | Self::Flaky(flaky::Settings { seconds, .. })
        | Self::Signing(signing::Settings { seconds, .. })) = &mut self;
        *seconds = time;
        self
    }
}

/// A load to run.
pub struct Load {
    /// Which.
    pub scenario: Scenario,
    /// The hub's origin, `http://host:port`.
    pub hub: String,
    /// Rooms instead of the scenario's.
    pub meetings: Option<u32>,
    /// Seconds instead of the scenario's.
    pub seconds: Option<u64>,
}

/// What a load came to.
pub struct Done {
    /// The load's own part of the report.
    pub findings: serde_json::Value,
    /// What went wrong.
    pub failures: Vec<Failure>,
    /// For the head of the page.
    pub headlines: Vec<Headline>,
    /// For the page.
    pub charts: Vec<Chart>,
}

impl Done {
    fn new(
        findings: &impl Serialize,
        failures: Vec<Failure>,
        headlines: Vec<Headline>,
        charts: Vec<Chart>,
    ) -> Result<Self, LoadError> {
        let findings = serde_json::to_value(findings)
            .map_err(|error| LoadError::Wrong(format!("the findings: {error}")))?;
        Ok(Self { findings, failures, headlines, charts })
    }

    /// A load that stopped found nothing but why.
    fn stopped(error: &LoadError) -> Self {
        tracing::error!(%error, "the load stopped");
        let (step, message) = ("run".to_owned(), error.to_string());
        Self {
            findings: serde_json::Value::Object(Default::default()),
            failures: vec![Failure { meeting: 0, step, message }],
            headlines: vec![],
            charts: vec![],
        }
    }
}

impl Load {
    /// Runs it; the report, whatever came of it, and the same as a page.
    ///
    /// # Errors
    /// [`RunError`] when it could not be begun.
    pub async fn run(self, random: &mut impl Rng) -> Result<(LoadReport, String), RunError> {
        let began = Instant::now();
        let hub = self.hub.trim_end_matches('/').to_owned();
        let from = local_address(&hub).await?;
        let port = hub.rsplit(':').next().and_then(|port| port.parse().ok());
        let target = Target { process: port.and_then(Process::listening), hub, from };
        let mut scenario = self.scenario;
        if let Some(rooms) = self.meetings {
            scenario = scenario.with_rooms(rooms as usize);
        }
        if let Some(seconds) = self.seconds {
            scenario = scenario.lasting(seconds);
        }
        let done = scenario.play(&target, Canary::new(random)).await;
        let done = done.unwrap_or_else(|error| Done::stopped(&error));
        let Done { findings, failures, headlines, charts } = done;
        let report = LoadReport::new(scenario.name(), began.elapsed(), failures, findings);
        let page = report.page(&headlines, &charts);
        Ok((report, page))
    }
}

impl Scenario {
    async fn play(&self, target: &Target, canary: Canary) -> Result<Done, LoadError> {
        let seats = async || Seats::prepare(&target.hub, self.rooms()).await;
        match self {
            Self::Forwarding(settings) => {
                forwarding::run(target, &seats().await?, settings, canary).await
            }
            Self::Sockets(settings) => {
                sockets::run(target, &seats().await?, settings, canary).await
            }
            Self::Breakouts(settings) => {
                breakouts::run(target, &seats().await?, settings, canary).await
            }
            Self::Churn(settings) => churn::run(target, &seats().await?, settings, canary).await,
            Self::Flaky(settings) => flaky::run(target, &seats().await?, settings, canary).await,
            Self::Signing(settings) => signing::run(target, settings).await,
        }
    }
}

/// A numbered chat line with the canary, and when it was written.
fn line(canary: Canary, number: u64, at_us: u64) -> String {
    format!("{} {number} {at_us}", canary.as_str())
}

/// When such a line was written.
fn spoken_at_us(line: &str) -> Option<u64> {
    line.rsplit(' ').next()?.parse().ok()
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
        let enter = async |seat: usize, tickets: Tickets| {
            let entrance = Entrance {
                name: format!("seat {seat}"),
                room: RoomId(meeting),
                from: target.from,
                canary,
                isolation: Arc::clone(&isolation),
                tickets,
                patience: PATIENCE,
            };
            match media {
                true => Participant::enter(entrance).await,
                false => Participant::attend(entrance).await,
            }
        };
        let mut came = Vec::with_capacity(people);
        for seat in 0..people.min(seats.people()) {
            came.push(enter(seat, seats.tickets(meeting, seat)?).await?);
        }
        let started = |known: &Known| known.view.as_ref().is_some_and(|view| view.started);
        let conciliator = came.first().ok_or_else(|| LoadError::Wrong("no people".to_owned()))?;
        conciliator.bring_about("start", |_| ClientMessage::Start, started).await?;
        // Whom the meeting has no seat for comes as a guest.
        for seat in came.len()..people {
            let guest = seats.invite(&came[0], meeting, Side::Convened).await?;
            came.push(enter(seat, guest).await?);
        }
        let table = Self { meeting, isolation, people: came };
        let conciliator = table.conciliator();
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
