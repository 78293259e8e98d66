//! What the archive asks of a PDF (ISO 19005-2) and a revision could break: looked for after every
//! signature, validation data, archive time stamp and renewal, with one to five signers.
//!
//! No outside validator of PDF/A is to be had in Debian, PyPI or npm (veraPDF is in none of them, PDFBox's
//! preflight knows PDF/A-1b alone); typst checks what it typesets. So the clauses are asked for here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod rules;
mod sample;

use std::sync::{Arc, Mutex};

use accordo_demo::qtsp::{DemoQtsp, DemoSms};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules::{Base, faults};
use signing::{
    Digest,
    csc::CscClient,
    pades::{
        Meta, SignerChain, ValidationData, add_signature_fields, add_validation_data, finish,
        finish_timestamp, prepare, prepare_timestamp,
    },
    ports::{
        FieldPlace, IssueRequest, MinutesAnnex, MinutesForm, MinutesSigner, Qtsp as _, Subject,
        Tsa as _, Typesetter as _,
    },
    preservation::{HttpStatus, gather},
    tsa::TsaClient,
    verify::{Kind, Level, TrustAnchors, verify},
};
use signing_minutes::TypstTypesetter;

const STAMPS: [&str; 2] = ["document_timestamp", "document_timestamp_2"];

#[derive(Default)]
struct Code(Mutex<String>);

#[async_trait]
impl DemoSms for Code {
    async fn send(&self, _to: &str, text: &str, _key: &str) -> Result<(), String> {
        *self.0.lock().unwrap() = text.chars().take(6).collect();
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge of the test owns the clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Everybody who is needed for a document with signatures.
struct House {
    codes: Arc<Code>,
    csc: CscClient,
    tsa: TsaClient,
    trust: TrustAnchors,
    typesetter: TypstTypesetter,
}

impl House {
    async fn sign(&self, pdf: &[u8], place: &FieldPlace, number: usize) -> Vec<u8> {
        let subject = Subject {
            given_name: "Niccolò".to_owned(),
            surname: format!("D'Aquì {number}"),
            fiscal_code: format!("DQANCL70C43L21{number}Z"),
        };
        let request = IssueRequest {
            subject,
            mobile: "+393331234567".to_owned(),
            document: Digest::of(pdf),
            title: "Verbale".to_owned(),
            identified_by: "spid".to_owned(),
            identified_at: now(),
        };
        let credential = self.csc.issue(&request).await.unwrap();
        self.csc.send_otp(&credential.id).await.unwrap();
        let [left, bottom, right, top] = place.rect;
        let lines = [format!("Niccolò D'Aquì {number}"), "Firma qualificata".to_owned()];
        let shown = self.typesetter.appearance(&lines, right - left, top - bottom).unwrap();
        let (chain, meta) = (SignerChain::from_der(credential.chain).unwrap(), Meta::default());
        let waiting = prepare(pdf, &place.name, &chain, Some(&shown), &meta, now()).unwrap();
        let code = self.codes.0.lock().unwrap().clone();
        let raw = self.csc.sign_hash(&credential.id, &code, None, &waiting.to_sign()).await;
        let raw = raw.unwrap();
        let token = self.tsa.timestamp(&waiting.to_stamp(&raw).unwrap()).await.unwrap();
        finish(waiting, &raw, Some(&token)).unwrap()
    }

    /// With what is missing for the archive, and then with the stamp.
    async fn archive(&self, pdf: &[u8], field: &str) -> [Vec<u8>; 2] {
        let (source, kept) = (HttpStatus::new(true).unwrap(), ValidationData::default());
        let data = gather(pdf, &kept, &self.trust, &source, now()).await.unwrap();
        let long_term = add_validation_data(pdf, &data).unwrap();
        let waiting = prepare_timestamp(&long_term, field).unwrap();
        let token = self.tsa.timestamp(&waiting.to_stamp()).await.unwrap();
        [long_term, finish_timestamp(waiting, &token).unwrap()]
    }
}

/// Minutes that this many people sign, with an annex or without.
fn form(signers: usize, with_annex: bool) -> MinutesForm {
    let signer = |number: usize| MinutesSigner {
        field: format!("signer_{number}"),
        role: "Parte".to_owned(),
        name: format!("Niccolò D'Aquì {number}"),
    };
    let annex = MinutesAnnex {
        name: "bolletta.pdf".to_owned(),
        title: "Bolletta".to_owned(),
        media_type: "application/pdf".to_owned(),
        digest: Digest::of(b"%PDF-1.7 bolletta"),
        content: b"%PDF-1.7 bolletta".to_vec(),
    };
    MinutesForm {
        signers: (1..=signers).map(signer).collect(),
        annexes: if with_annex { vec![annex] } else { Vec::new() },
        ..sample::form()
    }
}

#[tokio::test]
async fn r_sign_04_32_every_revision_keeps_what_the_archive_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let codes = Arc::new(Code::default());
    let qtsp = DemoQtsp::new(folder.path(), &origin, codes.clone(), Arc::new(now)).unwrap();
    let router = qtsp.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let house = House {
        codes,
        csc: CscClient::new(qtsp.csc_config()).unwrap(),
        tsa: TsaClient::new(&qtsp.tsa_config()).unwrap(),
        trust: TrustAnchors::from_pem(qtsp.root_pem().as_bytes()).unwrap(),
        typesetter: TypstTypesetter::shipped(),
    };
    for signers in 1..=5 {
        let typeset = house.typesetter.minutes(&form(signers, signers % 2 == 0)).unwrap();
        let base = Base::of(&typeset.pdf);
        assert_eq!(faults(&typeset.pdf, &base), Vec::<String>::new(), "as it was typeset");
        let mut pdf = add_signature_fields(&typeset.pdf, &typeset.fields, &STAMPS).unwrap();
        assert_eq!(faults(&pdf, &base), Vec::<String>::new(), "{signers}: fields");
        for (place, number) in typeset.fields.iter().zip(1..) {
            pdf = house.sign(&pdf, place, number).await;
            assert_eq!(faults(&pdf, &base), Vec::<String>::new(), "signature {number}");
        }
        for field in STAMPS {
            for (revision, what) in
                house.archive(&pdf, field).await.into_iter().zip(["data", field])
            {
                assert!(revision.starts_with(&pdf));
                assert_eq!(faults(&revision, &base), Vec::<String>::new(), "{signers}: {what}");
                pdf = revision;
            }
        }
        let report = verify(&pdf, &house.trust, now());
        let mut people = report.signatures.iter().filter(|one| one.kind == Kind::Signature);
        assert!(report.accepted() && people.all(|one| one.level == Some(Level::BLta)));
        rules::are_not_blind(&pdf, &base);
    }
    server.abort();
}
