//! The rules, one by one.

use super::driver::*;
use crate::protocol::*;
use crate::room::journal::JournalEvent;
use crate::room::*;
use chrono::TimeDelta;

const LOBBY: Session = Session::Lobby;
const PLENARY: Session = Session::Plenary;

#[test]
fn r_meet_14_parties_wait_in_the_lobby_and_see_who_is_present() {
    let mut room = Driver::new(Terms::default());
    room.join(1).unwrap();
    room.join(3).unwrap();
    assert_eq!(room.session(1), Some(LOBBY));
    assert_eq!(room.sees(1), [1, 3]);
    assert!(!room.view(1).conciliator_here);
    assert_eq!(room.ask(1, ClientMessage::Start), Err(ErrorCode::NotAllowed));

    room.join(CONCILIATOR).unwrap();
    assert_eq!(room.session(CONCILIATOR), Some(PLENARY));
    assert_eq!(room.sees(1), [0, 1, 3], "the conciliator is shown as present");
    assert!(!room.view(1).conciliator_here);
    let all = [(1, LOBBY), (3, LOBBY)];
    for (n, expected) in all {
        assert_eq!(room.session(n), Some(expected), "nobody is let in by the conciliator's coming");
    }
}

#[test]
fn r_meet_15_the_conciliator_starts_and_admits() {
    let mut room = Driver::new(Terms::default());
    for n in 0..4 {
        room.join(n).unwrap();
    }
    let admit = |n| ClientMessage::Admit { participant: id(n) };
    assert_eq!(room.ask(CONCILIATOR, admit(1)), Err(ErrorCode::WrongState), "not started");
    room.ask(CONCILIATOR, ClientMessage::Start).unwrap();
    assert_eq!(room.ask(1, admit(1)), Err(ErrorCode::NotAllowed));
    room.ask(CONCILIATOR, admit(1)).unwrap();
    assert_eq!(room.session(1), Some(PLENARY));
    assert_eq!(room.session(2), Some(LOBBY));
    assert_eq!(room.sees(1), [0, 1]);
    assert_eq!(room.sees(2), [0, 2, 3]);
    assert_eq!(room.ask(CONCILIATOR, admit(1)), Err(ErrorCode::WrongState));
    assert_eq!(room.ask(CONCILIATOR, admit(8)), Err(ErrorCode::NoSuchTarget));
    room.ask(CONCILIATOR, ClientMessage::AdmitAll).unwrap();
    assert_eq!(room.sees(3), [0, 1, 2, 3]);
}

#[test]
fn r_meet_15_only_the_conciliator_commands() {
    let mut room = Driver::started(Terms::default());
    let epoch = room.epoch();
    use ClientMessage as M;
    let commands = [
        M::Start,
        M::Admit { participant: id(3) },
        M::AdmitAll,
        M::OpenBreakout {
            epoch,
            side: Side::Convened,
            with_me: false,
            minutes: None,
            telephones: None,
        },
        M::SetTimer { session: Session::Breakout(1), minutes: Some(5), closes: false },
        M::AddPhone { name: "x".into(), number: "061234567".into(), side: Side::Convened },
        M::Move { epoch, participant: id(1), to: PLENARY, telephones: None },
        M::Visit { to: PLENARY, telephones: None },
        M::CloseBreakout { session: Session::Breakout(1), at_once: true },
        M::Recall { at_once: true },
        M::Exclude { participant: id(3) },
        M::Remove { participant: id(3) },
        M::Reinstate { participant: id(3) },
        M::Mute { participant: id(3) },
        M::Lock { locked: true },
        M::Notice { text: "x".into() },
        M::End,
    ];
    for command in commands {
        let before = room.room.membership().clone();
        assert_eq!(room.ask(1, command.clone()), Err(ErrorCode::NotAllowed), "{command:?}");
        assert_eq!(*room.room.membership(), before, "{command:?}");
    }
}

