//! The locked door (R-MEET-15).

use super::driver::*;
use crate::protocol::*;
use crate::room::Terms;

#[test]
fn r_meet_15_a_locked_room_takes_back_who_was_inside_and_nobody_else() {
    let mut room = Driver::new(Terms::default());
    room.join(CONCILIATOR).unwrap();
    room.join(1).unwrap();
    room.ask(CONCILIATOR, ClientMessage::Start).unwrap();
    room.ask(CONCILIATOR, ClientMessage::AdmitAll).unwrap();
    room.ask(CONCILIATOR, ClientMessage::Lock { locked: true }).unwrap();
    assert_eq!(room.join(3), Err(ErrorCode::Locked));
    let outside =
        |room: &Driver, n: u8| room.view(n).outside.iter().map(|o| o.id).collect::<Vec<_>>();
    assert_eq!(outside(&room, CONCILIATOR), [id(3)], "the conciliator sees who is outside");
    assert_eq!(outside(&room, 1), [], "and nobody else");
    room.wait(20);
    assert_eq!(room.room.knock(&seat(3), room.now).unwrap_err().code, ErrorCode::Locked);
    assert!(
        room.room.knock(&seat(1), room.now).is_ok() && room.room.knock(&seat(0), room.now).is_ok()
    );
    room.wait(20);
    assert_eq!(outside(&room, CONCILIATOR), [id(3)], "who asks again is still there");
    room.wait(5);
    assert_eq!(outside(&room, CONCILIATOR), [], "who does not has gone");
    assert_eq!(room.join(3), Err(ErrorCode::Locked));
    room.lose(1);
    room.resume(1).unwrap();
    room.lose(1);
    room.wait(61);
    room.join(1).unwrap();
    assert_eq!(room.session(1), Some(Session::Plenary));
    assert_eq!(room.join(3), Err(ErrorCode::Locked));
    room.ask(CONCILIATOR, ClientMessage::Lock { locked: false }).unwrap();
    assert_eq!(room.view(CONCILIATOR).outside, []);
    room.join(3).unwrap();
}

#[test]
fn r_meet_15_the_door_is_locked_only_while_the_conciliator_is_there() {
    for (leaving, locked) in [("bye", false), ("grace", false), ("lost", true), ("node", true)] {
        let mut room = Driver::new(Terms::default());
        room.join(CONCILIATOR).unwrap();
        room.join(1).unwrap();
        room.ask(CONCILIATOR, ClientMessage::Start).unwrap();
        room.ask(CONCILIATOR, ClientMessage::Lock { locked: true }).unwrap();
        match leaving {
            "bye" => room.ask(CONCILIATOR, ClientMessage::Bye).unwrap(),
            "grace" => {
                room.lose(CONCILIATOR);
                room.wait(61);
            }
            "lost" => room.lose(CONCILIATOR),
            _ => room = room.restart(Terms::default()),
        }
        assert_eq!(room.room.membership().locked, locked, "{leaving}");
        let expected = if locked { Err(ErrorCode::Locked) } else { Ok(()) };
        assert_eq!(room.join(3), expected, "{leaving}");
    }
}
