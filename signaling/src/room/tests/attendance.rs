//! What the attendance log tells.

use super::driver::*;
use crate::protocol::*;
use crate::room::journal::{self, JournalEvent, LeftReason};
use crate::room::*;
use chrono::{DateTime, TimeDelta, Utc};

#[test]
fn r_meet_43_the_journal_tells_attendance_and_acts_and_no_content() {
    let mut room = Driver::started(Terms::default());
    room.chat(1, "very confidential").unwrap();
    room.ask(CONCILIATOR, ClientMessage::Notice { text: "also confidential".into() }).unwrap();
    room.lose(1);
    room.resume(1).unwrap();
    room.ask(1, ClientMessage::Bye).unwrap();
    let text = serde_json::to_string(&room.journal).unwrap();
    assert!(!text.contains("confidential") && !text.contains("Name") && !text.contains("Label"));
    let events: Vec<_> = room.journal.iter().map(|entry| &entry.event).collect();
    assert!(events.contains(&&JournalEvent::Opened { generation: 1 }));
    assert!(events.contains(&&JournalEvent::Lost { participant: id(1) }));
    assert!(events.contains(&&JournalEvent::Resumed { participant: id(1) }));
    assert!(events.iter().any(|e| matches!(e, JournalEvent::Left { reason: LeftReason::Bye, .. })));
    let back: Vec<journal::JournalEntry> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, room.journal);
}

/// From when to when somebody was there, read from the log alone.
fn stays(room: &Driver, n: u8) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let (mut stays, mut since) = (Vec::new(), None);
    for entry in &room.journal {
        match entry.event {
            JournalEvent::Joined { participant, .. } if participant == id(n) => {
                since = Some(entry.at);
            }
            JournalEvent::Left { participant, .. } if participant == id(n) => {
                stays.push((since.take().expect("nobody leaves who is not there"), entry.at));
            }
            _ => {}
        }
    }
    assert_eq!(since, None, "everybody has left");
    stays
}

#[test]
fn r_meet_36_the_journal_tells_who_was_there_from_when_to_when() {
    let mut room = Driver::new(Terms::default());
    let start = room.now;
    let at = |minutes| start + TimeDelta::minutes(minutes);
    room.join(CONCILIATOR).unwrap();
    room.wait(300);
    room.join(1).unwrap();
    room.join(3).unwrap();
    room.ask(CONCILIATOR, ClientMessage::Start).unwrap();
    room.ask(CONCILIATOR, ClientMessage::AdmitAll).unwrap();
    room.wait(600);
    room.ask(1, ClientMessage::Bye).unwrap();
    room.wait(300);
    room.join(1).unwrap();
    // A lost line is no absence as long as the seat is kept.
    room.lose(3);
    let absent = DEFAULT_GRACE.num_seconds() / 2;
    room.wait(absent);
    room.resume(3).unwrap();
    room.wait(600 - absent);
    room.ask(CONCILIATOR, ClientMessage::End).unwrap();

    assert_eq!(stays(&room, CONCILIATOR), [(at(0), at(30))]);
    assert_eq!(stays(&room, 1), [(at(5), at(15)), (at(20), at(30))]);
    assert_eq!(stays(&room, 3), [(at(5), at(30))]);
    assert_eq!(stays(&room, 4), [], "who did not come is not in it");
}
