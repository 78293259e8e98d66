//! Under every schedule: nobody is together with somebody of another session, in any way.

use super::driver::*;
use super::schedule::{Step, carry_out, step};
use crate::protocol::*;
use crate::room::Terms;
use crate::room::membership::Place;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn patient() -> Terms {
    Terms { burst: 100_000, ..Terms::default() }
}

/// No slot of anybody shows somebody of another session, somebody in the lobby or oneself.
fn routes_stay_in_the_session(room: &Driver) -> Result<(), TestCaseError> {
    let routes = &room.routes;
    prop_assert_eq!(routes.epoch, room.epoch());
    for (viewer, slots) in &routes.viewers {
        let session = routes.sessions[viewer];
        prop_assert_eq!(Some(session), room.room.membership().session_of(*viewer));
        let pictures = slots.video.iter().flatten().map(|source| source.participant);
        for source in slots.audio.iter().flatten().copied().chain(pictures) {
            prop_assert_eq!(routes.sessions.get(&source), Some(&session));
            prop_assert_ne!(source, *viewer);
            prop_assert_ne!(session, Session::Lobby);
        }
    }
    Ok(())
}

/// A party's view names members of the own session, and in the lobby the conciliator as presence.
fn views_name_nobody_else(room: &Driver) -> Result<(), TestCaseError> {
    let membership = room.room.membership();
    for (n, client) in &room.clients {
        let (Some(view), Some(session), None) =
            (&client.view, room.session(*n), (*n == CONCILIATOR).then_some(()))
        else {
            continue;
        };
        if client.connection.is_none() || client.deaf {
            continue;
        }
        prop_assert_eq!(view.session, session);
        prop_assert_eq!(view.epoch, room.epoch());
        for person in &view.people {
            if person.role == Role::Conciliator && session == Session::Lobby {
                prop_assert!(
                    !person.mic && !person.cam && !person.screen && person.hand_at_ms.is_none()
                );
                prop_assert_eq!(person.session, Session::Plenary);
            } else {
                prop_assert_eq!(membership.session_of(person.id), Some(session));
            }
        }
        let own_only = view.breakouts.iter().all(|breakout| breakout.session == session);
        prop_assert!(own_only);
    }
    Ok(())
}

/// Places that a journal must bring back: everything but who was inside at the moment.
fn places(room: &Driver) -> BTreeMap<ParticipantId, Place> {
    let places = room.room.membership().places.iter();
    // A telephone is there whatever happens to the node.
    places
        .map(|(id, place)| (*id, Place { present: place.present && place.phone, ..*place }))
        .collect()
}

proptest! {
    #[test]
    fn r_meet_17_nobody_meets_anybody_of_another_session(
        begun in any::<bool>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut room = if begun { Driver::started(patient()) } else { Driver::new(patient()) };
        for (number, step) in steps.iter().enumerate() {
            let words = format!("words {number}");
            let stale = matches!(step,
                Step::Chat { age: 1.., .. } | Step::Open { age: 1.., .. } | Step::Move { age: 1.., .. });
            let before = room.room.membership().clone();
            let sender = match step { Step::Chat { from, .. } => room.session(*from), _ => None };
            let result = carry_out(&mut room, step, &words);
            if stale {
                let asks = match step { Step::Chat { from, .. } => *from, _ => CONCILIATOR };
                let deaf = room.clients.get(&asks).is_some_and(|client| client.deaf);
                prop_assert!(deaf || result.is_err(), "an old epoch was accepted: {step:?}");
                prop_assert_eq!(room.heard(&words), [0u8; 0]);
                prop_assert_eq!(&before, room.room.membership());
            }
            for hearer in room.heard(&words) {
                prop_assert_eq!(room.session(hearer), sender, "chat crossed");
                prop_assert_ne!(sender, Some(Session::Lobby));
            }
            if before.present().map(|(id, p)| (id, p.session)).collect::<Vec<_>>()
                != room.room.membership().present().map(|(id, p)| (id, p.session)).collect::<Vec<_>>()
            {
                prop_assert!(room.epoch() > before.epoch, "membership changed without a new epoch");
            }
            routes_stay_in_the_session(&room)?;
            views_name_nobody_else(&room)?;
        }
    }

    #[test]
    fn r_meet_43_a_journal_gives_the_membership_it_was_written_from(
        begun in any::<bool>(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut room = if begun { Driver::started(patient()) } else { Driver::new(patient()) };
        for (number, step) in steps.iter().enumerate() {
            let _ = carry_out(&mut room, step, &format!("words {number}"));
        }
        let again = room.restart(patient());
        let (was, is) = (room.room.membership(), again.room.membership());
        prop_assert_eq!(places(&room), places(&again));
        prop_assert_eq!((was.started_at, was.locked, was.ended), (is.started_at, is.locked, is.ended));
        prop_assert_eq!((&was.breakouts, was.last_breakout), (&is.breakouts, is.last_breakout));
        prop_assert!(is.epoch > was.epoch, "two nodes never share an epoch");
        prop_assert!(is.present().all(|(_, place)| place.phone));
    }
}
