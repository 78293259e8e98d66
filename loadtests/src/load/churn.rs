//! People come and go for a long time: afterwards the hub needs no more memory than before.

use super::forwarding::connect;
use super::{Done, LoadError, Seats, Target, line};
use crate::chart::{Chart, Headline, Series};
use crate::clock::now_us;
use crate::crowd::Crowd;
use crate::isolation::Isolation;
use crate::participant::{Entrance, Participant};
use crate::process::Process;
use crate::report::{Failure, Percentiles};
use crate::stamp::Canary;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use signaling::protocol::{ClientMessage, RoomId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

/// Between two looks at the hub's memory.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// The scenario's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Rooms in which people come and go.
    pub rooms: usize,
    /// Seats in each; whoever leaves one comes back to it.
    pub people: usize,
    /// How long somebody stays.
    pub stay_ms: u64,
    /// Comings and goings before the baseline is taken: what is made once is there by then.
    pub warm_up_seconds: u64,
    /// Comings and goings.
    pub seconds: u64,
    /// Stillness before memory is read: longer than the grace time of those who left.
    pub settle_seconds: u64,
    /// Memory may grow by so much, for what allocators keep.
    pub may_grow_kb: u64,
}

/// What the report says.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// Participants that came and went, with media.
    pub joins: u64,
    /// Join click → media connected.
    pub join: Percentiles,
    /// Resident memory of the hub after the warm-up.
    pub memory_before_kb: Option<u64>,
    /// At the most.
    pub memory_peak_kb: Option<u64>,
    /// After the last one left.
    pub memory_after_kb: Option<u64>,
    /// What it may have grown by.
    pub may_grow_kb: u64,
    /// Comings and goings, seconds.
    pub seconds: u64,
}

/// Lets people come and go, and compares memory.
///
/// # Errors
/// [`LoadError`] when the rooms could not be filled.
pub async fn run(
    target: &Target,
    seats: &Seats,
    settings: &Settings,
    canary: Canary,
) -> Result<Done, LoadError> {
    let crowd = Crowd::start(None)?;
    let scene = Scene { target, seats, crowd: &crowd, canary, settings };
    let memory = || target.process.and_then(Process::memory_kb);
    let settle = Duration::from_secs(settings.settle_seconds);
    let (_, mut failures) = scene.come_and_go(settings.warm_up_seconds).await;
    sleep(settle).await;
    let before = memory();
    let began = Instant::now();
    let curve = async {
        let mut curve = vec![];
        loop {
            if let Some(kb) = memory() {
                curve.push((began.elapsed().as_secs_f64(), kb as f64 / 1_024.0));
            }
            sleep(LOOKS_EVERY).await;
            if began.elapsed() > Duration::from_secs(settings.seconds) + settle {
                return curve;
            }
        }
    };
    let ((joins, failed), curve) = tokio::join!(scene.come_and_go(settings.seconds), curve);
    failures.extend(failed);
    let after = memory();
    let peak = curve.iter().map(|(_, mb)| (mb * 1_024.0) as u64).max();
    match before.zip(after) {
        Some((before, after)) if after > before + settings.may_grow_kb => {
            let message = format!("memory grew from {before} kB to {after} kB");
            failures.push(Failure { meeting: 0, step: "memory".to_owned(), message });
        }
        Some(_) => {}
        None => {
            let message = "the hub's memory could not be read".to_owned();
            failures.push(Failure { meeting: 0, step: "memory".to_owned(), message });
        }
    }
    let findings = Findings {
        joins: joins.len() as u64,
        join: Percentiles::of(joins.clone()),
        memory_before_kb: before,
        memory_peak_kb: peak,
        memory_after_kb: after,
        may_grow_kb: settings.may_grow_kb,
        seconds: settings.seconds,
    };
    let headlines = vec![
        Headline::new("Came and went", Some(joins.len()), ""),
        Headline::new("Memory before", before, "kB"),
        Headline::new("Memory after", after, "kB"),
        Headline::new("From the click to media, p95", findings.join.p95, "ms"),
    ];
    let charts = vec![
        Chart::Lines {
            title: "Memory of the hub".to_owned(),
            x: "s",
            y: "MB",
            logarithmic: false,
            series: vec![Series { name: "resident".to_owned(), points: curve }],
        },
        Chart::distribution("From the click to media", "joins", joins),
    ];
    Done::new(&findings, failures, headlines, charts)
}

struct Scene<'a> {
    target: &'a Target,
    seats: &'a Seats,
    crowd: &'a Crowd,
    canary: Canary,
    settings: &'a Settings,
}

impl Scene<'_> {
    /// Every seat is taken and left again and again; how long each coming took, in ms.
    async fn come_and_go(&self, seconds: u64) -> (Vec<f64>, Vec<Failure>) {
        let end = Instant::now() + Duration::from_secs(seconds);
        let number = AtomicU64::new(0);
        let places = (1..).zip(&self.seats.meetings).flat_map(|(n, &meeting)| {
            (0..self.settings.people).map(move |seat| (n, meeting, seat))
        });
        let visits = places.map(|(n, meeting, seat)| {
            let number = &number;
            async move {
                let (mut took, mut failures) = (vec![], vec![]);
                // Not all at the same moment.
                sleep(Duration::from_millis(seat as u64 * self.settings.stay_ms / 4)).await;
                while Instant::now() < end {
                    let line = line(self.canary, number.fetch_add(1, Ordering::Relaxed), now_us());
                    match self.visit(meeting, seat, line).await {
                        Ok(ms) => took.push(ms),
                        Err(error) => {
                            let (step, message) = ("visit".to_owned(), error.to_string());
                            failures.push(Failure { meeting: n, step, message });
                            break;
                        }
                    }
                }
                (took, failures)
            }
        });
        let all = join_all(visits).await;
        let (took, failures): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        (took.concat(), failures.concat())
    }

    /// Somebody comes, has media, stays, and leaves.
    async fn visit(&self, meeting: Uuid, seat: usize, line: String) -> Result<f64, LoadError> {
        let began = Instant::now();
        let room = RoomId(meeting);
        let one = Participant::attend(Entrance {
            name: format!("seat {seat}"),
            room,
            from: self.target.from,
            canary: self.canary,
            isolation: Arc::new(Isolation::new(room)),
            tickets: self.seats.tickets(meeting, seat)?,
            patience: super::PATIENCE,
        })
        .await?;
        let media = connect(&one, self.crowd, self.target.from).await?;
        let took = began.elapsed().as_secs_f64() * 1_000.0;
        if seat == 0 {
            // The second time it is refused: the meeting has begun.
            let _ = one.room.request(ClientMessage::Start).await;
            let _ = one.room.request(ClientMessage::AdmitAll).await;
        }
        let epoch = one.known().epoch;
        // Who is in the lobby has nobody to talk to.
        let _ = one.room.request(ClientMessage::Chat { epoch, text: line }).await;
        sleep(Duration::from_millis(self.settings.stay_ms)).await;
        drop(media);
        // The room says goodbye by closing the socket; a lost answer is as good.
        let _ = timeout(super::PATIENCE, one.room.request(ClientMessage::Bye)).await;
        Ok(took)
    }
}
