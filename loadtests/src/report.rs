//! What a run measured and found.

use crate::chart::{self, Chart, Headline};
use crate::process::Process;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is measured, as its field in the report is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Page of sign-in → signed in; reading the code included.
    Login,
    /// Join click → the first view of the room.
    Join,
    /// Join click → first remote picture, into a meeting under way.
    FirstFrame,
    /// Admission at the hub → first remote picture, media connected since the lobby.
    FirstFrameFromLobby,
    /// Epoch risen at the hub → first picture that was sent in the new session.
    BreakoutSwitch,
    /// Socket lost → welcomed again with nothing missed.
    Resume,
    /// Code sent → signature applied, verified and shown.
    Signature,
}

impl Figure {
    const ALL: [Self; 7] = [
        Self::Login,
        Self::Join,
        Self::FirstFrame,
        Self::FirstFrameFromLobby,
        Self::BreakoutSwitch,
        Self::Resume,
        Self::Signature,
    ];
}

/// Collects durations from all meetings.
#[derive(Default)]
pub struct Measured(Mutex<BTreeMap<Figure, Vec<f64>>>);

impl Measured {
    /// Adds one.
    pub fn add(&self, figure: Figure, took: Duration) {
        // Nothing panics halfway through a change.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(figure).or_default().push(took.as_secs_f64() * 1_000.0);
    }

    /// Everything that was added to one, in milliseconds.
    pub fn all(&self, figure: Figure) -> Vec<f64> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&figure).cloned().unwrap_or_default()
    }

    fn percentiles(&self) -> BTreeMap<Figure, Percentiles> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |figure| all.get(&figure).cloned().unwrap_or_default();
        Figure::ALL.into_iter().map(|figure| (figure, Percentiles::of(of(figure)))).collect()
    }
}

/// Nearest-rank percentiles, milliseconds; `null` when nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half of all took at most this.
    pub p50: Option<f64>,
    /// 95 of 100 took at most this.
    pub p95: Option<f64>,
    /// 99 of 100 took at most this.
    pub p99: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
    /// How many.
    pub count: usize,
}

impl Percentiles {
    /// Of durations in milliseconds.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let count = values.len();
        let rank = |percent: usize| {
            let place = (count * percent).div_ceil(100).max(1) - 1;
            values.get(place).map(|ms| (ms * 10.0).round() / 10.0)
        };
        Self { p50: rank(50), p95: rank(95), p99: rank(99), max: rank(100), count }
    }
}

/// Something that went wrong in one meeting.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// The meeting's number in the run; 0: the whole run.
    pub meeting: u32,
    /// The step of the story.
    pub step: String,
    /// What went wrong.
    pub message: String,
}

/// What one meeting came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Every step was done.
    pub completed: bool,
    /// Signed documents that were downloaded.
    pub signed_documents: u64,
    /// Packets that arrived, and those of them that must not have.
    pub packets: u64,
    /// See [`crate::isolation`].
    pub leaked_packets: u64,
    /// Packets that the hub forwarded, by its closing statement.
    pub forwarded_packets: u64,
    /// Packets that the hub kept from people of another session, by its closing statement.
    pub withheld_packets: u64,
    /// Packets and chat lines with the canary that arrived.
    pub canaries_heard: u64,
    /// What went wrong.
    pub failures: Vec<Failure>,
}

/// The file that a run writes.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// How many meetings were begun.
    pub meetings: u32,
    /// How many were played to the end.
    pub meetings_completed: u32,
    /// Signed documents that were downloaded from the case.
    pub signed_documents: u64,
    /// Media packets that arrived.
    pub packets: u64,
    /// Media packets that arrived although they must not have (R-MEET-41).
    pub leaked_packets: u64,
    /// Media packets that the hub forwarded, by its own count.
    pub forwarded_packets: u64,
    /// Media packets that the hub kept from people of another session, by its own count.
    pub withheld_packets: u64,
    /// What was said in chat and sent in every packet.
    pub canary: String,
    /// How often it was heard.
    pub canaries_heard: u64,
    /// Wall time of the run.
    pub took_ms: u64,
    /// Processor time of this program, all cores.
    pub generator_cpu_ms: u64,
    /// Everything that went wrong.
    pub failures: Vec<Failure>,
    /// What was measured, each under its name, in milliseconds.
    #[serde(flatten)]
    pub figures: BTreeMap<Figure, Percentiles>,
}

