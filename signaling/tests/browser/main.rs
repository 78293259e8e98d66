//! People in real browsers hold meetings over the real rooms and the real media edge. What the
//! browsers see and hear is asserted by the stories of `hub/e2e/src`; here, what the rooms kept.

#![expect(clippy::unwrap_used, reason = "a test stops where its expectations do")]

mod relay;
mod server;

use server::{ROOM, Setting};
use signaling::room::journal::JournalEvent;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Far more than the story takes on an idle machine.
const WITHIN: Duration = Duration::from_secs(420);

#[tokio::test(flavor = "multi_thread")]
async fn six_people_meet_in_real_browsers() {
    let (address, world) = server::start(Setting::default()).await;
    play("rooms", address).await;

    let entries = world.journal.lock().unwrap().clone();
    let log = serde_json::to_string(&entries).unwrap();
    for content in ["canarino", "Verdi", "Bianchi"] {
        assert!(!log.contains(content), "the attendance log holds {content:?}");
    }
    let closing = entries.last().map(|entry| &entry.event);
    let Some(JournalEvent::Closed { forwarded, withheld, .. }) = closing else {
        panic!("the log does not end with its closing line: {closing:?}");
    };
    assert!(*forwarded > 10_000, "{forwarded} packets forwarded");
    assert!(*withheld > 1_000, "{withheld} packets withheld from people of other sessions");
    assert!(world.rooms.status(ROOM).await.is_none(), "an ended room is not served any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_21_29_40_44_47_a_tour_of_what_the_room_offers() {
    let (address, world) = server::start(Setting::default()).await;
    play("tour", address).await;
    let log = serde_json::to_string(&*world.journal.lock().unwrap()).unwrap();
    for kept in ["phone_added", "seat_added", "lawyer", "timer_set", "closing_told"] {
        assert!(log.contains(kept), "the attendance log lacks {kept}");
    }
    for content in ["Gallo", "Levi", "1234567", "7654321"] {
        assert!(!log.contains(content), "the attendance log holds {content:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_45_people_meet_over_the_relay_alone() {
    let (address, _world) = server::start(Setting { relay: true, ..Setting::default() }).await;
    play("relay", address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_and_chromium_meet() {
    let setting = Setting { media: own_address(), ..Setting::default() };
    let (address, _world) = server::start(setting).await;
    play("firefox", address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_27_bad_lines_spoil_pictures_before_voices_and_throw_nobody_out() {
    let (address, _world) = server::start(Setting::default()).await;
    play("impaired", address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r_meet_27_everybody_is_back_after_an_outage() {
    let (address, _world) = server::start(Setting::default()).await;
    play("outages", address).await;
}

/// An address of this machine other than loopback, which Firefox never uses for media.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: the system only says from where it would go (RFC 5737: nobody's address).
    socket.connect("192.0.2.1:9").expect("this test needs a network card with an address");
    socket.local_addr().unwrap().ip()
}

/// Builds a story and lets it happen.
async fn play(story: &str, address: SocketAddr) {
    let e2e = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hub/e2e");
    node(&e2e, &["build.mjs", story], "").await;
    node(&e2e, &[&format!("dist/{story}.mjs")], &format!("http://{address}")).await;
}

/// Runs a script; its output is shown if it fails.
async fn node(folder: &Path, arguments: &[&str], url: &str) {
    let child = Command::new("node")
        .args(arguments)
        .current_dir(folder)
        .env("ROOMS_URL", url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let output = tokio::time::timeout(WITHIN, child.wait_with_output())
        .await
        .expect("the story did not come to its end")
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "node {arguments:?}\n{told}\n{complained}");
    #[expect(clippy::print_stdout, reason = "figures of a passing run, shown with --no-capture")]
    {
        println!("{told}");
    }
}
