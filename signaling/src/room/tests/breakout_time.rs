//! Timers of breakouts and the notice before they close (R-MEET-40); times that everybody sees.

use super::driver::*;
use crate::protocol::*;
use crate::room::journal::JournalEvent;
use crate::room::*;
use chrono::TimeDelta;

const PLENARY: Session = Session::Plenary;

fn count(room: &Driver, n: u8, wanted: &ServerMessage) -> usize {
    room.clients[&n].processed.iter().filter(|m| *m == wanted).count()
}

fn timer_of(room: &Driver, n: u8) -> Option<Timer> {
    room.view(n).breakouts.first().and_then(|breakout| breakout.timer)
}

#[test]
fn r_meet_40_a_timer_is_seen_inside_and_by_the_conciliator_and_announced_at_its_end() {
    let mut room = Driver::started(Terms::default());
    let (epoch, side, with_me) = (room.epoch(), Side::Activating, false);
    let open =
        ClientMessage::OpenBreakout { epoch, side, with_me, minutes: Some(5), telephones: None };
    room.ask(CONCILIATOR, open).unwrap();
    let session = Session::Breakout(1);
    let ends_at_ms = (room.now + TimeDelta::minutes(5)).timestamp_millis() as u64;
    let timer = Some(Timer { ends_at_ms, closes: false });
    assert_eq!([0, 1, 2].map(|n| timer_of(&room, n)), [timer; 3]);
    assert_eq!(timer_of(&room, 3), None, "the others do not learn of it");

    room.wait(299);
    let up = ServerMessage::TimeUp { session };
    assert_eq!((0..5).map(|n| count(&room, n, &up)).sum::<usize>(), 0);
    assert_eq!(room.room.poll_timeout(), Some(room.now + TimeDelta::seconds(1)));
    room.wait(1);
    room.wait(60);
    assert_eq!([0, 1, 2, 3, 4].map(|n| count(&room, n, &up)), [1, 1, 1, 0, 0], "told once");
    assert_eq!(room.session(1), Some(session), "nobody is sent away by a clock");

    let again = ClientMessage::SetTimer { session, minutes: Some(1), closes: false };
    room.ask(CONCILIATOR, again).unwrap();
    room.wait(60);
    assert_eq!(count(&room, 1, &up), 2, "a new time is announced again");
    let none = ClientMessage::SetTimer { session, minutes: None, closes: false };
    room.ask(CONCILIATOR, none).unwrap();
    assert_eq!(timer_of(&room, 1), None);
}

#[test]
fn r_meet_40_a_timer_that_closes_gives_the_notice_first() {
    let mut room = Driver::started(Terms::default());
    let session = room.open_breakout(Side::Activating, false);
    let set = ClientMessage::SetTimer { session, minutes: Some(1), closes: true };
    room.ask(CONCILIATOR, set).unwrap();
    room.wait(60);
    let at = room.now + TimeDelta::seconds(10);
    let closing = ServerMessage::Closing { session, at_ms: at.timestamp_millis() as u64 };
    assert_eq!(count(&room, 1, &closing), 1);
    room.wait(9);
    assert_eq!(room.session(1), Some(session));
    room.wait(1);
    assert_eq!(room.session(1), Some(PLENARY));
}

#[test]
fn r_meet_40_closing_a_breakout_gives_its_members_a_short_notice() {
    let mut room = Driver::started(Terms::default());
    let session = room.open_breakout(Side::Activating, false);
    let epoch = room.epoch();
    let close = |at_once| ClientMessage::CloseBreakout { session, at_once };
    room.ask(CONCILIATOR, close(false)).unwrap();
    let at_ms = (room.now + TimeDelta::seconds(10)).timestamp_millis() as u64;
    let closing = ServerMessage::Closing { session, at_ms };
    assert_eq!([0, 1, 2, 3].map(|n| count(&room, n, &closing)), [0, 1, 1, 0]);
    assert_eq!(room.view(0).breakouts[0].closing_at_ms, Some(at_ms));
    assert_eq!(room.epoch(), epoch, "nobody is moved yet");
    room.wait(5);
    room.ask(CONCILIATOR, close(false)).unwrap();
    assert_eq!(count(&room, 1, &closing), 1, "a second press changes nothing");
    room.wait(5);
    assert_eq!(room.session(1), Some(PLENARY));
    assert_eq!(room.view(0).breakouts, []);

    let session = room.open_breakout(Side::Convened, true);
    room.ask(CONCILIATOR, ClientMessage::Recall { at_once: false }).unwrap();
    assert_eq!(room.session(3), Some(session));
    room.ask(CONCILIATOR, ClientMessage::CloseBreakout { session, at_once: true }).unwrap();
    assert_eq!(room.session(3), Some(PLENARY), "at once, if the conciliator says so");
    room.wait(20);
    let closed =
        |e: &&journal::JournalEntry| matches!(e.event, JournalEvent::BreakoutClosed { .. });
    assert_eq!(room.journal.iter().filter(closed).count(), 2, "closed once each");
}

