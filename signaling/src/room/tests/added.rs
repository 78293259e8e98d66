//! People whom the conciliator adds (R-MEET-29, R-MEET-47), and what is shown of people (R-MEET-44).

use super::driver::*;
use crate::protocol::*;
use crate::room::journal::{JournalEvent, LeftReason};
use crate::room::*;

const PHONE: u8 = 20;

fn phone(name: &str, number: &str) -> ClientMessage {
    ClientMessage::AddPhone { name: name.into(), number: number.into(), side: Side::Activating }
}

fn add(name: &str, mobile: &str) -> ClientMessage {
    let (side, reason) = (Side::Convened, SeatReason::Interpreter);
    ClientMessage::AddSeat { name: name.into(), side, reason, mobile: mobile.into() }
}

fn person(room: &Driver, viewer: u8, n: u8) -> Option<Person> {
    room.view(viewer).people.iter().find(|p| p.id == id(n)).cloned()
}

#[test]
fn r_meet_29_somebody_on_the_telephone_is_shown_moved_and_hung_up() {
    let mut room = Driver::started(Terms::default());
    assert_eq!(room.ask(1, phone("Nonna Pina", "333 1234567")), Err(ErrorCode::NotAllowed));
    room.ask(CONCILIATOR, phone(" Nonna Pina ", "+39 333 1234567")).unwrap();
    let seen = person(&room, 3, PHONE).unwrap();
    assert!(seen.phone && seen.connected && !seen.mic && !seen.identified);
    assert_eq!((seen.name.as_str(), seen.label.as_str()), ("Nonna Pina", "Telefono"));
    assert_eq!(seen.number, None, "the number is not for the others");
    let number = person(&room, CONCILIATOR, PHONE).unwrap().number;
    assert_eq!(number.as_deref(), Some("+39 333 1234567"));
    assert!(!room.routes.viewers.contains_key(&id(PHONE)), "no media for a telephone");

    // Goes aside with its side and the conciliator, who holds the telephone.
    let private = room.open_breakout(Side::Activating, true);
    assert_eq!(room.session(PHONE), Some(private));
    assert!(person(&room, 3, PHONE).is_none());

    room.ask(CONCILIATOR, ClientMessage::Remove { participant: id(PHONE) }).unwrap();
    assert!(person(&room, CONCILIATOR, PHONE).is_none());
    let left =
        |e: &JournalEvent| matches!(e, JournalEvent::Left { reason: LeftReason::HungUp, .. });
    assert!(room.journal.iter().any(|entry| left(&entry.event)));
    let again = ClientMessage::Remove { participant: id(PHONE) };
    assert_eq!(room.ask(CONCILIATOR, again), Err(ErrorCode::NoSuchTarget));
    let log = serde_json::to_string(&room.journal).unwrap();
    assert!(!log.contains("Pina") && !log.contains("333"), "names stand beside the log");
}

#[test]
fn r_meet_29_a_telephone_outlives_the_node_and_keeps_no_room_awake() {
    let mut room = Driver::started(Terms::default());
    room.ask(CONCILIATOR, phone("Nonna Pina", "333 1234567")).unwrap();
    let mut room = room.restart(Terms::default());
    room.join(1).unwrap();
    assert_eq!(person(&room, 1, PHONE).map(|p| p.name), Some("Nonna Pina".into()));
    room.ask(1, ClientMessage::Bye).unwrap();
    room.wait(300);
    assert!(room.closed);
}

#[test]
fn r_meet_47_the_conciliator_lets_in_a_named_person_with_side_and_reason() {
    let mut room = Driver::started(Terms::default());
    assert_eq!(room.ask(1, add("Li Wei", "333 7654321")), Err(ErrorCode::NotAllowed));
    room.forget();
    room.ask(CONCILIATOR, add("Li Wei", "333 7654321")).unwrap();
    let PersonalLink { link, code, address } = personal_link();
    let invited = ServerMessage::Invited { re: 5, participant: id(40), link, code, address };
    assert_eq!(room.clients[&CONCILIATOR].unnumbered, [invited]);
    let (side, reason) = (Side::Convened, SeatReason::Interpreter);
    let added = JournalEvent::SeatAdded { participant: id(40), side, reason };
    assert!(room.journal.iter().any(|entry| entry.event == added));
    let log = serde_json::to_string(&room.journal).unwrap();
    assert!(!log.contains("Wei") && !log.contains("7654321"), "names stand beside the log");
    // Then the person comes in as anybody, through the lobby.
    room.join(40).unwrap();
    assert_eq!(room.session(40), Some(Session::Lobby));
}

