//! Very many participants that only talk to their rooms: how soon a line reaches everybody, and how
//! much memory a socket takes.

use super::{Done, LoadError, Seats, Table, Target, line, spoken_at_us};
use crate::chart::{Chart, Headline};
use crate::clock::now_us;
use crate::process::Process;
use crate::report::{Failure, Percentiles};
use crate::room::Known;
use crate::stamp::Canary;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use rand::rngs::StdRng;
use rand::{Rng, RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use signaling::protocol::ClientMessage;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Rooms that fill at the same time.
const AT_ONCE: usize = 12;
/// After the last one came in, until memory is read.
const SETTLES: Duration = Duration::from_secs(5);
/// After the last line, for those that are still on their way.
const LAST_LINES: Duration = Duration::from_secs(3);

/// The scenario's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Open sockets.
    pub sockets: usize,
    /// Participants of a room.
    pub people: usize,
    /// How long people write.
    pub seconds: u64,
    /// Lines a second, of all rooms together.
    pub lines_per_second: u32,
}

impl Settings {
    /// Rooms for all of them.
    pub fn rooms(&self) -> usize {
        self.sockets.div_ceil(self.people.max(1))
    }
}

/// What the report says.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// Open at the same time.
    pub sockets: usize,
    /// Rooms.
    pub rooms: usize,
    /// From the speaker's socket to each one who reads it, the speaker included.
    pub fanout: Percentiles,
    /// Lines written.
    pub lines: u64,
    /// Lines read, each by one participant.
    pub read: u64,
    /// Lines that somebody did not read, and that somebody read twice.
    pub lost: u64,
    /// See there.
    pub doubled: u64,
    /// Resident memory of the hub before the first and with all of them.
    pub memory_kb: Option<(u64, u64)>,
    /// The difference for each; a room's share included.
    pub memory_kb_per_socket: Option<f64>,
    /// Until all were in, from join click to the first view.
    pub filled_within_s: f64,
    /// Processors in use by the hub while people wrote.
    pub hub_cores: Option<f64>,
}

/// Opens all sockets, lets people write, and counts who read what when.
///
/// # Errors
/// [`LoadError`] when the rooms could not be filled.
pub async fn run(
    target: &Target,
    seats: &Seats,
    settings: &Settings,
    canary: Canary,
) -> Result<Done, LoadError> {
    let rooms = settings.rooms();
    let memory = target.process.and_then(Process::memory_kb);
    let began = Instant::now();
    let people = settings.people;
    let tables: Vec<Table> = stream::iter(seats.meetings.clone())
        .map(|meeting| Table::gather(target, seats, meeting, people, canary, false))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let filled = began.elapsed();
    tracing::info!(sockets = rooms * people, ?filled, "all are in");
    sleep(SETTLES).await;
    let memory = memory.zip(target.process.and_then(Process::memory_kb));
    let cpu = target.process.and_then(Process::cpu);
    let writing = Instant::now();
    let lines = write(&tables, settings, canary).await;
    let took = writing.elapsed().as_secs_f64();
    let cpu = target.process.and_then(Process::cpu).zip(cpu).map(|(now, then)| now.since(&then));
    sleep(LAST_LINES).await;
    let (mut delays, mut read, mut lost, mut doubled) = (vec![], 0, 0, 0);
    for table in &tables {
        let known: Vec<Known> = table.people.iter().map(|one| one.known()).collect();
        let spoken = lines.iter().filter(|(meeting, _)| *meeting == table.meeting);
        for (_, text) in spoken {
            for one in &known {
                let mut heard = one.chat.iter().filter(|said| said.text == *text);
                match heard.next() {
                    Some(said) => {
                        read += 1;
                        let spoken = spoken_at_us(text).unwrap_or(said.at_us);
                        delays.push(said.at_us.saturating_sub(spoken) as f64 / 1_000.0);
                    }
                    None => lost += 1,
                }
                doubled += heard.count() as u64;
            }
        }
    }
    let sockets = tables.iter().flat_map(|table| &table.people);
    let sockets = sockets.filter(|one| one.known().connected).count();
    let findings = Findings {
        sockets,
        rooms,
        fanout: Percentiles::of(delays.clone()),
        lines: lines.len() as u64,
        read,
        lost,
        doubled,
        memory_kb: memory,
        memory_kb_per_socket: memory.map(|(before, with)| {
            ((with as f64 - before as f64) / sockets.max(1) as f64 * 10.0).round() / 10.0
        }),
        filled_within_s: (filled.as_secs_f64() * 10.0).round() / 10.0,
        hub_cores: cpu.map(|cpu| (cpu.all() as f64 / 1e4 / took).round() / 100.0),
    };
    let mut failures = vec![];
    let mut fail = |message: String| {
        failures.push(Failure { meeting: 0, step: "sockets".to_owned(), message });
    };
    if sockets < settings.sockets {
        fail(format!("{sockets} of {} sockets are open", settings.sockets));
    }
    if lost + doubled > 0 {
        fail(format!("{lost} lines were lost, {doubled} came twice"));
    }
    let name = format!("{sockets} sockets");
    let charts = vec![Chart::distribution("From the writer to each reader", &name, delays)];
    let headlines = vec![
        Headline::new("Open sockets", Some(sockets), ""),
        Headline::new("Line read by everybody, p99", findings.fanout.p99, "ms"),
        Headline::new("p50", findings.fanout.p50, "ms"),
        Headline::new("Memory of a socket", findings.memory_kb_per_socket, "kB"),
    ];
    Done::new(&findings, failures, headlines, charts)
}

/// People write, one after the other, wherever chance falls. Every line says when it was written.
async fn write(tables: &[Table], settings: &Settings, canary: Canary) -> Vec<(uuid::Uuid, String)> {
    let mut random = StdRng::seed_from_u64(settings.sockets as u64);
    let mut beat = tokio::time::interval(Duration::from_secs(1) / settings.lines_per_second.max(1));
    let count = settings.seconds * u64::from(settings.lines_per_second);
    let mut lines = vec![];
    let mut asked = vec![];
    for number in 0..count {
        beat.tick().await;
        let Some((table, one)) = somebody(tables, &mut random) else { break };
        let text = line(canary, number, now_us());
        let epoch = table.people[one].known().epoch;
        let room = table.people[one].room.clone();
        let message = ClientMessage::Chat { epoch, text: text.clone() };
        lines.push((table.meeting, text));
        // Its answer is not waited for: the next line is due.
        asked.push(tokio::spawn(async move { room.request(message).await }));
    }
    for (asked, (_, text)) in asked.into_iter().zip(&lines) {
        if let Ok(Err(error)) = asked.await {
            tracing::warn!(%error, text, "a line was not taken");
        }
    }
    lines
}

fn somebody<'a>(tables: &'a [Table], random: &mut impl Rng) -> Option<(&'a Table, usize)> {
    let table = tables.get(random.random_range(0..tables.len().max(1)))?;
    Some((table, random.random_range(0..table.people.len())))
}
