//! Who is on the telephone hears wherever the conciliator is (R-MEET-29, R-MEET-17).

use super::driver::*;
use crate::protocol::*;
use crate::room::journal::JournalEvent;
use crate::room::*;

/// The first one on the telephone, as the driver numbers them.
const PHONE: u8 = 20;
const PLENARY: Session = Session::Plenary;

fn ring(side: Side) -> ClientMessage {
    ClientMessage::AddPhone { name: "Nonna Pina".into(), number: "0612345".into(), side }
}

fn open(room: &Driver, side: Side, with_me: bool, telephones: Option<Telephones>) -> ClientMessage {
    let epoch = room.epoch();
    ClientMessage::OpenBreakout { epoch, side, with_me, minutes: None, telephones }
}

/// With a telephone of this side.
fn ringing(side: Side) -> Driver {
    let mut room = Driver::started(Terms::default());
    room.ask(CONCILIATOR, ring(side)).unwrap();
    room
}

fn told_of_listeners(room: &Driver, n: u8) -> Vec<Listener> {
    let told = room.clients[&n].processed.iter().find_map(|message| match message {
        ServerMessage::Visit { phones, .. } => Some(phones.clone()),
        _ => None,
    });
    told.unwrap_or_default()
}

/// Where the journal says that somebody is.
fn logged(room: &Driver, n: u8) -> Option<Session> {
    let mut membership = membership::Membership::default();
    room.journal.iter().for_each(|entry| membership.apply(entry));
    membership.session_of(id(n))
}

#[test]
fn r_meet_29_into_a_breakout_of_another_side_a_telephone_goes_by_the_conciliators_word_only() {
    use Telephones::{HangUp, Listen};
    let aside = Some(Session::Breakout(1));
    let refused = Err(ErrorCode::WrongState);
    // Side of the telephone, with the conciliator, the word; answer; where conciliator and telephone
    // are at once, and after the notice.
    for (side, with_me, word, answer, at_once, then) in [
        (Side::Convened, true, None, refused, (Some(PLENARY), Some(PLENARY)), None),
        (Side::Convened, true, Some(HangUp), Ok(()), (aside, None), None),
        (Side::Convened, true, Some(Listen), Ok(()), (Some(PLENARY), Some(PLENARY)), aside),
        (Side::Convened, false, None, Ok(()), (Some(PLENARY), Some(PLENARY)), None),
        (Side::Activating, true, None, Ok(()), (aside, aside), None),
        (Side::Activating, false, None, Ok(()), (Some(PLENARY), Some(PLENARY)), None),
    ] {
        let case = format!("{side:?} {with_me} {word:?}");
        let mut room = ringing(side);
        let asked = open(&room, Side::Activating, with_me, word);
        assert_eq!(room.ask(CONCILIATOR, asked), answer, "{case}");
        let places = |room: &Driver| (room.session(CONCILIATOR), room.session(PHONE));
        assert_eq!(places(&room), at_once, "{case}");
        assert_eq!(room.session(1), if answer.is_ok() { aside } else { Some(PLENARY) }, "{case}");
        room.wait(4);
        assert_eq!(places(&room), at_once, "{case}: a notice that can be read");
        room.wait(1);
        assert_eq!(places(&room), then.map_or(at_once, |s| (Some(s), Some(s))), "{case}");
        assert_eq!(logged(&room, PHONE), room.session(PHONE), "{case}: the log tells the same");
    }
}

