//! What forwarding a packet costs, how long it takes, and how much memory a participant needs.

use super::rival::{self, Pair, RivalError};
use super::{Done, LoadError, Seats, Table, Target};
use crate::chart::{Chart, Headline, Series};
use crate::crowd::{Crowd, Part, Peer, Tally};
use crate::participant::Participant;
use crate::process::{Cpu, Process};
use crate::report::{Failure, Percentiles};
use crate::stamp::Canary;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use signaling::protocol::{ClientMessage, ServerMessage};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Rooms that fill at the same time.
const AT_ONCE: usize = 4;
/// Packets a second that every peer sends: 50 of voice, 125 of pictures.
const PACKETS_PER_SECOND: f64 = 175.0;
/// The flow is steady when this share of what should come has come for two looks in a row.
const STEADY: f64 = 0.95;
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// What does not flow by then is measured as it is, and fails the run.
const STEADY_WITHIN: Duration = Duration::from_secs(30);
/// What was sent in the measured time may still arrive.
const LAST_PACKETS: Duration = Duration::from_millis(300);

/// The scenario's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Measured seconds of each shape.
    pub seconds: u64,
    /// Put the same load on Janus' videoroom.
    pub janus: bool,
    /// What is measured, one after the other; the first is the one that the report leads with.
    pub shapes: Vec<Shape>,
}

/// Rooms of one size, measured together.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// How many rooms.
    pub rooms: usize,
    /// Participants in each.
    pub people: usize,
}

impl Settings {
    /// Rooms of all shapes.
    pub fn rooms(&self) -> usize {
        self.shapes.iter().map(|shape| shape.rooms).sum()
    }
}

impl Shape {
    /// Participants of all rooms.
    pub fn participants(self) -> usize {
        self.rooms * self.people
    }

    /// Packets a second that should be forwarded.
    pub fn forwarded_per_second(self) -> f64 {
        (self.participants() * (self.people - 1)) as f64 * PACKETS_PER_SECOND
    }
}

/// What one server did with one shape.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Participants in rooms.
    #[serde(flatten)]
    pub shape: Shape,
    /// Packets a second sent to the server.
    pub sent_per_second: f64,
    /// Packets a second that reached a participant.
    pub forwarded_per_second: f64,
    /// Share of the packets that did not arrive.
    pub lost_percent: f64,
    /// Packets heard in a room where they were not sent.
    pub leaked_packets: u64,
    /// The whole process, µs for each packet that reached a participant.
    pub cpu_us_per_forwarded_packet: Option<f64>,
    /// The part of it spent in the kernel.
    pub kernel_us_per_forwarded_packet: Option<f64>,
    /// The threads that forward media alone.
    pub media_us_per_forwarded_packet: Option<f64>,
    /// Processors in use by the server.
    pub cores: Option<f64>,
    /// Processors in use by this program.
    pub generator_cores: Option<f64>,
    /// Resident memory before the first participant came and while all were there.
    pub memory_kb: Option<(u64, u64)>,
    /// The difference for each participant; of the first shape only, because a server uses the memory
    /// of people who left for those who come.
    pub memory_kb_per_participant: Option<f64>,
    /// From a sender's socket to a receiver's.
    pub latency: Percentiles,
    /// Distribution of the latency, for the plot.
    #[serde(skip)]
    pub curve: Vec<(f64, f64)>,
}

/// What the report says.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// Of the first shape.
    pub cpu_us_per_forwarded_packet: Option<f64>,
    /// Of the first shape.
    pub latency: Percentiles,
    /// All shapes, over the address that was given.
    pub shapes: Vec<Cost>,
    /// Janus' processor time for a packet over ours, of the first shape; both behind a virtual cable
    /// each, in the same run.
    pub janus_ratio: Option<f64>,
    /// All shapes on both servers.
    pub janus: Vec<Pair>,
    /// Why there is no comparison.
    pub janus_missing: Option<String>,
}

