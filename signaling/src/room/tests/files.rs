//! Shared files: who sees them, and when they are gone.

use super::driver::*;
use super::schedule::{Step, carry_out, step};
use crate::protocol::*;
use crate::room::files::*;
use crate::room::journal::JournalEvent;
use crate::room::{Refused, Terms};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const NOBODY: [u8; 0] = [];

fn file(n: u8, owner: u8) -> SharedFile {
    SharedFile {
        id: FileId(Uuid::from_u128(1_000 + u128::from(n))),
        name: format!("file {n}.pdf"),
        size_bytes: 1_000,
        kind: FileKind::Pdf,
        origin: FileOrigin::Upload,
        owner: id(owner),
        filed: false,
        at_ms: u64::from(n),
    }
}

impl Driver {
    fn granted(&mut self, owner: u8) -> Result<Grant, Refused> {
        let (epoch, now) = (self.epoch(), self.now);
        self.room.grant(id(owner), epoch, 1_000, now)
    }

    fn share_granted(&mut self, grant: &Grant, file: SharedFile) -> Result<(), ErrorCode> {
        let shared = self.room.share(grant, file, Readers::Everybody, self.now);
        self.input(crate::room::Input::Tick);
        shared.map_err(|refused| refused.code)
    }

    fn share(&mut self, owner: u8, n: u8) -> Result<FileId, ErrorCode> {
        let grant = self.granted(owner).map_err(|refused| refused.code)?;
        let file = file(n, owner);
        let id = file.id;
        self.share_granted(&grant, file).map(|()| id)
    }

    /// Whose present view has the file. What the view says and what the hub is told is the same.
    fn having(&self, file: FileId) -> Vec<u8> {
        let inside = (0..5u8).filter(|n| self.session(*n).is_some());
        let having: Vec<u8> =
            inside.filter(|n| self.view(*n).files.iter().any(|f| f.id == file)).collect();
        let told = (0..5u8).filter(|n| self.room.file_for(id(*n), file).is_some());
        assert_eq!(having, told.collect::<Vec<_>>());
        having
    }

    fn show(&mut self, n: u8, file: FileId, page: u32) -> Result<(), ErrorCode> {
        let epoch = self.epoch();
        self.ask(n, ClientMessage::Show { epoch, file, page })
    }

    fn page(&self, n: u8) -> Option<u32> {
        self.view(n).showing.as_ref().map(|showing| showing.page)
    }
}

#[test]
fn r_meet_26_a_file_is_seen_by_the_present_members_of_its_session() {
    let mut room = Driver::started(Terms::default());
    let common = room.share(3, 1).unwrap();
    assert_eq!(room.having(common), [0, 1, 2, 3, 4]);
    let breakout = room.open_breakout(Side::Activating, true);
    assert_eq!(room.having(common), [3, 4], "who went aside is no member of plenary now");
    let aside = room.share(1, 2).unwrap();
    assert_eq!(room.having(aside), [0, 1, 2]);
    assert_eq!(room.share(0, 3).map(|file| room.having(file)), Ok(vec![0, 1, 2]));

    room.move_to(2, Session::Plenary).unwrap();
    assert_eq!(room.having(aside), [0, 1]);
    assert_eq!(room.having(common), [2, 3, 4]);
    room.move_to(4, breakout).unwrap();
    assert_eq!(room.having(aside), [0, 1, 4], "who comes later is a member, too");
    room.ask(CONCILIATOR, ClientMessage::Exclude { participant: id(4) }).unwrap();
    assert_eq!(room.having(aside), [0, 1], "not in the lobby");
    assert_eq!(room.share(4, 5), Err(ErrorCode::WrongState));
    room.ask(CONCILIATOR, ClientMessage::Remove { participant: id(1) }).unwrap();
    assert_eq!(room.having(aside), [0]);

    room.ask(CONCILIATOR, ClientMessage::CloseBreakout { session: breakout, at_once: true })
        .unwrap();
    assert_eq!(room.having(aside), NOBODY);
    assert_eq!(room.having(common), [0, 2, 3]);
    assert!(room.discarded.contains(&aside) && !room.discarded.contains(&common));
}