#[test]
fn r_meet_29_those_inside_are_told_before_a_telephone_overhears_them() {
    let listeners = [Listener { name: "Nonna Pina".into(), side: Side::Convened }];
    let visit = |to, telephones| ClientMessage::Visit { to, telephones };
    let go = |epoch, to, telephones| ClientMessage::Move {
        epoch,
        participant: id(CONCILIATOR),
        to,
        telephones,
    };
    for by_move in [false, true] {
        let mut room = ringing(Side::Convened);
        let private = room.open_breakout(Side::Activating, false);
        let ask = |room: &mut Driver, word| {
            let epoch = room.epoch();
            let message = if by_move { go(epoch, private, word) } else { visit(private, word) };
            room.ask(CONCILIATOR, message)
        };
        room.forget();
        assert_eq!(ask(&mut room, None), Err(ErrorCode::WrongState));
        assert!(told_of_listeners(&room, 1).is_empty());
        ask(&mut room, Some(Telephones::Listen)).unwrap();
        assert_eq!(told_of_listeners(&room, 1), listeners);
        assert_eq!(told_of_listeners(&room, 2), listeners);
        assert!(!room.sees(1).contains(&PHONE), "not there yet");
        let note = JournalEvent::Visit {
            participant: id(CONCILIATOR),
            session: private,
            phones: vec![id(PHONE)],
        };
        assert_eq!(room.journal.iter().filter(|entry| entry.event == note).count(), 1);
        room.wait(5);
        assert!(room.sees(1).contains(&PHONE), "who hears is among those who are here");
        assert!(!room.sees(3).contains(&PHONE), "and nowhere else");
        // Back to where everybody is.
        room.ask(CONCILIATOR, ClientMessage::Recall { at_once: true }).unwrap();
        assert_eq!(room.session(PHONE), Some(PLENARY));
        assert_eq!(logged(&room, PHONE), Some(PLENARY));
    }
}

#[test]
fn r_meet_29_a_telephone_is_hung_up_before_the_conciliator_enters_alone() {
    let mut room = ringing(Side::Convened);
    let private = room.open_breakout(Side::Activating, false);
    let alone = Some(Telephones::HangUp);
    room.ask(CONCILIATOR, ClientMessage::Visit { to: private, telephones: alone }).unwrap();
    assert_eq!(room.session(PHONE), None);
    assert!(told_of_listeners(&room, 1).is_empty());
    room.wait(1);
    assert_eq!(room.session(CONCILIATOR), Some(private));
}

#[test]
fn r_meet_29_nobody_moves_a_telephone_away_from_the_conciliator() {
    let mut room = ringing(Side::Activating);
    let private = room.open_breakout(Side::Activating, false);
    assert_eq!(room.move_to(PHONE, private), Err(ErrorCode::WrongState));
    let exclude = ClientMessage::Exclude { participant: id(PHONE) };
    assert_eq!(room.ask(CONCILIATOR, exclude), Err(ErrorCode::WrongState));
    assert_eq!(room.session(PHONE), Some(PLENARY));
}

#[test]
fn r_meet_29_nobody_is_added_by_telephone_where_they_would_overhear() {
    let mut room = Driver::started(Terms::default());
    let private = room.open_breakout(Side::Activating, true);
    assert_eq!(room.ask(CONCILIATOR, ring(Side::Convened)), Err(ErrorCode::WrongState));
    room.ask(CONCILIATOR, ring(Side::Activating)).unwrap();
    assert_eq!(room.session(PHONE), Some(private));

    // Nor on the way there.
    let mut room = Driver::started(Terms::default());
    let private = room.open_breakout(Side::Activating, false);
    room.ask(CONCILIATOR, ClientMessage::Visit { to: private, telephones: None }).unwrap();
    assert_eq!(room.ask(CONCILIATOR, ring(Side::Convened)), Err(ErrorCode::WrongState));
}

#[test]
fn r_meet_29_a_telephone_is_with_the_conciliator_after_a_loss_and_hears_nothing_without() {
    let mut room = ringing(Side::Activating);
    let private = room.open_breakout(Side::Activating, true);
    let hears = |room: &Driver| {
        let seen = room.view(1).people.iter().find(|p| p.id == id(PHONE)).map(|p| p.connected);
        seen.unwrap()
    };
    assert!(hears(&room));
    room.lose(CONCILIATOR);
    assert!(hears(&room), "the media may go on");
    room.wait(60);
    assert!(!hears(&room), "nobody is there to hold it");
    room.join(CONCILIATOR).unwrap();
    assert_eq!((room.session(CONCILIATOR), room.session(PHONE)), (Some(private), Some(private)));
    assert!(hears(&room));
    let mut room = room.restart(Terms::default());
    room.join(CONCILIATOR).unwrap();
    assert_eq!((room.session(CONCILIATOR), room.session(PHONE)), (Some(private), Some(private)));
}

