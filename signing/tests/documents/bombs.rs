//! Small files that would take a reader's memory or hours: all of one document is read within one
//! budget, and the report names what was too much.

use chrono::TimeDelta;
use lopdf::{Dictionary, Stream};
use signing::verify::{TrustAnchors, verify};

use crate::{authority::now, process::Signed, sample::Layout};

/// About what somebody may upload.
const LARGE: usize = 15 << 20;

/// A file of numbered objects, as they are given.
struct Bomb {
    pdf: Vec<u8>,
    rows: Vec<(u8, u32, u16)>,
}

impl Bomb {
    fn new() -> Self {
        let mut bomb = Self { pdf: b"%PDF-1.7\n".to_vec(), rows: vec![(0, 0, 0)] };
        bomb.add("<</Type/Catalog/Pages 2 0 R>>");
        bomb.add("<</Type/Pages/Kids[]/Count 0>>");
        bomb
    }

    fn next(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap()
    }

    fn at(&mut self, offset: usize) {
        self.rows.push((1, u32::try_from(offset).unwrap(), 0));
    }

    fn add(&mut self, object: impl AsRef<[u8]>) {
        self.at(self.pdf.len());
        let header = format!("{} 0 obj\n", self.next() - 1);
        self.pdf.extend_from_slice(header.as_bytes());
        self.pdf.extend_from_slice(object.as_ref());
        self.pdf.extend_from_slice(b"\nendobj\n");
    }

    /// An object stream that claims `members`, all of them numbers not used before.
    fn packed(&mut self, stream: &Stream, members: u16) {
        let container = self.next();
        self.add(written(stream));
        self.rows.extend((0..members).map(|index| (2, container, index)));
    }

    fn table(mut self, trailer: &str) -> Vec<u8> {
        let start = self.pdf.len();
        let mut text = format!("xref\n0 {}\n0000000000 65535 f \n", self.rows.len());
        for (_, offset, _) in &self.rows[1..] {
            text += &format!("{offset:010} 00000 n \n");
        }
        text += &format!(
            "trailer\n<</Root 1 0 R/Size {}{trailer}>>\nstartxref\n{start}\n%%EOF",
            self.rows.len()
        );
        self.pdf.extend_from_slice(text.as_bytes());
        self.pdf
    }

    fn stream(mut self) -> Vec<u8> {
        let start = self.pdf.len();
        self.at(start);
        let mut rows = Vec::new();
        for (kind, second, third) in &self.rows {
            rows.push(*kind);
            rows.extend_from_slice(&second.to_be_bytes());
            rows.extend_from_slice(&third.to_be_bytes());
        }
        let size = self.rows.len();
        let head = format!(
            "{} 0 obj\n<</Type/XRef/Root 1 0 R/Size {size}/W[1 4 2]/Length {}>>stream\n",
            size - 1,
            rows.len()
        );
        let tail = format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF");
        self.pdf = [&self.pdf, head.as_bytes(), &rows, tail.as_bytes()].concat();
        self.pdf
    }
}

fn written(stream: &Stream) -> Vec<u8> {
    let mut out = Vec::new();
    lopdf::Writer::write_object(&mut out, &stream.clone().into()).unwrap();
    out
}

fn compressed(entries: &[(&str, i64)], content: Vec<u8>) -> Stream {
    let mut dictionary = Dictionary::new();
    entries.iter().for_each(|(key, value)| dictionary.set(*key, *value));
    let mut stream = Stream::new(dictionary, content);
    stream.compress().unwrap();
    stream
}

fn text(piece: &str) -> Vec<u8> {
    piece.as_bytes().iter().copied().cycle().take(LARGE).collect()
}

fn many_bombs() -> Vec<u8> {
    let mut bomb = Bomb::new();
    for index in 0..40 {
        let number = bomb.next() + 1;
        let mut content = format!("{number} 0 ").into_bytes();
        let first = i64::try_from(content.len()).unwrap();
        content.extend(format!("({index})").bytes().chain(text(" ")).take(LARGE - 16));
        bomb.packed(&compressed(&[("N", 1), ("First", first)], content), 1);
    }
    bomb.stream()
}