impl Report {
    /// Puts a run's results together.
    pub fn new(
        scenario: &str,
        canary: &str,
        took: Duration,
        outcomes: &[Outcome],
        measured: &Measured,
    ) -> Self {
        let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum();
        Self {
            scenario: scenario.to_owned(),
            meetings: outcomes.len() as u32,
            meetings_completed: outcomes.iter().filter(|one| one.completed).count() as u32,
            signed_documents: sum(|one| one.signed_documents),
            packets: sum(|one| one.packets),
            leaked_packets: sum(|one| one.leaked_packets),
            forwarded_packets: sum(|one| one.forwarded_packets),
            withheld_packets: sum(|one| one.withheld_packets),
            canary: canary.to_owned(),
            canaries_heard: sum(|one| one.canaries_heard),
            took_ms: took.as_millis() as u64,
            generator_cpu_ms: cpu_ms().unwrap_or_default(),
            failures: outcomes.iter().flat_map(|one| one.failures.clone()).collect(),
            figures: measured.percentiles(),
        }
    }

    /// Everything was done and nothing leaked.
    pub fn good(&self) -> bool {
        self.meetings_completed == self.meetings
            && self.failures.is_empty()
            && self.leaked_packets == 0
    }
}

/// The file that a load writes.
#[derive(Debug, Serialize)]
pub struct LoadReport {
    /// The scenario's name.
    pub scenario: &'static str,
    /// Where it was measured.
    pub machine: Machine,
    /// Wall time of the run.
    pub took_ms: u64,
    /// Processor time of this program, all cores.
    pub generator_cpu_ms: u64,
    /// Everything that went wrong.
    pub failures: Vec<Failure>,
    /// What was measured; each scenario has its own.
    #[serde(flatten)]
    pub findings: serde_json::Value,
}

impl LoadReport {
    /// Puts a load's results together.
    pub fn new(
        scenario: &'static str,
        took: Duration,
        failures: Vec<Failure>,
        findings: serde_json::Value,
    ) -> Self {
        Self {
            scenario,
            machine: Machine::here(),
            took_ms: took.as_millis() as u64,
            generator_cpu_ms: cpu_ms().unwrap_or_default(),
            failures,
            findings,
        }
    }

    /// Everything was done as it should be.
    pub fn good(&self) -> bool {
        self.failures.is_empty()
    }

    /// The same for people to look at.
    pub fn page(&self, headlines: &[Headline], charts: &[Chart]) -> String {
        let Machine { processor, cores, kernel } = &self.machine;
        let notes = [
            format!("{cores} cores ({processor}), Linux {kernel}; hub and generator share them."),
            format!("The run took {} s.", self.took_ms / 1_000),
        ];
        let failures: Vec<String> =
            self.failures.iter().map(|f| format!("{}: {}", f.step, f.message)).collect();
        chart::page(&format!("Load: {}", self.scenario), &notes, headlines, &failures, charts)
    }
}

/// The machine that a load ran on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// As it names itself.
    pub processor: String,
    /// How many of them.
    pub cores: usize,
    /// Version of Linux.
    pub kernel: String,
}

impl Machine {
    fn here() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpus = read("/proc/cpuinfo");
        let name = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: name.map(|(_, name)| name.to_owned()).unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// User and system time of this process.
fn cpu_ms() -> Option<u64> {
    Process(std::process::id()).cpu().map(|cpu| cpu.all() / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        for (values, expected) in [
            (vec![], (None, None, None)),
            (vec![5.0], (Some(5.0), Some(5.0), Some(5.0))),
            ((1..=100).rev().map(f64::from).collect(), (Some(50.0), Some(95.0), Some(99.0))),
            (vec![3.0, 1.0, 2.0], (Some(2.0), Some(3.0), Some(3.0))),
        ] {
            let count = values.len();
            let got = Percentiles::of(values);
            assert_eq!((got.p50, got.p95, got.p99), expected);
            assert_eq!(got.count, count);
        }
    }

    #[test]
    fn a_run_is_good_only_if_all_was_done_and_nothing_leaked() {
        let good = Outcome { completed: true, ..Outcome::default() };
        let leaked = Outcome { leaked_packets: 1, ..good.clone() };
        let failure = Failure { meeting: 1, step: "join".into(), message: "late".into() };
        let failed = Outcome { failures: vec![failure], ..good.clone() };
        let measured = Measured::default();
        measured.add(Figure::Login, Duration::from_millis(20));
        for (outcomes, expected) in [
            (vec![good.clone()], true),
            (vec![good.clone(), leaked], false),
            (vec![good.clone(), failed], false),
            (vec![good, Outcome::default()], false),
        ] {
            let report = Report::new("s", "c", Duration::ZERO, &outcomes, &measured);
            assert_eq!(report.good(), expected);
            let json = serde_json::to_value(&report).unwrap();
            assert_eq!(json["login"]["p95"], 20.0);
            assert_eq!(json["signature"]["count"], 0);
        }
    }
}