#[test]
fn r_meet_47_what_is_typed_for_a_person_is_checked() {
    let mut room = Driver::started(Terms { burst: 1_000, ..Terms::default() });
    let long = "x".repeat(MAX_NAME_CHARS + 1);
    let neutral =
        ClientMessage::AddPhone { name: "x".into(), number: "0612345".into(), side: Side::Neutral };
    for (message, expected) in [
        (phone("", "0612345"), ErrorCode::BadMessage),
        (phone("a\nb", "0612345"), ErrorCode::BadMessage),
        (phone(&long, "0612345"), ErrorCode::BadMessage),
        (phone("x", "call me"), ErrorCode::BadMessage),
        (phone("x", "12"), ErrorCode::BadMessage),
        (phone("x", "1234567890123456"), ErrorCode::BadMessage),
        (add("x", "<b>"), ErrorCode::BadMessage),
        (add("x", " "), ErrorCode::BadMessage),
        (neutral, ErrorCode::NoSuchTarget),
    ] {
        let before = room.journal.len();
        assert_eq!(room.ask(CONCILIATOR, message.clone()), Err(expected), "{message:?}");
        assert_eq!(room.journal.len(), before);
    }
}

#[test]
fn r_meet_19_a_telephone_counts_as_a_seat() {
    let now = chrono::DateTime::UNIX_EPOCH;
    let spec = RoomSpec { capacity: 2, ..spec(1) };
    let mut room = Driver::with(Room::open(spec, Terms::default(), now), now, Vec::new());
    room.join(CONCILIATOR).unwrap();
    room.join(1).unwrap();
    room.ask(CONCILIATOR, phone("x", "0612345")).unwrap();
    assert_eq!(room.ask(CONCILIATOR, phone("y", "0612346")), Err(ErrorCode::Full));
    assert_eq!(room.join(3), Err(ErrorCode::Full));
    room.ask(CONCILIATOR, ClientMessage::Remove { participant: id(PHONE) }).unwrap();
    room.join(3).unwrap();
}

#[test]
fn r_meet_44_hands_are_in_the_order_in_which_they_went_up() {
    let mut room = Driver::started(Terms::default());
    for n in [3, 1, 4] {
        room.wait(1);
        room.ask(n, ClientMessage::Hand { raised: true }).unwrap();
    }
    let first = person(&room, 0, 3).unwrap().hand_at_ms;
    room.wait(1);
    room.ask(3, ClientMessage::Hand { raised: true }).unwrap();
    assert_eq!(person(&room, 0, 3).unwrap().hand_at_ms, first, "it is up already");
    let mut hands: Vec<_> =
        room.view(0).people.iter().filter_map(|p| Some((p.hand_at_ms?, p.id))).collect();
    hands.sort_unstable();
    assert_eq!(hands.into_iter().map(|(_, who)| who).collect::<Vec<_>>(), [3, 1, 4].map(id));
}

#[test]
fn r_meet_44_a_quality_mark_is_shown_and_changes_now_and_then_only() {
    let mut room = Driver::started(Terms::default());
    let mark = |mark| ClientMessage::Quality { mark };
    room.ask(1, mark(Quality::Good)).unwrap();
    assert_eq!(person(&room, 3, 1).unwrap().quality, Some(Quality::Good));
    room.ask(1, mark(Quality::Good)).unwrap();
    assert_eq!(room.ask(1, mark(Quality::Poor)), Err(ErrorCode::TooFast));
    assert_eq!(person(&room, 3, 1).unwrap().quality, Some(Quality::Good));
    room.wait(3);
    room.ask(1, mark(Quality::Poor)).unwrap();
    assert_eq!(person(&room, 3, 1).unwrap().quality, Some(Quality::Poor));
    room.lose(1);
    assert_eq!(person(&room, 3, 1).unwrap().quality, None, "nobody measures a lost line");
}

#[test]
fn r_meet_44_the_identification_of_a_seat_is_shown() {
    let room = Driver::started(Terms::default());
    assert!(person(&room, 3, 1).unwrap().identified);
    assert!(!person(&room, 0, 3).unwrap().identified);
}
