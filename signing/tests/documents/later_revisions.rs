//! R-SIGN-39: what came after a signature is told apart, and refused unless it is allowed.

use lopdf::{Dictionary, Object, Stream, dictionary};
use signing::verify::{Integrity, Report, SubIndication, TrustAnchors, verify};

use crate::{
    authority::now,
    process::Signed,
    sample::{FIELDS, Layout, Revision},
};

/// A revision appended after all signatures, and a word of the reason.
type Appended = (&'static str, fn(&mut Revision), &'static str);

const APPENDED: &[Appended] = &[
    (
        "page with another content",
        |r| {
            let drawn = b"BT /F1 18 Tf 60 760 Td (Importo: 9 euro) Tj ET".to_vec();
            let content = r.add(Stream::new(Dictionary::new(), drawn));
            let page = r.page(2);
            r.edit(page).set("Contents", content);
        },
        "page 2",
    ),
    (
        "content stream",
        |r| {
            let page = r.page(2);
            let document = r.update.get_prev_documents();
            let content = document.get_dictionary(page).unwrap().get(b"Contents").unwrap();
            let id = content.as_reference().unwrap();
            let changed = Stream::new(Dictionary::new(), b"BT ET".to_vec());
            r.update.new_document.set_object(id, changed);
        },
        "an object",
    ),
    (
        "another page put in place",
        |r| {
            let page = r.page(2);
            let mut copy = r.edit(page).clone();
            copy.remove(b"Contents");
            r.update.new_document.objects.remove(&page);
            let copy = r.add(copy);
            let first = r.page(1);
            let pages = r.update.get_prev_documents().get_dictionary(first).unwrap();
            let pages = pages.get(b"Parent").and_then(Object::as_reference).unwrap();
            r.edit(pages).set("Kids", vec![first.into(), copy.into()]);
        },
        "/Pages",
    ),
    (
        "annotation",
        |r| {
            let note = r.add(dictionary! {
            "Type" => "Annot", "Subtype" => "FreeText", "Contents" => Object::string_literal("9"),
            "Rect" => vec![0.into(), 0.into(), 500.into(), 500.into()],
        });
            let page = r.page(1);
            let mut annotations = r.edit(page).get(b"Annots").unwrap().as_array().unwrap().clone();
            annotations.push(note.into());
            r.edit(page).set("Annots", annotations);
        },
        "page 1",
    ),
    (
        "value of a text field",
        |r| {
            let form = r.form();
            let document = r.update.get_prev_documents();
            let fields = document.get_dictionary(form).unwrap().get(b"Fields").unwrap();
            let field = fields.as_array().unwrap()[0].as_reference().unwrap();
            r.edit(field).set("V", Object::string_literal("9"));
        },
        "an object",
    ),
    (
        "a field more",
        |r| {
            let field = r.add(dictionary! { "FT" => "Sig", "T" => Object::string_literal("new") });
            let form = r.form();
            let mut fields = r.edit(form).get(b"Fields").unwrap().as_array().unwrap().clone();
            fields.push(field.into());
            r.edit(form).set("Fields", fields);
        },
        "/Fields",
    ),
    (
        "reserved field moved",
        |r| {
            let field = r.field("document_timestamp");
            r.edit(field).set("Rect", vec![0.into(), 0.into(), 595.into(), 842.into()]);
        },
        "/Rect",
    ),
    (
        "reserved field drawn over without a signature",
        |r| {
            let drawing = r.add(Stream::new(dictionary! { "Subtype" => "Form" }, Vec::new()));
            let field = r.field("document_timestamp");
            r.edit(field).set("AP", dictionary! { "N" => drawing });
        },
        "without a signature",
    ),
    (
        "appearance of a signature",
        |r| {
            let drawing = r.add(Stream::new(dictionary! { "Subtype" => "Form" }, Vec::new()));
            let field = r.field(FIELDS[0]);
            r.edit(field).set("AP", dictionary! { "N" => drawing });
        },
        "/Annot",
    ),
    (
        "signature removed",
        |r| {
            let field = r.field(FIELDS[0]);
            r.edit(field).remove(b"V");
        },
        "/Annot",
    ),
    (
        "action on opening",
        |r| {
            let catalog = r.catalog();
            let action = dictionary! { "S" => "JavaScript", "JS" => Object::string_literal("1") };
            r.edit(catalog).set("OpenAction", action);
        },
        "/OpenAction",
    ),
    (
        "language",
        |r| {
            let catalog = r.catalog();
            r.edit(catalog).set("Lang", Object::string_literal("en"));
        },
        "/Lang",
    ),
    (
        "another catalog",
        |r| {
            let catalog = r.catalog();
            let copy = r.edit(catalog).clone();
            r.update.new_document.objects.remove(&catalog);
            let copy = r.add(copy);
            r.update.new_document.trailer.set("Root", copy);
        },
        "/Root",
    ),
    (
        "another information dictionary",
        |r| {
            let info = r.add(dictionary! { "Title" => Object::string_literal("Altro") });
            r.update.new_document.trailer.set("Info", info);
        },
        "/Info",
    ),
    (
        "object number with another generation",
        |r| {
            let (number, _) = r.page(2);
            let page = Dictionary::new();
            r.update.new_document.set_object((number, 1), page);
        },
        "",
    ),
    (
        "strange security store",
        |r| {
            let catalog = r.catalog();
            r.edit(catalog).set("DSS", dictionary! { "Certs" => vec![Object::Integer(1)] });
        },
        "security store",
    ),
];

