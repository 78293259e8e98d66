//! Files that cost more than they are worth.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use signing::verify::ServiceKind;
use signing_trust_lists::{ListError, TrustList};

use crate::sample::{Operator, national};

/// Elements, attributes and name spaces in numbers, up to 15 MB.
fn bombs() -> Vec<(&'static str, String)> {
    let root = |inside: &str| {
        format!(
            "<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\">{inside}</TrustServiceStatusList>"
        )
    };
    let many = |what: &str, bytes: usize| what.repeat(bytes / what.len());
    vec![
        ("15 MB", root(&many("<a/>", 15 << 20))),
        ("15 MB of nothing", many(" ", 15 << 20)),
        ("many elements", root(&many("<a/>", 790_000))),
        (
            "many elements in 8 MB",
            root(&many("<a>text text text text text text texts</a>", 8_000_000)),
        ),
        ("long text", root(&many("&lt;", 8_000_000))),
        ("character references", root(&many("&#x3c;", 8_000_000))),
        ("comments", root(&many("<!---->", 8_000_000))),
        ("instructions", root(&many("<?a?>", 8_000_000))),
        ("sections", root(&many("<![CDATA[]]>", 8_000_000))),
        ("deep", root(&format!("{}{}", many("<a>", 3_000_000), many("</a>", 4_000_000)))),
        ("half deep", root(&many("<a>", 8_000_000))),
        (
            "an element of attributes",
            root(&format!(
                "<a {}/>",
                (0..600_000).map(|n| format!("b{n}=\"\" ")).collect::<String>()
            )),
        ),
        (
            "attributes everywhere",
            root(&many(
                "<a b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l='' m='' n='' o=''/>",
                8_000_000,
            )),
        ),
        (
            "name spaces everywhere",
            root(&many(
                "<a xmlns='a' xmlns:b='b' xmlns:c='c' xmlns:d='d' xmlns:e='e' xmlns:f='f'/>",
                8_000_000,
            )),
        ),
        (
            "signatures",
            root(&many("<Signature xmlns=\"http://www.w3.org/2000/09/xmldsig#\"/>", 8_000_000)),
        ),
        ("an open tag", root(&many("<", 8_000_000))),
        ("an open quote", root(&format!("<a b=\"{}", many("<a/>", 7_000_000)))),
        (
            "laughs",
            format!(
                "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"{}\">]>{}",
                "&a;".repeat(1000),
                root("&b;")
            ),
        ),
    ]
}

#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn refused_in_time(operator: &Operator, name: &str, file: &str) {
    let start = Instant::now();
    assert!(operator.read(file).is_err(), "{name}");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(2), "{name}: {took:?}");
}

/// What this process took of memory at most since it was asked to count anew, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

fn in_use() -> usize {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak()
}

#[test]
fn a_hostile_file_of_15_mb_ends_within_2_seconds_and_200_mb() {
    let operator = Operator::new("List");
    for (name, file) in bombs() {
        let before = in_use();
        refused_in_time(&operator, name, &file);
        let took = peak().saturating_sub(before);
        assert!(took < 200 << 20, "{name}: {} MB", took >> 20);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn a_good_list_of_7_mb_is_read_in_time_too() {
    let (operator, ca) = (Operator::new("List"), Operator::new("CA"));
    let history: Vec<_> = (0..9).map(|_| ("2017-01-01", "granted")).collect();
    let entry = (&ca, ServiceKind::QualifiedCertificates, history.as_slice());
    let file = operator.publish(&national(&vec![entry; 980]));
    assert!((7_000_000..8_000_000).contains(&file.len()), "{} bytes", file.len());
    let (start, before) = (Instant::now(), in_use());
    let read = operator.read(&file).unwrap();
    let (took, more) = (start.elapsed(), peak().saturating_sub(before));
    assert_eq!(read.services.len(), 980);
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(more < 200 << 20, "{} MB", more >> 20);
}

#[test]
fn bombs_in_a_signed_list_end_in_time_too() {
    let operator = Operator::new("List");
    let good = operator.publish(&national(&[]));
    for (name, file) in bombs() {
        let inside = file.split_once('>').map_or("", |(_, rest)| rest);
        let inside = inside.strip_suffix("</TrustServiceStatusList>").unwrap_or(inside);
        let carrier = format!("<b>{inside}</b><SchemeInformation>");
        refused_in_time(&operator, name, &good.replacen("<SchemeInformation>", &carrier, 1));
    }
}

proptest! {
    #[test]
    fn hostile_pieces_of_lists_never_panic(
        cuts in prop::collection::vec((0_usize..12_000, 0_usize..12_000, 0_usize..400), 0..6),
        noise in prop::collection::vec((0_usize..12_000, any::<u8>()), 0..6),
    ) {
        let operator = Operator::new("List");
        let good = operator.publish(&national(&[])).into_bytes();
        let mut bytes = good.clone();
        for (from, to, length) in cuts {
            let from = from % bytes.len();
            let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
            let to = to % bytes.len();
            bytes.splice(to..to, piece);
        }
        for (place, byte) in noise {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        match TrustList::read(&bytes, std::slice::from_ref(&operator.certificate)) {
            Ok(list) => prop_assert_eq!(list.edition.sequence, 57),
            Err(ListError::Crypto(error)) => prop_assert!(false, "{}", error),
            Err(_) => {}
        }
    }
}