fn twice_compressed() -> Vec<u8> {
    let mut bomb = Bomb::new();
    for _ in 0..8 {
        let once = compressed(&[("N", 1), ("First", 4)], text(" "));
        let mut twice = compressed(&[("N", 1), ("First", 4)], once.content);
        let names = lopdf::Object::Name(b"FlateDecode".to_vec());
        twice.dict.set("Filter", vec![names; 3]);
        bomb.packed(&twice, 1);
    }
    bomb.stream()
}

fn packed_with(content: Vec<u8>) -> Vec<u8> {
    let mut bomb = Bomb::new();
    let number = format!("{} 0 ", bomb.next() + 1);
    let first = i64::try_from(number.len()).unwrap();
    let content = [number.as_bytes(), &content].concat();
    bomb.packed(&compressed(&[("N", 1), ("First", first)], content), 1);
    bomb.stream()
}

fn single(object: Vec<u8>) -> Vec<u8> {
    let mut bomb = Bomb::new();
    bomb.add(object);
    bomb.table("")
}

fn many_objects() -> Vec<u8> {
    let mut bomb = Bomb::new();
    for _ in 0..LARGE / 45 {
        bomb.add("[]");
    }
    bomb.table("")
}

/// Every stream holds all the following ones.
fn nested_streams() -> Vec<u8> {
    let mut bomb = Bomb::new();
    let depth = 400;
    for index in 0..depth {
        bomb.at(bomb.pdf.len());
        let inside = (depth - index) * 30_000;
        let head = format!("{} 0 obj\n<</Length {inside}>>stream\n", bomb.next() - 1);
        bomb.pdf.extend_from_slice(head.as_bytes());
        bomb.pdf.resize(bomb.pdf.len() + 29_000, b' ');
    }
    // Wherever a stream ends, the word for it must stand.
    let mut end = bomb.pdf.len();
    bomb.pdf.resize(end + depth * 30_000, b' ');
    for row in bomb.rows.clone().into_iter().skip(3) {
        let at = usize::try_from(row.1).unwrap();
        let start = at + bomb.pdf[at..].windows(7).position(|w| w == b"stream\n").unwrap() + 7;
        let length = bomb.pdf[at..start].split(|byte| !byte.is_ascii_digit());
        let length: Vec<usize> =
            length.filter_map(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).collect();
        let place = start + length[2];
        bomb.pdf[place..place + 19].copy_from_slice(b"endstream endobj   ");
        end = end.max(place + 19);
    }
    bomb.pdf.truncate(end);
    bomb.table("")
}

/// Every object begins inside the comment of the one before it.
fn nested_comments() -> Vec<u8> {
    let mut bomb = Bomb::new();
    for _ in 0..LARGE / 40 {
        bomb.at(bomb.pdf.len());
        let header = format!("{} 0 obj %", bomb.next() - 1);
        bomb.pdf.extend_from_slice(header.as_bytes());
    }
    bomb.pdf.extend_from_slice(b"\nnull endobj\n");
    bomb.table("")
}

/// Hundreds of sections whose tables all reach over the same rows.
fn shared_rows() -> Vec<u8> {
    let mut bomb = Bomb::new();
    let catalog = bomb.rows[1].1;
    let rows = 200_000;
    let mut starts = Vec::new();
    for _ in 0..300 {
        starts.push(bomb.pdf.len());
        bomb.pdf.extend_from_slice(b"xref\n0 1\n0000000000 65535 f \n");
        let previous = starts.len().checked_sub(2).map(|last| format!("/Prev {}", starts[last]));
        let trailer = format!("trailer\n<</Root 1 0 R/Size 9{}>>\n", previous.unwrap_or_default());
        bomb.pdf.extend_from_slice(trailer.as_bytes());
    }
    let start = bomb.pdf.len();
    let mut text = format!("xref\n0 {rows}\n");
    text += &format!("{catalog:010} 00000 n \n").repeat(rows);
    text += &format!(
        "trailer\n<</Root 1 0 R/Size {rows}/Prev {}>>\nstartxref\n{start}\n%%EOF",
        starts.last().unwrap()
    );
    bomb.pdf.extend_from_slice(text.as_bytes());
    bomb.pdf
}

