//! Changed bytes of a signed document are refused, with the right reason.

use signing::verify::{Integrity, SubIndication, TrustAnchors, verify};

use crate::{
    authority::now,
    process::Signed,
    sample::{FIELDS, Layout},
};

/// A way to tamper with the bytes, the field whose signature it breaks, and why.
type Broken = (&'static str, fn(&Signed) -> Vec<u8>, &'static str, SubIndication);

const BROKEN: &[Broken] = &[
    ("page content", |s| flip(s.pdf(), b"Verbale di"), "client", SubIndication::HashFailure),
    ("title", |s| flip(s.pdf(), b"(Verbale)"), "client", SubIndication::HashFailure),
    ("claimed time", |s| flip(s.pdf(), b"/M<"), "client", SubIndication::HashFailure),
    (
        "signature value",
        |s| flip(s.pdf(), &raw_signature(s, 0)),
        "client",
        SubIndication::SigCryptoFailure,
    ),
    (
        "signed attributes",
        |s| flip(s.pdf(), &signed_digest(s, 1)),
        "operator_delegate",
        SubIndication::HashFailure,
    ),
    ("certificate", another_certificate, "client", SubIndication::NoSigningCertificateFound),
    ("swapped signatures", swap_contents, "conciliator", SubIndication::HashFailure),
    (
        "something in the padding",
        |s| last_zero(s.pdf(), b'7'),
        "conciliator",
        SubIndication::FormatFailure,
    ),
    (
        "white space in the gap",
        |s| last_zero(s.pdf(), b' '),
        "conciliator",
        SubIndication::FormatFailure,
    ),
    (
        "byte range ends early",
        |s| byte_range(s, |[a, b, c, d]| [a, b, c, d - 1]),
        "conciliator",
        SubIndication::FormatFailure,
    ),
    (
        "byte range too long",
        |s| byte_range(s, |[a, b, c, d]| [a, b, c, d + 1]),
        "conciliator",
        SubIndication::FormatFailure,
    ),
    (
        "byte range starts late",
        |s| byte_range(s, |[_, b, c, d]| [1, b, c, d]),
        "conciliator",
        SubIndication::FormatFailure,
    ),
    (
        "wider gap to the left",
        |s| byte_range(s, |[a, b, c, d]| [a, b - 1, c, d]),
        "conciliator",
        SubIndication::FormatFailure,
    ),
    (
        "wider gap to the right",
        |s| byte_range(s, |[a, b, c, d]| [a, b, c + 1, d - 1]),
        "conciliator",
        SubIndication::FormatFailure,
    ),
    (
        "gap backwards",
        |s| byte_range(s, |[a, b, c, d]| [a, c, b, d]),
        "conciliator",
        SubIndication::FormatFailure,
    ),
    (
        "gap of another signature",
        |s| {
            let other = ranges(&s.steps[1]);
            byte_range(s, |[a, _, _, _]| [a, other[1], other[2], s.pdf().len() - other[2]])
        },
        "conciliator",
        SubIndication::FormatFailure,
    ),
    (
        "range of an earlier revision",
        |s| {
            let other = ranges(&s.steps[1]);
            byte_range(s, |_| other)
        },
        "conciliator",
        SubIndication::FormatFailure,
    ),
];

#[test]
fn changed_bytes_are_found_with_the_right_reason() {
    for layout in [Layout::Table, Layout::ObjectStreams] {
        let signed = Signed::new(layout);
        let trust = signed.authority.trust();
        for (what, tamper, field, reason) in BROKEN {
            // Page and title are compressed there, and so cannot be addressed by their text.
            if matches!(layout, Layout::ObjectStreams) && *what == "title" {
                continue;
            }
            let tampered = tamper(&signed);
            assert_ne!(tampered, signed.pdf(), "{what}: nothing was changed");
            for trust in [&trust, &TrustAnchors::none()] {
                let report = verify(&tampered, trust, now());
                assert!(!report.accepted(), "{layout:?} {what}: accepted");
                let one = report.signature(field);
                let one = one.unwrap_or_else(|| panic!("{what}: {:#}", report.to_json()));
                assert_eq!(one.integrity, Integrity::Broken, "{layout:?} {what}");
                assert_eq!(one.sub_indication, Some(*reason), "{layout:?} {what}: {one:#?}");
            }
        }
    }
}

