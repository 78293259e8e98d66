//! Minutes from the template, signed by three people with the demo trust service over HTTP, led by
//! the signature process, verified after every step.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sample;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use accordo_demo::qtsp::{DemoQtsp, DemoSms};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use signing::{
    Digest,
    csc::{CscClient, CscConfig, Quirks},
    pades::{
        Meta, Prepared, SignerChain, ValidationData, add_signature_fields, add_validation_data,
        finish, finish_timestamp, prepare, prepare_timestamp,
    },
    ports::{
        IssueRequest, Qtsp as _, QtspError, SigningMode, StatusError, Subject, Tsa as _,
        Typesetter as _,
    },
    preservation::{GatherError, HttpStatus, Renewal, gather, newest_stamps},
    process::{
        AcceptedVersion, AttemptId, Format, Identification, Input, Method, Plan, Process,
        ProcessId, Signer, Status, Terms,
    },
    tsa::TsaClient,
    verify::{Level, TrustAnchors, verify},
};
use signing_minutes::TypstTypesetter;
use uuid::Uuid;

#[derive(Default)]
struct Outbox(Mutex<Vec<String>>);

#[async_trait]
impl DemoSms for Outbox {
    async fn send(&self, _to: &str, text: &str, _key: &str) -> Result<(), String> {
        self.0.lock().unwrap().push(text.to_owned());
        Ok(())
    }
}

