//! What may be uploaded (R-TECH-08, R-TECH-09): size, extension, and content that fits it.

/// A file must be smaller than this: 15 MiB, exclusive (R-TECH-08, C-38).
pub const MAX_BYTES: usize = 15 * 1024 * 1024;

/// How a kind of file is recognised by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// `infer` names one of these media types.
    Sniffed(&'static [&'static str]),
    /// Text in UTF-8 or an eight-bit code: no control bytes, no known binary signature.
    Text,
    /// Text that begins as markup.
    Markup,
    /// A DER sequence, or its base64 with or without PEM lines (RFC 5652, RFC 7468).
    Pkcs7,
}

/// A kind of file that may be uploaded.
#[derive(Debug, PartialEq, Eq)]
pub struct FileType {
    extension: &'static str,
    /// Media type it is served with.
    pub media_type: &'static str,
    /// A browser may show it; everything else is only downloaded (R-TECH-09).
    pub inline: bool,
    content: Content,
}

const fn file(
    extension: &'static str,
    media_type: &'static str,
    inline: bool,
    content: Content,
) -> FileType {
    FileType { extension, media_type, inline, content }
}

const ODT: &str = "application/vnd.oasis.opendocument.text";
const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";
const ODP: &str = "application/vnd.oasis.opendocument.presentation";
const ODG: &str = "application/vnd.oasis.opendocument.graphics";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const ZIP: &str = "application/zip";

/// The 23 extensions of R-TECH-08.
const TYPES: [FileType; 23] = [
    file("pdf", "application/pdf", true, Content::Sniffed(&["application/pdf"])),
    file("tiff", "image/tiff", false, Content::Sniffed(&["image/tiff"])),
    file("jpg", "image/jpeg", true, Content::Sniffed(&["image/jpeg"])),
    file("jpeg", "image/jpeg", true, Content::Sniffed(&["image/jpeg"])),
    file("png", "image/png", true, Content::Sniffed(&["image/png"])),
    file("bmp", "image/bmp", true, Content::Sniffed(&["image/bmp"])),
    file("txt", "text/plain; charset=utf-8", true, Content::Text),
    file("eml", "message/rfc822", false, Content::Text),
    file("odt", ODT, false, Content::Sniffed(&[ODT, ZIP])),
    file("fodt", "application/xml", false, Content::Markup),
    file("docx", DOCX, false, Content::Sniffed(&[DOCX, ZIP])),
    file("ods", ODS, false, Content::Sniffed(&[ODS, ZIP])),
    file("fods", "application/xml", false, Content::Markup),
    file("xlsx", XLSX, false, Content::Sniffed(&[XLSX, ZIP])),
    file("odp", ODP, false, Content::Sniffed(&[ODP, ZIP])),
    file("fodp", "application/xml", false, Content::Markup),
    file("pptx", PPTX, false, Content::Sniffed(&[PPTX, ZIP])),
    file("odg", ODG, false, Content::Sniffed(&[ODG, ZIP])),
    file("fodg", "application/xml", false, Content::Markup),
    file("p7m", "application/pkcs7-mime", false, Content::Pkcs7),
    file("mp3", "audio/mpeg", false, Content::Sniffed(&["audio/mpeg"])),
    file("html", "text/html", false, Content::Markup),
    file("xml", "application/xml", false, Content::Markup),
];

/// Why an upload was refused. The words are for the person who tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadRefusal {
    /// No name, or no content.
    #[error("Scegli un file: non ne hai scelto nessuno, oppure quello scelto è vuoto.")]
    Empty,
    /// R-TECH-08.
    #[error(
        "Il file è troppo grande: deve essere più piccolo di 15 MB. Se è una foto o una scansione, \
         salvala con una qualità più bassa; se ha molte pagine, dividilo in più file."
    )]
    TooLarge,
    /// R-TECH-08.
    #[error(
        "Un file di tipo «{0}» non è ammesso. Vanno bene PDF, foto (JPG, PNG), documenti di Word e \
         di LibreOffice: se puoi, salvalo in PDF e riprova."
    )]
    Extension(String),
    /// R-TECH-09.
    #[error(
        "Il contenuto del file non corrisponde al suo nome (.{0}): forse è di un altro tipo, oppure \
         è rovinato. Aprilo, salvalo di nuovo (meglio in PDF) e riprova."
    )]
    Content(&'static str),
}

/// A file that may be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    /// Name without folders, at most 200 characters.
    pub name: String,
    /// What it is.
    pub file_type: &'static FileType,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Upload {
    /// Checks a file as a browser sent it.
    pub fn check(name: &str, bytes: Vec<u8>) -> Result<Self, UploadRefusal> {
        let name = clean_name(name);
        if name.is_empty() || bytes.is_empty() {
            return Err(UploadRefusal::Empty);
        }
        if bytes.len() >= MAX_BYTES {
            return Err(UploadRefusal::TooLarge);
        }
        let file_type = FileType::of_name(&name).ok_or_else(|| {
            UploadRefusal::Extension(name.rsplit_once('.').map_or("", |(_, e)| e).to_owned())
        })?;
        if !file_type.content.fits(&bytes) {
            return Err(UploadRefusal::Content(file_type.extension));
        }
        Ok(Self { name, file_type, bytes })
    }
}

impl FileType {
    /// By extension, whatever its case; `None` when it is not among the 23.
    pub fn of_name(name: &str) -> Option<&'static Self> {
        let (_, extension) = name.rsplit_once('.')?;
        TYPES.iter().find(|t| t.extension.eq_ignore_ascii_case(extension))
    }

    /// The extensions as a page states them before a file is chosen (R-TECH-10), also the `accept`
    /// attribute of a file field: ".pdf, .tiff, …".
    pub fn accepted() -> String {
        TYPES.map(|t| format!(".{}", t.extension)).join(", ")
    }
}