#[test]
fn r_meet_16_a_breakout_with_somebody_on_the_telephone_alone_needs_the_conciliator() {
    let mut room = Driver::started(Terms::default());
    room.ask(4, ClientMessage::Bye).unwrap();
    room.ask(CONCILIATOR, ring(Side::Aid)).unwrap();
    let alone = open(&room, Side::Aid, false, None);
    assert_eq!(room.ask(CONCILIATOR, alone), Err(ErrorCode::NoSuchTarget));
    let with_me = open(&room, Side::Aid, true, None);
    room.ask(CONCILIATOR, with_me).unwrap();
    assert_eq!(room.sees(CONCILIATOR), [0, 1, 2, 3, PHONE]);
    assert_eq!(room.session(PHONE), room.session(CONCILIATOR));
}

#[test]
fn r_meet_39_a_visit_asked_for_twice_is_announced_and_written_once() {
    let mut room = Driver::started(Terms::default());
    let private = room.open_breakout(Side::Activating, false);
    room.forget();
    for _ in 0..2 {
        let visit = ClientMessage::Visit { to: private, telephones: None };
        room.ask(CONCILIATOR, visit).unwrap();
    }
    let visits = |entry: &&journal::JournalEntry| matches!(entry.event, JournalEvent::Visit { .. });
    assert_eq!(room.journal.iter().filter(visits).count(), 1);
    assert_eq!(room.clients[&1].processed.len(), 1);
}

#[test]
fn r_meet_44_who_was_moved_is_told_why() {
    let mut room = Driver::new(Terms::default());
    for n in 0..4 {
        room.join(n).unwrap();
    }
    let why = |room: &mut Driver, n: u8| {
        let told = room.clients[&n].processed.iter().rev().find_map(|message| match message {
            ServerMessage::Moved { why, .. } => Some(*why),
            _ => None,
        });
        room.forget();
        told
    };
    room.ask(CONCILIATOR, ClientMessage::Start).unwrap();
    room.ask(CONCILIATOR, ClientMessage::AdmitAll).unwrap();
    assert_eq!(why(&mut room, 1), Some(MoveReason::Admitted));
    let private = room.open_breakout(Side::Activating, true);
    assert_eq!(why(&mut room, 1), Some(MoveReason::Aside));
    room.move_to(2, PLENARY).unwrap();
    assert_eq!(why(&mut room, 2), Some(MoveReason::Moved));
    room.move_to(CONCILIATOR, PLENARY).unwrap();
    assert_eq!(why(&mut room, CONCILIATOR), Some(MoveReason::Own));
    let close = ClientMessage::CloseBreakout { session: private, at_once: true };
    room.ask(CONCILIATOR, close).unwrap();
    assert_eq!(why(&mut room, 1), Some(MoveReason::Closed));
    room.ask(CONCILIATOR, ClientMessage::Exclude { participant: id(3) }).unwrap();
    assert_eq!(why(&mut room, 3), Some(MoveReason::Excluded));
    room.ask(CONCILIATOR, ClientMessage::Admit { participant: id(3) }).unwrap();
    assert_eq!(why(&mut room, 3), Some(MoveReason::Admitted));
}

#[test]
fn r_meet_18_who_was_sent_back_to_the_lobby_sees_so_also_after_a_reload() {
    let mut room = Driver::started(Terms::default());
    assert!(!room.view(3).excluded);
    room.ask(CONCILIATOR, ClientMessage::Exclude { participant: id(3) }).unwrap();
    assert!(room.view(3).excluded);
    room.join(3).unwrap();
    assert!(room.view(3).excluded);
    room.ask(CONCILIATOR, ClientMessage::Admit { participant: id(3) }).unwrap();
    assert!(!room.view(3).excluded);
}
