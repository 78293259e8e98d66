//! What the levels of PAdES are, seen by the verifier.

use chrono::TimeDelta;
use serde_json::json;
use signing::{
    Digest,
    pades::{
        DocumentError, Meta, Prepared, SignerChain, add_signature_fields, add_validation_data,
        finish, prepare,
    },
    ports::FieldPlace,
    verify::{
        Indication, Integrity, Kind, Language, Level, SubIndication, TrustAnchors, text, verify,
    },
};

use crate::{
    authority::{Authority, Role, ec_key, now, rsa_key, token},
    process::{Signed, prepared},
    sample::{FIELDS, Layout, TIMESTAMP_FIELD, minutes, with_fields},
};

#[test]
fn r_sign_36_three_people_sign_in_turn_and_every_step_is_accepted() {
    for layout in [Layout::Table, Layout::ObjectStreams] {
        let signed = Signed::new(layout);
        let trust = signed.authority.trust();
        for (count, pair) in signed.steps.windows(2).enumerate() {
            assert!(pair[1].starts_with(&pair[0]), "{layout:?}: a revision only appends");
            let report = verify(&pair[1], &trust, now());
            assert!(report.accepted(), "{layout:?} {count}: {:#}", report.to_json());
            assert_eq!(report.signatures.len(), count + 1);
            assert_eq!(report.open_fields.len(), 3 - count);
        }
        let report = verify(signed.pdf(), &trust, now());
        let fields: Vec<_> = report.signatures.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, FIELDS);
        let first = &report.signatures[0];
        assert_eq!(first.level, Some(Level::BT));
        assert_eq!(first.later.len(), 2);
        assert_eq!(first.later[0].filled, [(FIELDS[1].to_owned(), Kind::Signature)]);
        let signer = first.signer.as_ref().unwrap();
        assert_eq!(signer.fiscal_code.as_deref(), Some("RSSNNA80A41H501U"));
        assert!(signer.qualified.compliance && signer.qualified.sscd && signer.qualified.esign);
        let third = report.signatures[2].signer.as_ref().unwrap();
        assert_eq!(third.name, "Niccolò D'Aquì");
        assert_eq!(report.to_json()["accepted"], json!(true));
    }
}

#[test]
fn no_signature_is_never_accepted() {
    let signed = Signed::new(Layout::Table);
    let report = verify(&signed.steps[0], &signed.authority.trust(), now());
    assert!(report.problems.is_empty() && report.open_fields.len() == 4);
    assert!(!report.accepted());
    assert!(text(&report, Language::Italian).contains("documento senza firme"));
}

#[test]
fn validation_data_and_document_time_stamp_raise_the_level() {
    for layout in [Layout::Table, Layout::ObjectStreams] {
        let signed = Signed::new(layout);
        let trust = signed.authority.trust();
        for (pdf, level) in [(signed.long_term(), Level::BLt), (signed.archived(), Level::BLta)] {
            let report = verify(&pdf, &trust, now());
            assert!(report.accepted(), "{:#}", report.to_json());
            for one in report.signatures.iter().filter(|one| one.kind == Kind::Signature) {
                assert_eq!(one.level, Some(level), "{:#}", report.to_json());
            }
        }
        // Years later, when the certificates of the people and of the stamps have expired.
        let later = now() + TimeDelta::days(365 * 5);
        let report = verify(&signed.archived(), &trust, later);
        assert!(report.accepted(), "{:#}", report.to_json());
        let spoken = text(&report, Language::Italian);
        assert!(spoken.contains("B-LTA") && spoken.contains("ESITO: documento accettato"));
    }
}

#[test]
fn validation_data_are_not_doubled() {
    let signed = Signed::new(Layout::Table);
    let once = signed.long_term();
    let twice = add_validation_data(&once, &signed.validation_data()).unwrap();
    let count = |pdf: &[u8]| {
        signing::pdf::validation_data(&signing::pdf::open(pdf).unwrap()).certificates.len()
    };
    assert_eq!((count(&once), count(&twice)), (3, 3));
    assert!(verify(&twice, &signed.authority.trust(), now()).accepted());
}