#[test]
fn r_meet_41_a_file_sent_to_others_than_are_there_now_is_refused() {
    let mut room = Driver::started(Terms::default());
    let breakout = room.open_breakout(Side::Activating, false);
    // The owner is moved while the file is under way.
    let grant = room.granted(1).unwrap();
    room.move_to(1, Session::Plenary).unwrap();
    assert_eq!(room.share_granted(&grant, file(1, 1)), Err(ErrorCode::StaleEpoch));
    // Somebody comes in meanwhile.
    let grant = room.granted(2).unwrap();
    room.move_to(3, breakout).unwrap();
    assert_eq!(room.share_granted(&grant, file(2, 2)), Err(ErrorCode::StaleEpoch));
    // Somebody leaves, and things happen elsewhere: nobody hears what was not meant for them.
    let grant = room.granted(2).unwrap();
    room.move_to(3, Session::Plenary).unwrap();
    assert_eq!(room.share_granted(&grant, file(3, 2)), Ok(()));
    // Asked for in an older epoch.
    let old = Epoch(room.epoch().0 - 1);
    let refused = room.room.grant(id(2), old, 1, room.now).unwrap_err();
    assert_eq!(refused.code, ErrorCode::StaleEpoch);
    assert_eq!(room.having(file(1, 1).id), NOBODY);
    assert_eq!(room.having(file(2, 2).id), NOBODY);
}

#[test]
fn r_meet_20_a_document_of_the_case_is_seen_by_those_who_may_see_it() {
    let mut room = Driver::started(Terms::default());
    let grant = room.granted(1).unwrap();
    let readers = Readers::Only {
        sides: BTreeSet::from([Side::Neutral, Side::Activating]),
        seats: BTreeSet::from([id(4)]),
    };
    room.room.share(&grant, file(1, 1), readers, room.now).unwrap();
    room.input(crate::room::Input::Tick);
    let document = file(1, 1).id;
    assert_eq!(room.having(document), [0, 1, 2, 4]);
    room.show(1, document, 2).unwrap();
    assert_eq!(room.page(4), Some(2));
    assert_eq!(room.page(3), None, "who may not see it does not know that it is shown");
    assert_eq!(room.show(3, document, 3), Err(ErrorCode::NoSuchTarget));
}

#[test]
fn r_meet_37_pages_are_turned_by_who_shows_and_the_conciliator_may_take_over() {
    let mut room = Driver::started(Terms::default());
    let shown = room.share(1, 1).unwrap();
    room.show(1, shown, 1).unwrap();
    room.show(1, shown, 2).unwrap();
    assert_eq!((0..5).map(|n| room.page(n)).collect::<Vec<_>>(), [Some(2); 5]);
    assert_eq!(room.show(3, shown, 3), Err(ErrorCode::WrongState));
    assert_eq!(room.ask(3, ClientMessage::StopShowing), Err(ErrorCode::WrongState));
    for page in [0, 100_001] {
        assert_eq!(room.show(1, shown, page), Err(ErrorCode::BadMessage));
    }
    room.show(CONCILIATOR, shown, 5).unwrap();
    assert_eq!(room.show(1, shown, 6), Err(ErrorCode::WrongState));
    room.open_breakout(Side::Activating, false);
    assert_eq!((room.page(1), room.page(3)), (None, Some(5)), "shown in plenary only");
    room.ask(CONCILIATOR, ClientMessage::StopShowing).unwrap();
    assert_eq!(room.page(3), None);
    // Whoever shows takes it along.
    let own = room.share(1, 2).unwrap();
    room.show(1, own, 1).unwrap();
    assert_eq!(room.page(2), Some(1));
    room.move_to(1, Session::Plenary).unwrap();
    assert_eq!(room.page(2), None);
}

#[test]
fn a_file_is_withdrawn_by_its_owner_or_by_the_conciliator() {
    let mut room = Driver::started(Terms::default());
    for (who, expected) in [(3, Err(ErrorCode::NotAllowed)), (1, Ok(())), (CONCILIATOR, Ok(()))] {
        let shared = room.share(1, who).unwrap();
        room.show(1, shared, 1).unwrap();
        assert_eq!(room.ask(who, ClientMessage::Withdraw { file: shared }), expected, "{who}");
        assert_eq!(room.discarded.contains(&shared), expected.is_ok());
        assert_eq!(room.having(shared).is_empty(), expected.is_ok());
        assert_eq!(room.page(4).is_none(), expected.is_ok());
    }
    let gone = file(1, 1).id;
    let again = room.ask(1, ClientMessage::Withdraw { file: gone });
    assert_eq!(again, Err(ErrorCode::NoSuchTarget));
}

