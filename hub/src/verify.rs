//! `hub verify` and `hub verify-journals`: is what was signed and written down still intact?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;
use openssl::x509::X509;
use portal::journal;
use serde_json::json;
use signing::verify::{Language, TrustAnchors, text, verify_beside, verify_file};
use signing_trust_lists::TrustList;

use crate::error::HubError;
use crate::guard;
use crate::settings::Settings;

/// Arguments of `hub verify`.
#[derive(Args)]
pub struct Arguments {
    /// PDF or P7M files.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The document that a P7M file without a document inside was made for.
    #[arg(long)]
    pub content: Option<PathBuf>,
    /// PEM file with roots that signatures and time stamps must lead to; may be repeated.
    #[arg(long)]
    pub trust: Vec<PathBuf>,
    /// Trusted list (ETSI TS 119 612) whose services signatures and time stamps may lead to; may be
    /// repeated.
    #[arg(long, requires = "list_signer")]
    pub trust_list: Vec<PathBuf>,
    /// List of trusted lists that names who may sign the lists.
    #[arg(long, requires = "list_signer")]
    pub lotl: Option<PathBuf>,
    /// PEM file with the certificates that may sign the list of lists, or the lists when there is no
    /// list of lists.
    #[arg(long, value_name = "PEM")]
    pub list_signer: Option<PathBuf>,
    /// One JSON array instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Prints a report per file. Success only if every file is accepted: every signature intact, and
/// after it only further signatures in reserved fields, validation data and document time stamps.
#[expect(clippy::print_stdout, reason = "the report is what the command is for")]
pub fn run(arguments: &Arguments) -> Result<ExitCode, HubError> {
    let mut trust = TrustAnchors::none();
    for file in &arguments.trust {
        let pem = read(file)?;
        let roots = TrustAnchors::from_pem(&pem)
            .map_err(|e| HubError::Failed(format!("{}: {e}", file.display())))?;
        trust.extend(roots);
    }
    if let Some(signers) = &arguments.list_signer {
        trust.extend(listed(arguments, signers)?);
    }
    let mut all_accepted = true;
    let mut reports = Vec::new();
    let content = arguments.content.as_ref().map(read).transpose()?;
    for file in &arguments.files {
        let bytes = read(file)?;
        let report = match &content {
            Some(content) => verify_beside(&bytes, content, &trust, now()),
            None => verify_file(&bytes, &trust, now()),
        };
        all_accepted &= report.accepted();
        if arguments.json {
            reports.push(json!({ "file": file, "report": report.to_json() }));
        } else {
            println!("{}\n{}", file.display(), text(&report, Language::Italian));
        }
    }
    if arguments.json {
        println!("{:#}", serde_json::Value::Array(reports));
    }
    Ok(if all_accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The services of the lists that were given, each signed by whom the list of lists names.
fn listed(arguments: &Arguments, signers: &PathBuf) -> Result<TrustAnchors, HubError> {
    let fault = |file: &Path, error: &dyn std::fmt::Display| {
        HubError::Failed(format!("{}: {error}", file.display()))
    };
    let open = |file: &PathBuf, signers: &[X509]| {
        TrustList::read(&read(file)?, signers).map_err(|e| fault(file, &e))
    };
    let mut allowed = X509::stack_from_pem(&read(signers)?).map_err(|e| fault(signers, &e))?;
    if let Some(file) = &arguments.lotl {
        let lists = open(file, &allowed)?;
        allowed = lists.pointers.into_iter().flat_map(|pointer| pointer.signers).collect();
    }
    let mut trust = TrustAnchors::none();
    for file in &arguments.trust_list {
        trust.extend(open(file, &allowed)?.anchors());
    }
    Ok(trust)
}

/// Recomputes every hash chain in the database of an installation and prints what does not hold.
#[expect(clippy::print_stdout, reason = "the report is what the command is for")]
pub async fn journals(settings: &Settings) -> Result<ExitCode, HubError> {
    let opened = guard::look(settings).await?;
    let audit = journal::audit(&opened.db).await.map_err(|e| HubError::Failed(e.to_string()))?;
    opened.db.close().await;
    for (kind, id, seq) in &audit.broken {
        println!("{kind} {id}: broken at entry {seq}");
    }
    let held = audit.chains - audit.broken.len();
    println!("{held} of {} chains hold, {} entries", audit.chains, audit.entries);
    Ok(if audit.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &PathBuf) -> Result<Vec<u8>, HubError> {
    std::fs::read(file).map_err(HubError::io(file.display().to_string()))
}

#[expect(clippy::disallowed_methods, reason = "the command line is the edge that owns the clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
