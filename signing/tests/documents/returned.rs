//! What comes back from a signer's own device (R-SIGN-29): signed by another's program it is taken,
//! and everything that is not exactly ours with one signature more is refused with its reason.

use std::{path::Path, process::Command};

use chrono::{DateTime, TimeDelta, Utc};
use lopdf::{Object, dictionary};
use signing::{
    pades::{Meta, SignerChain, finish, prepare},
    returned::{MAX_ADDED_BYTES, SentOut, Signed, Unacceptable, judge},
    verify::{SubIndication, TrustAnchors, verify},
};

use crate::{
    authority::{Authority, Identity, Role, ec_key, issue, now, rsa_key},
    outside_validators::{pyhanko, run},
    sample::{FIELDS, Layout, Revision, appearance, with_fields},
};

const ANNA: &str = "RSSNNA80A41H501U";
const BRUNO: &str = "BNCBRN75C10F205X";

fn anna(authority: &Authority) -> Identity {
    authority.one_shot("Anna", "Rossi", ANNA)
}

/// Signs as a program on somebody's device would: without a time stamp.
fn sign(authority: &Authority, pdf: &[u8], field: &str, person: &Identity) -> Vec<u8> {
    let chain = SignerChain::from_der(vec![person.der(), authority.ca.der()]).unwrap();
    let shown = appearance(field);
    let prepared =
        prepare(pdf, field, &chain, Some(&shown), &Meta::default(), authority.at).unwrap();
    let raw = person.sign_digest(&prepared.to_sign());
    finish(prepared, &raw, None).unwrap()
}

fn judged(authority: &Authority, base: &[u8], returned: &[u8]) -> Result<Signed, Unacceptable> {
    judged_at(authority, base, returned, now())
}

fn judged_at(
    authority: &Authority,
    base: &[u8],
    returned: &[u8],
    at: DateTime<Utc>,
) -> Result<Signed, Unacceptable> {
    let sent = SentOut { frozen: base, newest: base, field: FIELDS[0], fiscal_code: ANNA };
    judge(&sent, returned, &authority.trust(), at)
}

/// Signs with pyHanko, as the signer's own program, and asks the other referees.
fn sign_with_pyhanko(
    folder: &Path,
    authority: &Authority,
    base: &[u8],
    field: &str,
    person: &Identity,
) -> Vec<u8> {
    let path = |name: &str| folder.join(name);
    std::fs::write(path("to-sign.pdf"), base).unwrap();
    std::fs::write(path("key.pem"), person.key_pem()).unwrap();
    std::fs::write(path("cert.pem"), person.cert.to_pem().unwrap()).unwrap();
    std::fs::write(path("ca.pem"), authority.ca.cert.to_pem().unwrap()).unwrap();
    run(Command::new(pyhanko())
        .args(["sign", "addsig", "--use-pades", "--existing-only", "--field", field, "pemder"])
        .args(["--no-pass", "--key", "key.pem", "--cert", "cert.pem", "--chain", "ca.pem"])
        .args(["to-sign.pdf", "signed.pdf"])
        .current_dir(folder));
    run(Command::new("qpdf").args(["--check", "signed.pdf"]).current_dir(folder));
    let said = run(Command::new("pdfsig").args(["-nocert", "signed.pdf"]).current_dir(folder));
    assert!(said.contains("Signature is Valid."), "{said}");
    std::fs::read(path("signed.pdf")).unwrap()
}

#[test]
fn r_sign_29_documents_signed_by_another_program_are_taken_one_after_the_other() {
    let authority = Authority::new(now() - TimeDelta::minutes(10));
    let folder = tempfile::tempdir().unwrap();
    let bruno = authority.one_shot_with(rsa_key(2048), Role::Signer, "Bruno", "Bianchi", BRUNO);
    for layout in [Layout::Table, Layout::ObjectStreams] {
        let frozen = with_fields(layout);
        let person = anna(&authority);
        let first = sign_with_pyhanko(folder.path(), &authority, &frozen, FIELDS[0], &person);
        let signed = judged(&authority, &frozen, &first).unwrap();
        assert_eq!(signed.certificate, signing::Digest::of(&person.der()), "{layout:?}");

        // The other one downloaded before: told to download again, then taken.
        let sent =
            SentOut { frozen: &frozen, newest: &first, field: FIELDS[1], fiscal_code: BRUNO };
        let late = sign_with_pyhanko(folder.path(), &authority, &frozen, FIELDS[1], &bruno);
        let answer = judge(&sent, &late, &authority.trust(), now());
        assert_eq!(answer, Err(Unacceptable::Outdated), "{layout:?}");
        let second = sign_with_pyhanko(folder.path(), &authority, &first, FIELDS[1], &bruno);
        judge(&sent, &second, &authority.trust(), now()).unwrap();
        let report = verify(&second, &authority.trust(), now());
        assert!(report.accepted() && report.signatures.len() == 2, "{:#}", report.to_json());
    }
}

