//! What makes a signed file (P7M) last: the levels of CAdES, judged by OpenSSL and by a second reading
//! of the standard, and attacks on what was archived (R-SIGN-31, R-SIGN-35).

use std::{path::Path, process::Command};

use chrono::{DateTime, TimeDelta, Utc};
use openssl::x509::X509;
use signing::{
    Digest,
    cades::{add_time_stamps, add_validation_data, finish_archive, prepare_archive, unstamped},
    cms::{Container, SIGNATURE_TIMESTAMP, SignedData},
    pades::ValidationData,
    preservation::newest_stamps,
    returned::{FileSentOut, judge_file},
    verify::{
        Indication, Kind, Language, Level, Report, SubIndication, TrustAnchors, text, verify_file,
    },
};

use crate::{
    authority::{Authority, Identity, Role, ec_key, issue, now, token},
    cades::{frozen, signs},
    outside_validators::{python, run},
    process::Signed,
    sample::Layout,
    signed_files::{Bench, ENVELOPED},
};

const LUCA: &str = "BNCLCU75B02F205X";

/// Anna signed through the service, with a time stamp; Luca on a device, without.
fn both(bench: &Bench) -> Vec<u8> {
    let frozen = frozen();
    let first = signs(bench, &frozen, &bench.anna);
    let alone = bench.sign(&frozen, &["luca"], ENVELOPED);
    let sent = FileSentOut { frozen: &frozen, newest: &first, fiscal_code: LUCA };
    judge_file(&sent, &alone, &bench.trust(), now()).unwrap().0
}

fn stamp(bench: &Bench, file: &[u8], tsa: &Identity, at: DateTime<Utc>) -> Vec<u8> {
    let wanted = unstamped(file).unwrap();
    let tokens: Vec<_> = wanted.iter().map(|digest| token(tsa, &[], digest, at)).collect();
    assert!(add_time_stamps(file, &[bench.authority.token(&Digest::of(b"x"), at)]).is_err());
    add_time_stamps(file, &tokens).unwrap()
}

fn evidence(bench: &Bench) -> ValidationData {
    let (authority, at) = (&bench.authority, bench.authority.at);
    let people: [&X509; 2] = [&bench.anna.cert, &bench.luca.cert];
    ValidationData {
        certificates: vec![authority.root.der(), authority.ca.der(), authority.tsa.der()],
        ocsp: people.map(|person| authority.ocsp(person, at, None)).to_vec(),
        crls: vec![authority.crl(at - TimeDelta::hours(1))],
    }
}

fn archive(file: &[u8], tsa: &Identity, at: DateTime<Utc>) -> Vec<u8> {
    let prepared = prepare_archive(file.to_vec()).unwrap();
    let stored = serde_json::to_string(&prepared).unwrap();
    assert_eq!(serde_json::from_str::<signing::cades::PreparedArchive>(&stored).unwrap(), prepared);
    let imprints = prepared.to_stamp();
    let tokens: Vec<_> = imprints.iter().map(|digest| token(tsa, &[], digest, at)).collect();
    let other = vec![token(tsa, &[], &Digest::of(b"something else"), at); imprints.len()];
    assert!(finish_archive(&prepared, &other).is_err() && finish_archive(&prepared, &[]).is_err());
    finish_archive(&prepared, &tokens).unwrap()
}

/// Signed, stamped, with evidence, archived.
fn archived(bench: &Bench) -> Vec<u8> {
    let at = bench.authority.at;
    let stamped = stamp(bench, &both(bench), &bench.authority.tsa, at);
    let long_term = add_validation_data(&stamped, &evidence(bench)).unwrap();
    archive(&long_term, &bench.authority.tsa, at + TimeDelta::seconds(1))
}

fn levels(report: &Report) -> Vec<Option<Level>> {
    let signatures = report.signatures.iter().filter(|one| one.kind == Kind::Signature);
    signatures.map(|one| one.level).collect()
}

fn archive_stamps(report: &Report) -> usize {
    report.signatures.iter().filter(|one| one.kind == Kind::ArchiveTimestamp).count()
}