#[test]
fn one_shot_certificate_without_time_stamp_expires() {
    let authority = Authority::new(now());
    let anna = authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U");
    let prepared = prepared(&authority, &with_fields(Layout::Table), FIELDS[0], &anna);
    let pdf = finish(prepared.clone(), &anna.sign_digest(&prepared.to_sign()), None).unwrap();
    let today = verify(&pdf, &authority.trust(), now());
    assert_eq!(today.signatures[0].level, Some(Level::BB));
    assert!(today.accepted());
    let tomorrow = verify(&pdf, &authority.trust(), now() + TimeDelta::days(1));
    assert_eq!(tomorrow.signatures[0].integrity, Integrity::Intact);
    assert_eq!(tomorrow.signatures[0].indication, Indication::Indeterminate);
    assert_eq!(tomorrow.signatures[0].sub_indication, Some(SubIndication::OutOfBoundsNoPoe));
    assert!(!tomorrow.accepted());
}

#[test]
fn chains_are_checked_against_the_given_anchors_only() {
    let signed = Signed::new(Layout::Table);
    let stranger = Authority::new(now()).trust();
    let report = verify(signed.pdf(), &stranger, now());
    assert_eq!(report.signatures[0].chain.trusted, Some(false));
    assert_eq!(report.signatures[0].sub_indication, Some(SubIndication::NoCertificateChainFound));
    assert!(!report.accepted());

    let unchecked = verify(signed.pdf(), &TrustAnchors::none(), now());
    assert_eq!(unchecked.signatures[0].chain.trusted, None);
    assert_eq!(unchecked.signatures[0].indication, Indication::Indeterminate);
    assert!(unchecked.accepted());

    let issuing = signed.authority.ca.cert.to_pem().unwrap();
    let mut anchors = TrustAnchors::from_pem(&issuing).unwrap();
    anchors.extend(TrustAnchors::from_pem(&signed.authority.tsa.cert.to_pem().unwrap()).unwrap());
    assert!(verify(signed.pdf(), &anchors, now()).accepted(), "an issuing authority as anchor");
}

#[test]
fn revoked_before_the_signature_is_refused_and_after_it_is_not() {
    let signed = Signed::new(Layout::Table);
    let at = signed.authority.at;
    for (since, accepted) in [(at - TimeDelta::hours(1), false), (at + TimeDelta::hours(1), true)] {
        let mut data = signed.validation_data();
        data.ocsp[0] =
            signed.authority.ocsp(&signed.people[0].cert, at + TimeDelta::hours(2), Some(since));
        let pdf = add_validation_data(signed.pdf(), &data).unwrap();
        let report = verify(&pdf, &signed.authority.trust(), now());
        assert_eq!(report.accepted(), accepted, "{:#}", report.to_json());
        let expected = (!accepted).then_some(SubIndication::Revoked);
        assert_eq!(report.signatures[0].sub_indication, expected);
        // A certificate that held when it signed is as good as one that holds today.
        let level = if accepted { Level::BLt } else { Level::BT };
        assert_eq!(report.signatures[0].level, Some(level));
    }
}

#[test]
fn a_signature_without_time_stamp_existed_when_the_next_one_was_stamped() {
    let (signed, meta) = (Signed::new(Layout::Table), Meta::default());
    let (authority, stamped_at) = (&signed.authority, signed.authority.at);
    let sign = |pdf: &[u8], index: usize, stamped: bool| {
        let person = &signed.people[index];
        let chain = SignerChain::from_der(vec![person.der(), authority.ca.der()]).unwrap();
        let prepared = prepare(pdf, FIELDS[index], &chain, None, &meta, stamped_at).unwrap();
        let raw = person.sign_digest(&prepared.to_sign());
        let token = stamped.then(|| authority.token(&Digest::of(&raw), stamped_at));
        finish(prepared, &raw, token.as_deref()).unwrap()
    };
    let alone = sign(&signed.steps[0], 0, false);
    let followed = sign(&alone, 1, true);
    for (minutes, pdf, held) in [(5, &followed, true), (-5, &followed, false), (5, &alone, false)] {
        let since = stamped_at + TimeDelta::minutes(minutes);
        let mut data = signed.validation_data();
        data.ocsp[0] = authority.ocsp(&signed.people[0].cert, now(), Some(since));
        let report = verify(&add_validation_data(pdf, &data).unwrap(), &authority.trust(), now());
        let expected = (!held).then_some(SubIndication::RevokedNoPoe);
        assert_eq!(report.signatures[0].sub_indication, expected, "{minutes}");
        assert_eq!(report.accepted(), held, "{minutes}: {:#}", report.to_json());
    }
}

