//! Sockets are torn at random while everybody writes: everybody comes back, and nobody misses or
//! reads twice what was written.

use super::{Done, LoadError, Seats, Table, Target, line};
use crate::chart::{Chart, Headline};
use crate::clock::now_us;
use crate::participant::Participant;
use crate::report::{Failure, Percentiles};
use crate::room::RequestError;
use crate::stamp::Canary;
use futures::future::{join_all, try_join_all};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use signaling::protocol::{ClientMessage, ErrorCode};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// After the last line, for those that come back.
const LAST_RETURNS: Duration = Duration::from_secs(5);
/// Asked too fast or in an epoch that passed.
const PAUSE: Duration = Duration::from_millis(100);

/// The scenario's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Rooms.
    pub rooms: usize,
    /// Participants of a room.
    pub people: usize,
    /// How long.
    pub seconds: u64,
    /// Mean time between two losses of one participant's socket.
    pub cut_every_ms: u64,
    /// Time between two lines of one participant.
    pub line_every_ms: u64,
}

/// What the report says.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// Sockets torn.
    pub cuts: u64,
    /// Socket lost → welcomed again with nothing missed.
    pub resume: Percentiles,
    /// Lines written.
    pub lines: u64,
    /// Lines read, each by one participant.
    pub read: u64,
    /// Lines that somebody did not read.
    pub lost: u64,
    /// Lines that somebody read more than once.
    pub doubled: u64,
    /// Lines of one writer that somebody read in another order.
    pub out_of_order: u64,
    /// Participants.
    pub participants: usize,
}

/// Tears sockets for as long as wanted, and compares what everybody read.
///
/// # Errors
/// [`LoadError`] when the rooms could not be filled.
pub async fn run(
    target: &Target,
    seats: &Seats,
    settings: &Settings,
    canary: Canary,
) -> Result<Done, LoadError> {
    let people = settings.people;
    let tables = seats.meetings.iter();
    let tables =
        tables.map(|&meeting| Table::gather(target, seats, meeting, people, canary, false));
    let tables: Vec<Table> = try_join_all(tables).await?;
    let end = Instant::now() + Duration::from_secs(settings.seconds);
    let everybody: Vec<&Participant> = tables.iter().flat_map(|table| &table.people).collect();
    let before: Vec<usize> = everybody.iter().map(|one| one.known().returns.len()).collect();
    let cutting = join_all(
        (0..).zip(&everybody).map(|(seed, one)| cut(one, seed, settings.cut_every_ms, end)),
    );
    let pause = Duration::from_millis(settings.line_every_ms);
    let writing = join_all((0..).zip(&everybody).map(|(n, one)| write(one, n, pause, end, canary)));
    let (cuts, written) = tokio::join!(cutting, writing);
    sleep(LAST_RETURNS).await;

    let mut failures = vec![];
    let mut fail = |meeting: u32, message: String| {
        failures.push(Failure { meeting, step: "flaky".to_owned(), message });
    };
    let mut lines: Vec<Vec<String>> = vec![];
    for (one, done) in everybody.iter().zip(written) {
        let (written, error) = done;
        if let Some(error) = error {
            fail(0, format!("{}: {error}", one.name));
        }
        lines.push(written);
    }
    let mut compared = Compared::default();
    let mut resumes = vec![];
    for (number, table) in (1..).zip(&tables) {
        let first = (number as usize - 1) * people;
        for (place, one) in (first..).zip(&table.people) {
            let known = one.known();
            let heard: Vec<&str> = known.chat.iter().map(|line| line.text.as_str()).collect();
            for written in &lines[first..first + people] {
                compared.add(written, &heard);
            }
            for back in &known.returns[before[place]..] {
                resumes.push(back.took.as_secs_f64() * 1_000.0);
                if !back.resumed {
                    fail(number, format!("{} came back with something missed", one.name));
                }
            }
            if !known.connected {
                fail(number, format!("{} did not come back", one.name));
            }
            if known.out_of_order > 0 {
                fail(number, format!("{}: {} messages missing", one.name, known.out_of_order));
            }
        }
        table.end().await?;
    }
    let Compared { read, lost, doubled, out_of_order } = compared;
    if lost + doubled + out_of_order > 0 {
        fail(0, format!("{lost} lines lost, {doubled} doubled, {out_of_order} out of order"));
    }
    let cuts: u64 = cuts.iter().sum();
    let findings = Findings {
        cuts,
        resume: Percentiles::of(resumes.clone()),
        lines: lines.iter().map(|lines| lines.len() as u64).sum(),
        read,
        lost,
        doubled,
        out_of_order,
        participants: everybody.len(),
    };
    let headlines = vec![
        Headline::new("Sockets torn", Some(cuts), ""),
        Headline::new("Back again, p95", findings.resume.p95, "ms"),
        Headline::new("Lines read", Some(read), ""),
        Headline::new("Lost or doubled", Some(lost + doubled), ""),
    ];
    let charts = vec![Chart::distribution("From the loss to the return", "returns", resumes)];
    Done::new(&findings, failures, headlines, charts)
}

