//! Command line of the hub.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use hub::{HubError, verify};

/// Realtime meeting and signing hub for online conciliation and mediation.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check the signatures of PDF files; exit code 0 only if every file is accepted.
    Verify(verify::Arguments),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Verify(arguments) => verify::run(&arguments),
    };
    result.unwrap_or_else(|error| failed(&error))
}

#[expect(clippy::print_stderr, reason = "the person at the terminal is told why a command failed")]
fn failed(error: &HubError) -> ExitCode {
    eprintln!("hub: {error}");
    ExitCode::FAILURE
}