#[test]
fn r_sign_39_changes_in_a_later_revision_are_refused() {
    for layout in [Layout::Table, Layout::ObjectStreams] {
        let signed = Signed::new(layout);
        let trust = signed.authority.trust();
        for (what, change, reason) in APPENDED {
            let mut revision = Revision::after(signed.pdf());
            change(&mut revision);
            let tampered = revision.write();
            assert!(tampered.starts_with(signed.pdf()));
            for trust in [&trust, &TrustAnchors::none()] {
                let report = verify(&tampered, trust, now());
                refused_as_modified(&report, what, reason);
            }
        }
    }
}

fn refused_as_modified(report: &Report, what: &str, reason: &str) {
    assert!(!report.accepted(), "{what}: accepted {:#}", report.to_json());
    if !report.problems.is_empty() {
        assert!(reason.is_empty(), "{what}: {:?}", report.problems);
        return;
    }
    let found: Vec<_> = report
        .signatures
        .iter()
        .filter(|one| one.integrity == Integrity::Intact)
        .inspect(|one| {
            assert!(one.modified_after, "{what}: {one:#?}");
            assert_eq!(one.sub_indication, Some(SubIndication::FormatFailure), "{what}");
        })
        .flat_map(|one| one.later.iter().flat_map(|later| later.forbidden.clone()))
        .collect();
    assert!(found.iter().any(|found| found.contains(reason)), "{what}: {found:?}");
}

#[test]
fn r_sign_39_changes_hidden_between_two_signatures_are_refused() {
    let signed = Signed::new(Layout::Table);
    let mut revision = Revision::after(&signed.steps[1]);
    let page = revision.page(2);
    let drawn = Stream::new(Dictionary::new(), b"BT ET".to_vec());
    let content = revision.add(drawn);
    revision.edit(page).set("Contents", content);
    // The second signer signs what was changed behind the first one's back.
    let luca = &signed.people[1];
    let prepared = crate::process::prepared(&signed.authority, &revision.write(), FIELDS[1], luca);
    let raw = luca.sign_digest(&prepared.to_sign());
    let pdf = signing::pades::finish(prepared.clone(), &raw, None).unwrap();
    let report = verify(&pdf, &signed.authority.trust(), now());
    let [first, second] = report.signatures.as_slice() else { panic!("{:#}", report.to_json()) };
    assert!(first.modified_after && !second.modified_after);
    assert!(!report.accepted());
}

#[test]
fn r_sign_39_object_that_was_missing_may_not_appear_later() {
    let signed = Signed::new(Layout::Table);
    let missing = (9_000, 0);
    let mut trap = Revision::after(&signed.steps[0]);
    let page = trap.page(2);
    trap.edit(page).set("Metadata", Object::Reference(missing));
    let anna = &signed.people[0];
    let prepared = crate::process::prepared(&signed.authority, &trap.write(), FIELDS[0], anna);
    let raw = anna.sign_digest(&prepared.to_sign());
    let pdf = signing::pades::finish(prepared.clone(), &raw, None).unwrap();
    assert!(verify(&pdf, &signed.authority.trust(), now()).accepted());
    let mut revision = Revision::after(&pdf);
    let sprung = Stream::new(Dictionary::new(), b"late".to_vec());
    revision.update.new_document.set_object(missing, sprung);
    let report = verify(&revision.write(), &signed.authority.trust(), now());
    refused_as_modified(&report, "missing object", "(9000 0)");
}

#[test]
fn entries_may_not_leave_the_security_store() {
    let signed = Signed::new(Layout::Table);
    let mut revision = Revision::after(&signed.archived());
    let catalog = revision.catalog();
    let store = revision.edit(catalog).get(b"DSS").and_then(Object::as_reference).unwrap();
    revision.edit(store).remove(b"OCSPs");
    let report = verify(&revision.write(), &signed.authority.trust(), now());
    refused_as_modified(&report, "store", "lost entries");
}

#[test]
fn bytes_after_the_end_are_refused() {
    let signed = Signed::new(Layout::Table);
    for (tail, accepted) in [(&b"\n\r\n"[..], true), (b"\n<html>", false), (b"\n%%EOF", false)] {
        let pdf = [signed.pdf(), tail].concat();
        let report = verify(&pdf, &signed.authority.trust(), now());
        assert_eq!(report.accepted(), accepted, "{tail:?} {:#}", report.to_json());
    }
}
