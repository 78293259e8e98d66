//! Documents on their way out: headers, CSV, zip (R-CASE-31, R-CASE-35, R-TECH-09).

use crate::{calendar, documents::store::Document};

/// `Content-Disposition` with the name in ASCII and in UTF-8 (RFC 6266, RFC 8187).
pub fn disposition(inline: bool, name: &str) -> String {
    let kind = if inline { "inline" } else { "attachment" };
    let ascii: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') || c == ' ' { c } else { '_' })
        .collect();
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{}", urlencoding::encode(name))
}

/// One document's metadata as CSV: UTF-8 with byte order mark and semicolons, as spreadsheets of
/// this country open it.
pub fn csv(document: &Document) -> String {
    let yes_no = |yes| if yes { "Sì" } else { "No" };
    let rows = [
        ("Documento", document.visibility.kind.label().to_owned()),
        ("Descrizione", document.description.clone()),
        ("Nome file", document.name.clone()),
        ("Mittente", document.visibility.sender.label().to_owned()),
        ("Data invio", calendar::show(document.sent_at)),
        ("Completo", yes_no(document.complete).to_owned()),
        ("Riservato", yes_no(document.visibility.confidential).to_owned()),
        ("Dimensione (byte)", document.size_bytes.to_string()),
        ("SHA-256", document.sha256.clone()),
    ];
    let line = |cells: Vec<String>| cells.join(";") + "\r\n";
    let head = line(rows.iter().map(|(name, _)| cell(name)).collect());
    let body = line(rows.iter().map(|(_, value)| cell(value)).collect());
    format!("\u{feff}{head}{body}")
}

/// Quoted, and harmless to spreadsheets that run what begins like a formula.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

/// A zip archive that is not compressed (PKWARE APPNOTE 6.3.3): the documents mostly are, each by
/// itself. Names are made unique.
#[derive(Debug, Default)]
pub struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    names: Vec<String>,
}

impl Zip {
    /// Adds a file. At most 65,535 files and 4 GiB in all, which the limits of a case keep far away.
    pub fn add(&mut self, name: &str, content: &[u8]) {
        let name = self.unique(name);
        let offset = size(self.bytes.len());
        let mut header = Vec::new();
        put16(&mut header, 20); // needs version 2.0
        put16(&mut header, 1 << 11); // the name is UTF-8
        put16(&mut header, 0); // stored
        put32(&mut header, 0x0021_0000); // 1 January 1980: the real time is in the case
        put32(&mut header, crc32fast::hash(content));
        put32(&mut header, size(content.len()));
        put32(&mut header, size(content.len()));
        put16(&mut header, u16::try_from(name.len()).expect("names are at most 200 characters"));
        put16(&mut header, 0); // no extra field
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&header);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(content);
        self.directory.extend(b"PK\x01\x02\x14\0");
        self.directory.extend(&header);
        self.directory.extend([0; 10]); // no comment, first disk, no attributes
        put32(&mut self.directory, offset);
        self.directory.extend(name.as_bytes());
        self.names.push(name);
    }

    /// The archive.
    pub fn finish(mut self) -> Vec<u8> {
        let (offset, length) = (size(self.bytes.len()), size(self.directory.len()));
        let count = u16::try_from(self.names.len()).expect("fewer documents than 65,536 in a case");
        self.bytes.append(&mut self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        put16(&mut self.bytes, count);
        put16(&mut self.bytes, count);
        put32(&mut self.bytes, length);
        put32(&mut self.bytes, offset);
        put16(&mut self.bytes, 0); // no comment
        self.bytes
    }

    fn unique(&self, name: &str) -> String {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let numbered = (2..).map(|n| format!("{stem} ({n}).{extension}"));
        std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| !self.names.contains(name))
            .expect("the numbers do not end")
    }
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("the documents of a case are smaller than 4 GiB")
}

fn put16(to: &mut Vec<u8>, value: u16) {
    to.extend(value.to_le_bytes());
}

fn put32(to: &mut Vec<u8>, value: u32) {
    to.extend(value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_accents_and_quotes_cannot_break_the_header() {
        assert_eq!(
            disposition(false, "perché \"no\"\r\n.pdf"),
            "attachment; filename=\"perch_ _no___.pdf\"; \
             filename*=UTF-8''perch%C3%A9%20%22no%22%0D%0A.pdf"
        );
        assert!(disposition(true, "a.pdf").starts_with("inline; filename=\"a.pdf\""));
    }

    #[test]
    fn a_csv_cell_is_quoted_and_no_formula() {
        assert_eq!(cell("a;\"b\""), "\"a;\"\"b\"\"\"");
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
    }

    #[test]
    fn r_case_35_python_reads_the_zip() {
        let mut zip = Zip::default();
        zip.add("bolletta.pdf", b"%PDF-1.7");
        zip.add("bolletta.pdf", b"%PDF-2.0");
        zip.add("perché.txt", b"");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        std::fs::write(&path, zip.finish()).unwrap();
        let script = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); \
                      assert z.testzip() is None; \
                      print([(n, z.read(n)) for n in z.namelist()])";
        let output =
            std::process::Command::new("python3").args(["-c", script]).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(
            String::from_utf8(output.stdout).unwrap().trim(),
            "[('bolletta.pdf', b'%PDF-1.7'), ('bolletta (2).pdf', b'%PDF-2.0'), ('perché.txt', b'')]"
        );
    }
}
