//! `loadtests run SCENARIO --hub URL`: plays meetings and writes a report.

use clap::{Parser, Subcommand};
use loadtests::load::Load;
use loadtests::process::raise_open_files;
use loadtests::run::Plan;
use loadtests::scenario::Scenario;
use loadtests::story::{Pause, Step};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Headless participants that play whole meetings against a hub, and loads that measure it.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays a scenario; fails if any step failed or any packet leaked.
    Run {
        /// The scenario file.
        scenario: PathBuf,
        /// The hub's origin, as http://HOST:PORT.
        #[arg(long)]
        hub: String,
        /// Meetings beside each other instead of the scenario's (whole-meeting: 1).
        #[arg(long)]
        meetings: Option<u32>,
        /// Measured seconds of a load instead of the scenario's.
        #[arg(long)]
        seconds: Option<u64>,
        /// Where the report goes (JSON); without it, to the terminal. A load's page with plots goes
        /// beside it (HTML).
        #[arg(long)]
        report: Option<PathBuf>,
        /// Folder for signed documents, logs and the demo root certificate, or a load's page.
        #[arg(long)]
        save: Option<PathBuf>,
        /// Password of the demo world's accounts, if it is not the scenario's.
        #[arg(long)]
        demo_password: Option<String>,
        /// Every meeting waits before this step…
        #[arg(long, requires = "pause_file")]
        pause_at: Option<Step>,
        /// … until this file is there. While one waits, FILE.waiting is there.
        #[arg(long, requires = "pause_at")]
        pause_file: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,loadtests=info,rtc=error,webrtc=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    raise_open_files();
    match run(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!(%error, "the run was given up");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything went well.
fn run(command: Command) -> Result<bool, Box<dyn std::error::Error>> {
    let Command::Run {
        scenario,
        hub,
        meetings,
        seconds,
        report: file,
        save,
        demo_password,
        pause_at,
        pause_file,
    } = command;
    let mut random: rand::rngs::StdRng = rand::make_rng();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (json, good) = match Scenario::read(&scenario)? {
        Scenario::WholeMeeting(scenario) => {
            let mut scenario = *scenario;
            if let Some(password) = demo_password {
                scenario.world.password = password;
            }
            let pause = pause_at.zip(pause_file).map(|(at, file)| Pause { at, file });
            let meetings = meetings.unwrap_or(1);
            let plan = Plan { scenario, hub, meetings, save, pause };
            let report = runtime.block_on(plan.run(&mut random))?;
            (serde_json::to_vec_pretty(&report)?, report.good())
        }
        Scenario::Load(scenario) => {
            let name = scenario.name();
            let load = Load { scenario, hub, meetings, seconds };
            let (report, page) = runtime.block_on(load.run(&mut random))?;
            if let Some(folder) = &save {
                std::fs::create_dir_all(folder)?;
            }
            let beside = file.as_ref().map(|file| file.with_extension("html"));
            let saved = save.map(|folder| folder.join(format!("{name}.html")));
            for place in beside.into_iter().chain(saved) {
                std::fs::write(place, &page)?;
            }
            (serde_json::to_vec_pretty(&report)?, report.good())
        }
    };
    match file {
        Some(file) => std::fs::write(file, json)?,
        None => std::io::stdout().write_all(&json)?,
    }
    Ok(good)
}
