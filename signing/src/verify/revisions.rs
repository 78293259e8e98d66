//! The revisions after the first signature, each with what it changed.

use std::collections::BTreeSet;

use lopdf::Document;

use super::{changes, place::ends_revision, report::LaterRevision};
use crate::pdf::{self, Work};

/// More revisions than this after the first signature are taken for an attack.
const MAX_REVISIONS: usize = 256;
/// How far before `%%EOF` the word `startxref` may stand.
const STARTXREF_WINDOW: usize = 64;

/// Compares each revision after the first signature with the one before it. `signed` are the ends
/// of signed revisions, ascending.
///
/// Every signed revision is a step of its own. Other revision ends are steps too when they can be
/// recognised; if one is not, its changes count for the next step, so nothing escapes.
pub(super) fn after_first_signature(
    pdf: &[u8],
    signed: &[usize],
    work: &Work,
) -> Vec<LaterRevision> {
    let Some(&first) = signed.first() else { return Vec::new() };
    let mut steps: BTreeSet<usize> = signed.iter().copied().collect();
    for (marker_end, end) in revision_ends(pdf, first) {
        let known = steps.range(marker_end..=end).next().is_some();
        if !known && pdf::open_within(&pdf[..end], work).is_ok() {
            steps.insert(end);
        }
    }
    let last = steps.last().copied().unwrap_or(first);
    if !pdf[last..].iter().all(u8::is_ascii_whitespace) {
        steps.insert(pdf.len());
    }
    let mut revisions = Vec::new();
    let mut before = Revision::read(pdf, first, work);
    for &end in steps.range(first + 1..) {
        if revisions.len() == MAX_REVISIONS {
            revisions.push(LaterRevision::forbidden(end, pdf.len(), "too many revisions"));
            break;
        }
        let after = Revision::read(pdf, end, work);
        revisions.push(compare(pdf, &before, &after));
        before = after;
    }
    revisions
}

struct Revision {
    end: usize,
    document: Option<Document>,
}

impl Revision {
    fn read(pdf: &[u8], end: usize, work: &Work) -> Self {
        Self { end, document: pdf::open_within(&pdf[..end], work).ok() }
    }
}

fn compare(pdf: &[u8], before: &Revision, after: &Revision) -> LaterRevision {
    let (start, end) = (before.end, after.end);
    let (Some(old), Some(new)) = (&before.document, &after.document) else {
        return LaterRevision::forbidden(start, end, "the revision cannot be read");
    };
    let added = &pdf[start..end];
    let has = |word: &[u8]| added.windows(word.len()).any(|window| window == word);
    if !ends_revision(added) || !has(b"startxref") {
        return LaterRevision::forbidden(start, end, "bytes after the end of the document");
    }
    // Readers disagree on hybrid files, so one of them would show another document.
    if has(b"XRefStm") {
        return LaterRevision::forbidden(start, end, "a hybrid cross-reference section");
    }
    changes::between(old, new, start, end)
}

/// Ends of revisions after `first`: every `startxref`, number, `%%EOF`, without and with its line
/// end.
fn revision_ends(pdf: &[u8], first: usize) -> impl Iterator<Item = (usize, usize)> {
    let markers = pdf.windows(5).enumerate().skip(first).filter(|(_, five)| *five == b"%%EOF");
    markers
        .map(|(at, _)| at)
        .filter_map(move |marker| {
            let before = &pdf[first.max(marker.saturating_sub(STARTXREF_WINDOW))..marker];
            let word = before.windows(9).rposition(|nine| nine == b"startxref")?;
            let number = &before[word + 9..];
            let plain =
                number.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace());
            let end = marker + 5;
            let eol = match &pdf[end..] {
                [b'\r', b'\n', ..] => 2,
                [b'\r' | b'\n', ..] => 1,
                _ => 0,
            };
            plain.then_some((end, end + eol))
        })
        .take(MAX_REVISIONS)
}