/// What somebody read against what was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Compared {
    read: u64,
    lost: u64,
    doubled: u64,
    out_of_order: u64,
}

impl Compared {
    /// The lines of one writer, and everything that one participant heard.
    fn add(&mut self, written: &[String], heard: &[&str]) {
        let mut last = 0;
        for line in written {
            let places = heard.iter().enumerate().filter(|(_, text)| *text == line);
            let places: Vec<usize> = places.map(|(place, _)| place).collect();
            match places.as_slice() {
                [] => self.lost += 1,
                [place, more @ ..] => {
                    self.read += 1;
                    self.doubled += more.len() as u64;
                    self.out_of_order += u64::from(*place < last);
                    last = *place;
                }
            }
        }
    }
}

/// Tears one participant's socket at random moments; how often.
async fn cut(one: &Participant, seed: u64, every_ms: u64, end: Instant) -> u64 {
    let mut random = StdRng::seed_from_u64(seed);
    let mut cuts = 0;
    loop {
        let wait = Duration::from_millis(random.random_range(0..every_ms.max(1) * 2));
        if Instant::now() + wait >= end {
            return cuts;
        }
        sleep(wait).await;
        // A socket that is not there cannot be torn.
        if one.known().connected {
            one.room.cut().await;
            cuts += 1;
        }
    }
}

/// Writes numbered lines, each until the room has taken it; what was written.
async fn write(
    one: &Participant,
    writer: u64,
    pause: Duration,
    end: Instant,
    canary: Canary,
) -> (Vec<String>, Option<LoadError>) {
    let mut written = vec![];
    let mut number = writer * 1_000_000;
    while Instant::now() < end {
        let text = line(canary, number, now_us());
        if let Err(error) = say(one, &text).await {
            return (written, Some(error));
        }
        written.push(text);
        number += 1;
        sleep(pause).await;
    }
    (written, None)
}

/// Says a line once. Where the answer was lost with the socket, what came after the return tells
/// whether the line was taken: an answered request comes behind everything that was replayed.
async fn say(one: &Participant, text: &str) -> Result<(), LoadError> {
    loop {
        let known = one.known();
        let chat = ClientMessage::Chat { epoch: known.epoch, text: text.to_owned() };
        match one.room.request(chat).await {
            Ok(_) => return Ok(()),
            Err(RequestError::Lost) => {
                while one.room.request(ClientMessage::Ack { seq: 0 }).await
                    == Err(RequestError::Lost)
                {}
                if one.known().heard(text) > 0 {
                    return Ok(());
                }
            }
            Err(RequestError::Refused(ErrorCode::TooFast | ErrorCode::StaleEpoch)) => {
                sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_meet_27_what_is_missing_doubled_or_out_of_order_is_found() {
        let written = ["a", "b", "c"].map(str::to_owned);
        for (heard, read, lost, doubled, out_of_order) in [
            (&["a", "x", "b", "c"][..], 3, 0, 0, 0),
            (&["a", "c"][..], 2, 1, 0, 0),
            (&["a", "b", "b", "c", "a"][..], 3, 0, 2, 0),
            (&["b", "a", "c"][..], 3, 0, 0, 1),
            (&[][..], 0, 3, 0, 0),
        ] {
            let mut compared = Compared::default();
            compared.add(&written, heard);
            assert_eq!(compared, Compared { read, lost, doubled, out_of_order }, "{heard:?}");
        }
    }
}