#[test]
fn r_meet_16_a_breakout_takes_one_side_and_recall_brings_all_back() {
    let mut room = Driver::started(Terms::default());
    let private = room.open_breakout(Side::Activating, true);
    assert_eq!(private, Session::Breakout(1));
    let expected = [private, private, private, PLENARY, PLENARY];
    for (n, session) in (0..).zip(expected) {
        assert_eq!(room.session(n), Some(session), "seat {n}");
    }
    assert_eq!(room.sees(1), [0, 1, 2]);
    assert_eq!(room.sees(3), [3, 4]);
    assert_eq!(room.sees(0), [0, 1, 2, 3, 4]);
    assert!(room.view(1).conciliator_here && !room.view(3).conciliator_here);
    assert_eq!(room.view(1).breakouts.len(), 1);
    assert_eq!(room.view(3).breakouts, [], "the others do not learn which breakouts there are");

    room.move_to(4, private).unwrap();
    assert_eq!(room.sees(4), [0, 1, 2, 4]);
    assert_eq!(room.move_to(3, Session::Breakout(9)), Err(ErrorCode::NoSuchTarget));
    assert_eq!(room.move_to(3, LOBBY), Err(ErrorCode::NoSuchTarget));

    let second = room.open_breakout(Side::Convened, false);
    assert_eq!(room.sees(3), [3]);
    room.ask(CONCILIATOR, ClientMessage::CloseBreakout { session: second, at_once: true }).unwrap();
    assert_eq!(room.session(3), Some(PLENARY));
    room.ask(CONCILIATOR, ClientMessage::Recall { at_once: true }).unwrap();
    for n in 0..5 {
        assert_eq!(room.session(n), Some(PLENARY));
        assert_eq!(room.sees(n), [0, 1, 2, 3, 4]);
    }
    let epoch = room.epoch();
    let nobody = ClientMessage::OpenBreakout {
        epoch,
        side: Side::Neutral,
        with_me: true,
        minutes: None,
        telephones: None,
    };
    assert_eq!(room.ask(CONCILIATOR, nobody), Err(ErrorCode::NoSuchTarget));
}

#[test]
fn r_meet_17_chat_and_media_stay_in_the_session() {
    let mut room = Driver::started(Terms::default());
    for n in 0..5 {
        room.ask(n, ClientMessage::Devices { mic: true, cam: true, screen: n == 1 }).unwrap();
    }
    room.open_breakout(Side::Activating, true);
    room.chat(1, "private").unwrap();
    room.chat(3, "common").unwrap();
    assert_eq!(room.heard("private"), [0, 1, 2]);
    assert_eq!(room.heard("common"), [3, 4]);
    let slots = &room.routes.viewers[&id(3)];
    assert_eq!(slots.audio.iter().flatten().collect::<Vec<_>>(), [&id(4)]);
    assert_eq!(slots.video.iter().flatten().map(|v| v.participant).collect::<Vec<_>>(), [id(4)]);
    let slots = &room.routes.viewers[&id(2)];
    let mut voices: Vec<_> = slots.audio.iter().flatten().copied().collect();
    voices.sort();
    assert_eq!(voices, [id(0), id(1)]);
    assert_eq!(slots.video.iter().flatten().count(), 3, "two cameras and a screen");
}

#[test]
fn r_meet_18_exclude_and_bring_back() {
    let mut room = Driver::started(Terms::default());
    room.ask(CONCILIATOR, ClientMessage::Exclude { participant: id(3) }).unwrap();
    assert_eq!(room.session(3), Some(LOBBY));
    assert_eq!(room.sees(3), [0, 3]);
    assert_eq!(room.chat(3, "hello"), Err(ErrorCode::WrongState));
    room.ask(CONCILIATOR, ClientMessage::AdmitAll).unwrap();
    assert_eq!(room.session(3), Some(LOBBY), "not by admitting all");
    room.lose(3);
    room.wait(61);
    room.join(3).unwrap();
    assert_eq!(room.session(3), Some(LOBBY), "nor by joining again");
    room.ask(CONCILIATOR, ClientMessage::Admit { participant: id(3) }).unwrap();
    assert_eq!(room.session(3), Some(PLENARY));
    let conciliator = ClientMessage::Exclude { participant: id(0) };
    assert_eq!(room.ask(CONCILIATOR, conciliator), Err(ErrorCode::NoSuchTarget));
}

