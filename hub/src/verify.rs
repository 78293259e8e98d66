//! `hub verify` and `hub verify-journals`: is what was signed and written down still intact?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;
use portal::journal;
use serde_json::json;
use signing::verify::{Edition, Language, TrustAnchors, text, verify_beside, verify_file};
use signing_trust_lists::{ListError, Signers, TrustList};

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
    /// Pivot of the list of lists, from whose signers the chain to today's leads; may be repeated, the
    /// oldest first.
    #[arg(long, requires = "lotl")]
    pub pivot: Vec<PathBuf>,
    /// File that remembers the highest number seen of each list, made if it is missing: an older
    /// edition is refused then. Without it any edition in force is taken.
    #[arg(long, value_name = "JSON", requires = "list_signer")]
    pub seen: Option<PathBuf>,
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
    let mut editions = Vec::new();
    if let Some(signers) = &arguments.list_signer {
        let (anchors, used) = listed(arguments, signers)?;
        trust.extend(anchors);
        editions = used;
    }
    let at = now();
    let mut all_accepted = true;
    let mut reports = Vec::new();
    if !arguments.json && !editions.is_empty() {
        println!("{}", told(&editions, at));
    }
    let content = arguments.content.as_ref().map(read).transpose()?;
    for file in &arguments.files {
        let bytes = read(file)?;
        let report = match &content {
            Some(content) => verify_beside(&bytes, content, &trust, at),
            None => verify_file(&bytes, &trust, at),
        };
        all_accepted &= report.accepted();
        if arguments.json {
            let report = report.to_json();
            reports.push(json!({ "file": file, "lists": editions, "report": report }));
        } else {
            println!("{}\n{}", file.display(), text(&report, Language::Italian));
        }
    }
    if arguments.json {
        println!("{:#}", serde_json::Value::Array(reports));
    }
    Ok(if all_accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The services of the lists that were given, each signed by whom the list of lists names, and which
/// editions these are.
fn listed(
    arguments: &Arguments,
    signers: &PathBuf,
) -> Result<(TrustAnchors, Vec<Edition>), HubError> {
    let fault = |file: &Path, error: &dyn std::fmt::Display| {
        HubError::Failed(format!("{}: {error}", file.display()))
    };
    let mut seen = Seen::open(arguments.seen.as_deref())?;
    let mut editions = Vec::new();
    let mut open = |file: &PathBuf, signers: &Signers| {
        let list = TrustList::read(&read(file)?, signers).map_err(|e| fault(file, &e))?;
        seen.take(&list).map_err(|e| fault(file, &e))?;
        editions.push((*list.edition).clone());
        Ok::<_, HubError>(list)
    };
    let mut allowed = Signers::from_pem(&read(signers)?).map_err(|e| fault(signers, &e))?;
    let mut last = 0;
    for file in &arguments.pivot {
        let pivot = TrustList::pivot(&read(file)?, &allowed, last);
        (allowed, last) = pivot.map_err(|e| fault(file, &e))?;
    }
    if let Some(file) = &arguments.lotl {
        let lists = open(file, &allowed)?;
        lists.must_be(None, last).map_err(|e| fault(file, &e))?;
        let named = lists.pointers.into_iter().flat_map(|pointer| pointer.signers);
        allowed = Signers::from(named.collect::<Vec<_>>());
    }
    let mut trust = TrustAnchors::none();
    for file in &arguments.trust_list {
        trust.extend(open(file, &allowed)?.anchors());
    }
    seen.keep()?;
    Ok((trust, editions))
}

/// The highest number seen of each list, where somebody keeps it: a list in a file says nothing of
/// whether there is a newer one.
struct Seen<'a> {
    file: Option<&'a Path>,
    numbers: BTreeMap<String, u64>,
}

impl<'a> Seen<'a> {
    fn open(file: Option<&'a Path>) -> Result<Self, HubError> {
        let Some(path) = file else { return Ok(Self { file, numbers: BTreeMap::new() }) };
        let numbers = match std::fs::read(path) {
            Ok(json) => serde_json::from_slice(&json)
                .map_err(|e| HubError::Failed(format!("{}: {e}", path.display())))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(HubError::io(path.display().to_string())(error)),
        };
        Ok(Self { file, numbers })
    }

    fn take(&mut self, list: &TrustList) -> Result<(), ListError> {
        let Edition { territory, sequence, .. } = &*list.edition;
        let name = if list.of_lists { "LOTL" } else { territory.as_str() };
        let seen = self.numbers.entry(name.to_owned()).or_default();
        if sequence < seen {
            return Err(ListError::Older { offered: *sequence, seen: *seen });
        }
        *seen = *sequence;
        Ok(())
    }

    fn keep(&self) -> Result<(), HubError> {
        let Some(path) = self.file else { return Ok(()) };
        let json = serde_json::to_vec(&self.numbers);
        let json = json.map_err(|e| HubError::Failed(e.to_string()))?;
        std::fs::write(path, json).map_err(HubError::io(format!("writing {}", path.display())))
    }
}

/// The lists that were used, and which of them should have been followed by another.
fn told(editions: &[Edition], now: DateTime<Utc>) -> String {
    let line = |one: &Edition| {
        let late =
            if one.is_expired(now) { ", SCADUTO: ne è uscito uno più recente" } else { "" };
        let issued = one.issued.format("%Y-%m-%d");
        format!("Elenco di fiducia {} n. {} del {issued}{late}\n", one.territory, one.sequence)
    };
    editions.iter().map(line).collect()
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
