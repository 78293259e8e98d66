//! Constant moves between plenary and breakouts, with a canary in every packet: nothing may cross.

use super::{Done, LoadError, Seats, Table, Target};
use crate::chart::{Chart, Headline};
use crate::clock::now_ms;
use crate::isolation::Arrival;
use crate::participant::Participant;
use crate::report::{Failure, Figure, Measured, Percentiles};
use crate::room::Known;
use crate::stamp::Canary;
use futures::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};
use signaling::protocol::{ClientMessage, Session, Side};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The scenario's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Rooms of four.
    pub rooms: usize,
    /// How long people are moved.
    pub seconds: u64,
    /// How long they stay where they were moved to, once they see each other.
    pub stay_ms: u64,
}

/// What the report says.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// Packets that arrived although sender and receiver were in no common session.
    pub leaked_packets: u64,
    /// Packets that arrived and were judged.
    pub packets: u64,
    /// Breakouts opened, and returns to plenary.
    pub moves: u64,
    /// Rooms.
    pub rooms: usize,
    /// Epoch risen at the hub → first picture that was sent in the new session.
    pub breakout_switch: Percentiles,
}

const PEOPLE: usize = 4;

/// Moves people for as long as wanted, and judges every packet.
///
/// # Errors
/// [`LoadError`] when the rooms could not be filled.
pub async fn run(
    target: &Target,
    seats: &Seats,
    settings: &Settings,
    canary: Canary,
) -> Result<Done, LoadError> {
    let tables = seats.meetings.iter();
    let tables = tables.map(|&meeting| Table::gather(target, seats, meeting, PEOPLE, canary, true));
    let tables: Vec<Table> = try_join_all(tables).await?;
    let measured = Measured::default();
    let end = Instant::now() + Duration::from_secs(settings.seconds);
    let stay = Duration::from_millis(settings.stay_ms);
    let rounds = tables.iter().map(|table| async {
        let mut moves = 0;
        while Instant::now() < end {
            there_and_back(table, stay, &measured).await?;
            moves += 2;
            table.isolation.judge(now_ms());
        }
        Ok::<u64, LoadError>(moves)
    });
    let rounds = join_all(rounds).await;
    let (mut packets, mut moves) = (0, 0);
    let mut leaks: Vec<Arrival> = vec![];
    let mut failures = vec![];
    for ((number, table), round) in (1..).zip(&tables).zip(rounds) {
        match round {
            Ok(done) => moves += done,
            Err(error) => {
                let (step, message) = ("move".to_owned(), error.to_string());
                failures.push(Failure { meeting: number, step, message });
            }
        }
        let (judged, leaked) = table.isolation.conclude();
        packets += judged;
        if let Some(first) = leaked.first() {
            let message = format!("{} packets crossed, such as {first:?}", leaked.len());
            failures.push(Failure { meeting: number, step: "isolation".to_owned(), message });
        }
        leaks.extend(leaked);
        table.end().await?;
    }
    if packets == 0 {
        let message = "no packet arrived: nothing was judged".to_owned();
        failures.push(Failure { meeting: 0, step: "isolation".to_owned(), message });
    }
    let switches = measured.all(Figure::BreakoutSwitch);
    let findings = Findings {
        leaked_packets: leaks.len() as u64,
        packets,
        moves,
        rooms: settings.rooms,
        breakout_switch: Percentiles::of(switches.clone()),
    };
    let headlines = vec![
        Headline::new("Packets across sessions", Some(findings.leaked_packets), ""),
        Headline::new("Packets judged", Some(packets), ""),
        Headline::new("Moves", Some(moves), ""),
        Headline::new("Picture after a move, p95", findings.breakout_switch.p95, "ms"),
    ];
    let charts = vec![Chart::distribution("From the move to the first picture", "moves", switches)];
    Done::new(&findings, failures, headlines, charts)
}

/// Conciliator and client go aside, everybody sees who is left, and all come back.
async fn there_and_back(
    table: &Table,
    stay: Duration,
    measured: &Measured,
) -> Result<(), LoadError> {
    let [conciliator, client, delegate, aid] = table.people.as_slice() else {
        return Err(LoadError::Wrong("this load needs rooms of four".to_owned()));
    };
    let aside = |known: &Known| {
        matches!(known.session, Some(Session::Breakout(_))) && known.others().len() == 1
    };
    let left = |known: &Known| known.session == Some(Session::Plenary) && known.others().len() == 1;
    let all = |known: &Known| known.session == Some(Session::Plenary) && known.others().len() == 3;
    let open = |known: &Known| ClientMessage::OpenBreakout {
        epoch: known.epoch,
        side: Side::Activating,
        with_me: true,
        minutes: None,
        telephones: None,
    };
    conciliator.bring_about("a breakout", open, aside).await?;
    client.until("a breakout", aside).await?;
    delegate.until("their leaving", left).await?;
    aid.until("their leaving", left).await?;
    see_each_other(conciliator, client, measured).await?;
    sleep(stay).await;
    conciliator.bring_about("the recall", |_| ClientMessage::Recall { at_once: true }, all).await?;
    for one in &table.people {
        one.until("the recall", all).await?;
    }
    see_each_other(client, delegate, measured).await?;
    see_each_other(conciliator, aid, measured).await?;
    sleep(stay).await;
    Ok(())
}

async fn see_each_other(
    one: &Participant,
    other: &Participant,
    measured: &Measured,
) -> Result<(), LoadError> {
    let moved_at_ms = one.known().moved_at_ms.max(other.known().moved_at_ms);
    for (one, other) in [(one, other), (other, one)] {
        let known = one.known();
        let session = known.session.unwrap_or(Session::Plenary);
        let seen = |ears: &crate::media::Ears| ears.first(other.me(), true, session, known.epoch);
        let first = one.hears(&format!("the picture of {}", other.name), seen).await?;
        let took = Duration::from_millis(first.saturating_sub(moved_at_ms));
        measured.add(Figure::BreakoutSwitch, took);
    }
    Ok(())
}
