//! The rewriting of a slot, at the edges of its numbers.

use super::*;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use std::time::Duration;
use uuid::Uuid;

#[expect(clippy::disallowed_methods, reason = "any instant will do as the origin of a test")]
fn origin() -> Instant {
    Instant::now()
}

fn slot(kind: Kind) -> Slot {
    let mut slot = Slot::new(kind, &mut StdRng::seed_from_u64(7));
    slot.want = Some(Layer::High);
    slot
}

fn source(n: u128) -> Option<Source> {
    Some(Source { participant: ParticipantId(Uuid::from_u128(n)), input: Input::Camera })
}

fn video(
    ssrc: u32,
    seq: u16,
    timestamp: u32,
    picture: u16,
    tl0: u8,
    key: bool,
) -> Incoming<'static> {
    let id = (picture | 0x8000).to_be_bytes();
    let payload = [0x90, 0xe0, id[0], id[1], tl0, 0, u8::from(!key), 7];
    let vp8 = Descriptor::parse(&payload);
    Incoming { ssrc, seq, timestamp, marker: true, payload: &[0; 8], vp8 }
}

fn audio(ssrc: u32, seq: u16, timestamp: u32) -> Incoming<'static> {
    Incoming { ssrc, seq, timestamp, marker: false, payload: &[1, 2, 3], vp8: None }
}

/// Sequence number, timestamp, picture id and TL0PICIDX of what went out.
fn sent(verdict: Verdict) -> (u16, u32, u16, u8) {
    let Verdict::Send(packet) = verdict else { panic!("{verdict:?}") };
    let numbers = packet.vp8.expect("a picture");
    (packet.index as u16, packet.timestamp, numbers.picture, numbers.tl0)
}

#[test]
fn a_switch_continues_every_number_over_its_wrap_around() {
    let (mut slot, t0) = (slot(Kind::Video), origin());
    slot.assign(source(1));
    sent(slot.rewrite(&video(1, 65_535, 4_294_967_000, 0x7fff, 255, true), Layer::High, t0));
    let last = sent(slot.rewrite(&video(1, 0, 2_704, 0, 0, false), Layer::High, t0));
    slot.assign(source(2));
    let later = t0 + Duration::from_secs(1);
    let next = sent(slot.rewrite(&video(2, 500, 7, 300, 77, true), Layer::High, later));
    assert_eq!(next.0, last.0.wrapping_add(1));
    assert_eq!(next.1, last.1.wrapping_add(90_000));
    assert_eq!(next.2, last.2.wrapping_add(1) & 0x7fff);
    assert_eq!(next.3, last.3.wrapping_add(1));
}

#[test]
fn a_new_source_waits_for_its_key_frame_and_asks_for_it() {
    let (mut slot, t0) = (slot(Kind::Video), origin());
    slot.assign(source(1));
    let delta = video(1, 9, 0, 9, 9, false);
    assert!(matches!(slot.rewrite(&delta, Layer::High, t0), Verdict::NeedKeyframe));
    let other_layer = video(3, 1, 5, 1, 1, true);
    assert!(matches!(slot.rewrite(&other_layer, Layer::Low, t0), Verdict::Drop));
    sent(slot.rewrite(&video(1, 10, 3_000, 10, 10, true), Layer::High, t0));
}

#[test]
fn a_packet_from_before_the_key_frame_is_late_but_reordering_is_not() {
    let (mut slot, t0) = (slot(Kind::Video), origin());
    slot.assign(source(1));
    let first = sent(slot.rewrite(&video(1, 100, 0, 1, 1, true), Layer::High, t0));
    assert!(matches!(slot.rewrite(&video(1, 99, 0, 0, 0, false), Layer::High, t0), Verdict::Drop));
    sent(slot.rewrite(&video(1, 102, 3_000, 2, 2, false), Layer::High, t0));
    let swapped = sent(slot.rewrite(&video(1, 101, 3_000, 2, 2, false), Layer::High, t0));
    assert_eq!(swapped.0, first.0.wrapping_add(1));
}

#[test]
fn reordering_over_the_wrap_of_a_long_stream_is_not_late() {
    let (mut slot, t0) = (slot(Kind::Audio), origin());
    slot.assign(source(1));
    for n in 0..70_000u32 {
        let packet = audio(1, n as u16, n * 960);
        let Verdict::Send(_) = slot.rewrite(&packet, Layer::High, t0) else { panic!("{n}") };
    }
    let reordered = audio(1, 65_530, 65_530 * 960);
    assert!(matches!(slot.rewrite(&reordered, Layer::High, t0), Verdict::Send(_)));
}

