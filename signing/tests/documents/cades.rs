//! Signatures beside the document: one signed file that everybody's signature goes into, made by the
//! trust service or on own devices, and judged by OpenSSL too (R-SIGN-29).

use chrono::{DateTime, TimeDelta, Utc};
use signing::{
    Digest,
    cades::{self, document, finish, prepare},
    cms,
    pades::SignerChain,
    ports::SigningMode,
    returned::{FileSentOut, Unacceptable, judge_file},
    verify::{Level, verify_file},
};

use crate::{
    authority::{Identity, now},
    sample::{Layout, with_fields},
    signed_files::{Bench, ENVELOPED},
};

const ANNA: &str = "RSSNNA80A41H501U";
const LUCA: &str = "BNCLCU75B02F205X";

pub fn frozen() -> Vec<u8> {
    with_fields(Layout::ObjectStreams)
}

fn prepared(bench: &Bench, file: &[u8], who: &Identity, mode: SigningMode) -> cades::Prepared {
    let chain = SignerChain::from_der(vec![who.der(), bench.authority.ca.der()]).unwrap();
    let prepared = prepare(file.to_vec(), chain, mode, bench.authority.at).unwrap();
    // What waits may be stored.
    let stored = serde_json::to_string(&prepared).unwrap();
    assert_eq!(serde_json::from_str::<cades::Prepared>(&stored).unwrap(), prepared);
    prepared
}

/// Through the trust service, with a time stamp.
pub fn signs(bench: &Bench, file: &[u8], who: &Identity) -> Vec<u8> {
    let prepared = prepared(bench, file, who, SigningMode::Hash);
    let raw = who.sign_digest(&prepared.to_sign());
    let token = bench.authority.token(&prepared.to_stamp(&raw).unwrap(), bench.authority.at);
    finish(&prepared, &raw, Some(&token)).unwrap()
}

fn judged(
    bench: &Bench,
    newest: &[u8],
    returned: &[u8],
    fiscal_code: &str,
) -> Result<Vec<u8>, Unacceptable> {
    let frozen = frozen();
    let sent = FileSentOut { frozen: &frozen, newest, fiscal_code };
    judge_file(&sent, returned, &bench.trust(), now()).map(|(merged, _)| merged)
}

#[test]
fn r_sign_29_trust_service_and_own_device_sign_one_file() {
    let (bench, frozen) = (Bench::new(), frozen());
    let first = signs(&bench, &frozen, &bench.anna);
    assert_eq!(bench.outside(&first, None).as_ref(), Some(&frozen));
    let stamped = &verify_file(&first, &bench.trust(), now()).signatures[0];
    assert_eq!((stamped.level, stamped.claimed_time), (Some(Level::BT), Some(second(&bench))));

    // Alone, without the document, in lines of base64, or put beside the signatures so far.
    let alone = bench.sign(&frozen, &["luca"], ENVELOPED);
    let lines = openssl::base64::encode_block(&alone).into_bytes();
    let streamed = bench.sign(&frozen, &["luca"], &["-nodetach", "-cades", "-stream"]);
    let by_key = bench.sign(&frozen, &["luca"], &["-nodetach", "-cades", "-keyid"]);
    let long = bench.sign(&frozen, &["luca"], &["-nodetach", "-cades", "-md", "sha512"]);
    let beside = judged(&bench, &first, &alone, LUCA).unwrap();
    let detached = bench.sign(&frozen, &["luca"], &["-cades"]);
    for returned in [&alone, &lines, &streamed, &by_key, &long, &detached, &beside] {
        let merged = judged(&bench, &first, returned, LUCA).unwrap();
        assert_eq!(bench.outside(&merged, None).as_ref(), Some(&frozen));
        assert_eq!(document(&merged).unwrap(), frozen);
        let report = verify_file(&merged, &bench.trust(), now());
        assert!(report.accepted() && report.signatures.len() == 2, "{:#}", report.to_json());
        // What was there before is there byte for byte.
        let read = cms::Container::read(&first).unwrap().signers[0].raw.to_vec();
        assert!(merged.windows(read.len()).any(|window| window == read));
    }
    // In the other order, and by a provider that makes the whole CMS.
    let anna = prepared(&bench, &beside, &bench.anna, SigningMode::Cms);
    let attributes = cms::signed_attributes(&anna.to_sign(), &certificate(&bench.anna));
    let raw = bench.anna.sign_digest(&Digest::of(&attributes));
    let whole = cms::detached(&attributes, &raw, &certificate(&bench.anna), &[], None).unwrap();
    assert_eq!(anna.to_stamp(&whole).unwrap(), Digest::of(&raw));
    let third = finish(&anna, &whole, None).unwrap();
    assert_eq!(bench.outside(&third, None).as_ref(), Some(&frozen));
    assert_eq!(verify_file(&third, &bench.trust(), now()).signatures.len(), 3);
}