/// The imprints worked out anew, and every token by `openssl ts -verify`.
fn others_accept_stamps(bench: &Bench, p7m: &[u8], count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let file = put("archived.p7m", p7m);
    let root = put("root.pem", &bench.authority.root.cert.to_pem().unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents/cades_lta.py");
    let said = run(Command::new(python()).arg(script).arg(file).arg(folder.path()));
    assert!(said.contains(&format!("{count} archive time stamps")), "{said}");
    for number in 0..count {
        let mut openssl = Command::new("openssl");
        openssl.current_dir(&folder).args(["ts", "-verify", "-token_in"]);
        openssl.args(["-in", &format!("{number}.token"), "-data", &format!("{number}.data")]);
        let said = run(openssl.arg("-CAfile").arg(&root));
        assert!(said.contains("Verification: OK"), "{number} {said}");
    }
}

#[test]
fn r_sign_35_a_signed_file_reaches_every_level_and_others_agree() {
    let (bench, frozen) = (Bench::new(), frozen());
    let (trust, at) = (bench.trust(), bench.authority.at);
    let mixed = both(&bench);
    let found = levels(&verify_file(&mixed, &trust, now()));
    assert!(found.contains(&Some(Level::BB)) && found.contains(&Some(Level::BT)), "{found:?}");
    let stamped = stamp(&bench, &mixed, &bench.authority.tsa, at);
    assert_eq!(unstamped(&stamped).unwrap(), []);
    let data = evidence(&bench);
    let long_term = add_validation_data(&stamped, &data).unwrap();
    assert!(add_validation_data(&long_term, &data).unwrap() == long_term, "nothing is doubled");
    assert_eq!(newest_stamps(&long_term).unwrap(), []);
    let once = archive(&long_term, &bench.authority.tsa, at + TimeDelta::seconds(1));
    let twice = archive(&once, &bench.authority.tsa, at + TimeDelta::seconds(2));
    for (file, level, stamps) in [
        (&stamped, Level::BT, 0),
        (&long_term, Level::BLt, 0),
        (&once, Level::BLta, 2),
        (&twice, Level::BLta, 4),
    ] {
        assert_eq!(bench.outside(file, None).as_ref(), Some(&frozen), "{level:?}");
        let report = verify_file(file, &trust, now());
        assert!(report.accepted(), "{level:?} {:#}", report.to_json());
        assert_eq!(levels(&report), [Some(level); 2], "{:#}", report.to_json());
        assert_eq!(archive_stamps(&report), stamps);
        assert_eq!(newest_stamps(file).unwrap().len(), stamps.min(2));
        if stamps > 0 {
            others_accept_stamps(&bench, file, stamps);
        }
    }
    // Years later, when the certificates of the people have expired.
    let later = now() + TimeDelta::days(365 * 5);
    let report = verify_file(&once, &trust, later);
    assert!(report.accepted(), "{:#}", report.to_json());
    let spoken = text(&report, Language::Italian);
    assert!(spoken.contains("B-LTA") && spoken.contains("Marca d'archivio «1.1»"), "{spoken}");
    // What was not stamped does not last.
    assert!(!verify_file(&mixed, &trust, later).accepted());
}

#[test]
fn a_renewed_archive_time_stamp_outlives_the_authority_of_the_first() {
    let bench = Bench::new();
    let (trust, at) = (bench.trust(), bench.authority.at);
    let name = [("C", "IT"), ("CN", "Marche per un giorno")];
    let root = Some(&bench.authority.root);
    let short = issue(Role::TimeStamping, &name, ec_key(), root, at, 24);
    let stamped = stamp(&bench, &both(&bench), &short, at);
    let mut data = evidence(&bench);
    data.certificates.push(short.der());
    let long_term = add_validation_data(&stamped, &data).unwrap();
    let first = archive(&long_term, &short, at + TimeDelta::seconds(1));
    let second = archive(&first, &bench.authority.tsa, at + TimeDelta::minutes(5));
    let (today, later) = (now(), now() + TimeDelta::days(2));
    for (file, when, accepted) in [
        (&first, today, true),
        (&second, today, true),
        (&first, later, false),
        (&second, later, true),
    ] {
        let report = verify_file(file, &trust, when);
        assert_eq!(report.accepted(), accepted, "{when} {:#}", report.to_json());
    }
    let ended = verify_file(&first, &trust, later);
    let why = ended.signature("1.1").unwrap().sub_indication;
    assert_eq!(why, Some(SubIndication::OutOfBoundsNoPoe));

    // A time stamp that was put in afterwards is proven by nothing: it may be of any age.
    let unstamped = add_validation_data(&both(&bench), &data).unwrap();
    let sealed = archive(&unstamped, &bench.authority.tsa, at + TimeDelta::minutes(5));
    let backdated = stamp(&bench, &sealed, &short, at - TimeDelta::seconds(30));
    assert!(verify_file(&backdated, &trust, today).accepted());
    let report = verify_file(&backdated, &trust, later);
    let signatures = report.signatures.iter().filter(|one| one.kind == Kind::Signature);
    let backdated: Vec<_> = signatures
        .filter(|one| one.timestamp.as_ref().is_some_and(|stamp| stamp.trusted == Some(false)))
        .collect();
    assert_eq!(backdated.len(), 1, "{:#}", report.to_json());
}

/// The file with one bit of `what` turned, where it stands last.
fn flipped(file: &[u8], what: &[u8], offset: usize) -> Vec<u8> {
    let mut places = file.windows(what.len()).enumerate().filter(|(_, window)| *window == what);
    let place = places.next_back().unwrap().0;
    let mut changed = file.to_vec();
    changed[place + offset] ^= 1;
    changed
}

/// One sequence of bytes in the place of another of the same length.
fn exchanged(file: &[u8], one: &[u8], other: &[u8]) -> Vec<u8> {
    assert_eq!(one.len(), other.len());
    let place = file.windows(one.len()).position(|window| window == one).unwrap();
    let mut changed = file.to_vec();
    changed[place..place + one.len()].copy_from_slice(other);
    changed
}

#[test]
fn r_sign_31_attacks_on_an_archived_file_are_refused_with_the_reason() {
    let bench = Bench::new();
    let (trust, file) = (bench.trust(), archived(&bench));
    let read = Container::read(&file).unwrap();
    let ecdsa = |signer: &&SignedData<'_>| signer.signature.len() < 100;
    let anna = read.signers.iter().find(ecdsa).unwrap();
    let luca = read.signers.iter().find(|signer| !ecdsa(signer)).unwrap();
    let one_value = |signer: &SignedData<'_>, kind: &str| {
        let kind = const_oid::ObjectIdentifier::new_unwrap(kind);
        signer.unsigned_values(kind).next().unwrap().raw.to_vec()
    };
    let archive_stamp = |signer| one_value(signer, "0.4.0.1733.2.4");
    let anna_archive = archive_stamp(anna);
    let anna_token = SignedData::read(&anna_archive).unwrap();
    let index = anna_token.unsigned[0].values[0].raw.to_vec();
    let time_stamp = one_value(luca, &SIGNATURE_TIMESTAMP.to_string());
    let time_stamp_value = SignedData::read(&time_stamp).unwrap().signature.to_vec();
    let content = read.content.unwrap();
    // Her signature of another document of the same length, put around this one.
    let mut another = content.to_vec();
    another[40] ^= 1;
    let swapped = exchanged(&signs(&bench, &another, &bench.anna), &another, content);
    for (what, changed, kind, expected) in [
        ("content", flipped(&file, content, 40), Kind::Signature, SubIndication::HashFailure),
        (
            "content",
            flipped(&file, content, 40),
            Kind::ArchiveTimestamp,
            SubIndication::HashFailure,
        ),
        (
            "signature value",
            flipped(&file, luca.signature, 200),
            Kind::Signature,
            SubIndication::SigCryptoFailure,
        ),
        (
            "signature value under the archive",
            flipped(&file, luca.signature, 200),
            Kind::ArchiveTimestamp,
            SubIndication::HashFailure,
        ),
        (
            "evidence that was archived",
            flipped(&file, read.ocsp[0], read.ocsp[0].len() - 1),
            Kind::ArchiveTimestamp,
            SubIndication::HashFailure,
        ),
        (
            "index",
            flipped(&file, &index, index.len() - 1),
            Kind::ArchiveTimestamp,
            SubIndication::HashFailure,
        ),
        (
            "value of the archive stamp",
            flipped(&file, anna_token.signature, anna_token.signature.len() - 1),
            Kind::ArchiveTimestamp,
            SubIndication::SigCryptoFailure,
        ),
        (
            "value of the time stamp",
            flipped(&file, &time_stamp_value, time_stamp_value.len() - 1),
            Kind::Signature,
            SubIndication::SigConstraintsFailure,
        ),
        ("signature of another document", swapped, Kind::Signature, SubIndication::HashFailure),
    ] {
        let report = verify_file(&changed, &trust, now());
        assert!(!report.accepted(), "{what}");
        let mut all = report.signatures.iter().filter(|one| one.kind == kind);
        let found = all.any(|one| {
            one.sub_indication == Some(expected) && one.indication != Indication::TotalPassed
        });
        assert!(found, "{what}: {expected:?} {:#}", report.to_json());
    }
}