#[test]
fn r_meet_15_removed_stays_out_until_reinstated() {
    let mut room = Driver::started(Terms::default());
    room.ask(CONCILIATOR, ClientMessage::Remove { participant: id(3) }).unwrap();
    let left = room.clients[&3].unnumbered.last().unwrap();
    let (reason, action) = (LeaveReason::Removed, LeaveAction::Stop);
    assert_eq!(*left, ServerMessage::Leave { reason, action });
    assert_eq!(room.resume(3), Err(ErrorCode::BadToken));
    assert_eq!(room.join(3), Err(ErrorCode::Removed));
    assert!(room.view(0).people.iter().any(|p| p.id == id(3) && p.removed));
    assert_eq!(room.sees(1), [0, 1, 2, 4]);

    let mut room = room.restart(Terms::default());
    room.join(CONCILIATOR).unwrap();
    assert_eq!(room.join(3), Err(ErrorCode::Removed), "also after a restart");
    assert!(room.view(0).people.iter().any(|p| p.id == id(3) && p.removed));
    room.ask(CONCILIATOR, ClientMessage::Reinstate { participant: id(3) }).unwrap();
    room.join(3).unwrap();
    assert_eq!(room.session(3), Some(LOBBY));
}

#[test]
fn r_meet_15_a_mute_is_enforced_by_the_routes() {
    let mut room = Driver::started(Terms::default());
    let on = ClientMessage::Devices { mic: true, cam: false, screen: false };
    room.ask(3, on.clone()).unwrap();
    let hears = |room: &Driver| room.routes.viewers[&id(1)].audio.contains(&Some(id(3)));
    assert!(hears(&room));
    room.ask(CONCILIATOR, ClientMessage::Mute { participant: id(3) }).unwrap();
    assert!(!hears(&room));
    assert!(room.clients[&3].processed.contains(&ServerMessage::Muted));
    room.lose(3);
    room.resume(3).unwrap();
    assert!(!hears(&room), "kept over a reconnection");
    room.ask(3, on).unwrap();
    assert!(hears(&room), "only its owner turns it on again");
}

#[test]
fn what_is_looked_at_goes_to_the_media_edge_and_names_no_slot_that_is_not_there() {
    let mut room = Driver::started(Terms { video_slots: 2, ..Terms::default() });
    let video = vec![Watch::None, Watch::Low];
    room.ask(1, ClientMessage::Watch { video: video.clone() }).unwrap();
    assert_eq!(room.watched, [(id(1), video)]);
    let refused = room.ask(1, ClientMessage::Watch { video: vec![Watch::High; 3] });
    assert_eq!(refused, Err(ErrorCode::BadMessage));
    assert_eq!(room.watched.len(), 1);
}

#[test]
fn r_meet_19_a_full_room_takes_nobody_but_the_conciliator() {
    let now = chrono::DateTime::UNIX_EPOCH;
    let spec = RoomSpec { capacity: 2, ..spec(1) };
    let mut room = Driver::with(Room::open(spec, Terms::default(), now), now, Vec::new());
    room.join(1).unwrap();
    room.join(2).unwrap();
    assert_eq!(room.join(3), Err(ErrorCode::Full));
    room.join(CONCILIATOR).unwrap();
    room.join(1).unwrap();
    room.ask(2, ClientMessage::Bye).unwrap();
    room.join(3).unwrap();
}

#[test]
fn r_meet_27_a_lost_seat_keeps_its_session_for_the_grace_time_and_its_place_after() {
    let mut room = Driver::started(Terms::default());
    let private = room.open_breakout(Side::Activating, false);
    let epoch = room.epoch();
    room.lose(1);
    assert_eq!(room.epoch(), epoch, "a lost socket changes nobody's session");
    assert!(room.view(2).people.iter().any(|p| p.id == id(1) && !p.connected));
    room.wait(59);
    room.resume(1).unwrap();
    assert_eq!(room.session(1), Some(private));
    assert_eq!(room.epoch(), epoch);

    room.lose(1);
    room.wait(60);
    assert_eq!(room.session(1), None);
    assert!(room.epoch() > epoch);
    assert_eq!(room.sees(2), [2]);
    assert_eq!(room.resume(1), Err(ErrorCode::BadToken));
    room.join(1).unwrap();
    assert_eq!(room.session(1), Some(private), "a new join returns to the same session");

    room.lose(1);
    room.wait(61);
    room.ask(CONCILIATOR, ClientMessage::Recall { at_once: true }).unwrap();
    let again = room.open_breakout(Side::Activating, false);
    assert_ne!(again, private, "numbers are not used again");
    room.join(1).unwrap();
    assert_eq!(room.session(1), Some(PLENARY), "unless that breakout was closed");
}