impl Content {
    fn fits(self, bytes: &[u8]) -> bool {
        match self {
            Self::Sniffed(types) => {
                infer::get(bytes).is_some_and(|found| types.contains(&found.mime_type()))
            }
            Self::Text => is_text(bytes),
            Self::Markup => {
                is_text(bytes) && without_bom(bytes).trim_ascii_start().starts_with(b"<")
            }
            Self::Pkcs7 => is_pkcs7(bytes),
        }
    }
}

/// The last component of a path in either slash, without control characters.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim();
    match clean.char_indices().rev().nth(199) {
        // The end carries the extension.
        Some((start, _)) => clean[start..].to_owned(),
        None => clean.to_owned(),
    }
}

fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn is_text(bytes: &[u8]) -> bool {
    let control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c);
    let binary = infer::get(bytes)
        .is_some_and(|found| !matches!(found.matcher_type(), infer::MatcherType::Text));
    !binary && !bytes.iter().any(|b| control(b) || *b == 0x7f)
}

fn is_pkcs7(bytes: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30; // X.690 §8.9
    // ContentInfo begins SEQUENCE { OBJECT IDENTIFIER …: in base64 always with "MI" for the long
    // lengths that a real signature has.
    bytes.first() == Some(&SEQUENCE)
        || bytes.starts_with(b"-----BEGIN PKCS7-----")
        || bytes.starts_with(b"-----BEGIN CMS-----")
        || (bytes.starts_with(b"MI")
            && bytes.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
    const MP3: &[u8] = b"ID3\x03\0\0\0\0\0\0";
    const ZIPPED: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";

    #[test]
    fn r_tech_08_extensions_and_size() {
        assert_eq!(FileType::accepted().split(',').count(), 23);
        for (name, bytes, expected) in [
            ("contratto.pdf", PDF.to_vec(), Ok(())),
            ("CONTRATTO.PDF", PDF.to_vec(), Ok(())),
            ("archivio.zip", ZIPPED.to_vec(), Err(UploadRefusal::Extension("zip".into()))),
            ("foto.gif", b"GIF89a".to_vec(), Err(UploadRefusal::Extension("gif".into()))),
            ("foto.tif", b"II*\0".to_vec(), Err(UploadRefusal::Extension("tif".into()))),
            ("senza", PDF.to_vec(), Err(UploadRefusal::Extension(String::new()))),
            ("", PDF.to_vec(), Err(UploadRefusal::Empty)),
            ("vuoto.pdf", Vec::new(), Err(UploadRefusal::Empty)),
        ] {
            assert_eq!(Upload::check(name, bytes).map(|_| ()), expected, "{name}");
        }
        let mut large = PDF.to_vec();
        large.resize(MAX_BYTES - 1, b' ');
        assert!(Upload::check("grande.pdf", large.clone()).is_ok());
        large.push(b' ');
        assert_eq!(Upload::check("grande.pdf", large), Err(UploadRefusal::TooLarge));
    }

    #[test]
    fn r_tech_09_the_content_must_fit_the_extension() {
        for (name, bytes, fits) in [
            ("a.png", PNG, true),
            ("a.jpg", PNG, false),
            ("a.pdf", b"<html></html>".as_slice(), false),
            ("a.html", b"<!doctype html><p>ciao".as_slice(), true),
            ("a.html", PDF, false),
            ("a.xml", b"\xef\xbb\xbf<?xml version='1.0'?><a/>".as_slice(), true),
            ("a.xml", b"ciao".as_slice(), false),
            ("a.fodt", b"<?xml version='1.0'?><office:document/>".as_slice(), true),
            ("a.txt", "perché no\r\n".as_bytes(), true),
            ("a.txt", b"caff\xe8 in Latin-1".as_slice(), true),
            ("a.txt", b"MZ\x90\0\x03".as_slice(), false),
            ("a.txt", PNG, false),
            ("a.eml", b"From: a@example.it\r\n\r\nciao".as_slice(), true),
            ("a.docx", ZIPPED, true),
            ("a.docx", PDF, false),
            ("a.mp3", MP3, true),
            ("a.mp3", b"testo".as_slice(), false),
            ("a.p7m", b"\x30\x82\x01\0".as_slice(), true),
            ("a.pdf.p7m", b"MIIBAAYJKoZIhvcNAQcC\n".as_slice(), true),
            ("a.p7m", PDF, false),
        ] {
            let result = Upload::check(name, bytes.to_vec());
            assert_eq!(result.is_ok(), fits, "{name}: {result:?}");
        }
    }

    #[test]
    fn r_tech_09_html_and_xml_are_never_shown_in_the_browser() {
        for (name, inline) in [
            ("a.html", false),
            ("a.xml", false),
            ("a.fodt", false),
            ("a.pdf", true),
            ("a.png", true),
        ] {
            assert_eq!(FileType::of_name(name).unwrap().inline, inline, "{name}");
        }
    }

    #[test]
    fn a_name_is_the_last_component_without_control_characters() {
        for (sent, kept) in [
            (r"C:\Users\anna\bolletta.pdf", "bolletta.pdf"),
            ("../../etc/bolletta.pdf", "bolletta.pdf"),
            ("bol\r\nletta.pdf", "bolletta.pdf"),
            (" perché.pdf ", "perché.pdf"),
        ] {
            assert_eq!(Upload::check(sent, PDF.to_vec()).unwrap().name, kept);
        }
        let long = Upload::check(&format!("{}.pdf", "è".repeat(300)), PDF.to_vec()).unwrap().name;
        assert_eq!(long.chars().count(), 200);
        assert!(long.ends_with(".pdf"));
    }
}