#[test]
fn evidence_of_a_stranger_does_not_count() {
    let signed = Signed::new(Layout::Table);
    let stranger = Authority::new(now());
    let mut data = signed.validation_data();
    data.ocsp =
        signed.people.iter().map(|person| stranger.ocsp(&person.cert, now(), None)).collect();
    let pdf = add_validation_data(signed.pdf(), &data).unwrap();
    let report = verify(&pdf, &signed.authority.trust(), now());
    assert!(report.signatures.iter().all(|one| one.level == Some(Level::BT)));
}

#[test]
fn certificate_for_encryption_does_not_sign() {
    let authority = Authority::new(now());
    let anna =
        authority.one_shot_with(ec_key(), Role::Encryption, "Anna", "Rossi", "RSSNNA80A41H501U");
    let prepared = prepared(&authority, &with_fields(Layout::Table), FIELDS[0], &anna);
    let pdf = finish(prepared.clone(), &anna.sign_digest(&prepared.to_sign()), None).unwrap();
    let report = verify(&pdf, &authority.trust(), now());
    assert_eq!(report.signatures[0].sub_indication, Some(SubIndication::SigConstraintsFailure));
    assert!(!report.accepted());
}

#[test]
fn wrong_signatures_and_time_stamps_never_get_into_the_document() {
    let authority = Authority::new(now());
    let anna = authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U");
    let luca = authority.one_shot("Luca", "Bianchi", "BNCLCU75B02F205X");
    let prepared = prepared(&authority, &with_fields(Layout::Table), FIELDS[0], &anna);
    let stolen = luca.sign_digest(&prepared.to_sign());
    let right = anna.sign_digest(&prepared.to_sign());
    assert!(matches!(prepared.to_stamp(&stolen), Err(DocumentError::WrongSignature)));
    assert!(matches!(finish(prepared.clone(), &stolen, None), Err(DocumentError::WrongSignature)));
    assert_eq!(prepared.to_stamp(&right).unwrap(), Digest::of(&right));
    let other = authority.token(&Digest::of(b"something else"), now());
    let forged = token(&luca, &[], &Digest::of(&right), now());
    for token in [other, forged, vec![0x30, 0]] {
        let refused = finish(prepared.clone(), &right, Some(&token));
        assert!(matches!(refused, Err(DocumentError::Timestamp(_))));
    }
    let large = [authority.token(&Digest::of(&right), now()), vec![0; 30_000]].concat();
    assert!(finish(prepared.clone(), &right, Some(&large)).is_err());
}

#[test]
fn token_that_outgrows_its_room_is_an_error() {
    let authority = Authority::new(now());
    let anna = authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U");
    let prepared = prepared(&authority, &with_fields(Layout::Table), FIELDS[0], &anna);
    let raw = anna.sign_digest(&prepared.to_sign());
    let ballast: Vec<_> = (0..60).map(|_| authority.one_shot("X", "Y", "Z").der()).collect();
    let token = token(&authority.tsa, &ballast, &Digest::of(&raw), now());
    assert!(matches!(
        finish(prepared.clone(), &raw, Some(&token)),
        Err(DocumentError::TooLarge { needed, reserved }) if needed > reserved
    ));
}

