//! Five meetings of four at once, played by the load generator against a real hub: everything is
//! completed, nothing leaks, nothing of what was said stays behind. And the leak check can fail.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use hub::serve;
use hub::settings::Settings;
use signaling::media::broken::ignore_epochs;
use support::story::Play;
use support::watch::Watch;
use support::{Hub, free_port, get};

const NOTHING: [&str; 0] = [];

#[test]
fn r_tech_11_five_meetings_are_completed_and_r_meet_24_nothing_said_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let mut hub = Hub::start(&dir.path().join("hub"));
    let (good, report) = Play::begin(&hub.url(), 5, dir.path(), &NOTHING).end();
    assert!(good, "{report:#}\n{}", hub.log_text());
    assert_eq!(report["meetings_completed"], 5);
    assert_eq!(report["signed_documents"], 5);
    assert_eq!(report["leaked_packets"], 0);
    for (packets, least) in [("forwarded_packets", 10_000), ("withheld_packets", 1_000)] {
        assert!(report[packets].as_u64().unwrap() > least, "{packets}: {report:#}");
    }
    for figure in ["login", "join", "first_frame", "breakout_switch", "resume", "signature"] {
        for percentile in ["p50", "p95", "p99"] {
            let ms = report[figure][percentile].as_f64();
            assert!(ms.is_some_and(|ms| ms > 0.0), "{figure} {percentile}: {report:#}");
        }
    }
    assert_eq!(report["signature"]["count"], 15);

    Play::assert_documents_are_accepted(dir.path(), 5);
    for log in ["-attendance.json", "-evidence.json"] {
        let logs = Play::saved(dir.path(), log);
        assert_eq!(logs.len(), 5);
        let checked =
            Command::new(env!("CARGO_BIN_EXE_hub")).arg("verify-log").args(&logs).output();
        let checked = checked.unwrap();
        let said = String::from_utf8_lossy(&checked.stdout);
        assert!(checked.status.success() && said.contains("catena integra"), "{said}");
    }

    // The canary was said in chat, sent in every media packet, and was name and content of a file
    // that was shared in a breakout; it must be nowhere.
    let canary = report["canary"].as_str().unwrap();
    assert!(canary.len() >= 16);
    assert!(report["canaries_heard"].as_u64().unwrap() > 1_000, "the canary reached nobody");
    hub.kill();
    let places = [hub.data.clone(), hub.log.clone(), hub.temporary.clone()];
    let found: Vec<_> = places.iter().flat_map(|p| files_with(p, canary.as_bytes())).collect();
    assert!(found.is_empty(), "what was said is in {found:?}");
    // The search finds what is there: an address of each case in the database.
    assert!(!files_with(&hub.data, b"Via Appia 12").is_empty());
}

#[test]
fn r_meet_24_while_people_meet_nothing_is_written_but_database_log_and_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut hub = Hub::start(&dir.path().join("hub"));
    let watch = Watch::begin(hub.process());
    let (good, report) = Play::begin(&hub.url(), 1, dir.path(), &NOTHING).end();
    let seen = watch.end();
    assert!(good, "{report:#}\n{}", hub.log_text());
    let stray: Vec<_> = seen.written.iter().filter(|file| !may_write(&hub, file)).collect();
    assert!(stray.is_empty(), "while people met the hub wrote {stray:?}");
    assert!(seen.written.iter().any(|file| on_a_shelf(file)), "the watch saw no shared file");
    assert!(seen.looks > 1_000, "the watch slept");

    // What was shared in the breakout is gone, and what was added to the case is there (R-MEET-26).
    hub.kill();
    let canary = report["canary"].as_str().unwrap().as_bytes();
    for place in [&hub.data, &hub.log, &hub.temporary] {
        let found = files_with(place, canary);
        assert!(found.is_empty(), "what was said is in {found:?}");
    }
    let stored = files_with(&hub.data.join("files"), b"");
    assert!(!stored.iter().any(|file| on_a_shelf(file)), "the room is over, its files are not");
    assert_eq!(files_with(&hub.data.join("files"), b"resta nel fascicolo").len(), 1);
}

#[test]
fn r_meet_41_a_hub_that_ignores_epochs_is_caught_by_the_leak_check() {
    let dir = tempfile::tempdir().unwrap();
    ignore_epochs();
    let hub = serve_here(&dir.path().join("hub"));
    let (good, report) = Play::begin(&format!("http://{hub}"), 1, dir.path(), &NOTHING).end();
    assert!(report["leaked_packets"].as_u64().unwrap() > 0, "{report:#}");
    assert!(!good, "a run with leaked packets must fail");
}

/// A hub in this process, where the switch of the signaling crate works; it ends with the process.
fn serve_here(data: &Path) -> SocketAddr {
    let mut settings = Settings::demo().unwrap();
    (settings.listen, settings.data) = (free_port(), data.to_owned());
    let address = settings.listen;
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(serve::serve(settings)).unwrap();
    });
    let end = Instant::now() + Duration::from_secs(90);
    while get(address, "/readyz").is_none_or(|a| !a.starts_with("HTTP/1.1 200")) {
        assert!(!serving.is_finished() && Instant::now() < end, "the hub does not serve");
        std::thread::sleep(Duration::from_millis(50));
    }
    address
}

/// What the hub may write to while people meet.
fn may_write(hub: &Hub, file: &Path) -> bool {
    let Ok(inside) = file.strip_prefix(&hub.data) else { return file == hub.log };
    let name = inside.to_string_lossy();
    ["accordo.db", "hub.lock", "files/", "demo-qtsp"].iter().any(|known| name.starts_with(known))
}

/// A file that somebody shared in a room.
fn on_a_shelf(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "rooms")
}

/// All files below a place in which these bytes are.
fn files_with(place: &Path, needle: &[u8]) -> Vec<PathBuf> {
    if place.is_dir() {
        let entries = std::fs::read_dir(place).unwrap();
        return entries.flat_map(|entry| files_with(&entry.unwrap().path(), needle)).collect();
    }
    let there = || {
        let content = std::fs::read(place).unwrap();
        needle.is_empty() || content.windows(needle.len()).any(|w| w == needle)
    };
    if place.is_file() && there() { vec![place.to_owned()] } else { vec![] }
}
