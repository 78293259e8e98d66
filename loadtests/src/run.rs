//! A whole run: many meetings beside each other against one hub.

use crate::browser::{Browser, BrowserError};
use crate::report::{Measured, Outcome, Report};
use crate::scenario::WholeMeeting;
use crate::stamp::Canary;
use crate::story::{Cast, Pause, Staff, Stage, Story, StoryError};
use futures::future::join_all;
use rand::Rng;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// What to run.
pub struct Plan {
    /// The scenario.
    pub scenario: WholeMeeting,
    /// The hub's origin, `http://host:port`.
    pub hub: String,
    /// How many meetings beside each other.
    pub meetings: u32,
    /// Where documents and logs go.
    pub save: Option<PathBuf>,
    /// Where the story waits.
    pub pause: Option<Pause>,
}

/// Why a run did not even begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The hub's address.
    #[error("{0} is no address of a hub: it must be http://HOST:PORT")]
    Address(String),
    /// The network.
    #[error("{hub} cannot be reached: {error}")]
    Unreachable {
        /// The hub.
        hub: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The people who prepare meetings could not sign in.
    #[error("the people of the demo world: {0}")]
    Staff(#[from] StoryError),
    /// The root certificate.
    #[error("the demo root: {0}")]
    Root(#[from] BrowserError),
    /// A file that should be saved.
    #[error("saving into {folder}: {error}")]
    Save {
        /// Where.
        folder: String,
        /// What the system said.
        error: std::io::Error,
    },
}

impl Plan {
    /// Plays all meetings; the report, whatever came of them.
    ///
    /// # Errors
    /// [`RunError`] when none could be begun.
    pub async fn run(self, random: &mut impl Rng) -> Result<Report, RunError> {
        let began = Instant::now();
        let Self { scenario, hub, meetings, save, pause } = self;
        let hub = hub.trim_end_matches('/').to_owned();
        let from = local_address(&hub).await?;
        if let Some(folder) = &save {
            save_root(&hub, folder).await?;
        }
        let patience = scenario.pace.patience();
        let staff = Staff::sign_in(&hub, &scenario.world, patience).await?;
        let canary = Canary::new(random);
        let measured = Measured::default();
        let stage = Stage { scenario, hub, staff, canary, measured, save, pause, from };
        let stage = Arc::new(stage);
        let casts: Vec<Cast> = (0..meetings)
            .map(|_| Cast::new(&stage.hub, &stage.scenario.people.password, random))
            .collect();
        let stories = (0..meetings).zip(casts).map(|(number, cast)| {
            let stage = Arc::clone(&stage);
            async move {
                sleep(stage.scenario.pace.stagger() * number).await;
                Story::play(stage, number + 1, cast).await
            }
        });
        let outcomes: Vec<Outcome> = join_all(stories).await;
        Ok(Report::new(
            "whole-meeting",
            canary.as_str(),
            began.elapsed(),
            &outcomes,
            &stage.measured,
        ))
    }
}

async fn save_root(hub: &str, folder: &PathBuf) -> Result<(), RunError> {
    let failed = |error| RunError::Save { folder: folder.display().to_string(), error };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let root = Browser::new(hub).download("/demo/qtsp/root.pem").await?;
    std::fs::write(folder.join("demo-root.pem"), root).map_err(failed)
}

/// The local address from which the hub is reached: media come from there.
pub(crate) async fn local_address(hub: &str) -> Result<IpAddr, RunError> {
    let place = hub.strip_prefix("http://").or_else(|| hub.strip_prefix("https://"));
    let place = place.ok_or_else(|| RunError::Address(hub.to_owned()))?;
    let failed = |error| RunError::Unreachable { hub: hub.to_owned(), error };
    let mut found = tokio::net::lookup_host(place).await.map_err(failed)?;
    let address = found.next().ok_or_else(|| RunError::Address(hub.to_owned()))?;
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).map_err(failed)?;
    // Nothing is sent: the system only chooses the way.
    socket.connect(address).map_err(failed)?;
    Ok(socket.local_addr().map_err(failed)?.ip())
}
