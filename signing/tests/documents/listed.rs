//! Services of trusted lists as trust anchors (R-SIGN-31): what counts is how a service stood when
//! the signature was made.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use openssl::x509::X509;
use signing::{
    pades::finish,
    verify::{
        Assert, Criteria, Criterion, Edition, Indication, Language, Level, ListedService,
        Qualification, Qualifier, Report, Rule, ServiceKind, Standing, SubIndication, Terms,
        TrustAnchors, text, verify,
    },
};

use crate::{
    authority::{Authority, now},
    process::{Signed, prepared},
    sample::{FIELDS, Layout, with_fields},
};

fn listed(kind: ServiceKind, certificate: &X509, standings: &[(i64, &str)]) -> ListedService {
    let edition = Edition {
        territory: "IT".to_owned(),
        sequence: 57,
        issued: now() - TimeDelta::days(30),
        next_update: Some(now() + TimeDelta::days(30)),
    };
    ListedService {
        edition: Arc::new(edition),
        provider: "Prestatore".to_owned(),
        name: "Servizio".to_owned(),
        kind,
        certificates: vec![certificate.clone()],
        standings: standings
            .iter()
            .map(|(minutes, status)| Standing {
                since: now() + TimeDelta::minutes(*minutes),
                status: (*status).to_owned(),
                same_kind: true,
                terms: Terms::default(),
            })
            .collect(),
    }
}

/// From so many minutes on, how it stood.
type Standings = &'static [(i64, &'static str)];
/// Accepted, why not, and whether the service was granted.
type Told = (bool, Option<SubIndication>, Option<bool>);

const GRANTED: Standings = &[(-9_000, "granted")];
const CA: ServiceKind = ServiceKind::QualifiedCertificates;
const TSA: ServiceKind = ServiceKind::QualifiedTimeStamps;

fn told(report: &Report) -> Told {
    let first = &report.signatures[0];
    let granted = first.chain.source.as_ref().map(|source| source.granted);
    (report.accepted(), first.sub_indication, granted)
}

#[test]
fn r_sign_31_a_service_must_have_been_granted_when_the_signature_was_made() {
    let signed = Signed::new(Layout::Table); // ten minutes ago
    let (ca, tsa) = (&signed.authority.ca.cert, &signed.authority.tsa.cert);
    let none = Some(SubIndication::NoCertificateChainFound);
    let cases: &[(&str, ServiceKind, Standings, Told)] = &[
        ("granted", CA, GRANTED, (true, None, Some(true))),
        (
            "withdrawn later",
            CA,
            &[(-9_000, "granted"), (-5, "withdrawn")],
            (true, None, Some(true)),
        ),
        (
            "withdrawn before",
            CA,
            &[(-9_000, "granted"), (-20, "withdrawn")],
            (false, none, Some(false)),
        ),
        ("granted later", CA, &[(-5, "granted")], (false, none, Some(false))),
        ("granted again", CA, &[(-9_000, "withdrawn"), (-20, "granted")], (true, None, Some(true))),
        ("of the law before 2016", CA, &[(-9_000, "accredited")], (false, none, Some(false))),
        ("of another kind", ServiceKind::QualifiedStatus, GRANTED, (false, none, None)),
        ("for time stamps only", TSA, GRANTED, (false, none, None)),
    ];
    for (name, kind, standings, expected) in cases {
        let services = vec![listed(*kind, ca, standings), listed(TSA, tsa, GRANTED)];
        let report = verify(signed.pdf(), &TrustAnchors::from_lists(services), now());
        assert_eq!(told(&report), *expected, "{name}: {:#}", report.to_json());
        assert_eq!(report.signatures[0].chain.trusted, Some(expected.0), "{name}");
    }
}

/// What a list says of certificates whose key is for signatures.
fn saying(qualifier: Qualifier) -> Terms {
    let usage = vec![Criterion::KeyUsage(vec![(0x40, true), (0x04, false)])];
    let criteria = Criteria { assert: Some(Assert::All), all: usage };
    let rules = vec![Rule { qualifiers: vec![qualifier], criteria }];
    Terms { rules, ..Terms::default() }
}

#[test]
fn r_sign_31_the_list_tells_what_the_signature_is_in_law() {
    use Qualification::{Advanced, Open, QualifiedSignature, SignatureWithCertificate};
    let signed = Signed::new(Layout::Table); // ten minutes ago
    let (ca, tsa) = (&signed.authority.ca.cert, &signed.authority.tsa.cert);
    let service = |all: &[(i64, Terms)]| {
        let granted: Vec<_> = all.iter().map(|(since, _)| (*since, "granted")).collect();
        let mut service = listed(CA, ca, &granted);
        for (standing, (_, terms)) in service.standings.iter_mut().zip(all) {
            standing.terms = terms.clone();
        }
        service
    };
    let (plain, not) = (Terms::default(), saying(Qualifier::NotQualified));
    let cases = [
        (vec![service(&[(-9_000, plain.clone())])], QualifiedSignature),
        (vec![service(&[(-9_000, not.clone())])], Advanced),
        (vec![service(&[(-9_000, saying(Qualifier::OnNoDevice))])], SignatureWithCertificate),
        (vec![service(&[(-9_000, saying(Qualifier::Unknown))])], Open),
        // What counts is what it said when the signature was made.
        (vec![service(&[(-9_000, plain.clone()), (-5, not.clone())])], QualifiedSignature),
        (vec![service(&[(-9_000, not.clone()), (-5, plain.clone())])], Advanced),
        // The same authority, listed twice: one of the services is the certificate's.
        (vec![service(&[(-9_000, not.clone())]), service(&[(-9_000, plain)])], QualifiedSignature),
    ];
    for (number, (mut services, expected)) in cases.into_iter().enumerate() {
        services.push(listed(TSA, tsa, GRANTED));
        let report = verify(signed.pdf(), &TrustAnchors::from_lists(services), now());
        assert!(report.accepted(), "case {number}: {:#}", report.to_json());
        assert_eq!(report.signatures[0].qualification, Some(expected), "case {number}");
        let told = text(&report, Language::English);
        assert!(told.contains("By the trusted list: "), "{told}");
    }
    // No list, no answer; and none for what is not valid.
    let report = verify(signed.pdf(), &signed.authority.trust(), now());
    assert_eq!((report.accepted(), report.signatures[0].qualification), (true, None));
    let withdrawn = listed(CA, ca, &[(-9_000, "granted"), (-20, "withdrawn")]);
    let services = vec![withdrawn, listed(TSA, tsa, GRANTED)];
    let report = verify(signed.pdf(), &TrustAnchors::from_lists(services), now());
    assert_eq!((report.accepted(), report.signatures[0].qualification), (false, None));
}

