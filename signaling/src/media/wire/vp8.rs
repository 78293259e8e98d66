//! The VP8 payload descriptor (RFC 7741 §4.2), as far as a forwarder needs it.
//!
//! Reads and rewrites numbers only; the picture itself is never looked at. Every byte comes from a
//! stranger, so nothing here indexes without having asked for the length.

/// Where the running numbers of one packet are, and what they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// A decoder can start with this packet: first packet of the first partition of a key frame.
    pub starts_keyframe: bool,
    picture: Option<Picture>,
    tl0: Option<(usize, u8)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Picture {
    at: usize,
    /// 15 bits, otherwise 7.
    wide: bool,
    id: u16,
}

/// The two numbers that run through a VP8 stream: picture id (15 bits) and TL0PICIDX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Picture id.
    pub picture: u16,
    /// Number of the picture of the lowest temporal layer.
    pub tl0: u8,
}

impl Descriptor {
    /// `None` if the payload is too short for what its flags promise.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut descriptor = Self::default();
        let mut at = 1;
        if first & 0x80 != 0 {
            let extension = *payload.get(at)?;
            at += 1;
            if extension & 0x80 != 0 {
                let high = *payload.get(at)?;
                let wide = high & 0x80 != 0;
                let id = match wide {
                    true => u16::from_be_bytes([high & 0x7f, *payload.get(at + 1)?]),
                    false => u16::from(high),
                };
                descriptor.picture = Some(Picture { at, wide, id });
                at += 1 + usize::from(wide);
            }
            if extension & 0x40 != 0 {
                descriptor.tl0 = Some((at, *payload.get(at)?));
                at += 1;
            }
            if extension & 0x30 != 0 {
                at += 1;
            }
        }
        // S bit and partition 0, then the inverse key frame flag (RFC 6386 §9.1).
        descriptor.starts_keyframe = first & 0x1f == 0x10 && payload.get(at)? & 1 == 0;
        Some(descriptor)
    }

    /// The numbers of this packet; absent ones are zero.
    pub fn numbers(&self) -> Numbers {
        Numbers {
            picture: self.picture.map_or(0, |p| p.id),
            tl0: self.tl0.map_or(0, |(_, tl0)| tl0),
        }
    }

    /// The numbers with `offset` added to them; `None` if the packet carries none.
    pub fn shifted(&self, offset: Numbers) -> Option<Numbers> {
        (self.picture.is_some() || self.tl0.is_some()).then(|| {
            let Numbers { picture, tl0 } = self.numbers();
            Numbers {
                picture: picture.wrapping_add(offset.picture) & 0x7fff,
                tl0: tl0.wrapping_add(offset.tl0),
            }
        })
    }

    /// Writes other numbers into the payload that this was read from.
    pub fn renumber(&self, payload: &mut [u8], numbers: Numbers) {
        if let Some(Picture { at, wide, .. }) = self.picture {
            if wide {
                if let Some(id) = payload.get_mut(at..at + 2) {
                    id.copy_from_slice(&(numbers.picture & 0x7fff | 0x8000).to_be_bytes());
                }
            } else if let Some(id) = payload.get_mut(at) {
                *id = (numbers.picture & 0x7f) as u8;
            }
        }
        if let Some((at, _)) = self.tl0
            && let Some(tl0) = payload.get_mut(at)
        {
            *tl0 = numbers.tl0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_every_form_of_the_descriptor() {
        type Numbers = Option<(bool, u16, u8)>;
        let table: [(&[u8], Numbers); 9] = [
            (&[], None),
            (&[0x90], None),
            (&[0x90, 0x80], None),
            (&[0x90, 0x80, 0x81], None),
            (&[0x90, 0xe0, 0x81, 0x02, 7, 0], None),
            (&[0x10, 0x00], Some((true, 0, 0))),
            (&[0x10, 0x01], Some((false, 0, 0))),
            (&[0x90, 0x80, 0x05, 0x00], Some((true, 5, 0))),
            (&[0x80, 0xe0, 0x81, 0x02, 7, 0, 0x00], Some((false, 0x102, 7))),
        ];
        for (payload, expected) in table {
            let got = Descriptor::parse(payload)
                .map(|d| (d.starts_keyframe, d.numbers().picture, d.numbers().tl0));
            assert_eq!(got, expected, "{payload:02x?}");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic_and_only_numbers_change(
            payload in proptest::collection::vec(any::<u8>(), 0..40),
            picture in any::<u16>(),
            tl0 in any::<u8>(),
        ) {
            if let Some(before) = Descriptor::parse(&payload) {
                let mut out = payload.clone();
                let shifted = before.shifted(Numbers { picture, tl0 });
                if let Some(numbers) = shifted {
                    before.renumber(&mut out, numbers);
                }
                let after = Descriptor::parse(&out).expect("same shape");
                prop_assert_eq!(after.starts_keyframe, before.starts_keyframe);
                if let (Some(p), Some(n)) = (after.picture, shifted) {
                    let mask = if p.wide { 0x7fff } else { 0x7f };
                    prop_assert_eq!(p.id, n.picture & mask);
                }
                after.renumber(&mut out, before.numbers());
                prop_assert_eq!(out, payload);
            }
        }
    }
}
