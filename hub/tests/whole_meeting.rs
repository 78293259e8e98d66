//! Five meetings of four at once, played by the load generator against a real hub: everything is
//! completed, nothing leaks, nothing of what was said stays behind. And the leak check can fail.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{Hub, free_port, sibling};

const SCENARIO: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../loadtests/scenarios/whole-meeting.toml");

/// Runs the scenario; its exit code and its report.
fn run(hub: &Hub, meetings: u32, dir: &Path) -> (bool, Value) {
    let report = dir.join("report.json");
    let status = Command::new(sibling("loadtests"))
        .args(["run", SCENARIO, "--hub", &hub.url(), "--meetings", &meetings.to_string()])
        .arg("--report")
        .arg(&report)
        .arg("--save")
        .arg(dir.join("saved"))
        .status()
        .unwrap();
    let report = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    (status.success(), report)
}

#[test]
fn r_tech_11_five_meetings_are_completed_and_r_meet_24_nothing_said_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let mut hub = Hub::start(&dir.path().join("hub"));
    let (ok, report) = run(&hub, 5, dir.path());
    assert!(ok, "{report:#}\n{}", hub.log_text());
    assert_eq!(report["meetings_completed"], 5);
    assert_eq!(report["signed_documents"], 5);
    assert_eq!(report["leaked_packets"], 0);

    // Every signed PDF is accepted by `hub verify` with the root that was saved beside it.
    let saved = dir.path().join("saved");
    let pdfs: Vec<_> = std::fs::read_dir(&saved)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "pdf"))
        .collect();
    assert_eq!(pdfs.len(), 5);
    let verified = Command::new(env!("CARGO_BIN_EXE_hub"))
        .arg("verify")
        .args(&pdfs)
        .arg("--trust")
        .arg(saved.join("demo-root.pem"))
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));

    // The canary was said in chat and sent in every media packet; it must be nowhere.
    let canary = report["canary"].as_str().unwrap();
    assert!(canary.len() >= 16);
    assert!(report["canaries_heard"].as_u64().unwrap() > 0, "the canary never reached anybody");
    hub.kill();
    let places = [dir.path().join("hub"), dir.path().join("hub.log")];
    let found: Vec<_> = places.iter().flat_map(|p| files_with(p, canary.as_bytes())).collect();
    assert!(found.is_empty(), "what was said is in {found:?}");
    // ... and the search itself finds what is there.
    std::fs::write(dir.path().join("hub/planted"), canary).unwrap();
    assert_eq!(files_with(&places[0], canary.as_bytes()).len(), 1);
}

#[test]
fn r_meet_41_a_hub_that_ignores_epochs_is_caught_by_the_leak_check() {
    let dir = tempfile::tempdir().unwrap();
    let broken = sibling("hub-broken-isolation");
    let hub = Hub::start_binary(&broken, &dir.path().join("hub"), free_port());
    let (ok, report) = run(&hub, 1, dir.path());
    assert!(report["leaked_packets"].as_u64().unwrap() > 0, "{report:#}");
    assert!(!ok, "a run with leaked packets must fail");
}

fn files_with(place: &Path, needle: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    if place.is_dir() {
        for entry in std::fs::read_dir(place).unwrap() {
            found.extend(files_with(&entry.unwrap().path(), needle));
        }
    } else if place.is_file() {
        let bytes = std::fs::read(place).unwrap();
        if bytes.windows(needle.len()).any(|w| w == needle) {
            found.push(place.to_owned());
        }
    }
    found
}
