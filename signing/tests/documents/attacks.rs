//! Attacks on certificates, containers and time stamps, each refused with the indication and
//! sub-indication that ETSI EN 319 102-1 has for it.

use chrono::TimeDelta;
use const_oid::ObjectIdentifier as Oid;
use signing::{
    Digest,
    cms::{ID_SIGNED_DATA, SHA384, SHA512},
    verify::{Indication, Level, SignatureReport, SubIndication, TrustAnchors, verify},
};

use crate::{
    authority::{Authority, Identity, Role, ec_key, issue, now, token, token_over},
    forged::{Forgery, Token, document, in_place},
    process::Signed,
    sample::{FIELDS, Layout, Revision},
};

const CODE: &str = "RSSNNA80A41H501U";

fn signer(authority: &Authority) -> Identity {
    authority.one_shot("Anna", "Rossi", CODE)
}

/// A signer's certificate by `issuer`, valid for an hour from `start` on.
fn certificate(issuer: &Identity, start: chrono::DateTime<chrono::Utc>) -> Identity {
    let subject = [("C", "IT"), ("CN", "Anna Rossi")];
    issue(Role::Signer, &subject, ec_key(), Some(issuer), start, 1)
}

fn stamped() -> Forgery {
    let token: Token = |authority, raw| authority.token(&Digest::of(raw), authority.at);
    Forgery { token: Some(token), ..Forgery::default() }
}

fn one(pdf: &[u8], trust: &TrustAnchors) -> SignatureReport {
    let report = verify(pdf, trust, now());
    report.signature(FIELDS[0]).cloned().unwrap_or_else(|| panic!("{:#}", report.to_json()))
}

#[test]
fn what_is_forged_by_hand_passes_when_nothing_is_wrong_with_it() {
    let authority = Authority::new(now() - TimeDelta::minutes(10));
    let pdf = document(&stamped(), &authority, &signer(&authority));
    let found = one(&pdf, &authority.trust());
    assert_eq!(found.indication, Indication::TotalPassed, "{found:#?}");
    assert_eq!(found.level, Some(Level::BT));
}

#[test]
fn containers_of_another_shape_are_refused() {
    let authority = Authority::new(now() - TimeDelta::minutes(10));
    let forge = Forgery::default;
    let inside =
        Some((Oid::new_unwrap("1.2.840.113549.1.7.1"), b"what was really signed".to_vec()));
    let nested = Some((ID_SIGNED_DATA, b"0".to_vec()));
    let info = Some((Oid::new_unwrap("1.2.840.113549.1.9.16.1.4"), b"0".to_vec()));
    let format = (Indication::TotalFailed, SubIndication::FormatFailure);
    let unsure = |sub| (Indication::Indeterminate, sub);
    for (what, forgery, expected) in [
        ("content inside", Forgery { content: inside, ..forge() }, format),
        ("a signature as content", Forgery { content: nested, ..forge() }, format),
        ("a time stamp's content", Forgery { content: info, ..forge() }, format),
        ("a container in a container", Forgery { wrapped: true, ..forge() }, format),
        ("two signers in one", Forgery { twice: true, ..forge() }, format),
        (
            "SHA-1",
            Forgery { weak: true, ..forge() },
            unsure(SubIndication::CryptoConstraintsFailureNoPoe),
        ),
        (
            "no certificate named",
            Forgery { anonymous: true, ..forge() },
            unsure(SubIndication::SigConstraintsFailure),
        ),
    ] {
        let found = one(&document(&forgery, &authority, &signer(&authority)), &authority.trust());
        assert_eq!(
            (found.indication, found.sub_indication),
            (expected.0, Some(expected.1)),
            "{what}"
        );
    }
}

#[test]
fn a_time_stamp_is_no_signature_and_a_signature_no_time_stamp() {
    let signed = Signed::new(Layout::Table);
    let token = |covered: &[u8]| signed.authority.token(&Digest::of(covered), signed.authority.at);
    let found = verify(&in_place(&signed.steps[1], token), &signed.authority.trust(), now());
    assert_eq!(found.signatures[0].sub_indication, Some(SubIndication::FormatFailure));

    let first = crate::tampering::contents(&signed.steps[1]);
    let first = hex::decode(first).unwrap();
    let container = signing::cms::asn1::Item::first(&first).unwrap().0.raw.to_vec();
    let found = in_place(&signed.archived(), |_| container.clone());
    let found = verify(&found, &signed.authority.trust(), now());
    let stamp = found.signature(crate::sample::TIMESTAMP_FIELD).unwrap();
    assert_eq!(stamp.sub_indication, Some(SubIndication::FormatFailure));
    assert!(!found.accepted());
}