#[test]
fn r_sign_29_what_is_not_exactly_ours_with_one_signature_more_is_refused_with_the_reason() {
    let authority = Authority::new(now() - TimeDelta::minutes(10));
    let base = with_fields(Layout::ObjectStreams);
    let person = anna(&authority);
    let good = sign(&authority, &base, FIELDS[0], &person);
    judged(&authority, &base, &good).unwrap();

    let other_file = sign(&authority, &with_fields(Layout::Table), FIELDS[0], &person);
    let mut flipped = good.clone();
    flipped[base.len() / 2] ^= 1;
    let mut damaged = good.clone();
    let contents = good.windows(10).rposition(|ten| ten == b"/Contents<" || ten == b"/Contents ");
    let hex = contents.unwrap() + 400;
    damaged[hex] = if damaged[hex] == b'0' { b'1' } else { b'0' };
    let twice = sign(&authority, &good, FIELDS[1], &person);
    let other_field = sign(&authority, &base, FIELDS[1], &person);
    let changed_before = sign(&authority, &with_page(&base), FIELDS[0], &person);
    let changed_after = with_page(&good);
    let annotated = sign(&authority, &with_note(&base), FIELDS[0], &person);
    let other = authority.one_shot("Bruno", "Bianchi", BRUNO);
    let by_other = sign(&authority, &base, FIELDS[0], &other);
    let own_root = Authority::new(authority.at);
    let by_stranger = sign(&own_root, &base, FIELDS[0], &anna(&own_root));
    let plain = issue(
        Role::TimeStamping,
        &[("C", "IT"), ("serialNumber", &format!("TINIT-{ANNA}")), ("CN", "Anna Rossi")],
        ec_key(),
        Some(&authority.ca),
        authority.at,
        1,
    );
    let huge = [base.as_slice(), &vec![b' '; MAX_ADDED_BYTES], &good[base.len()..]].concat();
    let unfinished = [base.as_slice(), b"\n1 0 obj\n<<>>\nendobj\n"].concat();

    let is_changed = |answer: &Unacceptable| matches!(answer, Unacceptable::Changed(_));
    for (what, pdf, is_expected) in [
        (
            "as it was",
            &base,
            &(|a: &Unacceptable| *a == Unacceptable::NotSigned) as &dyn Fn(&_) -> _,
        ),
        ("another file", &other_file, &|a| *a == Unacceptable::OtherDocument),
        ("one byte of ours changed", &flipped, &|a| *a == Unacceptable::OtherDocument),
        ("no PDF", &b"\x30\x82\x01\x00".to_vec(), &|a| *a == Unacceptable::OtherFormat),
        ("a page added, then signed", &changed_before, &is_changed),
        ("signed, then a page added", &changed_after, &is_changed),
        ("a note added, then signed", &annotated, &is_changed),
        ("no end", &unfinished, &is_changed),
        ("two signatures", &twice, &|a| *a == Unacceptable::SeveralSignatures(2)),
        ("another's field", &other_field, &|a| {
            *a == Unacceptable::OtherField(FIELDS[1].to_owned())
        }),
        ("another person", &by_other, &|a| {
            *a == Unacceptable::OtherPerson { name: "Bruno Bianchi".to_owned() }
        }),
        ("an unknown issuer", &by_stranger, &|a| {
            matches!(
                a,
                Unacceptable::NotValid { why: Some(SubIndication::NoCertificateChainFound), .. }
            )
        }),
        ("a damaged signature", &damaged, &|a| matches!(a, Unacceptable::NotValid { .. })),
        ("huge", &huge, &|a| *a == Unacceptable::TooLarge),
    ] {
        let answer = judged(&authority, &base, pdf).unwrap_err();
        assert!(is_expected(&answer), "{what}: {answer:?}");
    }
    let answer = judged(&authority, &base, &sign(&authority, &base, FIELDS[0], &plain));
    let refused = matches!(answer, Err(Unacceptable::NotValid { .. } | Unacceptable::NotQualified));
    assert!(refused, "a certificate that is not for signing: {answer:?}");
    let sent = SentOut { frozen: &base, newest: &base, field: FIELDS[0], fiscal_code: ANNA };
    let answer = judge(&sent, &good, &TrustAnchors::none(), now());
    let refused = matches!(answer, Err(Unacceptable::NotValid { .. }));
    assert!(refused, "nobody vouches for the certificate: {answer:?}");
    let later = authority.at + TimeDelta::hours(2);
    match judged_at(&authority, &base, &good, later) {
        Err(Unacceptable::NotValid { why: Some(SubIndication::OutOfBoundsNoPoe), .. }) => {}
        other => panic!("an expired certificate: {other:?}"),
    }
}

/// The same document with a third page.
fn with_page(pdf: &[u8]) -> Vec<u8> {
    let mut revision = Revision::after(pdf);
    let page = revision.page(2);
    let document = revision.update.get_prev_documents();
    let parent = document.get_dictionary(page).unwrap().get(b"Parent");
    let parent = parent.and_then(Object::as_reference).unwrap();
    let added = revision.add(dictionary! {
        "Type" => "Page", "Parent" => parent,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    });
    let pages = revision.edit(parent);
    pages.set("Count", 3);
    pages.get_mut(b"Kids").and_then(Object::as_array_mut).unwrap().push(added.into());
    revision.write()
}

/// The same document with a note on its first page.
fn with_note(pdf: &[u8]) -> Vec<u8> {
    let mut revision = Revision::after(pdf);
    let note = revision.add(dictionary! {
        "Type" => "Annot", "Subtype" => "FreeText", "Contents" => Object::string_literal("1000"),
        "Rect" => vec![60.into(), 700.into(), 200.into(), 760.into()],
    });
    let page = revision.page(1);
    revision.edit(page).set("Annots", vec![note.into()]);
    revision.write()
}
