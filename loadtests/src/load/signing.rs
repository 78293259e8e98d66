//! What a signature costs: the hub's own code in the hub's own binary, and pyHanko beside it.
//!
//! Signing needs no meeting, so the binary behind the hub is run with `bench-sign` instead of being
//! asked over HTTP; the folder that it fills is then signed by pyHanko. Both count processor time
//! of one thread, one after the other, so that a busy machine wrongs neither.

use super::{Done, LoadError, Target};
use crate::chart::{Chart, Headline};
use crate::process::Process;
use crate::report::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tokio::process::Command;

const SCRIPT: &str = include_str!("beside_pyhanko.py");
/// The command line of pyHanko; its interpreter lies beside it.
const PYHANKO: &str = "ACCORDO_PYHANKO";

/// The scenario's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Measured seconds of each figure.
    pub seconds: u64,
    /// Size of the document at least.
    pub bytes: usize,
}

/// What `hub bench-sign` prints.
#[derive(Debug, Deserialize)]
struct Ours {
    document_bytes: usize,
    algorithms: BTreeMap<String, Figures>,
}

/// Of one kind of key.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Figures {
    per_second: f64,
    documents_per_second: f64,
    signature_us: f64,
    floor_us: f64,
    floor_share: f64,
}

/// What pyHanko came to.
#[derive(Debug, Deserialize)]
struct Theirs {
    version: String,
    per_second: BTreeMap<String, f64>,
}

/// What the report says.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// Size of the document that was signed.
    pub document_bytes: usize,
    /// Of pyHanko.
    pub pyhanko_version: String,
    /// By kind of key.
    #[serde(flatten)]
    algorithms: BTreeMap<String, Compared>,
}

/// One kind of key, both programs.
#[derive(Debug, Serialize)]
struct Compared {
    #[serde(flatten)]
    ours: Figures,
    pyhanko_per_second: f64,
    /// How many times as many signatures as pyHanko's.
    pyhanko_ratio: f64,
}

/// Measures both; every document that the hub signed must be accepted by its own verification.
///
/// # Errors
/// [`LoadError`] when nothing could be measured.
pub async fn run(target: &Target, settings: &Settings) -> Result<Done, LoadError> {
    let hub = target.process.map(Process::program);
    let hub = hub.ok_or_else(|| wrong("the hub is not on this machine: its program is needed"))?;
    let folder = std::env::temp_dir().join(format!("accordo-signing-{}", std::process::id()));
    let measured = measure(&hub, settings, &folder).await;
    // What remains of it is the system's to clear away.
    std::fs::remove_dir_all(&folder).ok();
    let (findings, failures) = measured?;
    let (headlines, charts) = shown(&findings);
    Done::new(&findings, failures, headlines, charts)
}

fn shown(findings: &Findings) -> (Vec<Headline>, Vec<Chart>) {
    let p256 = findings.algorithms.get("p256");
    let headlines = vec![
        Headline::new("Signatures a second, P-256", p256.map(|one| one.ours.per_second), ""),
        Headline::new("Over pyHanko's", p256.map(|one| one.pyhanko_ratio), "×"),
        Headline::new("Share of hash and raw signature", p256.map(|one| one.ours.floor_share), ""),
        Headline::new("Document", Some(findings.document_bytes / 1000), "kB"),
    ];
    let bars = |title: &str, unit, of: fn(&Compared) -> f64| Chart::Bars {
        title: title.to_owned(),
        unit,
        bars: findings.algorithms.iter().map(|(name, one)| (name.clone(), of(one))).collect(),
    };
    let charts = vec![
        bars("PAdES B-B signatures a second, one core", "1/s", |one| one.ours.per_second),
        bars("pyHanko's", "1/s", |one| one.pyhanko_per_second),
        bars("Documents with three signatures a second", "1/s", |one| {
            one.ours.documents_per_second
        }),
    ];
    (headlines, charts)
}

async fn measure(
    hub: &Path,
    settings: &Settings,
    folder: &Path,
) -> Result<(Findings, Vec<Failure>), LoadError> {
    let seconds = settings.seconds.to_string();
    let mut ours = Command::new(hub);
    ours.arg("bench-sign").arg("--folder").arg(folder);
    ours.args(["--seconds", &seconds, "--bytes", &settings.bytes.to_string()]);
    let ours: Ours = read(&output(&mut ours).await?)?;
    let mut theirs = Command::new(python());
    theirs.arg("-c").arg(SCRIPT).arg(folder).arg(&seconds);
    let theirs: Theirs = read(&output(&mut theirs).await?)?;
    let failures = verify(hub, folder, ours.algorithms.keys()).await;
    let compared = |(name, ours): (String, Figures)| {
        let per_second = theirs.per_second.get(&name).copied();
        let per_second = per_second.ok_or_else(|| wrong(&format!("pyHanko: no {name}")))?;
        let ratio = (ours.per_second / per_second * 10.0).round() / 10.0;
        let compared = Compared { ours, pyhanko_per_second: per_second, pyhanko_ratio: ratio };
        Ok((name, compared))
    };
    let findings = Findings {
        document_bytes: ours.document_bytes,
        pyhanko_version: theirs.version,
        algorithms: ours.algorithms.into_iter().map(compared).collect::<Result<_, LoadError>>()?,
    };
    Ok((findings, failures))
}

/// A figure counts only if what was made is good.
async fn verify(hub: &Path, folder: &Path, names: impl Iterator<Item = &String>) -> Vec<Failure> {
    let mut failures = vec![];
    for name in names {
        let mut command = Command::new(hub);
        command.arg("verify").arg("--trust").arg(folder.join("root.pem"));
        command.arg(folder.join(format!("{name}.pdf")));
        if let Err(error) = output(&mut command).await {
            failures.push(Failure {
                meeting: 0,
                step: format!("verify {name}"),
                message: error.to_string(),
            });
        }
    }
    failures
}

fn python() -> PathBuf {
    let pyhanko = std::env::var_os(PYHANKO).map(PathBuf::from);
    let folder = pyhanko.as_deref().and_then(Path::parent);
    folder.map_or_else(|| "python3".into(), |folder| folder.join("python"))
}

async fn output(command: &mut Command) -> Result<Vec<u8>, LoadError> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.output().await.map_err(|error| wrong(&format!("{name}: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(wrong(&format!("{name}: {}", said.trim())))
}

fn read<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, LoadError> {
    serde_json::from_slice(json).map_err(|error| wrong(&format!("no figures: {error}")))
}

fn wrong(what: &str) -> LoadError {
    LoadError::Wrong(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_has_a_key_for_each_kind_of_key() {
        let ours = Figures {
            per_second: 3000.0,
            documents_per_second: 500.0,
            signature_us: 333.3,
            floor_us: 200.0,
            floor_share: 0.6,
        };
        let compared = Compared { ours, pyhanko_per_second: 50.0, pyhanko_ratio: 60.0 };
        let findings = Findings {
            document_bytes: 200_000,
            pyhanko_version: "0".to_owned(),
            algorithms: [("p256".to_owned(), compared)].into(),
        };
        let json = serde_json::to_value(&findings).unwrap();
        assert_eq!(json["p256"]["per_second"], 3000.0);
        assert_eq!(json["p256"]["pyhanko_ratio"], 60.0);
        assert_eq!(json["p256"]["floor_share"], 0.6);
    }
}