/// Measures all shapes.
///
/// # Errors
/// [`LoadError`] when nothing could be measured.
pub async fn run(
    target: &Target,
    seats: &Seats,
    settings: &Settings,
    canary: Canary,
) -> Result<Done, LoadError> {
    let crowd = Crowd::start(None)?;
    let mut left = &seats.meetings[..];
    let (mut shapes, mut failures) = (vec![], vec![]);
    for (number, &shape) in (1..).zip(&settings.shapes) {
        let (these, others) = left.split_at(shape.rooms);
        left = others;
        let mut measured =
            measure(target, seats, &crowd, these, shape, settings.seconds, canary).await?;
        if number > 1 {
            measured.memory_kb_per_participant = None;
        }
        failures.extend(judge(number, &measured));
        shapes.push(measured);
    }
    let (pairs, missing) = match (settings.janus, target.process) {
        (false, _) => (vec![], Some("not asked for".to_owned())),
        (true, None) => (vec![], Some("the hub's program is not on this machine".to_owned())),
        (true, Some(process)) => match rival::compare(process.program(), settings, canary).await {
            Ok(pairs) => (pairs, None),
            Err(error) => {
                tracing::warn!(%error, "no comparison with Janus");
                // Without rights or without Janus there is nothing to compare; a load that fails on
                // one of them is a failure.
                if !matches!(error, RivalError::Lab(_)) {
                    let message = error.to_string();
                    failures.push(Failure { meeting: 0, step: "janus".to_owned(), message });
                }
                (vec![], Some(error.to_string()))
            }
        },
    };
    for (number, pair) in (1..).zip(&pairs) {
        failures
            .extend([&pair.accordo, &pair.janus].into_iter().flat_map(|cost| judge(number, cost)));
    }
    let first = shapes.first();
    let findings = Findings {
        janus_ratio: pairs.first().and_then(|pair| pair.ratio),
        janus: pairs,
        janus_missing: missing,
        cpu_us_per_forwarded_packet: first.and_then(|cost| cost.cpu_us_per_forwarded_packet),
        latency: first.map(|cost| cost.latency).unwrap_or_default(),
        shapes,
    };
    let (headlines, charts) = shown(&findings);
    Done::new(&findings, failures, headlines, charts)
}

/// What the page shows.
fn shown(findings: &Findings) -> (Vec<Headline>, Vec<Chart>) {
    let headlines = vec![
        Headline::new("Cost of a packet", findings.cpu_us_per_forwarded_packet, "µs"),
        Headline::new("Latency, p99", findings.latency.p99, "ms"),
        Headline::new("Janus' cost over ours", findings.janus_ratio, "×"),
    ];
    let named =
        |cost: &Cost, who: &str| format!("{who}, {} × {}", cost.shape.rooms, cost.shape.people);
    let given = findings.shapes.iter().map(|cost| (named(cost, "given address"), cost));
    let pairs = findings.janus.iter().flat_map(|pair| {
        [("Accordo, cable", &pair.accordo), ("Janus, cable", &pair.janus)]
            .map(|(who, cost)| (named(cost, who), cost))
    });
    let all: Vec<(String, &Cost)> = given.chain(pairs).collect();
    let bars = |of: fn(&Cost) -> Option<f64>| {
        all.iter().filter_map(|(name, cost)| Some((name.clone(), of(cost)?))).collect()
    };
    let text = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| v.to_string());
    let rows = all.iter().map(|(name, cost)| {
        vec![
            name.clone(),
            cost.forwarded_per_second.to_string(),
            cost.lost_percent.to_string(),
            text(cost.cpu_us_per_forwarded_packet),
            text(cost.kernel_us_per_forwarded_packet),
            text(cost.latency.p50),
            text(cost.latency.p95),
            text(cost.latency.p99),
            text(cost.memory_kb_per_participant),
            text(cost.cores),
            text(cost.generator_cores),
        ]
    });
    let latencies =
        all.iter().map(|(name, cost)| Series { name: name.clone(), points: cost.curve.clone() });
    let mut charts = vec![
        Chart::Bars {
            title: "Processor time for each forwarded packet".to_owned(),
            unit: "µs",
            bars: bars(|cost| cost.cpu_us_per_forwarded_packet),
        },
        Chart::Bars {
            title: "Memory for each participant".to_owned(),
            unit: "kB",
            bars: bars(|cost| cost.memory_kb_per_participant),
        },
        Chart::Lines {
            title: "From the sender's socket to the receiver's".to_owned(),
            x: "ms",
            y: "share of all packets",
            logarithmic: true,
            series: latencies.collect(),
        },
        Chart::Table {
            title: "All figures".to_owned(),
            head: vec![
                "server, rooms × people",
                "packets/s",
                "lost %",
                "µs/packet",
                "in the kernel",
                "p50 ms",
                "p95 ms",
                "p99 ms",
                "kB/participant",
                "cores",
                "generator's cores",
            ],
            rows: rows.collect(),
        },
    ];
    if let Some(why) = &findings.janus_missing {
        charts.push(Chart::Table {
            title: "No comparison with Janus".to_owned(),
            head: vec!["why"],
            rows: vec![vec![why.clone()]],
        });
    }
    (headlines, charts)
}

/// A figure counts only if everything flowed.
fn judge(shape: u32, cost: &Cost) -> Vec<Failure> {
    let Shape { rooms, people } = cost.shape;
    let step = format!("{rooms} rooms of {people}");
    let fail = |message: String| Failure { meeting: shape, step: step.clone(), message };
    let wanted = cost.shape.forwarded_per_second();
    let mut failures = vec![];
    if cost.forwarded_per_second < wanted * STEADY {
        let flowed = cost.forwarded_per_second;
        failures.push(fail(format!("{flowed} of {wanted} packets a second arrived")));
    }
    if cost.leaked_packets > 0 {
        failures.push(fail(format!("{} packets came from other rooms", cost.leaked_packets)));
    }
    failures
}

