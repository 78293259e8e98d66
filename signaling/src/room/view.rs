//! What one participant may see of the room. Whoever is in another session is absent (R-MEET-17).

use super::Room;
use super::membership::{OpenBreakout, Place};
use super::occupant::Occupant;
use super::outside::named;
use crate::protocol::{Breakout, ParticipantId, Person, Role, Session, Timer, View};
use chrono::{DateTime, Utc};

impl Room {
    /// The view of a participant inside, or `None` if it is not inside.
    pub(super) fn view(&self, viewer: ParticipantId) -> Option<View> {
        let membership = &self.membership;
        let own = membership.places.get(&viewer).filter(|place| place.present)?;
        let session = own.session;
        let sees_all = own.role == Role::Conciliator;
        let held = membership.conciliator().is_some();
        let people = self
            .occupants
            .iter()
            .filter_map(|(id, occupant)| {
                let place = membership.places.get(id)?;
                let person = person(*id, place, occupant, held);
                if sees_all {
                    Some(Person { number: occupant.link.number().map(str::to_owned), ..person })
                } else if place.present && place.session == session {
                    Some(person)
                } else if session == Session::Lobby
                    && place.present
                    && place.role == Role::Conciliator
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
            .map(|(n, breakout)| self.breakout(*n, breakout))
            .filter(|breakout| sees_all || breakout.session == session)
            .collect();
        let conciliator_here = session != Session::Lobby
            && membership.conciliator().is_some_and(|(_, conciliator)| conciliator == session);
        Some(View {
            epoch: membership.epoch,
            // In a standing room there is nothing to wait for.
            started: membership.started() || self.spec.standing,
            started_at_ms: membership.started_at.map(ms),
            planned_end_ms: self.spec.planned_end.map(ms),
            locked: membership.locked,
            session,
            excluded: own.excluded && session == Session::Lobby,
            people,
            breakouts,
            conciliator_here,
            files: self.files.seen_by(viewer, own),
            showing: self.files.shown_to(viewer, own),
            outside: if sees_all { named(&self.outside) } else { Vec::new() },
        })
    }

    fn breakout(&self, n: u16, breakout: &OpenBreakout) -> Breakout {
        let timer = |(until, closes)| Timer { ends_at_ms: ms(until), closes };
        Breakout {
            session: Session::Breakout(n),
            side: breakout.side,
            timer: breakout.timer.map(timer),
            closing_at_ms: self.closings.get(&n).copied().map(ms),
        }
    }
}

/// `held`: the conciliator, who holds the telephones, is inside.
fn person(id: ParticipantId, place: &Place, occupant: &Occupant, held: bool) -> Person {
    let linked = place.present && occupant.link.connection().is_some();
    Person {
        id,
        name: occupant.seat.name.clone(),
        label: occupant.seat.label.clone(),
        role: place.role,
        side: place.side,
        session: place.session,
        connected: linked || (place.present && place.phone && held),
        mic: occupant.devices.mic,
        cam: occupant.devices.cam,
        screen: occupant.devices.screen,
        hand_at_ms: occupant.hand.map(ms),
        quality: occupant.quality.filter(|_| linked).map(|(mark, _)| mark),
        identified: occupant.seat.identified,
        phone: place.phone,
        number: None,
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
        hand_at_ms: None,
        quality: None,
        ..person
    }
}

/// As the wire has it.
pub(super) fn ms(at: DateTime<Utc>) -> u64 {
    at.timestamp_millis().unsigned_abs()
}
