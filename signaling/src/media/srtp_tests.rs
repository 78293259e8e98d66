//! Our SRTP against that of `rtc`, and against those who meddle.

use super::super::wire::rtp::Outgoing;
use super::*;
use proptest::prelude::*;
use rtc::crypto::default_provider;
use rtc::srtp::context::Context;
use rtc::srtp::protection_profile::ProtectionProfile;

const PROFILES: [(Profile, ProtectionProfile); 2] = [
    (Profile::AeadAes128Gcm, ProtectionProfile::AeadAes128Gcm),
    (Profile::Aes128CmHmacSha1_80, ProtectionProfile::Aes128CmHmacSha1_80),
];

fn material(profile: Profile) -> Vec<u8> {
    (0..profile.material_bytes() as u8).map(|n| n.wrapping_mul(37)).collect()
}

/// Our two directions, and a client of `rtc` with the same keys: what it opens and what it seals.
fn both(profile: (Profile, ProtectionProfile)) -> (Sealer, Opener, Context, Context) {
    let provider = default_provider().expect("a provider");
    let material = material(profile.0);
    let (sealer, opener) = keyed(provider.crypto(), profile.0, &material).expect("keyed");
    let salt = profile.0.salt_bytes();
    let context = |key: usize, at: usize| {
        let (key, salt) = (&material[key..key + KEY_BYTES], &material[at..at + salt]);
        Context::new(key, salt, profile.1, None, None, provider.crypto()).expect("a context")
    };
    (sealer, opener, context(KEY_BYTES, 2 * KEY_BYTES + salt), context(0, 2 * KEY_BYTES))
}

fn packet(seq: u16, ssrc: u32, payload: &[u8]) -> (Vec<u8>, usize) {
    let mut out = vec![];
    let header = Outgoing {
        marker: false,
        payload_type: 96,
        seq,
        timestamp: 1,
        ssrc,
        transport: Some((4, seq)),
        padded: false,
    };
    let length = header.write(&mut out);
    out.extend(payload);
    (out, length)
}

#[test]
fn others_open_what_we_seal_over_the_wrap_of_the_sequence_number() {
    for profile in PROFILES {
        let (mut sealer, _, mut theirs, _) = both(profile);
        for index in 65_530u64..65_545 {
            let (clear, header) = packet(index as u16, 7, b"picture");
            let mut sealed = clear.clone();
            assert!(sealer.rtp(&mut sealed, 0, header, 7, index));
            assert_eq!(theirs.decrypt_rtp(&sealed).expect("opens")[..], clear[..]);
        }
        let mut compound = vec![];
        super::super::wire::rtcp::picture_loss(&mut compound, 1, 7);
        let mut sealed = compound.clone();
        assert!(sealer.rtcp(&mut sealed, 0));
        assert_eq!(theirs.decrypt_rtcp(&sealed).expect("opens")[..], compound[..]);
    }
}

#[test]
fn we_open_what_others_seal_once() {
    for profile in PROFILES {
        let (_, mut opener, _, mut theirs) = both(profile);
        for index in 65_530u64..65_545 {
            let (clear, _) = packet(index as u16, 7, b"picture");
            let sealed = theirs.encrypt_rtp(&clear).expect("seals");
            let header = Header::parse(&sealed).expect("a header");
            let mut forged = sealed.to_vec();
            forged[13] ^= 1;
            assert_eq!(opener.rtp(&mut forged, &header), None, "forged");
            let mut opened = sealed.to_vec();
            let length = opener.rtp(&mut opened, &header).expect("opens");
            assert_eq!(opened[..length], clear[..]);
            assert_eq!(opener.rtp(&mut sealed.to_vec(), &header), None, "replayed");
        }
        let mut compound = vec![];
        super::super::wire::rtcp::picture_loss(&mut compound, 1, 7);
        let sealed = theirs.encrypt_rtcp(&compound).expect("seals");
        let mut opened = sealed.to_vec();
        let length = opener.rtcp(&mut opened).expect("opens");
        assert_eq!(opened[..length], compound[..]);
        assert_eq!(opener.rtcp(&mut sealed.to_vec()), None, "replayed");
    }
}

proptest! {
    /// The window takes every index once, in any order within its width.
    #[test]
    fn no_packet_is_taken_twice(start in 0u64..200_000, steps in proptest::collection::vec(0u64..900, 1..300)) {
        let mut window = Window::at(start);
        let mut taken = std::collections::HashSet::new();
        for step in steps {
            let index = (start + step * 7).saturating_sub(300);
            if window.is_fresh(index) {
                window.note(index);
                prop_assert!(taken.insert(index));
            }
        }
    }

    #[test]
    fn hostile_bytes_never_panic(mut data in proptest::collection::vec(any::<u8>(), 0..120)) {
        for profile in PROFILES {
            let (_, mut opener, ..) = both(profile);
            if let Some(first) = data.first_mut() {
                *first = *first & 0x3f | 0x80;
            }
            if let Some(header) = Header::parse(&data) {
                prop_assert_eq!(opener.rtp(&mut data.clone(), &header), None);
            }
            prop_assert_eq!(opener.rtcp(&mut data.clone()), None);
        }
    }
}