#[test]
fn r_sign_31_without_a_proof_of_time_a_withdrawn_service_leaves_it_open() {
    let authority = Authority::new(now() - TimeDelta::minutes(10));
    let anna = authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U");
    let prepared = prepared(&authority, &with_fields(Layout::Table), FIELDS[0], &anna);
    let pdf = finish(prepared.clone(), &anna.sign_digest(&prepared.to_sign()), None).unwrap();
    let cases: &[(Standings, Option<SubIndication>)] = &[
        (GRANTED, None),
        (
            &[(-9_000, "granted"), (-5, "withdrawn")],
            Some(SubIndication::NoCertificateChainFoundNoPoe),
        ),
        (&[(-9_000, "withdrawn")], Some(SubIndication::NoCertificateChainFound)),
    ];
    for (standings, expected) in cases {
        let services = vec![listed(CA, &authority.ca.cert, standings)];
        let report = verify(&pdf, &TrustAnchors::from_lists(services), now());
        let first = &report.signatures[0];
        assert_eq!(first.sub_indication, *expected, "{standings:?}");
        let passed = first.indication == Indication::TotalPassed;
        assert!(passed == expected.is_none() && passed == report.accepted());
        let open = first.indication == Indication::Indeterminate;
        assert_eq!(open, expected.is_some());
    }
}

#[test]
fn r_sign_35_time_is_taken_from_granted_services_alone() {
    let signed = Signed::new(Layout::Table);
    let (ca, tsa) = (&signed.authority.ca.cert, &signed.authority.tsa.cert);
    let with = |kind, standings| {
        let services = vec![listed(CA, ca, GRANTED), listed(kind, tsa, standings)];
        verify(&signed.archived(), &TrustAnchors::from_lists(services), now())
    };
    let report = with(TSA, GRANTED);
    assert!(report.accepted(), "{:#}", report.to_json());
    assert_eq!(report.signatures[0].level, Some(Level::BLta));
    let stamp = report.signatures[0].timestamp.as_ref().unwrap();
    assert_eq!(stamp.source.as_ref().unwrap().kind, TSA);

    let history: &[(i64, &str)] = &[(-9_000, "granted"), (-20, "withdrawn")];
    for report in [with(TSA, history), with(CA, GRANTED)] {
        let stamp = report.signatures[0].timestamp.as_ref().unwrap();
        assert_eq!(stamp.trusted, Some(false));
        assert!(!report.accepted());
        let archive = report.signatures.last().unwrap();
        assert_eq!(archive.sub_indication, Some(SubIndication::NoCertificateChainFound));
    }
}

#[test]
fn the_report_tells_the_list_and_that_it_should_have_been_renewed() {
    let signed = Signed::new(Layout::Table);
    let anchors = |until: DateTime<Utc>| {
        let mut service = listed(CA, &signed.authority.ca.cert, GRANTED);
        Arc::make_mut(&mut service.edition).next_update = Some(until);
        let mut trust = TrustAnchors::from_lists(vec![service]);
        trust.extend(signed.authority.trust());
        trust
    };
    for (until, expired) in
        [(now() + TimeDelta::days(1), false), (now() - TimeDelta::days(1), true)]
    {
        let report = verify(signed.pdf(), &anchors(until), now());
        assert!(report.accepted(), "{:#}", report.to_json());
        let source = &report.to_json()["signatures"][0]["chain"]["source"];
        assert_eq!(source["territory"], "IT");
        assert_eq!((&source["sequence"], &source["kind"]), (&57.into(), &"CA/QC".into()));
        assert_eq!(
            (&source["provider"], &source["service"]),
            (&"Prestatore".into(), &"Servizio".into())
        );
        assert_eq!(source["expired"], expired);
        let told = text(&report, Language::Italian);
        assert!(told.contains("Elenco di fiducia: IT n. 57"), "{told}");
        assert_eq!(told.contains("SCADUTO"), expired, "{told}");
        // The stamp comes from no list, but from an anchor of our own.
        let stamp = report.signatures[0].timestamp.as_ref().unwrap();
        assert_eq!((stamp.trusted, &stamp.source), (Some(true), &None));
    }
}
