//! Signed files (P7M): CAdES signatures around a document, or beside it.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};

use super::{
    archive::Contents,
    evidence::Evidence,
    report::{Content, Format, Report},
    signature::Check,
    trust::TrustAnchors,
    verify,
};
use crate::{
    Digest,
    cades::validation_data,
    cms::{Container, ber},
    pdf::{MAX_DOCUMENT_BYTES, Work},
};

/// Signed files inside signed files are opened this deep.
const MAX_DEPTH: usize = 4;

/// Verifies a PDF or a signed file with its document inside, as of `now`. Never fails: what cannot
/// be read is reported.
pub fn verify_file(bytes: &[u8], trust: &TrustAnchors, now: DateTime<Utc>) -> Report {
    any(bytes, None, trust, now, MAX_DEPTH)
}

/// Verifies a signature file that stands beside its document `content`.
pub fn verify_beside(
    signature: &[u8],
    content: &[u8],
    trust: &TrustAnchors,
    now: DateTime<Utc>,
) -> Report {
    any(signature, Some(content), trust, now, MAX_DEPTH)
}

fn any(
    bytes: &[u8],
    beside: Option<&[u8]>,
    trust: &TrustAnchors,
    now: DateTime<Utc>,
    depth: usize,
) -> Report {
    if bytes.starts_with(b"%PDF-") && beside.is_none() {
        return verify(bytes, trust, now);
    }
    let mut report = Report::new(Digest::of(bytes), bytes.len(), now, !trust.is_empty());
    report.format = Format::P7m;
    if let Err(problem) = signed_file(bytes, beside, trust, depth, &mut report) {
        report.problems.push(problem.to_owned());
    }
    report
}

fn signed_file(
    bytes: &[u8],
    beside: Option<&[u8]>,
    trust: &TrustAnchors,
    depth: usize,
    report: &mut Report,
) -> Result<(), &'static str> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err("the file is too large");
    }
    let depth = depth.checked_sub(1).ok_or("too many signed files inside each other")?;
    let der = to_der(bytes).ok_or("neither a PDF nor a signed file")?;
    let container = Container::read(&der).map_err(|_| "the signed file is damaged")?;
    let content = match (container.content, beside) {
        (Some(inside), None) => inside,
        (None, Some(beside)) => beside,
        (None, None) => return Err("the signed document is not in the file"),
        (Some(inside), Some(beside)) if inside == beside => inside,
        (Some(_), Some(_)) => return Err("the signed file holds another document"),
    };
    let evidence = Evidence::new(&validation_data(&container));
    let (work, digest) = (Work::on(bytes.len()), Digest::of(content));
    let (contents, mut archived) = (Contents::of(&container), Vec::new());
    for (signer, number) in container.signers.iter().zip(1..) {
        let mut check = Check::new(&[], &evidence, trust, &work, report.checked_at);
        let name = i32::to_string(&number);
        archived.extend(check.archive(&contents, signer, &digest, &name));
        report.signatures.push(check.in_file(signer, content, name));
    }
    report.signatures.extend(archived);
    report.content = Some(Content {
        digest,
        bytes: content.len(),
        inside: container.content.is_some(),
        report: within(content, trust, report.checked_at, depth).map(Box::new),
    });
    Ok(())
}

/// What the signed document says of itself, when it is signed too.
fn within(
    content: &[u8],
    trust: &TrustAnchors,
    now: DateTime<Utc>,
    depth: usize,
) -> Option<Report> {
    let pdf = content.starts_with(b"%PDF-");
    if !pdf && !ber::to_der(content).is_ok_and(|der| Container::read(&der).is_ok()) {
        return None;
    }
    let report = any(content, None, trust, now, depth);
    (!pdf || !report.signatures.is_empty()).then_some(report)
}

/// A signed file as programs write it (DER, BER, base64, PEM) in DER.
pub(crate) fn to_der(bytes: &[u8]) -> Option<Vec<u8>> {
    ber::to_der(&binary(bytes)?).ok()
}

/// The file itself, or what it says in base64 (with or without the lines of PEM).
fn binary(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    if bytes.first() == Some(&0x30) {
        return Some(Cow::Borrowed(bytes));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let lines = text.lines().filter(|line| !line.starts_with("-----"));
    let letters: String = lines.flat_map(|line| line.split_ascii_whitespace()).collect();
    STANDARD.decode(letters).ok().map(Cow::Owned)
}