#[test]
fn certificates_that_do_not_count_are_refused() {
    let at = now() - TimeDelta::minutes(10);
    let (authority, stranger) = (Authority::new(at), Authority::new(at));
    let days = TimeDelta::days;
    let person = signer(&authority);
    use Indication::{Indeterminate, TotalFailed};
    use SubIndication::{
        ChainConstraintsFailure, NoCertificateChainFound, NotYetValid, OutOfBoundsNoPoe,
    };
    for (what, who, expected) in [
        ("expired", certificate(&authority.ca, at - days(2)), (Indeterminate, OutOfBoundsNoPoe)),
        ("not yet valid", certificate(&authority.ca, at + days(2)), (TotalFailed, NotYetValid)),
        (
            "an issuer of the same name",
            certificate(&stranger.ca, at),
            (Indeterminate, NoCertificateChainFound),
        ),
        (
            "an issuer that may not issue",
            certificate(&person, at),
            (Indeterminate, NoCertificateChainFound),
        ),
    ] {
        for forgery in [Forgery::default(), stamped()] {
            let found = one(&document(&forgery, &authority, &who), &authority.trust());
            let said = (found.indication, found.sub_indication);
            let other = (expected.0, Some(ChainConstraintsFailure));
            let right =
                said == (expected.0, Some(expected.1)) || what.contains("may not") && said == other;
            assert!(right, "{what}: {said:?}");
        }
    }
}

#[test]
fn revoked_is_told_apart_by_what_the_time_stamp_proves() {
    let at = now() - TimeDelta::minutes(10);
    let authority = Authority::new(at);
    let person = signer(&authority);
    let since = Some(at - TimeDelta::minutes(5));
    for (forgery, expected) in [
        (stamped(), (Indication::TotalFailed, SubIndication::Revoked)),
        (Forgery::default(), (Indication::Indeterminate, SubIndication::RevokedNoPoe)),
    ] {
        let data = signing::pades::ValidationData {
            certificates: vec![authority.ca.der()],
            ocsp: vec![authority.ocsp(&person.cert, at, since)],
            crls: Vec::new(),
        };
        let pdf = document(&forgery, &authority, &person);
        let pdf = signing::pades::add_validation_data(&pdf, &data).unwrap();
        let found = one(&pdf, &authority.trust());
        assert_eq!((found.indication, found.sub_indication), (expected.0, Some(expected.1)));
    }
}

#[test]
fn a_revoked_authority_takes_what_stands_on_it_along() {
    let at = now() - TimeDelta::minutes(10);
    let authority = Authority::new(at);
    let person = signer(&authority);
    let one_after = |revoked: &[&openssl::x509::X509]| {
        let data = signing::pades::ValidationData {
            certificates: vec![authority.ca.der()],
            ocsp: Vec::new(),
            crls: vec![authority.crl_of(at, revoked)],
        };
        let pdf = document(&stamped(), &authority, &person);
        let pdf = signing::pades::add_validation_data(&pdf, &data).unwrap();
        one(&pdf, &authority.trust())
    };
    assert_eq!(one_after(&[]).indication, Indication::TotalPassed);
    assert_eq!(one_after(&[&person.cert]).indication, Indication::TotalPassed, "another's list");
    let found = one_after(&[&authority.ca.cert]);
    let expected = (Indication::Indeterminate, Some(SubIndication::RevokedCaNoPoe));
    assert_eq!((found.indication, found.sub_indication), expected);
    // The time that a revoked authority states is nobody's: the signature stands on its own.
    let found = one_after(&[&authority.tsa.cert]);
    assert_eq!(found.timestamp.unwrap().trusted, Some(false));
    assert_eq!(found.level, Some(Level::BB));
}

#[test]
fn forged_time_stamps_prove_nothing() {
    let authority = Authority::new(now() - TimeDelta::minutes(10));
    let broken: [(&str, Token); 4] = [
        ("of another signature", |a, _| a.token(&Digest::of(b"another"), a.at)),
        ("by one who may not", |a, raw| token(&signer(a), &[], &Digest::of(raw), a.at)),
        ("with another time", |a, raw| {
            let mut token = a.token(&Digest::of(raw), a.at);
            let at = token.windows(2).rposition(|two| two == b".5").unwrap();
            token[at - 1] = if token[at - 1] == b'0' { b'1' } else { b'0' };
            token
        }),
        ("no token at all", |_, _| vec![0x30, 0]),
    ];
    for (what, token) in broken {
        let forgery = Forgery { token: Some(token), ..Forgery::default() };
        let found = one(&document(&forgery, &authority, &signer(&authority)), &authority.trust());
        assert_eq!(found.indication, Indication::Indeterminate, "{what}");
        assert_eq!(found.sub_indication, Some(SubIndication::SigConstraintsFailure), "{what}");
    }
    // A stranger's is a time stamp, but nobody's: the signature stands on its own, and not for long.
    let stranger: Token = |a, raw| Authority::new(a.at).token(&Digest::of(raw), a.at);
    let forgery = Forgery { token: Some(stranger), ..Forgery::default() };
    let pdf = document(&forgery, &authority, &signer(&authority));
    let found = one(&pdf, &authority.trust());
    assert_eq!(found.level, Some(Level::BB));
    assert_eq!(found.timestamp.unwrap().trusted, Some(false));
    let later = verify(&pdf, &authority.trust(), now() + TimeDelta::days(1));
    assert_eq!(later.signatures[0].sub_indication, Some(SubIndication::OutOfBoundsNoPoe));
}