#[test]
fn a_layer_switch_keeps_the_old_layer_until_the_new_one_can_start() {
    let (mut slot, t0) = (slot(Kind::Video), origin());
    slot.assign(source(1));
    slot.want = Some(Layer::Low);
    sent(slot.rewrite(&video(1, 1, 0, 1, 1, true), Layer::Low, t0));
    slot.want = Some(Layer::High);
    let low = sent(slot.rewrite(&video(1, 2, 3_000, 2, 2, false), Layer::Low, t0));
    let high = video(2, 900, 77, 50, 50, false);
    assert!(matches!(slot.rewrite(&high, Layer::High, t0), Verdict::NeedKeyframe));
    let high = sent(slot.rewrite(&video(2, 901, 77, 51, 51, true), Layer::High, t0));
    assert_eq!(high.0, low.0.wrapping_add(1));
    let old = video(1, 3, 6_000, 3, 3, false);
    assert!(matches!(slot.rewrite(&old, Layer::Low, t0), Verdict::Drop));
}

#[test]
fn audio_starts_at_once_and_an_empty_slot_forgets_its_stream() {
    let (mut slot, t0) = (slot(Kind::Audio), origin());
    slot.want = Some(Layer::Low);
    slot.assign(source(1));
    assert!(matches!(slot.rewrite(&audio(1, 5, 0), Layer::Low, t0), Verdict::Send(_)));
    slot.assign(None);
    assert_eq!(slot.source(), None);
    let back = t0 + Duration::from_secs(2);
    slot.assign(source(1));
    let again = slot.rewrite(&audio(1, 99, 96_000), Layer::Low, back);
    assert!(matches!(again, Verdict::Send(_)), "audio needs no key frame");
}

#[test]
fn what_is_asked_for_again_is_found_only_in_what_flows_now() {
    let (mut slot, t0) = (slot(Kind::Video), origin());
    slot.assign(source(1));
    let before = sent(slot.rewrite(&video(1, 9, 0, 9, 9, true), Layer::High, t0));
    assert_eq!(slot.origin(before.0), Some(9));
    slot.assign(source(2));
    assert_eq!(slot.origin(before.0), None);
    let first = video(2, 500, 0, 1, 1, true);
    let after = sent(slot.rewrite(&first, Layer::High, t0));
    assert_eq!(slot.origin(before.0), None, "of the source before");
    assert_eq!(slot.origin(after.0), Some(500));
    assert_eq!(slot.origin(after.0.wrapping_add(1)), None, "not sent yet");
    let again = slot.renumbered(&first).expect("it flows");
    assert_eq!((again.index as u16, again.timestamp), (after.0, after.1));
}

proptest! {
    /// No index goes out twice, whatever arrives: an index is a nonce.
    #[test]
    fn no_index_is_given_twice(
        steps in proptest::collection::vec((0u32..3, -30i32..40, any::<bool>()), 1..300),
    ) {
        let (mut slot, t0) = (slot(Kind::Video), origin());
        slot.assign(source(1));
        let mut trackers: [crate::media::tracker::Tracker; 3] = Default::default();
        let mut at = [1_000i32; 3];
        let mut given = std::collections::HashSet::new();
        for (ssrc, step, key) in steps {
            let n = ssrc as usize;
            at[n] += step;
            if !trackers[n].arrive(at[n] as u16, t0) {
                continue;
            }
            if let Verdict::Send(packet) =
                slot.rewrite(&video(ssrc, at[n] as u16, 0, 1, 1, key), Layer::High, t0)
            {
                prop_assert!(given.insert(packet.index), "{} twice", packet.index);
            }
        }
    }

    /// Whatever the sources do, what leaves the slot is one stream: in-order input gives sequence
    /// numbers that rise by exactly one, over any number of switches.
    #[test]
    fn outgoing_numbers_have_no_gap(
        runs in proptest::collection::vec((any::<u16>(), any::<u32>(), any::<u16>(), 1u16..40), 1..12),
    ) {
        let (mut slot, t0) = (slot(Kind::Video), origin());
        let mut last: Option<(u16, u16)> = None;
        for (n, (seq, ts, picture, count)) in runs.into_iter().enumerate() {
            slot.assign(source(n as u128));
            for i in 0..count {
                let packet = video(
                    n as u32, seq.wrapping_add(i), ts.wrapping_add(u32::from(i) * 3_000),
                    picture.wrapping_add(i) & 0x7fff, i as u8, i == 0,
                );
                let now = t0 + Duration::from_millis(u64::from(i));
                let (seq, _, picture, _) = sent(slot.rewrite(&packet, Layer::High, now));
                if let Some((last_seq, last_picture)) = last {
                    prop_assert_eq!(seq, last_seq.wrapping_add(1));
                    prop_assert_eq!(picture, last_picture.wrapping_add(1) & 0x7fff);
                }
                last = Some((seq, picture));
            }
        }
    }
}