impl Outbox {
    fn last_code(&self) -> String {
        self.0.lock().unwrap().last().unwrap().chars().take(6).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge of the test owns the clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The archive time stamp and the one that renews it.
const TIMESTAMP_FIELDS: [&str; 2] = ["document_timestamp", "document_timestamp_2"];

/// No answers of an earlier time.
fn none() -> ValidationData {
    ValidationData::default()
}

/// The same in another order.
fn sorted(mut data: ValidationData) -> ValidationData {
    data.certificates.sort();
    data.ocsp.sort();
    data.crls.sort();
    data
}

/// Completes the validation data and puts the next archive time stamp on them.
async fn preserve(pdf: &[u8], field: &str, trust: &TrustAnchors, tsa: &TsaClient) -> Vec<u8> {
    let source = HttpStatus::new(true).unwrap();
    let data = gather(pdf, &none(), trust, &source, now()).await.unwrap();
    let pdf = add_validation_data(pdf, &data).unwrap();
    let prepared = prepare_timestamp(&pdf, field).unwrap();
    let token = tsa.timestamp(&prepared.to_stamp()).await.unwrap();
    finish_timestamp(prepared, &token).unwrap()
}

/// pyHanko's AdES-LTA validation, offline.
fn pyhanko_accepts_for_the_long_term(root: &str, pdf: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let (trust, file) = (folder.path().join("root.pem"), folder.path().join("archived.pdf"));
    std::fs::write(&trust, root).unwrap();
    std::fs::write(&file, pdf).unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pyhanko = std::env::var_os("ACCORDO_PYHANKO").map(PathBuf::from);
    let pyhanko = pyhanko.unwrap_or_else(|| own.join("../../.venv/bin/pyhanko"));
    let output = std::process::Command::new(pyhanko.with_file_name("python3"))
        .arg(own.join("../tests/documents/ades_lta.py"))
        .args([trust, file])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.matches("AdESPassed.OK").count(), 3, "{said}");
}

const PEOPLE: [(&str, &str, &str, &str); 3] = [
    ("client", "Anna", "Rossi", "RSSNNA80A41H501U"),
    ("operator_delegate", "Luca", "Bianchi", "BNCLCU75B02F205X"),
    ("neutral", "Maria", "Verdi", "VRDMRA75B42F205X"),
];

fn plan(document: Digest) -> Plan {
    let signer = |index: usize| Signer {
        field: PEOPLE[index].0.to_owned(),
        person: Uuid::from_u128(index as u128),
    };
    Plan {
        process: ProcessId(Uuid::from_u128(9)),
        document,
        groups: vec![vec![signer(0), signer(1)], vec![signer(2)]],
        terms: Terms::until(now() + TimeDelta::days(7)),
        on_paper: None,
        format: Format::default(),
    }
}

fn outsiders_accept(pdf: &[u8]) {
    let file = tempfile::NamedTempFile::with_suffix(".pdf").unwrap();
    std::fs::write(file.path(), pdf).unwrap();
    let run = |program: &str, option: &str| {
        let output =
            std::process::Command::new(program).arg(option).arg(file.path()).output().unwrap();
        assert!(output.status.success(), "{program}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    run("qpdf", "--check");
    assert_eq!(run("pdfsig", "-nocert").matches("Signature is Valid.").count(), 3);
}

#[tokio::test]
async fn r_sign_34_r_sign_36_minutes_are_signed_by_three_people_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let outbox = Arc::new(Outbox::default());
    let qtsp = DemoQtsp::new(folder.path(), &origin, outbox.clone(), Arc::new(now)).unwrap();
    let router = qtsp.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let csc = CscClient::new(qtsp.csc_config()).unwrap();
    // One of the three signs at a provider that makes the whole CMS.
    let quirks = Quirks { mode: SigningMode::Cms, ..Quirks::default() };
    let whole = CscClient::new(CscConfig { quirks, ..qtsp.csc_config() }).unwrap();
    let tsa = TsaClient::new(&qtsp.tsa_config()).unwrap();
    let trust = TrustAnchors::from_pem(qtsp.root_pem().as_bytes()).unwrap();

    let typesetter = TypstTypesetter::shipped();
    let form = sample::form();
    let typeset = typesetter.minutes(&form).unwrap();
    let mut pdf = add_signature_fields(&typeset.pdf, &typeset.fields, &TIMESTAMP_FIELDS).unwrap();
    let (mut process, _) = Process::start(plan(Digest::of(&pdf)), now()).unwrap();
    process.handle(Input::Send, now()).unwrap();

    for (index, (field, given_name, surname, fiscal_code)) in PEOPLE.into_iter().enumerate() {
        let field_name = field.to_owned();
        let versions = vec![AcceptedVersion {
            document: "general".to_owned(),
            version: "1".to_owned(),
            digest: Digest::of(b"text"),
        }];
        let identification =
            Identification { method: Method::Spid, at: now(), reference: "r".to_owned() };
        let mut steps = vec![
            Input::Open { field: field_name.clone() },
            Input::Identify { field: field_name.clone(), identification },
            Input::AcceptConditions { field: field_name.clone(), versions },
            Input::ConfirmContacts { field: field_name.clone() },
        ];
        if index == 2 {
            let report = verify(&pdf, &trust, now());
            assert!(report.accepted(), "{report:#?}");
            let signatures = u32::try_from(report.signatures.len()).unwrap();
            let revision = process.document();
            steps.push(Input::CheckSignatures { field: field_name.clone(), revision, signatures });
        }
        for step in steps {
            process.handle(step, now()).unwrap();
        }

        let subject = Subject {
            given_name: given_name.to_owned(),
            surname: surname.to_owned(),
            fiscal_code: fiscal_code.to_owned(),
        };
        let request = IssueRequest {
            subject,
            mobile: "+393331234567".to_owned(),
            document: process.plan().document,
            title: form.title.clone(),
            identified_by: "spid".to_owned(),
            identified_at: now(),
        };
        let credential = csc.issue(&request).await.unwrap();
        csc.send_otp(&credential.id).await.unwrap();
        let certificate = Digest::of(&credential.chain[0]);
        let issued = Input::CertificateIssued {
            field: field_name.clone(),
            credential: credential.id.clone(),
            certificate,
        };
        process.handle(issued, now()).unwrap();
        process.handle(Input::OtpSent { field: field_name.clone() }, now()).unwrap();

        let name = format!("{given_name} {surname}");
        let [left, bottom, right, top] = typeset.fields[index].rect;
        let lines = [name.clone(), "Firma elettronica qualificata".to_owned()];
        let appearance = typesetter.appearance(&lines, right - left, top - bottom).unwrap();
        let meta = Meta { name, reason: "Sottoscrizione".to_owned(), location: String::new() };
        let chain = SignerChain::from_der(credential.chain.clone()).unwrap();
        let csc = if index == 1 { &whole } else { &csc };
        let prepared = prepare(&pdf, field, &chain, Some(&appearance), &meta, now()).unwrap();
        let prepared = prepared.for_mode(csc.mode());

        let wrong = csc.sign_hash(&credential.id, "000000", None, &prepared.to_sign()).await;
        assert!(matches!(wrong, Err(QtspError::WrongOtp)), "{wrong:?}");
        let (attempt, base) = (AttemptId(Uuid::from_u128(index as u128)), process.document());
        process.handle(Input::TakeLease { field: field_name, attempt, base }, now()).unwrap();
        let code = outbox.last_code();
        let raw = csc.sign_hash(&credential.id, &code, None, &prepared.to_sign()).await.unwrap();
        assert!(prepared.to_stamp(&raw[..raw.len() - 1]).is_err());
        let stored = serde_json::to_string(&prepared).unwrap();
        let prepared: Prepared = serde_json::from_str(&stored).unwrap();
        let token = tsa.timestamp(&prepared.to_stamp(&raw).unwrap()).await.unwrap();
        pdf = finish(prepared, &raw, Some(&token)).unwrap();

        let report = verify(&pdf, &trust, now());
        assert!(report.accepted(), "{report:#?}");
        let signature = report.signature(field).unwrap();
        assert_eq!(signature.level, Some(Level::BT));
        let signer = signature.signer.as_ref().unwrap();
        assert_eq!(signer.fiscal_code.as_deref(), Some(fiscal_code));
        let signed = Input::Signed { attempt, base, revision: Digest::of(&pdf) };
        process.handle(signed, now()).unwrap();
    }
    assert_eq!(process.status(), Status::Completed);
    assert_eq!(process.document(), Digest::of(&pdf));
    outsiders_accept(&pdf);

    // A source that asks the public internet alone leaves this machine in peace.
    let public = HttpStatus::new(false).unwrap();
    let refused = gather(&pdf, &none(), &trust, &public, now()).await;
    assert!(matches!(refused, Err(GatherError::NoAnswer(_, StatusError::Address(_)))));
    let nobody = gather(&pdf, &none(), &TrustAnchors::none(), &public, now()).await;
    assert!(
        matches!(nobody, Err(GatherError::Untrusted(_))),
        "only who is trusted says where to ask"
    );
    assert_eq!(newest_stamps(&pdf).unwrap(), []);
    // What was told when somebody signed serves when nobody tells it any more, as far as it goes.
    let told = gather(&pdf, &none(), &trust, &HttpStatus::new(true).unwrap(), now()).await.unwrap();
    let recalled = gather(&pdf, &told, &trust, &public, now()).await.unwrap();
    assert_eq!(sorted(recalled), sorted(told));
    let signed = pdf;
    let mut pdf = signed.clone();
    for (stamps, field) in TIMESTAMP_FIELDS.into_iter().enumerate() {
        let before = pdf.clone();
        pdf = preserve(&pdf, field, &trust, &tsa).await;
        assert!(pdf.starts_with(&before), "a document only grows");
        // The lists and answers of the first time serve the second too.
        assert!(stamps == 0 || pdf.len() - before.len() < 40_000, "{}", pdf.len() - before.len());
        let report = verify(&pdf, &trust, now());
        assert!(report.accepted(), "{report:#?}");
        assert_eq!(report.signatures.len(), 4 + stamps);
        for (person, ..) in PEOPLE {
            assert_eq!(report.signature(person).unwrap().level, Some(Level::BLta), "{report:#?}");
        }
        outsiders_accept(&pdf);
        pyhanko_accepts_for_the_long_term(&qtsp.root_pem(), &pdf);
        let [stamp] = newest_stamps(&pdf).unwrap().try_into().unwrap();
        assert!(Renewal::default().due(&stamp).unwrap() > now() + TimeDelta::days(365));
    }
    // Nobody answers: nothing is half complete, and what is complete needs nobody.
    server.abort();
    let silent = HttpStatus::new(true).unwrap();
    let alone = gather(&signed, &none(), &trust, &silent, now()).await;
    assert!(matches!(alone, Err(GatherError::NoAnswer(_, StatusError::Unreachable(_)))));
    let nothing = gather(&pdf, &none(), &trust, &silent, now()).await.unwrap();
    assert_eq!(nothing, ValidationData::default(), "nobody has to be asked any more");
}
