//! The story of one meeting of four, from the accounts to the signed minutes.

mod files;
mod logs;
mod minutes;
mod people;
mod prepare;
mod talk;

pub use people::{Cast, Desk, Staff};
pub(crate) use talk::tickets;

use crate::browser::BrowserError;
use crate::clock::now_ms;
use crate::isolation::Isolation;
use crate::outbox::OutboxError;
use crate::participant::{Participant, StepError};
use crate::report::{Failure, Figure, Measured, Outcome};
use crate::scenario::WholeMeeting;
use crate::stamp::Canary;
use logs::Closing;
use signaling::protocol::RoomId;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

const PAUSE: Duration = Duration::from_millis(200);

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Step {
    /// The administrator makes the four accounts.
    Accounts,
    /// The case is taken in, admitted, adhered to.
    Case,
    /// The secretariat convenes the meeting; everybody gets mail.
    Convening,
    /// The four sign in.
    Login,
    /// They come into the lobby.
    Join,
    /// The conciliator starts and admits; everybody hears and sees everybody.
    Plenary,
    /// Client and conciliator go aside.
    Breakout,
    /// Sockets are lost and resumed.
    Resume,
    /// All come back to plenary.
    Recall,
    /// A page is loaded again.
    Reload,
    /// The conciliator writes the minutes and shows them.
    Minutes,
    /// The minutes are frozen and put to signature.
    Freeze,
    /// The client signs.
    Signatures,
    /// The operator's delegate and the conciliator sign.
    FurtherSignatures,
    /// The signed document is in the case.
    Document,
    /// The conciliator ends the meeting.
    End,
    /// Attendance and evidence are read.
    Logs,
}

