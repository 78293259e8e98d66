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
        ("\u{202e}\u{200b}", Err(ErrorCode::BadMessage)),
    ] {
        assert_eq!(room.chat(1, text), expected, "{:?}", text.chars().take(9).collect::<String>());
    }
}

#[test]
fn r_meet_26_what_cannot_be_seen_changes_no_sentence_and_no_name() {
    let mut room = Driver::started(Terms::default());
    for (written, shown) in [
        ("non \u{202e}ocrot\u{202c} ho", "non ocrot ho"),
        ("\u{2066}tel\u{2069} 06\u{200b}1", "tel 061"),
        ("ciao\u{feff}", "ciao"),
        ("👨\u{200d}👩\u{200d}👧", "👨\u{200d}👩\u{200d}👧"),
    ] {
        room.chat(1, written).unwrap();
        assert_eq!(room.heard(shown), [0, 1, 2, 3, 4], "{}", written.escape_unicode());
        room.forget();
    }
    for (written, shown) in
        [("Pi\u{202e}na", Ok("Pina")), ("\u{200d}\u{200b}", Err(())), ("a\nb", Err(()))]
    {
        let (name, number, side) = (written.to_owned(), "0612345".to_owned(), Side::Aid);
        let asked = room.ask(CONCILIATOR, ClientMessage::AddPhone { name, number, side });
        assert_eq!(asked.is_ok(), shown.is_ok());
        let seen = |name: &str| room.view(0).people.iter().any(|p| p.name == name);
        assert!(shown.is_err() || shown.is_ok_and(seen));
    }
    // A name that the portal knows comes in by the same rule.
    let (connection, secret) = (crate::room::ConnectionId(900), "s".to_owned());
    let seat = crate::room::Seat { name: "Ma\u{202e}ra\tNeri".into(), ..seat(9) };
    room.input(crate::room::Input::Join { seat, connection, secret, re: 1 });
    assert!(room.view(0).people.iter().any(|p| p.name == "Mara Neri"));
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