/// Fills rooms of our hub, measures for `seconds`, and ends the meetings.
///
/// # Errors
/// [`LoadError`] when the rooms cannot be filled.
pub async fn measure(
    target: &Target,
    seats: &Seats,
    crowd: &Crowd,
    meetings: &[uuid::Uuid],
    shape: Shape,
    seconds: u64,
    canary: Canary,
) -> Result<Cost, LoadError> {
    let memory = target.process.and_then(Process::memory_kb);
    let rooms: Vec<(Table, Vec<Peer>)> = stream::iter(meetings)
        .map(|&meeting| async move {
            let table = Table::gather(target, seats, meeting, shape.people, canary, false).await?;
            let mut peers = Vec::with_capacity(shape.people);
            for one in &table.people {
                peers.push(connect(one, crowd, target.from).await?);
            }
            Ok::<_, LoadError>((table, peers))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let cost = observe(crowd, target.process, memory, shape, seconds).await?;
    for (table, peers) in rooms {
        drop(peers);
        table.end().await?;
    }
    Ok(cost)
}

/// Gives a participant media of the crowd.
pub(super) async fn connect(
    one: &Participant,
    crowd: &Crowd,
    from: std::net::IpAddr,
) -> Result<Peer, LoadError> {
    let slots = one.known().slot_count.expect("set with the welcome");
    let peer = crowd.offer(from, Part::Member(slots), one.place.clone()).await?;
    let offer = ClientMessage::Offer { sdp: peer.sdp.clone() };
    let ServerMessage::Answer { sdp, .. } = one.room.request(offer).await? else {
        return Err(LoadError::Wrong(format!("{}: the offer was not answered", one.name)));
    };
    peer.accept(sdp).await?;
    one.room.request(ClientMessage::Devices { mic: true, cam: true, screen: false }).await?;
    Ok(peer)
}

/// Waits until everything flows, and measures.
pub(super) async fn observe(
    crowd: &Crowd,
    server: Option<Process>,
    memory_before: Option<u64>,
    shape: Shape,
    seconds: u64,
) -> Result<Cost, LoadError> {
    let wanted = shape.forwarded_per_second() * STEADY * LOOKS_EVERY.as_secs_f64();
    let (end, mut steady) = (Instant::now() + STEADY_WITHIN, 0);
    crowd.tally().await?;
    while steady < 2 && Instant::now() < end {
        sleep(LOOKS_EVERY).await;
        let flowed = crowd.tally().await?.heard as f64 >= wanted;
        steady = if flowed { steady + 1 } else { 0 };
    }
    let me = Process(std::process::id());
    let cpu = || (server.and_then(Process::cpu), me.cpu());
    crowd.tally().await?;
    let (before, own_before) = cpu();
    let began = Instant::now();
    sleep(Duration::from_secs(seconds)).await;
    let (after, own_after) = cpu();
    let took = began.elapsed().as_secs_f64();
    let memory = memory_before.zip(server.and_then(Process::memory_kb));
    // The stretch that is counted ends here; what it sent and what still arrives is added.
    let tally = crowd.tally().await?;
    sleep(LAST_PACKETS).await;
    let rest = crowd.tally().await?;
    let late = rest.heard - rest.heard_fresh;
    let used = after.zip(before).map(|(after, before)| after.since(&before));
    let own = own_after.zip(own_before).map(|(after, before)| after.since(&before));
    Ok(cost(shape, &tally, late, took, used, own, memory))
}

fn cost(
    shape: Shape,
    tally: &Tally,
    late: u64,
    took: f64,
    used: Option<Cpu>,
    own: Option<Cpu>,
    memory_kb: Option<(u64, u64)>,
) -> Cost {
    let heard = tally.heard.max(1) as f64;
    let each = |us: u64| rounded(us as f64 / heard, 100.0);
    let cores = |cpu: Cpu| rounded(cpu.all() as f64 / 1e6 / took, 1_000.0);
    let due = (tally.sent * (shape.people as u64 - 1)) as f64;
    let arrived = (tally.heard_fresh + late) as f64;
    let participants = shape.participants() as f64;
    Cost {
        shape,
        sent_per_second: rounded(tally.sent as f64 / took, 1.0),
        forwarded_per_second: rounded(tally.heard as f64 / took, 1.0),
        lost_percent: rounded((1.0 - arrived / due.max(1.0)).max(0.0) * 100.0, 1_000.0),
        leaked_packets: tally.leaked,
        cpu_us_per_forwarded_packet: used.map(|cpu| each(cpu.all())),
        kernel_us_per_forwarded_packet: used.map(|cpu| each(cpu.system)),
        media_us_per_forwarded_packet: used.filter(|cpu| cpu.media > 0).map(|cpu| each(cpu.media)),
        cores: used.map(cores),
        generator_cores: own.map(cores),
        memory_kb,
        memory_kb_per_participant: memory_kb
            .map(|(before, after)| rounded((after as f64 - before as f64) / participants, 10.0)),
        latency: tally.latency(),
        curve: tally.curve(),
    }
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