/// A form whose fields all have the same long list of kids.
fn shared_kids() -> Vec<u8> {
    let mut bomb = Bomb { pdf: b"%PDF-1.7\n".to_vec(), rows: vec![(0, 0, 0)] };
    bomb.add("<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields 3 0 R>>>>");
    bomb.add("<</Type/Pages/Kids[]/Count 0>>");
    let fields: String = (5..2_005).map(|number| format!("{number} 0 R ")).collect();
    bomb.add(format!("[{fields}]"));
    bomb.add(format!("[{}]", "2 0 R ".repeat(20_000)));
    for _ in 0..2_000 {
        bomb.add("<</FT/Sig/T(a)/Kids 4 0 R>>");
    }
    bomb.table("")
}

#[test]
fn what_takes_too_much_is_refused_by_name() {
    let report = |pdf: &[u8]| verify(pdf, &TrustAnchors::none(), now());
    let objects = "too many objects";
    let inflate = "streams that inflate to too much";
    for (what, pdf, reason) in [
        ("many bombs", many_bombs(), inflate),
        ("an array of zeros", single([&b"["[..], &text("0 "), b"]"].concat()), objects),
        ("an array of arrays", single([&b"["[..], &text("[]"), b"]"].concat()), objects),
        ("dictionaries", single([&b"["[..], &text("<</A 1>>"), b"]"].concat()), objects),
        ("a packed array", packed_with([&b"["[..], &text("0 "), b"]"].concat()), objects),
        ("a bomb with a bomb", packed_with(vec![b' '; 40 << 20]), inflate),
        ("bombs inside bombs", twice_compressed(), "a damaged object"),
        ("many objects", many_objects(), objects),
        ("nested streams", nested_streams(), "streams inside streams"),
        ("nested comments", nested_comments(), objects),
        ("shared rows", shared_rows(), "a damaged object"),
        ("shared kids", shared_kids(), "the form is too large"),
        ("deep arrays", single([text("[")].concat()), "a damaged object"),
    ] {
        assert!(pdf.len() <= LARGE + (1 << 20), "{what}: {} bytes", pdf.len());
        let found = report(&pdf);
        assert!(!found.accepted(), "{what}");
        assert!(found.problems.iter().any(|said| said.ends_with(reason)), "{what}: {found:#?}");
        if let Some(folder) = std::env::var_os("ACCORDO_BOMBS") {
            let file = std::path::Path::new(&folder).join(what.replace(' ', "-"));
            std::fs::write(file.with_extension("pdf"), &pdf).unwrap();
        }
    }
}

/// Every revision is read on its own; a large file with hundreds of them ends at the bound for all.
#[test]
fn many_large_revisions_are_refused() {
    let signed = Signed::new(Layout::Table);
    let mut pdf = signed.pdf().to_vec();
    let start = |pdf: &[u8]| {
        let text = String::from_utf8_lossy(&pdf[pdf.len() - 40..]).into_owned();
        let number = text.rsplit_once("startxref").unwrap().1.trim();
        number.trim_end_matches("%%EOF").trim().parse::<usize>().unwrap()
    };
    let text = String::from_utf8_lossy(&pdf).into_owned();
    let root = text.rsplit_once("/Root ").unwrap().1.split('R').next().unwrap().to_owned();
    for _ in 0..250 {
        let (previous, at) = (start(&pdf), pdf.len() + 60_001);
        pdf.push(b'%');
        pdf.resize(pdf.len() + 59_999, b' ');
        let section = format!(
            "\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Root {root}R/Size 99/Prev {previous}>>\n\
             startxref\n{at}\n%%EOF"
        );
        pdf.extend_from_slice(section.as_bytes());
    }
    let later = now() + TimeDelta::minutes(1);
    let report = verify(&pdf, &signed.authority.trust(), later);
    assert!(!report.accepted());
    assert!(report.problems.iter().any(|said| said.contains("too much work")), "{report:#?}");
}