#[test]
fn an_archive_time_stamp_belongs_to_one_signature_and_a_known_authority() {
    let bench = Bench::new();
    let (trust, at) = (bench.trust(), bench.authority.at);
    // Two signatures whose archive stamps are as long as each other, exchanged.
    let frozen = frozen();
    let first = signs(&bench, &frozen, &bench.anna);
    let second =
        signs(&bench, &first, &bench.authority.one_shot("Ada", "Neri", "NREDAA80A41H501U"));
    let long_term = add_validation_data(&second, &evidence(&bench)).unwrap();
    let sealed = loop {
        let sealed = archive(&long_term, &bench.authority.tsa, at + TimeDelta::seconds(1));
        let lengths: Vec<_> = values(&sealed).iter().map(Vec::len).collect();
        if lengths[0] == lengths[1] {
            break sealed;
        }
    };
    let [one, other] = values(&sealed).try_into().unwrap();
    let half = exchanged(&sealed, &one, &other);
    let report = verify_file(&half, &trust, now());
    let swapped = report.signatures.iter().filter(|one| one.kind == Kind::ArchiveTimestamp);
    let faults: Vec<_> = swapped.filter_map(|one| one.sub_indication).collect();
    assert_eq!(faults, [SubIndication::HashFailure], "{:#}", report.to_json());

    // Who is no authority of anybody we trust, or none at all.
    let stranger = Authority::new(at);
    let foreign = archive(&long_term, &stranger.tsa, at + TimeDelta::seconds(1));
    let report = verify_file(&foreign, &trust, now());
    let why = report.signature("1.1").unwrap().sub_indication;
    assert_eq!(why, Some(SubIndication::NoCertificateChainFound));
    assert!(!report.accepted());
    assert!(levels(&report).iter().all(|level| *level != Some(Level::BLta)));
    let prepared = prepare_archive(long_term).unwrap();
    let forged = prepared.to_stamp().iter().map(|digest| token(&bench.luca, &[], digest, at));
    assert!(finish_archive(&prepared, &forged.collect::<Vec<_>>()).is_err());
    // Without anchors everything is as it was, and nobody is trusted.
    assert!(verify_file(&sealed, &TrustAnchors::none(), now()).accepted());
}

