//! Shadow documents: what is prepared before the signature to be turned over after it. Each way is
//! told as a modification (R-SIGN-39), whatever the attacker hid in the signed bytes.

use lopdf::{Document, Object, ObjectId, Stream, Writer, dictionary};
use signing::{
    pades::finish,
    verify::{Integrity, SubIndication, verify},
};

use crate::{
    authority::now,
    process::{Signed, prepared},
    sample::{FIELDS, Layout, Revision},
};

/// A document that the attacker wrote, signed by somebody who saw what it shows.
fn signed(signed: &Signed, trap: impl FnOnce(&mut Revision)) -> Vec<u8> {
    let mut revision = Revision::after(&signed.steps[0]);
    trap(&mut revision);
    let anna = &signed.people[0];
    let prepared = prepared(&signed.authority, &revision.write(), FIELDS[0], anna);
    let raw = anna.sign_digest(&prepared.to_sign());
    finish(prepared, &raw, None).unwrap()
}

fn turned_over(signed: &Signed, before: &[u8], after: &[u8]) {
    let trust = signed.authority.trust();
    assert!(verify(before, &trust, now()).accepted(), "nobody can see it yet");
    assert!(after.starts_with(before));
    let report = verify(after, &trust, now());
    assert!(!report.accepted());
    let one = report.signature(FIELDS[0]).unwrap();
    assert_eq!(one.integrity, Integrity::Intact, "{:#}", report.to_json());
    assert!(one.modified_after);
    assert_eq!(one.sub_indication, Some(SubIndication::FormatFailure));
}

/// A revision that brings no object: only the places of some change.
fn places_only(pdf: &[u8], entries: &[(ObjectId, Option<usize>)]) -> Vec<u8> {
    let document = Document::load_mem(pdf).unwrap();
    let mut out = [pdf, b"\n"].concat();
    let start = out.len();
    out.extend(b"xref\n");
    for ((number, generation), place) in entries {
        let kind = if place.is_some() { 'n' } else { 'f' };
        let place = place.unwrap_or(0);
        out.extend(format!("{number} 1\n{place:010} {generation:05} {kind} \n").bytes());
    }
    let mut trailer = document.trailer.clone();
    trailer.set("Prev", document.xref_start as i64);
    trailer.set("Size", i64::from(document.max_id) + 1);
    out.extend(b"trailer\n");
    Writer::write_object(&mut out, &Object::Dictionary(trailer)).unwrap();
    out.extend(format!("\nstartxref\n{start}\n%%EOF").bytes());
    out
}

fn content_of(revision: &Revision, page: u32) -> ObjectId {
    let document = revision.update.get_prev_documents();
    let page = document.get_dictionary(revision.page(page)).unwrap();
    page.get(b"Contents").and_then(Object::as_reference).unwrap()
}

#[test]
fn r_sign_39_hide_what_lay_over_the_page_is_taken_away() {
    let base = Signed::new(Layout::Table);
    let mut cover = (0, 0);
    let pdf = signed(&base, |revision| {
        let look = dictionary! {
            "Type" => "XObject", "Subtype" => "Form",
            "BBox" => vec![0.into(), 0.into(), 500.into(), 60.into()],
        };
        let look = revision.add(Stream::new(look, b"1 g 0 0 500 60 re f".to_vec()));
        cover = revision.add(dictionary! {
            "Type" => "Annot", "Subtype" => "Stamp", "F" => 4,
            "Rect" => vec![40.into(), 740.into(), 540.into(), 800.into()],
            "AP" => dictionary! { "N" => look },
        });
        let page = revision.page(2);
        let shown = revision.edit(page).get_mut(b"Annots").unwrap();
        shown.as_array_mut().unwrap().push(cover.into());
    });
    // With an object, and without one.
    let mut revision = Revision::after(&pdf);
    let page = revision.page(2);
    let shown = revision.edit(page).get_mut(b"Annots").unwrap().as_array_mut().unwrap();
    shown.retain(|one| one.as_reference().ok() != Some(cover));
    turned_over(&base, &pdf, &revision.write());
    turned_over(&base, &pdf, &places_only(&pdf, &[(cover, None)]));
}

#[test]
fn r_sign_39_replace_a_font_shows_other_figures() {
    let base = Signed::new(Layout::Table);
    let pdf = signed(&base, |_| {});
    let mut revision = Revision::after(&pdf);
    let document = revision.update.get_prev_documents();
    let font = document
        .objects
        .iter()
        .find(|(_, object)| object.as_dict().is_ok_and(|entries| entries.has_type(b"Font")));
    let font = *font.unwrap().0;
    let names = dictionary! {
        "Type" => "Encoding", "Differences" => vec![49.into(), "nine".into()],
    };
    revision.edit(font).set("Encoding", names);
    turned_over(&base, &pdf, &revision.write());
}

#[test]
fn r_sign_39_hide_and_replace_an_earlier_content_comes_back_by_its_place_alone() {
    let base = Signed::new(Layout::Table);
    let mut content = (0, 0);
    let pdf = signed(&base, |revision| {
        content = content_of(revision, 2);
        let honest = b"BT /F1 18 Tf 60 760 Td (Importo: 1 euro) Tj ET".to_vec();
        let honest = Stream::new(dictionary! {}, honest);
        revision.update.new_document.set_object(content, honest);
    });
    // The first version is still among the signed bytes.
    let header = format!("{} {} obj", content.0, content.1);
    let hidden = pdf.windows(header.len()).position(|bytes| bytes == header.as_bytes()).unwrap();
    turned_over(&base, &pdf, &places_only(&pdf, &[(content, Some(hidden))]));
}