#[test]
fn r_meet_27_breakouts_stay_as_they_are_without_the_conciliator() {
    let mut room = Driver::started(Terms::default());
    let private = room.open_breakout(Side::Activating, true);
    room.lose(CONCILIATOR);
    room.wait(600);
    assert_eq!(room.session(1), Some(private));
    assert_eq!(room.sees(1), [1, 2]);
    room.join(CONCILIATOR).unwrap();
    assert_eq!(room.session(CONCILIATOR), Some(private));
}

#[test]
fn the_same_seat_opened_elsewhere_replaces_the_older_socket() {
    let mut room = Driver::started(Terms::default());
    let epoch = room.epoch();
    let old = room.clients[&1].connection.unwrap();
    room.join(1).unwrap();
    assert_ne!(room.clients[&1].connection, Some(old));
    assert_eq!(room.epoch(), epoch);
    assert_eq!(room.session(1), Some(PLENARY));
    let envelope = ClientEnvelope { id: 1, message: ClientMessage::Hand { raised: true } };
    room.input(Input::Message { connection: old, envelope });
    assert!(
        room.view(0).people.iter().all(|p| p.hand_at_ms.is_none()),
        "the old socket is not listened to"
    );
    room.input(Input::Lost { connection: old });
    assert!(room.view(0).people.iter().all(|p| p.connected), "its loss is nobody's loss");
}

#[test]
fn r_meet_39_a_visit_is_announced_before_the_conciliator_is_there() {
    let mut room = Driver::started(Terms::default());
    let private = room.open_breakout(Side::Activating, false);
    room.forget();
    room.ask(CONCILIATOR, ClientMessage::Visit { to: private, telephones: None }).unwrap();
    assert_eq!(
        room.clients[&1].processed,
        [ServerMessage::Visit { session: private, phones: Vec::new() }]
    );
    assert_eq!(room.clients[&3].processed, []);
    assert_eq!(room.session(CONCILIATOR), Some(PLENARY));
    assert_eq!(room.room.poll_timeout(), Some(room.now + TimeDelta::seconds(1)));
    room.wait(1);
    assert_eq!(room.session(CONCILIATOR), Some(private));
    assert!(room.view(1).conciliator_here);
    let visit = JournalEvent::Visit { participant: id(0), session: private, phones: Vec::new() };
    assert!(room.journal.iter().any(|entry| entry.event == visit));

    room.move_to(CONCILIATOR, PLENARY).unwrap();
    room.forget();
    room.move_to(CONCILIATOR, private).unwrap();
    let announced = ServerMessage::Visit { session: private, phones: Vec::new() };
    assert_eq!(room.clients[&1].processed, [announced], "a move of one's own is a visit too");
    room.ask(CONCILIATOR, ClientMessage::Recall { at_once: true }).unwrap();
    room.wait(2);
    assert_eq!(room.session(CONCILIATOR), Some(PLENARY), "no visit to a closed breakout");
}

#[test]
fn r_meet_40_a_notice_reaches_all_sessions() {
    let mut room = Driver::started(Terms::default());
    room.open_breakout(Side::Activating, true);
    room.ask(CONCILIATOR, ClientMessage::Exclude { participant: id(4) }).unwrap();
    room.ask(CONCILIATOR, ClientMessage::Notice { text: " five minutes ".into() }).unwrap();
    for n in 0..5 {
        let told = room.clients[&n]
            .processed
            .iter()
            .any(|m| matches!(m, ServerMessage::Notice { text, .. } if text == "five minutes"));
        assert!(told, "seat {n}");
    }
}

#[test]
fn r_meet_41_what_belongs_to_another_epoch_is_refused() {
    let mut room = Driver::started(Terms::default());
    let old = room.epoch();
    let private = room.open_breakout(Side::Activating, false);
    let chat = ClientMessage::Chat { epoch: old, text: "late".into() };
    assert_eq!(room.ask(1, chat), Err(ErrorCode::StaleEpoch));
    assert_eq!(room.heard("late"), [0u8; 0]);
    let to = private;
    let late = ClientMessage::Move { epoch: old, participant: id(3), to, telephones: None };
    assert_eq!(room.ask(CONCILIATOR, late), Err(ErrorCode::StaleEpoch));
    let side = Side::Convened;
    let late = ClientMessage::OpenBreakout {
        epoch: old,
        side,
        with_me: false,
        minutes: None,
        telephones: None,
    };
    assert_eq!(room.ask(CONCILIATOR, late), Err(ErrorCode::StaleEpoch));
    let future = ClientMessage::Chat { epoch: room.epoch().next(), text: "early".into() };
    assert_eq!(room.ask(1, future), Err(ErrorCode::StaleEpoch));
}

