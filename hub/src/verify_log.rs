//! `hub verify-log`: is an exported attendance log, or the evidence of a signature or of a video
//! identification, what the hub wrote down? Needs the file alone (R-MEET-32, R-MEET-43, R-SIGN-38).

mod identification;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use portal::journal::{self, Entry, JournalError};
use serde::Deserialize;
use serde_json::Value;
use signaling::protocol::{SeatReason, Session, Side};
use signaling::room::journal::{JournalEvent, LeftReason};
use signing::process::Recorded;
use uuid::Uuid;

use crate::error::HubError;

/// Largest file that is read: a log of a long meeting has some hundred kilobytes.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// An attendance log as the portal exports it (`/incontri/{id}/presenze.json`).
#[derive(Deserialize)]
struct Attendance {
    meeting: Uuid,
    seats: Vec<TakenSeat>,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct TakenSeat {
    id: Uuid,
    name: String,
    label: String,
}

/// Prints each log in words. Success only if every chain holds from its first entry to its last.
#[expect(clippy::print_stdout, reason = "the report is what the command is for")]
pub fn run(files: &[PathBuf]) -> Result<ExitCode, HubError> {
    let mut all_hold = true;
    for file in files {
        let (text, holds) = report(&read(file)?)
            .map_err(|error| HubError::Failed(format!("{}: {error}", file.display())))?;
        println!("{}\n{text}", file.display());
        all_hold &= holds;
    }
    Ok(if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> Result<Vec<u8>, HubError> {
    let failed = || HubError::io(file.display().to_string());
    if std::fs::metadata(file).map_err(failed())?.len() > MAX_BYTES {
        return Err(HubError::Failed(format!("{}: too large for a log", file.display())));
    }
    std::fs::read(file).map_err(failed())
}

/// The log in words, and whether its chain holds.
fn report(file: &[u8]) -> Result<(String, bool), serde_json::Error> {
    let inside = if file.starts_with(b"%PDF-") { attached(file) } else { None };
    let value: Value = serde_json::from_slice(inside.as_deref().unwrap_or(file))?;
    // As the portal exports it: `/incontri/{id}/verbale/evidenze.json`.
    if value["format"] == "accordo-evidence" {
        return evidence(&value["log"]);
    }
    if value.get("identification").is_some() {
        return Ok(identification::report(&serde_json::from_value(value)?));
    }
    Ok(attendance(&serde_json::from_value(value)?))
}

/// The log inside a printed one: what is printed is for people, what is attached is checked.
fn attached(pdf: &[u8]) -> Option<Vec<u8>> {
    let document = signing::pdf::open(pdf).ok()?;
    let mut logs =
        document.objects.values().filter_map(|object| object.as_stream().ok()).filter(|stream| {
            stream
                .dict
                .get(b"Type")
                .and_then(lopdf::Object::as_name)
                .is_ok_and(|n| n == b"EmbeddedFile")
        });
    let log = logs.next()?;
    // A second one would leave it open which was meant.
    if logs.next().is_some() {
        return None;
    }
    if log.dict.has(b"Filter") {
        log.decompressed_content().ok()
    } else {
        Some(log.content.clone())
    }
}

fn attendance(log: &Attendance) -> (String, bool) {
    let names: BTreeMap<Uuid, String> =
        log.seats.iter().map(|seat| (seat.id, format!("{} ({})", seat.name, seat.label))).collect();
    let mut text = format!("Registro delle presenze dell'incontro {}\n", log.meeting);
    let checked = journal::verify(&log.entries);
    for entry in &log.entries {
        let words = match serde_json::from_str(&entry.event) {
            Ok(event) => words(&event, &names),
            Err(_) => "voce illeggibile".to_owned(),
        };
        let _ = writeln!(text, "  {:>4}  {}  {words}", entry.seq, shown(entry.at));
    }
    let holds = checked.is_ok();
    text.push_str(&verdict(log.entries.len(), checked));
    (text, holds)
}

/// One entry of an evidence log: the link beside the event's own fields.
#[derive(Deserialize)]
struct Link {
    seq: i64,
    hash: String,
}

fn evidence(log: &Value) -> Result<(String, bool), serde_json::Error> {
    let mut text = format!("Registro delle evidenze: {}\n", log["title"].as_str().unwrap_or("?"));
    let mut prev = journal::ORIGIN.to_owned();
    let mut entries = Vec::new();
    for entry in log["entries"].as_array().into_iter().flatten() {
        let Link { seq, hash } = serde_json::from_value(entry.clone())?;
        let recorded: Recorded = serde_json::from_value(entry.clone())?;
        let words = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let _ = writeln!(
            text,
            "  {seq:>4}  {}  {} {}",
            shown(recorded.at),
            words("event"),
            words("field")
        );
        let event = serde_json::to_string(&recorded)?;
        entries.push(Entry { seq, at: recorded.at, event, prev, hash: hash.clone() });
        prev = hash;
    }
    let checked = journal::verify(&entries);
    let holds = checked.is_ok();
    text.push_str(&verdict(entries.len(), checked));
    Ok((text, holds))
}

fn verdict(entries: usize, checked: Result<(), JournalError>) -> String {
    match checked {
        Ok(()) if entries == 0 => "ESITO: il registro è vuoto\n".to_owned(),
        Ok(()) => format!("ESITO: catena integra, {entries} voci\n"),
        Err(JournalError::Broken(seq)) => format!("ESITO: catena interrotta alla voce {seq}\n"),
        Err(error) => format!("ESITO: {error}\n"),
    }
}

fn shown(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn words(event: &JournalEvent, names: &BTreeMap<Uuid, String>) -> String {
    use JournalEvent as E;
    let who = |id: &signaling::protocol::ParticipantId| {
        names.get(&id.0).cloned().unwrap_or_else(|| id.0.to_string())
    };
    match event {
        E::Opened { .. } => "stanza aperta".to_owned(),
        E::Joined { participant, session, .. } => {
            format!("{} entra: {}", who(participant), place(*session))
        }
        E::Lost { participant } => format!("{}: collegamento perso", who(participant)),
        E::Resumed { participant } => format!("{}: collegamento ripreso", who(participant)),
        E::Left { participant, reason, .. } => {
            let why = match reason {
                LeftReason::Bye => "esce",
                LeftReason::Grace => "non è tornato in tempo",
                LeftReason::Node => "esce: il servizio si è fermato",
                LeftReason::Ended => "esce: l'incontro è finito",
                LeftReason::HungUp => "esce: telefonata terminata",
            };
            format!("{} {why}", who(participant))
        }
        E::Admitted { participant, .. } => format!("{} ammesso all'incontro", who(participant)),
        E::Moved { participant, to, .. } => format!("{} passa: {}", who(participant), place(*to)),
        E::BreakoutOpened { session, .. } => format!("aperta: {}", place(*session)),
        E::BreakoutClosed { session, .. } => format!("chiusa: {}", place(*session)),
        E::TimerSet { session, until: Some(until), .. } => {
            format!("{}: tempo fino alle {}", place(*session), shown(*until))
        }
        E::TimerSet { session, until: None, .. } => {
            format!("{}: senza limite di tempo", place(*session))
        }
        E::ClosingTold { session } => format!("chiusura annunciata: {}", place(*session)),
        E::SeatAdded { participant, side, reason } => {
            format!("{} aggiunto: {}, {}", who(participant), as_what(*reason), of_side(*side))
        }
        E::PhoneAdded { participant, side, session, .. } => {
            let (who, side) = (who(participant), of_side(*side));
            format!("{who} partecipa per telefono, {side}: {}", place(*session))
        }
        E::Visit { participant, session, phones } => {
            let along: Vec<_> = phones.iter().map(who).collect();
            let along = match along.is_empty() {
                true => String::new(),
                false => format!("; per telefono sente anche {}", along.join(", ")),
            };
            format!("{} annuncia una visita: {}{along}", who(participant), place(*session))
        }
        E::Excluded { participant, .. } => format!("{} sospeso", who(participant)),
        E::Removed { participant, .. } => format!("{} allontanato", who(participant)),
        E::Reinstated { participant } => format!("{} riammesso in attesa", who(participant)),
        E::Muted { participant } => format!("{}: microfono spento", who(participant)),
        E::Noticed => "avviso del conciliatore a tutte le sessioni".to_owned(),
        E::Filed { participant } => {
            format!("{} aggiunge un file al fascicolo", who(participant))
        }
        E::Locked => "stanza chiusa a nuovi ingressi".to_owned(),
        E::Unlocked => "stanza riaperta".to_owned(),
        E::Started => "incontro iniziato".to_owned(),
        E::Ended => "incontro finito".to_owned(),
        E::CalledOff => "incontro rinviato o annullato: stanza chiusa".to_owned(),
        E::Closed { forwarded, withheld, refused, recorded } => {
            let recorded = if *recorded { "REGISTRATO" } else { "nulla è stato registrato" };
            format!(
                "chiusura: {forwarded} pacchetti inoltrati, {withheld} trattenuti, {refused} \
                 messaggi superati rifiutati; {recorded}"
            )
        }
    }
}

fn as_what(reason: SeatReason) -> &'static str {
    match reason {
        SeatReason::Lawyer => "avvocato",
        SeatReason::Interpreter => "interprete",
        SeatReason::Companion => "accompagnatore",
        SeatReason::Expert => "esperto",
    }
}

fn of_side(side: Side) -> &'static str {
    match side {
        Side::Neutral => "conciliatore",
        Side::Activating => "parte attivante",
        Side::Convened => "operatore convenuto",
        Side::Aid => "ausilio tecnico",
    }
}

fn place(session: Session) -> String {
    match session {
        Session::Lobby => "sala d'attesa".to_owned(),
        Session::Plenary => "sessione comune".to_owned(),
        Session::Breakout(number) => format!("sessione separata {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `presenze.json` of a short meeting.
    const ATTENDANCE: &str = include_str!("../tests/data/presenze.json");

    #[test]
    fn r_meet_43_an_exported_log_holds_and_a_changed_one_does_not() {
        let (text, holds) = report(ATTENDANCE.as_bytes()).unwrap();
        assert!(holds, "{text}");
        assert!(text.contains("nulla è stato registrato"), "{text}");
        let moved = ATTENDANCE.replacen("breakout_opened", "breakout_closed", 1);
        assert_ne!(moved, ATTENDANCE);
        let (text, holds) = report(moved.as_bytes()).unwrap();
        assert!(!holds && text.contains("catena interrotta alla voce"), "{text}");
        let mut cut: serde_json::Value = serde_json::from_str(ATTENDANCE).unwrap();
        cut["entries"].as_array_mut().unwrap().remove(2);
        assert!(!report(cut.to_string().as_bytes()).unwrap().1);
        assert!(report(b"{}").is_err());
    }
}
