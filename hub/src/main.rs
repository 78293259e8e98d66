//! Command line of the hub.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use hub::settings::Settings;
use hub::{HubError, serve, telemetry, verify};

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
    fn settings(self) -> Result<Settings, HubError> {
        let mut settings = match (self.demo, self.config) {
            (_, Some(file)) => Settings::from_file(&file)?,
            (true, None) => Settings::demo()?,
            (false, None) => {
                return Err(HubError::Settings(
                    "say which hub: --demo, or --config FILE with a `mode` in it".into(),
                ));
            }
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
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "the person at the terminal is told why a command failed")]
fn failed(error: &HubError) -> ExitCode {
    eprintln!("hub: {error}");
    ExitCode::FAILURE
}
