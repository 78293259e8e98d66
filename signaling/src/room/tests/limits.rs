//! How much a seat may say, and how long an empty room stays.

use super::driver::*;
use crate::protocol::*;
use crate::room::Terms;

#[test]
fn too_many_messages_are_refused_and_change_nothing() {
    let mut room = Driver::new(Terms { burst: 3, per_second: 1, ..Terms::default() });
    room.join(1).unwrap();
    for _ in 0..3 {
        room.ask(1, ClientMessage::Hand { raised: true }).unwrap();
    }
    assert_eq!(room.ask(1, ClientMessage::Hand { raised: false }), Err(ErrorCode::TooFast));
    assert!(room.view(1).people[0].hand_at_ms.is_some());
    let refused = room.clients[&1].unnumbered.last().unwrap();
    assert!(matches!(refused, ServerMessage::Error { retry: Retry::AfterMs(1000), .. }));
    room.wait(1);
    room.ask(1, ClientMessage::Hand { raised: false }).unwrap();
}

#[test]
fn texts_are_limited() {
    let mut room = Driver::started(Terms::default());
    let longest = "è".repeat(MAX_CHAT_CHARS);
    for (text, expected) in [
        ("", Err(ErrorCode::BadMessage)),
        (" \n ", Err(ErrorCode::BadMessage)),
        ("a\u{0}b", Err(ErrorCode::BadMessage)),
        ("a\u{1b}[31m", Err(ErrorCode::BadMessage)),
        (&format!("{longest}x"), Err(ErrorCode::BadMessage)),
        (&longest, Ok(())),
        ("due\nrighe", Ok(())),
    ] {
        assert_eq!(room.chat(1, text), expected, "{:?}", text.chars().take(9).collect::<String>());
    }
}

#[test]
fn an_empty_room_leaves_the_memory() {
    let mut room = Driver::started(Terms::default());
    for n in 0..5 {
        room.ask(n, ClientMessage::Bye).unwrap();
    }
    room.wait(299);
    assert!(!room.closed);
    room.wait(1);
    assert!(room.closed);
    let mut room = room.restart(Terms::default());
    room.join(1).unwrap();
    assert_eq!(room.session(1), Some(Session::Plenary));
    assert!(room.view(1).started);
}