/// The archive time stamp of each signature.
fn values(file: &[u8]) -> Vec<Vec<u8>> {
    let read = Container::read(file).unwrap();
    let stamp = |signer: &SignedData<'_>| {
        let kind = const_oid::ObjectIdentifier::new_unwrap("0.4.0.1733.2.4");
        signer.unsigned_values(kind).next().unwrap().raw.to_vec()
    };
    read.signers.iter().map(stamp).collect()
}

#[test]
fn a_signed_pdf_may_be_archived_as_a_file_too() {
    let (bench, signed) = (Bench::new(), Signed::new(Layout::Table));
    let mut trust = bench.trust();
    trust.extend(signed.authority.trust());
    let around = signs(&bench, &signed.archived(), &bench.anna);
    let sealed = archive(
        &add_validation_data(&around, &evidence(&bench)).unwrap(),
        &bench.authority.tsa,
        bench.authority.at,
    );
    let report = verify_file(&sealed, &trust, now());
    let inside = report.content.as_ref().unwrap().report.as_ref().unwrap();
    assert!(report.accepted(), "{:#}", report.to_json());
    assert_eq!(
        (levels(&report), levels(inside)),
        (vec![Some(Level::BLta)], vec![Some(Level::BLta); 3])
    );
}

#[test]
fn any_flipped_byte_of_an_archived_file_is_refused_or_at_most_lowers_the_level() {
    let bench = Bench::new();
    let (trust, file) = (bench.trust(), archived(&bench));
    let content = Container::read(&file).unwrap().content.unwrap().to_vec();
    for place in (0..file.len()).step_by(53) {
        let mut changed = file.clone();
        changed[place] ^= 1 << (place % 8);
        let report = verify_file(&changed, &trust, now());
        if report.accepted() {
            assert_eq!(report.content.as_ref().unwrap().digest, Digest::of(&content), "{place}");
            let found = levels(&report);
            assert_eq!(found.len(), 2, "{place}: {:#}", report.to_json());
            assert!(found.iter().all(|level| *level >= Some(Level::BB)), "{place}");
        }
    }
}
