//! A scenario file: who is there before, and how fast things go.

use crate::load::{self, breakouts, churn, flaky, forwarding, signing, sockets};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// A scenario's file: its name says which it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
enum File {
    WholeMeeting(Box<WholeMeeting>),
    Forwarding(forwarding::Settings),
    Sockets(sockets::Settings),
    Breakouts(breakouts::Settings),
    Churn(churn::Settings),
    Flaky(flaky::Settings),
    Signing(signing::Settings),
}

/// What a run plays.
#[derive(Clone, Debug)]
pub enum Scenario {
    /// Whole conciliations.
    WholeMeeting(Box<WholeMeeting>),
    /// Many rooms, and what they cost.
    Load(load::Scenario),
}

/// Whole conciliations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeMeeting {
    /// The hub's demo world.
    pub world: World,
    /// The people of the meetings.
    pub people: People,
    /// How fast.
    pub pace: Pace,
}

/// People and companies of the demo world.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Password of its accounts.
    pub password: String,
    /// Makes accounts.
    pub administrator: Account,
    /// Takes in, admits, convenes.
    pub service_secretariat: Account,
    /// Adheres and delegates for the operator.
    pub operator_secretariat: Account,
    /// Adheres and delegates for the technical aid.
    pub aid_secretariat: Account,
    /// Words in the operator's name.
    pub operator: String,
    /// Words in the name of the company that gives technical aid.
    pub aid: String,
}

/// An account of the demo world.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Username.
    pub username: String,
    /// Where its codes go, E.164.
    pub mobile: String,
}

/// People that a run makes up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// Their password.
    pub password: String,
}

/// Durations.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    patience_s: u64,
    stagger_ms: u64,
    plenary_ms: u64,
    breakout_ms: u64,
}

impl Pace {
    /// For anything that should happen.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_s)
    }

    /// Between the beginnings of two meetings.
    pub fn stagger(&self) -> Duration {
        Duration::from_millis(self.stagger_ms)
    }

    /// How long everybody talks in plenary.
    pub fn plenary(&self) -> Duration {
        Duration::from_millis(self.plenary_ms)
    }

    /// How long client and conciliator talk aside.
    pub fn breakout(&self) -> Duration {
        Duration::from_millis(self.breakout_ms)
    }
}

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is no scenario.
    #[error("{path}: {error}")]
    Wrong {
        /// Which file.
        path: String,
        /// What is wrong.
        error: Box<toml::de::Error>,
    },
}

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// [`ScenarioError`].
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ScenarioError::Unreadable { path: shown(), error })?;
        let file = toml::from_str(&text)
            .map_err(|error| ScenarioError::Wrong { path: shown(), error: Box::new(error) })?;
        Ok(match file {
            File::WholeMeeting(scenario) => Self::WholeMeeting(scenario),
            File::Forwarding(settings) => Self::Load(load::Scenario::Forwarding(settings)),
            File::Sockets(settings) => Self::Load(load::Scenario::Sockets(settings)),
            File::Breakouts(settings) => Self::Load(load::Scenario::Breakouts(settings)),
            File::Churn(settings) => Self::Load(load::Scenario::Churn(settings)),
            File::Flaky(settings) => Self::Load(load::Scenario::Flaky(settings)),
            File::Signing(settings) => Self::Load(load::Scenario::Signing(settings)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_that_are_shipped_can_be_read() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"));
        let mut read = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            Scenario::read(&file.unwrap().path()).unwrap();
            read += 1;
        }
        assert!(read > 0);
    }
}