#[test]
fn weak_keys_and_taken_or_missing_fields_are_refused() {
    let authority = Authority::new(now());
    let pdf = with_fields(Layout::Table);
    let anna = authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U");
    let weak = authority.one_shot_with(rsa_key(1024), Role::Signer, "A", "B", "C");
    let prepared_weak = prepared(&authority, &pdf, FIELDS[0], &weak);
    let raw = weak.sign_digest(&prepared_weak.to_sign());
    assert!(matches!(finish(prepared_weak.clone(), &raw, None), Err(DocumentError::WeakKey)));

    let chain = SignerChain::from_der(vec![anna.der()]).unwrap();
    let try_field = |pdf: &[u8], field: &str| {
        prepare(pdf, field, &chain, None, &Meta::default(), authority.at).map(|_| ())
    };
    assert!(matches!(try_field(&pdf, "nobody"), Err(DocumentError::NoField(_))));
    let waiting = prepared(&authority, &pdf, FIELDS[0], &anna);
    let done = finish(waiting.clone(), &anna.sign_digest(&waiting.to_sign()), None).unwrap();
    assert!(matches!(try_field(&done, FIELDS[0]), Err(DocumentError::FieldInUse(_))));
    assert!(matches!(try_field(b"%PDF-1.7 nothing", "x"), Err(DocumentError::Unreadable(_))));
    let place = |name: &str, page| FieldPlace {
        name: name.to_owned(),
        page,
        rect: [0.0, 0.0, 10.0, 10.0],
        tooltip: String::new(),
    };
    let reserve = |places: &[FieldPlace]| {
        add_signature_fields(&minutes(Layout::Table), places, &[TIMESTAMP_FIELD])
    };
    assert!(matches!(reserve(&[place("a", 1), place("a", 1)]), Err(DocumentError::FieldInUse(_))));
    assert!(matches!(reserve(&[place("a", 3)]), Err(DocumentError::Structure(_))));
}

#[test]
fn prepared_signature_survives_storage() {
    let authority = Authority::new(now());
    let anna = authority.one_shot("Anna", "Rossi", "RSSNNA80A41H501U");
    let prepared = prepared(&authority, &with_fields(Layout::ObjectStreams), FIELDS[0], &anna);
    let stored = serde_json::to_string(&prepared).unwrap();
    let restored: Prepared = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored.to_sign(), prepared.to_sign());
    let pdf = finish(restored.clone(), &anna.sign_digest(&prepared.to_sign()), None).unwrap();
    assert!(verify(&pdf, &authority.trust(), now()).accepted());
}

#[test]
fn fields_are_reserved_for_readers_that_speak_the_page() {
    use lopdf::Object;
    let document = signing::pdf::open(&with_fields(Layout::ObjectStreams)).unwrap();
    let fields = signing::pdf::signature_fields(&document);
    assert_eq!(fields.len(), 4);
    let root = document.catalog().unwrap().get_deref(b"StructTreeRoot", &document).unwrap();
    let tree = root.as_dict().unwrap().get_deref(b"ParentTree", &document).unwrap();
    let nums = tree.as_dict().unwrap().get(b"Nums").and_then(Object::as_array).unwrap();
    let page = |number: u32| {
        let page = document.get_dictionary(document.get_pages()[&number]).unwrap();
        assert_eq!(page.get(b"Tabs").and_then(Object::as_name).unwrap(), b"S");
        page.get(b"Annots").and_then(Object::as_array).unwrap().clone()
    };
    let annotations = [page(1), page(2)].concat();
    for field in fields {
        let widget = document.get_dictionary(field.id).unwrap();
        let flags = widget.get(b"F").and_then(Object::as_i64).unwrap();
        assert_eq!(flags & 0b10_0111, 0b100, "printed, not hidden, viewable");
        assert!(widget.get(b"TU").and_then(Object::as_str).is_ok_and(|name| !name.is_empty()));
        assert!(annotations.contains(&Object::Reference(field.id)));
        let key = widget.get(b"StructParent").unwrap();
        let at = nums.iter().position(|entry| entry == key).unwrap();
        let element = document.dereference(&nums[at + 1]).unwrap().1.as_dict().unwrap();
        assert_eq!(element.get(b"S").and_then(Object::as_name).unwrap(), b"Form");
        let kid = element.get(b"K").and_then(Object::as_dict).unwrap();
        assert_eq!(kid.get(b"Obj").and_then(Object::as_reference).unwrap(), field.id);
        let rect = widget.get(b"Rect").and_then(Object::as_array).unwrap();
        let empty = rect.iter().all(|side| side.as_float().unwrap() == 0.0);
        assert_eq!(widget.has(b"AP"), !empty, "an area has an appearance");
    }
}
