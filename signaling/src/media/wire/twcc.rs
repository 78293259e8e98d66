//! The body of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1):
//! when each packet of a connection arrived.

use super::u16_at;

/// Resolution of arrival times, in microseconds.
const TICK: i64 = 250;
/// Resolution of the reference time, in microseconds.
const REFERENCE: i64 = 64_000;
/// Most packets that one feedback speaks of.
pub const MAX_PACKETS: usize = 1_024;

/// One packet of which feedback speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its transport-wide sequence number.
    pub seq: u16,
    /// When it arrived, in microseconds of the receiver's clock; `None` if it did not.
    pub at: Option<i64>,
}

/// What a feedback body says; `None` if it is malformed.
pub fn parse(body: &[u8]) -> Option<Vec<Arrival>> {
    let (base, count) = (u16_at(body, 0)?, usize::from(u16_at(body, 2)?));
    if count > MAX_PACKETS {
        return None;
    }
    let reference = i64::from(u32::from_be_bytes([0, *body.get(4)?, *body.get(5)?, *body.get(6)?]));
    let mut at = 8;
    let mut symbols: Vec<u8> = Vec::with_capacity(count);
    while symbols.len() < count {
        let chunk = u16_at(body, at)?;
        at += 2;
        if chunk & 0x8000 == 0 {
            let run = usize::from(chunk & 0x1fff).min(count - symbols.len());
            symbols.extend(std::iter::repeat_n((chunk >> 13 & 3) as u8, run));
            if run == 0 {
                return None;
            }
        } else if chunk & 0x4000 == 0 {
            symbols.extend((0..14).rev().map(|bit| (chunk >> bit & 1) as u8));
        } else {
            symbols.extend((0..7).rev().map(|pair| (chunk >> (2 * pair) & 3) as u8));
        }
    }
    symbols.truncate(count);
    let mut time = reference * REFERENCE;
    let mut arrivals = Vec::with_capacity(count);
    for (n, symbol) in symbols.into_iter().enumerate() {
        let delta = match symbol {
            1 => Some(i64::from(*body.get(at)?)),
            2 => Some(i64::from(u16_at(body, at)? as i16)),
            _ => None,
        };
        at += usize::from(symbol.min(2)) * usize::from(delta.is_some());
        time += delta.unwrap_or(0) * TICK;
        arrivals.push(Arrival { seq: base.wrapping_add(n as u16), at: delta.map(|_| time) });
    }
    Some(arrivals)
}

/// A feedback body on packets in rising order of `seq` (at most [`MAX_PACKETS`] apart), the
/// `count`-th of this connection. Gaps are reported as lost. `None` if there is nothing to say.
pub fn write(packets: &[(u64, i64)], count: u8) -> Option<Vec<u8>> {
    let (&(base, first), &(last, _)) = (packets.first()?, packets.last()?);
    let reference = first.div_euclid(REFERENCE);
    let mut symbols = vec![0u8; usize::try_from(last - base).ok()? + 1];
    let mut deltas = vec![];
    let mut time = reference * REFERENCE / TICK;
    for &(seq, at) in packets {
        let delta = at.div_euclid(TICK) - time;
        // What does not fit 16 bits was seconds late: as good as lost.
        let Ok(delta) = i16::try_from(delta) else { continue };
        time += i64::from(delta);
        let symbol = symbols.get_mut(usize::try_from(seq - base).ok()?)?;
        match u8::try_from(delta) {
            Ok(delta) => {
                *symbol = 1;
                deltas.push(delta);
            }
            Err(_) => {
                *symbol = 2;
                deltas.extend(delta.to_be_bytes());
            }
        }
    }
    let mut out = Vec::with_capacity(12 + symbols.len());
    out.extend((base as u16).to_be_bytes());
    out.extend((symbols.len() as u16).to_be_bytes());
    out.extend(&(reference as u32).to_be_bytes()[1..]);
    out.push(count);
    let mut rest = &symbols[..];
    while let Some(&symbol) = rest.first() {
        let run = rest.iter().take_while(|s| **s == symbol).count();
        let taken = if run >= 7 || run == rest.len() {
            out.extend((u16::from(symbol) << 13 | run as u16).to_be_bytes());
            run
        } else {
            let seven = rest.iter().chain(std::iter::repeat(&0)).take(7);
            let bits = seven.fold(0u16, |bits, symbol| bits << 2 | u16::from(*symbol));
            out.extend((0xc000 | bits).to_be_bytes());
            rest.len().min(7)
        };
        rest = &rest[taken..];
    }
    out.extend(deltas);
    out.resize(out.len().next_multiple_of(4), 0);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            base in 0u64..100_000,
            start in 64_000i64..10_000_000_000,
            gaps in proptest::collection::vec((1u64..4, -2_000i64..40_000), 1..200),
        ) {
            let (mut seq, mut at) = (base, start);
            let mut packets = vec![];
            for (gap, later) in gaps {
                packets.push((seq, at));
                seq += gap;
                at += later;
            }
            let body = write(&packets, 7).expect("a body");
            prop_assert_eq!(body.len() % 4, 0);
            let read = parse(&body).expect("well-formed");
            prop_assert_eq!(read.len() as u64, packets[packets.len() - 1].0 - base + 1);
            // The 24-bit reference time wraps: only differences mean something.
            let shift = packets[0].1.div_euclid(TICK) * TICK - read[0].at.expect("the first");
            let arrived: Vec<_> =
                read.iter().filter_map(|a| Some((a.seq, a.at? + shift))).collect();
            let expected: Vec<_> =
                packets.iter().map(|(s, at)| (*s as u16, at.div_euclid(TICK) * TICK)).collect();
            prop_assert_eq!(arrived, expected);
        }

        #[test]
        fn hostile_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(arrivals) = parse(&body) {
                prop_assert!(arrivals.len() <= MAX_PACKETS);
            }
        }
    }

    #[test]
    fn others_can_read_what_is_written() {
        use rtc::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
        use rtc::shared::marshal::Unmarshal;
        let body = write(&[(10, 64_000), (11, 64_500), (14, 90_000)], 0).expect("a body");
        let mut packet = vec![];
        super::super::rtcp::arrivals(&mut packet, 1, 2, &body);
        let read = TransportLayerCc::unmarshal(&mut &packet[..]).expect("feedback");
        assert_eq!((read.base_sequence_number, read.packet_status_count), (10, 5));
        assert_eq!(read.recv_deltas.len(), 3);
    }
}
