//! The way of a stranger's list through the readers of this crate, also past the seal, which a fuzzer
//! cannot make: for fuzzing.

use std::sync::Arc;

use chrono::SubsecRound as _;
use signing::verify::ListedService;

use crate::{About, ListError, TrustList, bounds, seal, write};

/// A list, as its file and as bytes that somebody signed.
pub fn list(bytes: &[u8]) {
    assert!(TrustList::read(bytes, &[]).is_err(), "nobody may sign it");
    let Ok(text) = bounds::text(bytes) else { return };
    if let Ok(list) = TrustList::of_octets(text.as_bytes()) {
        again(list);
    }
    if let Ok(octets) = seal::octets(text)
        && let Ok(list) = TrustList::of_octets(&octets)
    {
        again(list);
    }
}

/// What was read is written, and read again to be the same.
fn again(mut list: TrustList) {
    let about = About { address: String::new(), notice: String::new() };
    let edition = Arc::make_mut(&mut list.edition);
    // Fractions of a second are not written.
    edition.issued = edition.issued.trunc_subsecs(0);
    edition.next_update = edition.next_update.map(|due| due.trunc_subsecs(0));
    match TrustList::of_octets(write(&list, &about).as_bytes()) {
        Ok(read) => {
            assert_eq!(read.edition, list.edition);
            assert_eq!(read.pointers.len(), list.pointers.len());
            assert_eq!(read.services.len(), list.services.iter().filter(keeps_its_kind).count());
            let _ = read.anchors();
        }
        Err(ListError::Shape("a date")) => {} // a year beyond four digits
        Err(error) => panic!("what is written is not read: {error}"),
    }
}

/// What began last is written as what holds now: in a list that dates its present before its past, that
/// may be another kind of service.
fn keeps_its_kind(service: &&ListedService) -> bool {
    let newest = service.standings.iter().rev().max_by_key(|standing| standing.since);
    newest.is_some_and(|standing| standing.same_kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    const NATIONAL: &[u8] = include_bytes!("../../fuzz/seeds/trust_list/national.xml");
    const OF_LISTS: &[u8] = include_bytes!("../../fuzz/seeds/trust_list/of_lists.xml");

    proptest! {
        #[test]
        fn hostile_pieces_behind_the_seal_never_panic(
            of_lists: bool,
            cuts in prop::collection::vec((0_usize..1 << 16, 0_usize..1 << 16, 0_usize..400), 0..6),
            holes in prop::collection::vec((0_usize..1 << 16, 0_usize..60), 0..3),
            noise in prop::collection::vec((0_usize..1 << 16, any::<u8>()), 0..4),
        ) {
            let mut bytes = if of_lists { OF_LISTS } else { NATIONAL }.to_vec();
            for (from, to, length) in cuts {
                let from = from % bytes.len();
                let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
                let to = to % bytes.len();
                bytes.splice(to..to, piece);
            }
            for (from, length) in holes {
                let from = from % bytes.len();
                bytes.drain(from..(from + length).min(bytes.len() - 1).max(from));
            }
            for (place, byte) in noise {
                let place = place % bytes.len();
                bytes[place] = byte;
            }
            super::list(&bytes);
        }
    }
}
