//! What one participant may see of the room. Whoever is in another session is absent (R-MEET-17).

use super::membership::{Membership, Place};
use super::occupant::Occupant;
use crate::protocol::{Breakout, ParticipantId, Person, Role, Session, View};
use std::collections::BTreeMap;

/// The view of a participant inside, or `None` if it is not inside.
pub(super) fn view(
    viewer: ParticipantId,
    membership: &Membership,
    occupants: &BTreeMap<ParticipantId, Occupant>,
) -> Option<View> {
    let own = membership.places.get(&viewer).filter(|place| place.present)?;
    let session = own.session;
    let sees_all = own.role == Role::Conciliator;
    let people = occupants
        .iter()
        .filter_map(|(id, occupant)| {
            let place = membership.places.get(id)?;
            let person = person(*id, place, occupant);
            if sees_all || (place.present && place.session == session) {
                Some(person)
            } else if session == Session::Lobby && place.present && place.role == Role::Conciliator
            {
                Some(presence(person))
            } else {
                None
            }
        })
        .collect();
    let breakouts = membership
        .breakouts
        .iter()
        .map(|(n, side)| Breakout { session: Session::Breakout(*n), side: *side })
        .filter(|breakout| sees_all || breakout.session == session)
        .collect();
    let conciliator_here = session != Session::Lobby
        && membership.conciliator().is_some_and(|(_, conciliator)| conciliator == session);
    Some(View {
        epoch: membership.epoch,
        started: membership.started,
        locked: membership.locked,
        session,
        people,
        breakouts,
        conciliator_here,
    })
}

fn person(id: ParticipantId, place: &Place, occupant: &Occupant) -> Person {
    Person {
        id,
        name: occupant.seat.name.clone(),
        label: occupant.seat.label.clone(),
        role: place.role,
        side: place.side,
        session: place.session,
        connected: place.present && occupant.link.connection().is_some(),
        mic: occupant.devices.mic,
        cam: occupant.devices.cam,
        screen: occupant.devices.screen,
        hand: occupant.hand,
        removed: place.removed,
    }
}

/// The conciliator as the lobby sees it: there, and nothing about where or with what (R-MEET-14).
fn presence(person: Person) -> Person {
    Person {
        session: Session::Plenary,
        mic: false,
        cam: false,
        screen: false,
        hand: false,
        ..person
    }
}