/// What others stamp: an authority signs whatever digest its client chose.
#[test]
fn r_sign_31_time_stamps_over_any_strong_digest_count_and_over_a_weak_one_do_not() {
    const SHA1: Oid = Oid::new_unwrap("1.3.14.3.2.26");
    let authority = Authority::new(now() - TimeDelta::minutes(10));
    let over: [(Oid, Token, bool); 4] = [
        (SHA384, |a, raw| over_any(a, SHA384, &openssl::sha::sha384(raw)), true),
        (SHA512, |a, raw| over_any(a, SHA512, &openssl::sha::sha512(raw)), true),
        (SHA512, |a, raw| over_any(a, SHA512, &openssl::sha::sha256(raw)), false),
        (SHA1, |a, raw| over_any(a, SHA1, &openssl::sha::sha1(raw)), false),
    ];
    for (algorithm, token, is_good) in over {
        let forgery = Forgery { token: Some(token), ..Forgery::default() };
        let found = one(&document(&forgery, &authority, &signer(&authority)), &authority.trust());
        if is_good {
            assert_eq!(found.indication, Indication::TotalPassed, "{algorithm}: {found:#?}");
            assert_eq!(found.level, Some(Level::BT), "{algorithm}");
        } else {
            let expected = Some(SubIndication::SigConstraintsFailure);
            assert_eq!(found.sub_indication, expected, "{algorithm}");
        }
    }
    // Of a whole document, too.
    let signed = Signed::new(Layout::Table);
    let archived = signed.archived();
    let stamped = |digest: fn(&[u8]) -> Vec<u8>| {
        let again = |covered: &[u8]| over_any(&signed.authority, SHA512, &digest(covered));
        let report = verify(&in_place(&archived, again), &signed.authority.trust(), now());
        report.signatures.into_iter().next_back().unwrap()
    };
    let found = stamped(|covered| openssl::sha::sha512(covered).to_vec());
    assert_eq!(found.indication, Indication::TotalPassed, "{found:#?}");
    let found = stamped(|_| openssl::sha::sha512(b"another document").to_vec());
    assert_eq!(found.sub_indication, Some(SubIndication::HashFailure));
}

fn over_any(authority: &Authority, algorithm: Oid, digest: &[u8]) -> Vec<u8> {
    token_over(&authority.tsa, &[], (algorithm, digest), authority.at)
}

#[test]
fn one_signature_in_two_fields_is_refused() {
    let signed = Signed::new(Layout::Table);
    let mut revision = Revision::after(&signed.steps[1]);
    let (first, second) = (revision.field(FIELDS[0]), revision.field(FIELDS[1]));
    let signature = revision.edit(first).get(b"V").unwrap().clone();
    revision.update.new_document.objects.remove(&first);
    revision.edit(second).set("V", signature);
    let report = verify(&revision.write(), &signed.authority.trust(), now());
    assert!(!report.accepted());
    let copy = report.signature(FIELDS[1]).unwrap();
    assert_eq!(copy.sub_indication, Some(SubIndication::FormatFailure), "{copy:#?}");
}

/// The archived document is covered to its last byte: whatever holds it together cannot change.
#[test]
fn a_flip_at_every_structural_place_is_refused() {
    const WORDS: [&[u8]; 22] = [
        b"%PDF-",
        b" obj",
        b"endobj",
        b"stream",
        b"endstream",
        b"xref",
        b"trailer",
        b"startxref",
        b"%%EOF",
        b"/Root",
        b"/Prev",
        b"/Size",
        b"/Type",
        b"/Pages",
        b"/Kids",
        b"/Contents",
        b"/ByteRange",
        b"/AcroForm",
        b"/Fields",
        b"/DSS",
        b" 0 R",
        b" 00000 n",
    ];
    let signed = Signed::new(Layout::Table);
    let (pdf, trust) = (signed.archived(), signed.authority.trust());
    let mut places = 0;
    for word in WORDS {
        let found: Vec<_> =
            pdf.windows(word.len()).enumerate().filter(|(_, bytes)| *bytes == word).collect();
        assert!(!found.is_empty(), "{}", String::from_utf8_lossy(word));
        // Every kind of place; of the many of one kind, some from everywhere in the file.
        for (at, _) in found.iter().step_by(found.len().div_ceil(8)) {
            let mut flipped = pdf.clone();
            flipped[at + word.len() - 1] ^= 1;
            places += 1;
            let report = verify(&flipped, &trust, now());
            assert!(!report.accepted(), "{} at {at}", String::from_utf8_lossy(word));
        }
    }
    assert!(places > 80, "{places}");
}
