//! Every level, kind of key, number of signers and kind of file, before all referees at once.

use std::{path::Path, process::Command};

use chrono::TimeDelta;
use openssl::pkey::{PKey, Private};
use signing::{
    Digest,
    cms::{SIGNATURE_TIMESTAMP, SignedData, asn1::Item},
    pades::{
        Meta, SignerChain, ValidationData, add_validation_data, finish, finish_timestamp, prepare,
        prepare_timestamp,
    },
    verify::{Kind, Level, verify},
};

use crate::{
    authority::{Authority, Identity, Role, curve_key, ec_key, now, rsa_key},
    outside_validators::{python, run},
    sample::{Layout, TIMESTAMP_FIELD, appearance, minutes, reserved},
};

const NAMES: [&str; 5] = ["client", "operator_delegate", "lawyer", "expert", "conciliator"];

/// One key of each kind, made once: long RSA keys take their time.
fn keys() -> [PKey<Private>; 5] {
    use openssl::nid::Nid;
    [ec_key(), rsa_key(2048), curve_key(Nid::SECP384R1), rsa_key(3072), curve_key(Nid::SECP521R1)]
}

/// A document signed by several people, at each level.
struct Case {
    name: String,
    pdfs: Vec<(Level, Vec<u8>)>,
}

fn case(authority: &Authority, keys: &[PKey<Private>], layout: Layout, signers: usize) -> Case {
    let names = &NAMES[..signers];
    let people: Vec<Identity> = names
        .iter()
        .zip(keys.iter().cycle().skip(signers - 1))
        .map(|(name, key)| {
            let (role, code) = (Role::Signer, "RSSNNA80A41H501U");
            authority.one_shot_with(key.clone(), role, "Anna", name, code)
        })
        .collect();
    let base = reserved(&minutes(layout), names);
    let signed = |stamped: bool| {
        names.iter().zip(&people).fold(base.clone(), |pdf, (field, person)| {
            sign(authority, &pdf, field, person, stamped)
        })
    };
    let stamped = signed(true);
    let data = ValidationData {
        certificates: vec![authority.root.der(), authority.ca.der(), authority.tsa.der()],
        ocsp: people.iter().map(|one| authority.ocsp(&one.cert, authority.at, None)).collect(),
        crls: vec![authority.crl(authority.at - TimeDelta::hours(1))],
    };
    let long_term = add_validation_data(&stamped, &data).unwrap();
    let prepared = prepare_timestamp(&long_term, TIMESTAMP_FIELD).unwrap();
    let token = authority.token(&prepared.to_stamp(), authority.at + TimeDelta::seconds(1));
    let archived = finish_timestamp(prepared, &token).unwrap();
    Case {
        name: format!("{layout:?}-{signers}").to_lowercase(),
        pdfs: vec![
            (Level::BB, signed(false)),
            (Level::BT, stamped),
            (Level::BLt, long_term),
            (Level::BLta, archived),
        ],
    }
}

fn sign(
    authority: &Authority,
    pdf: &[u8],
    field: &str,
    person: &Identity,
    stamped: bool,
) -> Vec<u8> {
    let chain = SignerChain::from_der(vec![person.der(), authority.ca.der()]).unwrap();
    let (shown, meta) = (appearance(field), Meta::default());
    let prepared = prepare(pdf, field, &chain, Some(&shown), &meta, authority.at).unwrap();
    let raw = person.sign_digest(&prepared.to_sign());
    let token = stamped.then(|| authority.token(&Digest::of(&raw), authority.at));
    finish(prepared, &raw, token.as_deref()).unwrap()
}

#[test]
fn all_referees_agree_on_every_level_key_and_kind_of_file() {
    let authority = Authority::new(now() - TimeDelta::minutes(10));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, authority.root.cert.to_pem().unwrap()).unwrap();
    let (keys, mut files) = (keys(), Vec::new());
    for layout in [Layout::Table, Layout::ObjectStreams, Layout::Hybrid] {
        for signers in 1..=NAMES.len() {
            let case = case(&authority, &keys, layout, signers);
            for (level, pdf) in &case.pdfs {
                let name = format!("{}-{level:?}", case.name);
                let report = verify(pdf, &authority.trust(), now());
                assert!(report.accepted(), "{name}: {:#}", report.to_json());
                let people = report.signatures.iter().filter(|one| one.kind == Kind::Signature);
                let levels: Vec<_> = people.map(|one| one.level).collect();
                assert_eq!(levels, vec![Some(*level); signers], "{name}");

                let file = folder.path().join(format!("{name}.pdf"));
                std::fs::write(&file, pdf).unwrap();
                run(Command::new("qpdf").arg("--check").arg(&file));
                let said = run(Command::new("pdfsig").arg("-nocert").arg(&file));
                assert_eq!(said.matches("Signature is Valid.").count(), signers, "{name}: {said}");
                if *level == Level::BLta {
                    openssl_accepts(folder.path(), &root, pdf);
                }
                files.push(file);
            }
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents/referees.py");
    let said = run(Command::new(python()).arg(script).arg(&root).args(&files));
    // Fifteen signers for each kind of file and level, and a time stamp in each archived file.
    assert_eq!(said.matches("accepted ").count(), 3 * 4 * 15 + 3 * 5, "{said}");
}

/// Each signature by `openssl cms`, each time stamp by `openssl ts`.
fn openssl_accepts(folder: &Path, root: &Path, pdf: &[u8]) {
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        std::fs::write(&file, bytes).unwrap();
        file
    };
    let stamp = |token: &[u8], data: &[u8]| {
        let (token, data) = (write("token.der", token), write("data", data));
        run(Command::new("openssl")
            .args(["ts", "-verify", "-token_in", "-in"])
            .arg(token)
            .arg("-data")
            .arg(data)
            .arg("-CAfile")
            .arg(root));
    };
    let document = signing::pdf::open(pdf).unwrap();
    for field in signing::pdf::signature_fields(&document).iter().filter(|field| field.signed) {
        let field = document.get_dictionary(field.id).unwrap();
        let signature = field.get_deref(b"V", &document).unwrap().as_dict().unwrap();
        let range = signature.get(b"ByteRange").unwrap().as_array().unwrap();
        let range: Vec<_> =
            range.iter().map(|n| usize::try_from(n.as_i64().unwrap()).unwrap()).collect();
        let covered = [&pdf[..range[1]], &pdf[range[2]..range[2] + range[3]]].concat();
        let contents = signature.get(b"Contents").unwrap().as_str().unwrap();
        let container = Item::first(contents).unwrap().0.raw;
        if signature.has_type(b"DocTimeStamp") {
            stamp(container, &covered);
            continue;
        }
        let (container, content) = (write("cms.der", container), write("content", &covered));
        run(Command::new("openssl")
            .args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"])
            .arg(container)
            .arg("-content")
            .arg(content)
            .arg("-CAfile")
            .arg(root)
            .args(["-out", "/dev/null"]));
        let cms = SignedData::read(contents).unwrap();
        for token in cms.unsigned_values(SIGNATURE_TIMESTAMP) {
            stamp(token.raw, cms.signature);
        }
    }
}