fn second(bench: &Bench) -> DateTime<Utc> {
    DateTime::from_timestamp(bench.authority.at.timestamp(), 0).unwrap()
}

fn certificate(who: &Identity) -> cms::Certificate {
    cms::Certificate::from_der(&who.der()).unwrap()
}

#[test]
fn r_sign_29_a_signed_file_is_refused_with_the_reason() {
    let (bench, frozen) = (Bench::new(), frozen());
    let first = signs(&bench, &frozen, &bench.anna);
    let alone = bench.sign(&frozen, &["luca"], ENVELOPED);
    let mut flipped = alone.clone();
    let place = flipped.len() - 20;
    flipped[place] ^= 1;
    let mut changed = frozen.clone();
    changed[20] ^= 1;
    let huge = [alone.as_slice(), &vec![0; 4 << 20]].concat();
    let nested = bench.sign(&alone, &["luca"], ENVELOPED);
    for (what, returned, expected) in [
        ("the PDF", frozen.clone(), Unacceptable::NoSignedFile),
        ("nothing of the kind", b"ciao".to_vec(), Unacceptable::NoSignedFile),
        ("another file", bench.sign(&changed, &["luca"], ENVELOPED), Unacceptable::OtherDocument),
        ("a signed file of it", nested, Unacceptable::Wrapped),
        ("ours as it was", first.clone(), Unacceptable::NotSigned),
        ("far more", huge, Unacceptable::TooLarge),
        (
            "two signatures",
            bench.sign(&frozen, &["luca", "anna"], ENVELOPED),
            Unacceptable::SeveralSignatures(2),
        ),
        (
            "another person",
            bench.sign(&frozen, &["anna"], ENVELOPED),
            Unacceptable::OtherPerson { name: "Anna Rossi".to_owned() },
        ),
    ] {
        assert_eq!(judged(&bench, &first, &returned, LUCA), Err(expected), "{what}");
    }
    let detached_of_another = bench.sign(&changed, &["luca"], &["-cades"]);
    for (what, returned) in [("a flipped bit", &flipped), ("another's", &detached_of_another)] {
        let refused = judged(&bench, &first, returned, LUCA);
        assert!(matches!(refused, Err(Unacceptable::NotValid { .. })), "{what} {refused:?}");
    }
    // A stranger's certificate says what it likes.
    let stranger = Bench::new();
    let foreign = stranger.sign(&frozen, &["anna"], ENVELOPED);
    let refused = judged(&bench, &frozen, &foreign, ANNA);
    assert!(matches!(refused, Err(Unacceptable::NotValid { .. })), "{refused:?}");
    let prepared = prepared(&bench, &frozen, &bench.anna, SigningMode::Hash);
    let others = bench.luca.sign_digest(&prepared.to_sign());
    assert!(prepared.to_stamp(&others).is_err() && finish(&prepared, &others, None).is_err());
    let raw = bench.anna.sign_digest(&prepared.to_sign());
    let late = bench.authority.at + TimeDelta::seconds(1);
    let foreign = bench.authority.token(&Digest::of(b"another"), late);
    assert!(finish(&prepared, &raw, Some(&foreign)).is_err(), "a stamp of something else");
}
