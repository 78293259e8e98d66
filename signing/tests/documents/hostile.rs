//! Files made to hurt a reader: no panic, no endless work, no acceptance.

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use signing::verify::{TrustAnchors, verify};

use crate::{authority::now, process::Signed, sample::Layout};

/// `PROPTEST_CASES` raises the number of cases.
fn runner(cases: u32) -> TestRunner {
    let cases = cases.max(Config::default().cases);
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

fn refused(what: &str, pdf: &[u8]) {
    let report = verify(pdf, &TrustAnchors::none(), now());
    assert!(!report.accepted(), "{what}: accepted");
}

#[test]
fn loops_and_huge_counts_are_refused() {
    let table = |body: &str, trailer: &str| {
        let xref = body.len();
        let start = body.find("1 0 obj").unwrap();
        format!(
            "{body}xref\n0 2\n0000000000 65535 f \n{start:010} 00000 n \ntrailer\n{}\n\
             startxref\n{xref}\n%%EOF",
            trailer.replace("SELF", &xref.to_string()),
        )
    };
    let kids = "%PDF-1.7\n1 0 obj\n<</Type/Catalog/AcroForm<</Fields[1 0 R]>>/Kids[1 0 R]/FT/Sig\
                /T(a)/Pages 1 0 R/V 1 0 R/DSS 1 0 R/Certs[1 0 R]>>\nendobj\n";
    let deep = format!("%PDF-1.7\n1 0 obj\n{}{}\nendobj\n", "[".repeat(50_000), "]".repeat(50_000));
    let names = format!("%PDF-1.7\n1 0 obj\n{}\nendobj\n", "<</A".repeat(50_000));
    for (what, body, trailer) in [
        ("form that contains itself", kids, "<</Root 1 0 R/Size 2>>"),
        ("table that follows itself", kids, "<</Root 1 0 R/Size 2/Prev SELF>>"),
        ("hybrid table that follows itself", kids, "<</Root 1 0 R/Size 2/XRefStm SELF>>"),
        ("huge size", kids, "<</Root 1 0 R/Size 4294967295>>"),
        ("negative offsets", kids, "<</Root 1 0 R/Size 2/Prev -1>>"),
        ("deep arrays", &deep, "<</Root 1 0 R/Size 2>>"),
        ("deep dictionaries", &names, "<</Root 1 0 R/Size 2>>"),
    ] {
        refused(what, table(body, trailer).as_bytes());
    }
    for what in ["", "%PDF-1.7", "startxref\n0\n%%EOF", "%PDF-1.7\nstartxref\n9\n%%EOF"] {
        refused(what, what.as_bytes());
    }
}

#[test]
fn many_false_ends_cost_little() {
    let signed = Signed::new(Layout::Table);
    let mut pdf = signed.pdf().to_vec();
    for _ in 0..2_000 {
        pdf.extend_from_slice(b"\nstartxref\n9\n%%EOF");
    }
    refused("false ends", &pdf);
}

#[test]
fn truncated_files_are_refused() {
    let signed = Signed::new(Layout::ObjectStreams);
    let pdf = &signed.steps[1];
    for length in (0..pdf.len()).step_by(pdf.len() / 150) {
        refused("truncated", &pdf[..length]);
    }
}

/// What a signature does not cover is its own container: bytes there are free by nature (version
/// numbers, the label of the time stamp). They may lower the level, and change nothing else.
#[test]
fn any_flipped_byte_is_refused_or_at_most_lowers_the_level() {
    let signed = Signed::new(Layout::Table);
    let pdf = &signed.steps[1];
    let trust = signed.authority.trust();
    let told = |pdf: &[u8]| {
        let report = verify(pdf, &trust, now());
        let one = report.accepted().then(|| report.signatures[0].clone())?;
        Some((one.signer.map(|signer| signer.certificate), one.covers_bytes, one.level))
    };
    let truth = told(pdf);
    assert!(truth.is_some());
    // Most of the file is the signature; most of that is padding. Look everywhere.
    let start = pdf.windows(10).position(|ten| ten == b"/Contents<").unwrap() + 10;
    let end = start + pdf[start..].iter().position(|byte| *byte == b'>').unwrap();
    let place = prop_oneof![0..start, start..start + 5_000, 0..pdf.len()];
    runner(500)
        .run(&(place, 0_u8..8), |(at, bit)| {
            let mut flipped = pdf.clone();
            flipped[at] ^= 1 << bit;
            let found = told(&flipped);
            let free = (start..end).contains(&at)
                && found <= truth
                && found.map(|f| (f.0, f.1)) == truth.map(|t| (t.0, t.1));
            prop_assert!(found.is_none() || free, "byte {at}, bit {bit}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn spliced_files_never_panic() {
    let signed = Signed::new(Layout::ObjectStreams);
    let pdf = signed.archived();
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        Just(b"endobj\n1 0 obj\n<<".to_vec()),
        Just(b"%%EOF".to_vec()),
        Just(b"/Prev 10".to_vec()),
        Just(b"[[[[[((((".to_vec()),
        Just(b"/ByteRange[0 18446744073709551615 -1 9223372036854775807]".to_vec()),
    ];
    runner(200)
        .run(&(0..pdf.len(), 0_usize..200, piece), |(at, cut, piece)| {
            let end = (at + cut).min(pdf.len());
            let spliced = [&pdf[..at], &piece, &pdf[end..]].concat();
            let report = verify(&spliced, &TrustAnchors::none(), now());
            prop_assert!(spliced == pdf || !report.accepted(), "at {at} cut {cut} {piece:?}");
            Ok(())
        })
        .unwrap();
}