#[test]
fn r_meet_42_the_closing_statement_counts_and_says_that_nothing_was_recorded() {
    let mut room = Driver::started(Terms::default());
    let old = room.epoch();
    room.open_breakout(Side::Activating, true);
    let late = ClientMessage::Chat { epoch: old, text: "late".into() };
    assert_eq!(room.ask(3, late), Err(ErrorCode::StaleEpoch));
    room.forget();
    room.ask(CONCILIATOR, ClientMessage::End).unwrap();
    assert!(room.closed);
    assert_eq!(&room.order[..3], ["routes", "count", "journal"]);
    assert!(room.routes.viewers.is_empty());
    let last = &room.journal.last().unwrap().event;
    let statement =
        JournalEvent::Closed { forwarded: 12, withheld: 7, refused: 1, recorded: false };
    assert_eq!(*last, statement);
    let (reason, action) = (LeaveReason::Ended, LeaveAction::Stop);
    for n in 0..5 {
        let left = room.clients[&n].unnumbered.last().unwrap();
        assert_eq!(*left, ServerMessage::Leave { reason, action });
    }
    assert_eq!(room.clients[&0].unnumbered[0], ServerMessage::Ok { re: 5 });
    let again = room.restart(Terms::default());
    assert!(again.closed, "an ended meeting does not open again");
}

#[test]
fn routes_go_before_the_journal_and_the_journal_before_words() {
    let mut room = Driver::started(Terms::default());
    room.forget();
    room.open_breakout(Side::Activating, true);
    assert_eq!(&room.order[..3], ["routes", "journal", "send"]);
    assert!(room.order[3..].iter().all(|kind| *kind == "send"));
}

#[test]
fn the_time_of_a_move_is_the_time_when_its_routes_held() {
    let mut room = Driver::started(Terms::default());
    let connection = room.clients[&0].connection.unwrap();
    let message = ClientMessage::Exclude { participant: id(1) };
    let decided = room.now;
    let envelope = ClientEnvelope { id: 1, message };
    room.room.handle(Input::Message { connection, envelope }, decided);
    assert!(matches!(room.room.poll_output(), Some(Output::Routes(_))));
    assert_eq!(room.room.poll_output(), None, "nobody is told before the routes hold");
    room.now += TimeDelta::milliseconds(40);
    room.input(Input::Routed);
    let moved = room.clients[&1].processed.iter().find_map(|m| match m {
        ServerMessage::Moved { at_ms, session: Session::Lobby, .. } => Some(*at_ms),
        _ => None,
    });
    assert_eq!(moved, Some(room.now.timestamp_millis() as u64));
}

#[test]
fn r_meet_23_between_meetings_a_standing_room_takes_everybody_in_and_nothing_begins_or_ends() {
    let now = chrono::DateTime::UNIX_EPOCH;
    let spec = RoomSpec { standing: true, ..spec(1) };
    let mut room = Driver::with(Room::open(spec, Terms::default(), now), now, Vec::new());
    room.join(1).unwrap();
    room.join(3).unwrap();
    assert_eq!(room.session(1), Some(PLENARY));
    assert_eq!(room.session(3), Some(PLENARY));
    room.join(CONCILIATOR).unwrap();
    let exclude = ClientMessage::Exclude { participant: id(1) };
    for refused in [ClientMessage::Start, ClientMessage::End, exclude] {
        assert_eq!(room.ask(CONCILIATOR, refused), Err(ErrorCode::WrongState));
    }
    // The mediator still separates the sides.
    let epoch = room.epoch();
    let side = Side::Convened;
    let open = ClientMessage::OpenBreakout {
        epoch,
        side,
        with_me: false,
        minutes: None,
        telephones: None,
    };
    room.ask(CONCILIATOR, open).unwrap();
    assert_eq!(room.session(3), Some(Session::Breakout(1)));
    assert!(!room.room.membership().started());
}
