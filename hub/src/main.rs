//! Command line of the hub.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use hub::settings::Settings;
use hub::{HubError, backup, bench_sign, guard, minutes, serve, telemetry, verify, verify_log};
use portal::clock::{Clock as _, SystemClock};

/// Realtime meeting and signing hub for online conciliation and mediation.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the portal, the rooms and the signatures.
    Serve(Place),
    /// Check the signatures of PDF files; exit code 0 only if every file is accepted.
    Verify(verify::Arguments),
    /// Look at templates of the minutes, without a meeting.
    Minutes {
        #[command(subcommand)]
        command: minutes::Command,
    },
    /// Measure what a signature costs on this machine, by kind of key.
    BenchSign(bench_sign::Arguments),
    /// Write everything into one archive, also while a hub serves.
    Backup {
        /// Archive to write; must not exist.
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Put an archive in the place of everything that is there, also while a hub serves.
    Restore {
        /// Archive to read.
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Check exported attendance and evidence logs offline; exit code 0 only if every chain holds.
    VerifyLog {
        /// `presenze.json` or `evidenze.json` files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Recompute every hash chain; exit code 0 only if all of them hold.
    VerifyJournals(Place),
}

/// Which hub is meant.
#[derive(Args)]
struct Place {
    /// Play all outside parties on loopback and fill an empty database with a demo world.
    #[arg(long, conflicts_with = "config")]
    demo: bool,
    /// Settings file.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Address of the HTTP server instead of the configured one.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Folder of database, files and keys instead of the configured one.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Database instead of the configured one.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl Place {
    /// The hub to serve: whoever starts one says which.
    fn settings(self) -> Result<Settings, HubError> {
        if !self.demo && self.config.is_none() {
            return Err(HubError::Settings(
                "say which hub: --demo, or --config FILE with a `mode` in it".into(),
            ));
        }
        self.overridden()
    }

    /// A hub that is there already: without more words, the demo in the data folder.
    async fn present(self) -> Result<Settings, HubError> {
        let unsaid = !self.demo && self.config.is_none();
        let settings = self.overridden()?;
        if unsaid {
            guard::look(&settings).await?.db.close().await;
        }
        Ok(settings)
    }

    fn overridden(self) -> Result<Settings, HubError> {
        let mut settings = match self.config {
            Some(file) => Settings::from_file(&file)?,
            None => Settings::demo()?,
        };
        if let Some(listen) = self.listen {
            settings.listen = listen;
        }
        if let Some(data) = self.data {
            settings.data = data;
        }
        if let Some(url) = self.database {
            settings.database.url = url;
        }
        settings.check()?;
        Ok(settings)
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&HubError::io("starting the runtime")(error)),
    };
    match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

async fn run(command: Command) -> Result<ExitCode, HubError> {
    match command {
        Command::Serve(place) => {
            let settings = place.settings()?;
            telemetry::start(&settings.log)?;
            serve::serve(settings).await?;
        }
        Command::Verify(arguments) => return verify::run(&arguments),
        Command::Minutes { command } => return minutes::run(&command),
        Command::BenchSign(arguments) => bench_sign::run(&arguments)?,
        Command::Backup { file, place } => {
            let files = backup::backup(&place.present().await?, &file, SystemClock.now()).await?;
            say(&format!("{}: the database and {files} files", file.display()));
        }
        Command::Restore { file, place } => {
            let settings = place.present().await?;
            let other_root = backup::restore(&settings, &file, SystemClock.now()).await?;
            say(&format!("restored from {}; everybody signs in again", file.display()));
            if other_root {
                say("restart the hub: its demo trust service has other keys now");
            }
        }
        Command::VerifyLog { files } => return verify_log::run(&files),
        Command::VerifyJournals(place) => {
            return verify::journals(&place.present().await?).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "the person at the terminal is told what was done")]
fn say(what: &str) {
    println!("{what}");
}

#[expect(clippy::print_stderr, reason = "the person at the terminal is told why a command failed")]
fn failed(error: &HubError) -> ExitCode {
    eprintln!("hub: {error}");
    ExitCode::FAILURE
}
