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
    slot.want = Layer::High;
    slot
}

fn source(n: u128) -> Option<Source> {
    Some(Source { participant: ParticipantId(Uuid::from_u128(n)), input: Input::Camera })
}

fn video(ssrc: u32, seq: u16, ts: u32, picture: u16, tl0: u8, key: bool) -> Packet {
    let id = (picture | 0x8000).to_be_bytes();
    let payload = vec![0x90, 0xe0, id[0], id[1], tl0, 0, u8::from(!key), 7];
    let header = Header { sequence_number: seq, timestamp: ts, ssrc, ..Default::default() };
    Packet { header, payload: payload.into() }
}

fn audio(ssrc: u32, seq: u16, ts: u32) -> Packet {
    let header = Header { sequence_number: seq, timestamp: ts, ssrc, ..Default::default() };
    Packet { header, payload: vec![1, 2, 3].into() }
}

/// Sequence number, timestamp, picture id and TL0PICIDX of what went out.
fn sent(verdict: Verdict) -> (u16, u32, u16, u8) {
    let Verdict::Send(packet) = verdict else { panic!("{verdict:?}") };
    let numbers = Descriptor::parse(&packet.payload).expect("a descriptor").numbers();
    (packet.header.sequence_number, packet.header.timestamp, numbers.picture, numbers.tl0)
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
    slot.want = Layer::Low;
    sent(slot.rewrite(&video(1, 1, 0, 1, 1, true), Layer::Low, t0));
    slot.want = Layer::High;
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
    slot.want = Layer::Low;
    slot.assign(source(1));
    assert!(matches!(slot.rewrite(&audio(1, 5, 0), Layer::Low, t0), Verdict::Send(_)));
    slot.assign(None);
    assert_eq!(slot.source(), None);
    let back = t0 + Duration::from_secs(2);
    slot.assign(source(1));
    let Verdict::Send(again) = slot.rewrite(&audio(1, 99, 96_000), Layer::Low, back) else {
        panic!("audio needs no key frame")
    };
    assert_eq!(again.header.ssrc, slot.ssrc);
}

proptest! {
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
