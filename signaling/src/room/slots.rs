//! Which receive slot shows whom. A source keeps its slot for as long as it is there, so that a join
//! or a mute changes nothing for the others.

use super::membership::Membership;
use super::occupant::{Devices, Occupant};
use super::routes::{Routes, Slots};
use crate::protocol::{ParticipantId, Session, VideoKind, VideoSource};
use std::collections::BTreeMap;

/// Slots of a viewer: audio, video.
pub(super) type Counts = (u16, u16);

/// The forwarding set for this membership. `before` is the one in force.
pub(super) fn routes(
    membership: &Membership,
    occupants: &BTreeMap<ParticipantId, Occupant>,
    before: &Routes,
    counts: Counts,
) -> Routes {
    // Who is on the telephone neither sends nor receives anything here.
    let by_media = membership.present().filter(|(_, place)| !place.phone);
    let sessions: BTreeMap<_, _> = by_media.map(|(id, p)| (id, p.session)).collect();
    let sources: Vec<(ParticipantId, Session, Devices)> = sessions
        .iter()
        .filter(|(_, session)| **session != Session::Lobby)
        .filter_map(|(id, session)| Some((*id, *session, occupants.get(id)?.devices)))
        .collect();
    let empty = Slots::default();
    let viewers = sessions
        .iter()
        .map(|(viewer, session)| {
            let others = || sources.iter().filter(|(id, at, _)| id != viewer && at == session);
            let voices: Vec<_> = others().filter(|(_, _, d)| d.mic).map(|(id, ..)| *id).collect();
            // Screens first: when slots run out, a document matters more than a face.
            let screens =
                others().filter(|(_, _, d)| d.screen).map(|(id, ..)| (*id, VideoKind::Screen));
            let faces = others().filter(|(_, _, d)| d.cam).map(|(id, ..)| (*id, VideoKind::Camera));
            let pictures: Vec<_> = screens
                .chain(faces)
                .map(|(participant, kind)| VideoSource { participant, kind })
                .collect();
            let kept = before.viewers.get(viewer).unwrap_or(&empty);
            let slots = Slots {
                audio: assign(&kept.audio, &voices, counts.0),
                video: assign(&kept.video, &pictures, counts.1),
            };
            (*viewer, slots)
        })
        .collect();
    Routes { epoch: membership.epoch, sessions, viewers }
}

/// Gives every source a slot: the one it had, else the first free one. Sources beyond the number of
/// slots go without, the last named first.
fn assign<S: Copy + PartialEq>(before: &[Option<S>], sources: &[S], count: u16) -> Vec<Option<S>> {
    let count = usize::from(count);
    let sources = &sources[..sources.len().min(count)];
    let mut slots: Vec<Option<S>> = before
        .iter()
        .map(|slot| slot.filter(|source| sources.contains(source)))
        .chain(std::iter::repeat(None))
        .take(count)
        .collect();
    for source in sources {
        if !slots.contains(&Some(*source)) {
            let free = slots.iter().position(Option::is_none);
            slots[free.expect("there are at least as many slots as sources")] = Some(*source);
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_keeps_its_slot() {
        let before = [Some('a'), Some('b'), None];
        for (sources, expected) in [
            (vec!['a', 'b'], [Some('a'), Some('b'), None]),
            (vec!['b'], [None, Some('b'), None]),
            (vec!['b', 'c', 'd'], [Some('c'), Some('b'), Some('d')]),
            (vec!['x', 'b', 'a', 'y'], [Some('a'), Some('b'), Some('x')]),
            (vec![], [None, None, None]),
        ] {
            assert_eq!(assign(&before, &sources, 3), expected, "{sources:?}");
        }
        assert_eq!(assign(&before, &['b'], 1), [Some('b')], "fewer slots than before");
    }
}