#[test]
fn r_meet_40_timers_name_open_breakouts_and_sensible_times() {
    let mut room = Driver::started(Terms::default());
    let session = room.open_breakout(Side::Activating, false);
    for (session, minutes, expected) in [
        (session, Some(1), Ok(())),
        (session, Some(MAX_TIMER_MINUTES), Ok(())),
        (session, Some(0), Err(ErrorCode::BadMessage)),
        (session, Some(MAX_TIMER_MINUTES + 1), Err(ErrorCode::BadMessage)),
        (PLENARY, Some(5), Err(ErrorCode::NoSuchTarget)),
        (Session::Lobby, Some(5), Err(ErrorCode::NoSuchTarget)),
        (Session::Breakout(7), Some(5), Err(ErrorCode::NoSuchTarget)),
    ] {
        let set = ClientMessage::SetTimer { session, minutes, closes: false };
        assert_eq!(room.ask(CONCILIATOR, set), expected, "{session} {minutes:?}");
    }
}

#[test]
fn r_meet_40_a_timer_outlives_the_node() {
    let mut room = Driver::started(Terms::default());
    let session = room.open_breakout(Side::Activating, false);
    let set = ClientMessage::SetTimer { session, minutes: Some(9), closes: true };
    room.ask(CONCILIATOR, set).unwrap();
    let before = timer_of(&room, 0);
    let mut room = room.restart(Terms::default());
    room.join(CONCILIATOR).unwrap();
    assert_eq!(timer_of(&room, 0), before);
}

#[test]
fn r_meet_09_everybody_inside_sees_when_it_began_and_when_it_should_end() {
    let now = chrono::DateTime::UNIX_EPOCH + TimeDelta::days(1);
    let planned_end = Some(now + TimeDelta::minutes(60));
    let spec = RoomSpec { planned_end, ..spec(1) };
    let mut room = Driver::with(Room::open(spec, Terms::default(), now), now, Vec::new());
    room.join(CONCILIATOR).unwrap();
    let ms = |at: chrono::DateTime<chrono::Utc>| at.timestamp_millis() as u64;
    assert_eq!(room.view(0).started_at_ms, None);
    room.wait(30);
    room.ask(CONCILIATOR, ClientMessage::Start).unwrap();
    assert_eq!(room.view(0).started_at_ms, Some(ms(room.now)));
    room.wait(2 * 3_600);
    assert_eq!(room.view(0).planned_end_ms, planned_end.map(ms));
    assert_eq!(room.session(CONCILIATOR), Some(PLENARY), "it is never cut off");
}

#[test]
fn r_meet_28_a_meeting_that_is_called_off_closes_its_room_and_says_so() {
    let mut room = Driver::started(Terms::default());
    room.input(Input::Close(LeaveReason::CalledOff));
    assert!(room.closed);
    let (reason, action) = (LeaveReason::CalledOff, LeaveAction::Stop);
    for n in 0..5 {
        let left = room.clients[&n].unnumbered.last().unwrap();
        assert_eq!(*left, ServerMessage::Leave { reason, action });
    }
    let events: Vec<_> = room.journal.iter().map(|entry| &entry.event).collect();
    assert!(events.contains(&&JournalEvent::CalledOff));
    assert!(!events.contains(&&JournalEvent::Ended));
    assert!(room.restart(Terms::default()).closed, "it does not open again");
}