#[test]
fn document_cut_back_to_an_earlier_revision_shows_its_open_fields() {
    let signed = Signed::new(Layout::Table);
    let report = verify(&signed.steps[2], &signed.authority.trust(), now());
    assert!(report.accepted());
    assert!(report.open_fields.contains(&FIELDS[2].to_owned()));
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    hex::encode(bytes).into_bytes()
}

fn find(pdf: &[u8], wanted: &[u8]) -> usize {
    let found = pdf.windows(wanted.len()).position(|window| window == wanted);
    found.unwrap_or_else(|| panic!("{} is not there", String::from_utf8_lossy(wanted)))
}

/// Changes one hexadecimal digit or letter just after the start of `place`.
fn flip(pdf: &[u8], place: &[u8]) -> Vec<u8> {
    let mut pdf = pdf.to_vec();
    let at = find(&pdf, place) + place.len().min(5);
    pdf[at] = if pdf[at] == b'1' { b'2' } else { b'1' };
    pdf
}

/// Puts another certificate of the same name, and of the same length, into the first signature.
fn another_certificate(signed: &Signed) -> Vec<u8> {
    let own = hex(&signed.people[0].der());
    let other = std::iter::repeat_with(|| {
        hex(&signed.authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U").der())
    });
    let other = other.take(200).find(|other| other.len() == own.len()).unwrap();
    let mut pdf = signed.pdf().to_vec();
    let at = find(&pdf, &own);
    pdf[at..at + own.len()].copy_from_slice(&other);
    pdf
}

pub fn ranges(pdf: &[u8]) -> [usize; 4] {
    let word = b"/ByteRange[";
    let at = pdf.windows(word.len()).rposition(|window| window == word).unwrap() + word.len();
    let end = at + find(&pdf[at..], b"]");
    let numbers = std::str::from_utf8(&pdf[at..end]).unwrap();
    let numbers: Vec<_> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// Rewrites the byte range of the last signature in place.
fn byte_range(signed: &Signed, change: impl Fn([usize; 4]) -> [usize; 4]) -> Vec<u8> {
    let mut pdf = signed.pdf().to_vec();
    let written = |[a, b, c, d]: [usize; 4]| format!("/ByteRange[{a} {b} {c} {d}]");
    let old = written(ranges(&pdf));
    let width = b"/ByteRange[0 9999999999 9999999999 9999999999]".len();
    let new = format!("{:width$}", written(change(ranges(&pdf))));
    let at = pdf.windows(old.len()).rposition(|window| window == old.as_bytes()).unwrap();
    pdf[at..at + width].copy_from_slice(new.as_bytes());
    pdf
}

pub fn contents(pdf: &[u8]) -> Vec<u8> {
    let [_, start, end, _] = ranges(pdf);
    pdf[start + 1..end - 1].to_vec()
}

fn swap_contents(signed: &Signed) -> Vec<u8> {
    let mut pdf = signed.pdf().to_vec();
    let first = contents(&signed.steps[1]);
    let [_, start, end, _] = ranges(&pdf);
    let room = end - start - 2;
    let mut moved = first;
    moved.resize(room, b'0');
    pdf[start + 1..end - 1].copy_from_slice(&moved);
    pdf
}

fn last_zero(pdf: &[u8], digit: u8) -> Vec<u8> {
    let mut pdf = pdf.to_vec();
    let [_, _, end, _] = ranges(&pdf);
    pdf[end - 2] = digit;
    pdf
}

fn cms_of(signed: &Signed, index: usize) -> Vec<u8> {
    hex::decode(contents(&signed.steps[index + 1])).unwrap()
}

fn raw_signature(signed: &Signed, index: usize) -> Vec<u8> {
    let cms = cms_of(signed, index);
    hex(signing::cms::SignedData::read(&cms).unwrap().signature)
}

fn signed_digest(signed: &Signed, index: usize) -> Vec<u8> {
    let cms = cms_of(signed, index);
    let cms = signing::cms::SignedData::read(&cms).unwrap();
    hex(cms.signed_value(signing::cms::MESSAGE_DIGEST).unwrap().value)
}