#[test]
fn a_room_takes_so_many_files_and_bytes_and_no_more() {
    let mut room = Driver::started(Terms { burst: 100_000, ..Terms::default() });
    let too_much = room.room.grant(id(1), room.epoch(), MAX_TOTAL_BYTES + 1, room.now);
    assert_eq!(too_much.unwrap_err().code, ErrorCode::Full);
    let late = room.granted(1).unwrap();
    for n in 0..60 {
        room.share(1, n).unwrap();
    }
    assert_eq!(room.share(1, 60), Err(ErrorCode::Full));
    assert_eq!(room.share_granted(&late, file(61, 1)), Err(ErrorCode::Full));
    room.ask(1, ClientMessage::Withdraw { file: file(0, 1).id }).unwrap();
    assert!(room.share(1, 60).is_ok());

    let mut room = Driver::started(Terms::default());
    let refusals = (0..20).filter(|_| room.granted(3).is_err()).count();
    assert!(refusals > 10, "nobody sends files without end: {refusals}");
}

#[test]
fn r_meet_24_files_end_with_the_room_and_r_meet_43_the_log_has_no_names() {
    let mut room = Driver::started(Terms::default());
    let shared = room.share(1, 1).unwrap();
    room.room.file_was_filed(id(1), shared, room.now);
    room.input(crate::room::Input::Tick);
    assert!(room.view(3).files[0].filed);
    let filed = JournalEvent::Filed { participant: id(1) };
    assert_eq!(room.journal.iter().filter(|entry| entry.event == filed).count(), 1);
    room.ask(CONCILIATOR, ClientMessage::End).unwrap();
    assert!(room.cleared && room.closed);
    assert!(room.room.file_for(id(1), shared).is_none());
    let log = serde_json::to_string(&room.journal).unwrap();
    assert!(!log.contains("file 1"), "{log}");
}

#[test]
fn r_meet_23_files_come_back_with_the_room_where_their_session_is_open() {
    let mut room = Driver::started(Terms::default());
    let closed = room.open_breakout(Side::Activating, false);
    room.ask(CONCILIATOR, ClientMessage::Recall { at_once: true }).unwrap();
    let open = room.open_breakout(Side::Activating, false);
    let mut again = room.restart(Terms::default());
    let card = |n, session| FileCard { file: file(n, 1), session, readers: Readers::Everybody };
    again.room.shelve(vec![card(1, open), card(2, closed), card(3, Session::Plenary)]);
    for n in 0..5 {
        again.join(n).unwrap();
    }
    assert_eq!(again.having(file(1, 1).id), [1, 2]);
    assert_eq!(again.having(file(2, 1).id), NOBODY);
    assert_eq!(again.having(file(3, 1).id), [0, 3, 4]);
    assert_eq!(again.discarded, [file(2, 1).id]);
}

proptest! {
    #[test]
    fn r_meet_17_no_file_reaches_another_session(
        begun in any::<bool>(),
        steps in prop::collection::vec((step(), 0..5u8), 1..100),
    ) {
        let terms = Terms { burst: 100_000, ..Terms::default() };
        let mut room = if begun { Driver::started(terms) } else { Driver::new(terms) };
        let mut at: BTreeMap<FileId, Session> = BTreeMap::new();
        let mut waiting: Option<(Grant, SharedFile, BTreeSet<ParticipantId>)> = None;
        for (number, (step, owner)) in steps.iter().enumerate() {
            if let Ok(grant) = room.granted(*owner) {
                let members = room.room.membership().members(grant.session()).collect();
                waiting = Some((grant, file(number as u8, *owner), members));
            }
            let _ = carry_out(&mut room, step, "words");
            if matches!(step, Step::Chat { .. } | Step::Wait(_))
                && let Some((grant, file, meant)) = waiting.take()
                && room.share_granted(&grant, file.clone()).is_ok()
            {
                let now: BTreeSet<_> = room.room.membership().members(grant.session()).collect();
                prop_assert!(now.is_subset(&meant), "heard by somebody it was not meant for");
                at.insert(file.id, grant.session());
            }
            for n in 0..5u8 {
                let client = room.clients.get(&n);
                let deaf = client.is_none_or(|c| c.deaf || c.connection.is_none());
                let Some(view) = client.and_then(|c| c.view.as_ref()).filter(|_| !deaf) else {
                    continue;
                };
                let Some(session) = room.session(n) else { continue };
                let seen: BTreeSet<FileId> = view.files.iter().map(|file| file.id).collect();
                let kept = at.iter().filter(|(id, of)| **of == session && !room.discarded.contains(id));
                let expected: BTreeSet<FileId> = kept.map(|(id, _)| *id).collect();
                prop_assert_eq!(seen, expected, "seat {} in {:?}", n, session);
            }
            for (id, session) in &at {
                let open = room.room.membership().is_open(*session);
                prop_assert_eq!(room.discarded.contains(id), !open, "kept as long as its session");
            }
        }
    }
}