/// Why a story did not go on.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// A page.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// A message that was waited for.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The room.
    #[error(transparent)]
    Room(#[from] StepError),
    /// What is there is not what should be.
    #[error("{0}")]
    Wrong(String),
    /// A file that should be saved.
    #[error("saving {path}: {error}")]
    Save {
        /// Which.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
}

impl StoryError {
    /// Looking again and trying again may help.
    fn passing(&self) -> bool {
        match self {
            Self::Browser(error) | Self::Outbox(OutboxError::Browser(error)) => error.passing(),
            _ => false,
        }
    }
}

/// A step before which every meeting waits until a file is there.
#[derive(Clone, Debug)]
pub struct Pause {
    /// Before which.
    pub at: Step,
    /// Whose appearance lets it go on. While a meeting waits, `FILE.waiting` is there.
    pub file: PathBuf,
}

/// What all meetings of a run share.
pub struct Stage {
    /// What is played.
    pub scenario: WholeMeeting,
    /// The hub's origin.
    pub hub: String,
    /// People of the demo world, signed in.
    pub staff: Staff,
    /// The run's canary.
    pub canary: Canary,
    /// All durations.
    pub measured: Measured,
    /// Where documents and logs go.
    pub save: Option<PathBuf>,
    /// Where the story waits.
    pub pause: Option<Pause>,
    /// The local address that reaches the hub.
    pub from: std::net::IpAddr,
}

/// One meeting as it is played.
pub struct Story {
    stage: Arc<Stage>,
    /// Its number in the run, from 1.
    number: u32,
    cast: Cast,
    case: String,
    meeting: Uuid,
    isolation: Arc<Isolation>,
    table: Option<Table>,
    signed_documents: u64,
    closing: Closing,
}

/// The four at the meeting.
struct Table {
    conciliator: Participant,
    client: Participant,
    delegate: Participant,
    aid: Participant,
}

impl Table {
    fn all(&self) -> [&Participant; 4] {
        [&self.conciliator, &self.client, &self.delegate, &self.aid]
    }
}

impl Story {
    /// Plays meeting `number` to the end, or to the first step that fails.
    pub async fn play(stage: Arc<Stage>, number: u32, cast: Cast) -> Outcome {
        let mut story = Self {
            stage,
            number,
            cast,
            case: String::new(),
            meeting: Uuid::nil(),
            isolation: Arc::new(Isolation::new(RoomId(Uuid::nil()))),
            table: None,
            signed_documents: 0,
            closing: Closing::default(),
        };
        let mut outcome = Outcome::default();
        match story.steps().await {
            Ok(()) => outcome.completed = true,
            Err((step, error)) => {
                let (step, message) = (format!("{step:?}").to_lowercase(), error.to_string());
                tracing::error!(meeting = number, step, error = message, "a step failed");
                outcome.failures.push(Failure { meeting: number, step, message });
            }
        }
        outcome.signed_documents = story.signed_documents;
        outcome.forwarded_packets = story.closing.forwarded;
        outcome.withheld_packets = story.closing.withheld;
        if let Some(table) = &story.table {
            for participant in table.all() {
                let lines = participant.known().chat;
                let said = lines.iter().filter(|l| l.text.contains(story.stage.canary.as_str()));
                outcome.canaries_heard += participant.ears.packets().0 + said.count() as u64;
            }
        }
        let (packets, leaks) = story.isolation.conclude();
        (outcome.packets, outcome.leaked_packets) = (packets, leaks.len() as u64);
        if let Some(first) = leaks.first() {
            let message = format!("{} packets crossed sessions, such as {first:?}", leaks.len());
            tracing::error!(meeting = number, message, "isolation");
            let step = "isolation".to_owned();
            outcome.failures.push(Failure { meeting: number, step, message });
        }
        outcome
    }

    async fn steps(&mut self) -> Result<(), (Step, StoryError)> {
        macro_rules! step {
            ($step:ident, $play:ident) => {{
                self.reach(Step::$step).await;
                self.$play().await.map_err(|error| (Step::$step, error))?;
                self.isolation.judge(now_ms());
            }};
        }
        step!(Accounts, make_accounts);
        step!(Case, open_case);
        step!(Convening, convene);
        step!(Login, sign_in);
        step!(Join, join);
        step!(Plenary, plenary);
        step!(Breakout, breakout);
        step!(Resume, resume);
        step!(Recall, recall);
        step!(Reload, reload);
        step!(Minutes, write_minutes);
        step!(Freeze, freeze);
        step!(Signatures, sign_first);
        step!(FurtherSignatures, sign_on);
        step!(Document, fetch_document);
        step!(End, end);
        step!(Logs, save_logs);
        Ok(())
    }

    /// Waits before a step if that is wanted.
    async fn reach(&self, step: Step) {
        tracing::info!(meeting = self.number, step = ?step, "step");
        let Some(Pause { at, file }) = &self.stage.pause else { return };
        if *at != step {
            return;
        }
        let mut waiting = file.clone().into_os_string();
        waiting.push(".waiting");
        if let Err(error) = std::fs::write(&waiting, b"") {
            tracing::error!(%error, "telling that the story waits");
        }
        while !file.exists() {
            sleep(PAUSE).await;
        }
    }

    fn patience(&self) -> Duration {
        self.stage.scenario.pace.patience()
    }

    fn table(&self) -> &Table {
        self.table.as_ref().expect("the steps that need it come after the one that sets it")
    }

    fn measure(&self, figure: Figure, took: Duration) {
        self.stage.measured.add(figure, took);
    }

    fn save(&self, name: &str, bytes: &[u8]) -> Result<(), StoryError> {
        let Some(folder) = &self.stage.save else { return Ok(()) };
        let path = folder.join(format!("meeting-{}{name}", self.number));
        std::fs::write(&path, bytes)
            .map_err(|error| StoryError::Save { path: path.display().to_string(), error })
    }
}

/// Looks, acts and looks again until it is done, over a hub that goes away and comes back. The
/// closure returns what it found once it is done.
async fn until_done<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>, StoryError>,
) -> Result<T, StoryError> {
    let end = Instant::now() + patience;
    loop {
        let error = match look().await {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => None,
            Err(error) if error.passing() => Some(error),
            Err(error) => return Err(error),
        };
        if let Some(error) = &error {
            tracing::warn!(what, %error, "trying again");
        }
        if Instant::now() > end {
            let why = error.map(|error| format!(": {error}")).unwrap_or_default();
            return Err(StoryError::Wrong(format!("{what} was not done in time{why}")));
        }
        sleep(PAUSE).await;
    }
}

/// Reads something that is there, over a hub that goes away and comes back.
async fn read<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<T, StoryError>,
) -> Result<T, StoryError> {
    until_done(what, patience, async || look().await.map(Some)).await
}

fn wrong(what: impl Into<String>) -> StoryError {
    StoryError::Wrong(what.into())
}
