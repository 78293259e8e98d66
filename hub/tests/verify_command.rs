//! `hub verify` as its user meets it. What the verifier itself accepts and refuses is proven in
//! `signing/tests/documents`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn verify(arguments: &[&std::ffi::OsStr]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hub")).arg("verify").args(arguments).output().unwrap()
}

#[test]
fn a_file_that_is_no_pdf_is_refused_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lettera.pdf");
    std::fs::write(&file, "Gentile cliente").unwrap();
    let output = verify(&[file.as_os_str()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("lettera.pdf"), "{said}");

    let output = verify(&[file.as_os_str(), "--json".as_ref()]);
    assert_eq!(output.status.code(), Some(1));
    let reports: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reports[0]["report"]["accepted"], false);
}

#[test]
fn a_missing_file_and_a_bad_root_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("manca.pdf");
    let output = verify(&[missing.as_os_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("manca.pdf"));

    let root = dir.path().join("root.pem");
    std::fs::write(&root, "not a certificate").unwrap();
    let output = verify(&[missing.as_os_str(), "--trust".as_ref(), root.as_os_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("root.pem"));
}

#[test]
fn r_sign_04_templates_are_previewed_and_a_broken_one_is_told_by_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a.pdf");
    let hub = |arguments: &[&str]| {
        let run = Command::new(env!("CARGO_BIN_EXE_hub")).args(arguments).output().unwrap();
        (run.status.success(), String::from_utf8_lossy(&run.stdout).into_owned())
    };
    let (templates, out) = (folder.path().to_str().unwrap(), out.to_str().unwrap());
    let (good, told) = hub(&["minutes", "check", "--templates", templates]);
    assert!(good && told.matches(": ok").count() >= 14, "{told}");
    let preview = ["minutes", "preview", "mediazione/accordo", "--out", out];
    assert!(hub(&preview).0);
    assert!(std::fs::read(out).unwrap().starts_with(b"%PDF-"));

    let own = folder.path().join("conciliazione");
    std::fs::create_dir(&own).unwrap();
    let text = "#import \"/base.typ\": *\n#show: minutes\n\n#firme()\n";
    std::fs::write(own.join("accordo.typ"), text).unwrap();
    let (good, told) = hub(&["minutes", "check", "--templates", templates]);
    assert!(!good && told.contains("conciliazione/accordo.typ:4:2"), "{told}");
    assert!(told.contains("4 | #firme()"), "{told}");
    assert!(!hub(&["minutes", "preview", "nessuno/accordo", "--out", out]).0);
}

/// Codes go nowhere but here.
#[derive(Default)]
struct Codes(std::sync::Mutex<String>);

#[async_trait::async_trait]
impl accordo_demo::qtsp::DemoSms for Codes {
    async fn send(&self, _: &str, text: &str, _: &str) -> Result<(), String> {
        *self.0.lock().unwrap() = text.chars().take(6).collect();
        Ok(())
    }
}

#[tokio::test]
async fn r_sign_31_trusted_lists_say_whom_to_trust() {
    use portal::clock::{Clock as _, SystemClock};
    use signing::csc::{CscClient, CscConfig, Quirks};
    use signing::ports::{IssueRequest, Qtsp as _, SigningMode, Subject};

    let dir = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let codes = std::sync::Arc::new(Codes::default());
    let now: accordo_demo::Now = std::sync::Arc::new(|| SystemClock.now());
    let keys = dir.path().join("keys");
    let qtsp = accordo_demo::qtsp::DemoQtsp::new(&keys, &origin, codes.clone(), now).unwrap();
    let router = qtsp.router();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let quirks = Quirks { mode: SigningMode::Cms, ..Quirks::default() };
    let client = CscClient::new(CscConfig { quirks, ..qtsp.csc_config() }).unwrap();
    let request = IssueRequest {
        subject: Subject {
            given_name: "Anna".into(),
            surname: "Rossi".into(),
            fiscal_code: "RSSNNA80A41H501U".into(),
        },
        mobile: "+393331234567".into(),
        document: signing::Digest::of(b"testo"),
        title: "Verbale".into(),
        identified_by: "spid".into(),
        identified_at: SystemClock.now(),
    };
    let credential = client.issue(&request).await.unwrap().id;
    client.send_otp(&credential).await.unwrap();
    let code = codes.0.lock().unwrap().clone();
    let cms = client.sign_hash(&credential, &code, None, &request.document).await.unwrap();

    let put = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let fetch = async |name: &str| {
        let response = reqwest::get(format!("{origin}/demo/qtsp/{name}")).await.unwrap();
        response.text().await.unwrap()
    };
    let (lotl, list) = (fetch("lotl.xml").await, fetch("list.xml").await);
    let altered = put("altered.xml", list.replace("Svcstatus/granted", "Svcstatus/g").as_bytes());
    // Who signs the list, as the list of lists names them.
    let named = signing_trust_lists::TrustList::read(
        lotl.as_bytes(),
        &signing_trust_lists::Signers::from_pem(qtsp.list_signer_pem().as_bytes()).unwrap(),
    );
    let named = named.unwrap().pointers_to("ZZ").next().unwrap().signers[0].to_pem().unwrap();
    let national = put("national.pem", &named);
    let (lotl, list) = (put("lotl.xml", lotl.as_bytes()), put("list.xml", list.as_bytes()));
    let signer = put("signer.pem", qtsp.list_signer_pem().as_bytes());
    let (file, content) = (put("testo.p7s", &cms), put("testo.txt", b"testo"));
    let run = |list: &std::path::Path, signer: &std::path::Path| {
        let output = verify(&[
            file.as_os_str(),
            "--content".as_ref(),
            content.as_os_str(),
            "--trust-list".as_ref(),
            list.as_os_str(),
            "--lotl".as_ref(),
            lotl.as_os_str(),
            "--list-signer".as_ref(),
            signer.as_os_str(),
        ]);
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (accepted, said) = run(&list, &signer);
    assert!(accepted && said.contains("TOTAL-PASSED"), "{said}");
    assert!(said.contains("Elenco di fiducia: ZZ n. "), "{said}");
    let (accepted, said) = run(&altered, &signer);
    assert!(!accepted && said.contains("altered.xml: the list was altered"), "{said}");
    let root = put("root.pem", qtsp.root_pem().as_bytes());
    let (accepted, said) = run(&list, &root);
    assert!(!accepted && said.contains("lotl.xml: the list is signed by somebody"), "{said}");
    // Which editions these are is told; an older one than was seen is refused.
    let seen = dir.path().join("seen.json");
    let with_memory = || {
        let output = verify(&[
            file.as_os_str(),
            "--content".as_ref(),
            content.as_os_str(),
            "--trust-list".as_ref(),
            list.as_os_str(),
            "--list-signer".as_ref(),
            national.as_os_str(),
            "--seen".as_ref(),
            seen.as_os_str(),
        ]);
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (accepted, said) = with_memory();
    assert!(accepted && said.contains("Elenco di fiducia ZZ n. "), "{said}");
    let number: u64 = serde_json::from_slice::<serde_json::Value>(&std::fs::read(&seen).unwrap())
        .unwrap()["ZZ"]
        .as_u64()
        .unwrap();
    assert!(with_memory().0);
    std::fs::write(&seen, format!("{{\"ZZ\":{}}}", number + 1)).unwrap();
    let (accepted, said) = with_memory();
    assert!(!accepted && said.contains("is older than edition"), "{said}");
    let without = verify(&[file.as_os_str(), "--trust-list".as_ref(), list.as_os_str()]);
    assert!(!without.status.success());
    server.abort();
}

#[test]
fn r_sign_31_a_signed_file_is_told_signer_by_signer() {
    use portal::clock::{Clock as _, SystemClock};
    use signing::ports::Subject;

    let dir = tempfile::tempdir().unwrap();
    let now: accordo_demo::Now = std::sync::Arc::new(|| SystemClock.now());
    let codes = std::sync::Arc::new(Codes::default());
    let (keys, origin) = (dir.path().join("keys"), "http://127.0.0.1:1");
    let qtsp = accordo_demo::qtsp::DemoQtsp::new(&keys, origin, codes, now).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let root = put("root.pem", qtsp.root_pem().as_bytes());
    let mut p7m = b"Verbale di accordo\n".to_vec();
    for (given_name, surname, fiscal_code) in
        [("Anna", "Rossi", "RSSNNA80A41H501U"), ("Luca", "Bianchi", "BNCLCU75B02F205X")]
    {
        let [given_name, surname, fiscal_code] =
            [given_name, surname, fiscal_code].map(ToOwned::to_owned);
        let person = Subject { given_name, surname, fiscal_code };
        p7m = qtsp.sign_file_on_device(&p7m, &person).unwrap();
    }
    let mut altered = p7m.clone();
    let place = altered.windows(7).position(|seven| seven == b"Verbale").unwrap();
    altered[place] ^= 1;
    let run = |name: &str, bytes: &[u8]| {
        let file = put(name, bytes);
        let output =
            verify(&[file.as_os_str(), "--json".as_ref(), "--trust".as_ref(), root.as_os_str()]);
        let reports: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), reports[0]["report"].clone())
    };
    let (code, report) = run("verbale.p7m", &p7m);
    assert_eq!((code, &report["format"]), (Some(0), &"p7m".into()), "{report:#}");
    let signatures = report["signatures"].as_array().unwrap();
    let mut told: Vec<_> = signatures
        .iter()
        .map(|one| [&one["signer"]["fiscal_code"], &one["level"], &one["indication"]])
        .map(|facts| facts.map(|fact| fact.as_str().unwrap()))
        .collect();
    told.sort_unstable();
    let passed = |code| [code, "B-B", "TOTAL-PASSED"];
    assert_eq!(told, [passed("BNCLCU75B02F205X"), passed("RSSNNA80A41H501U")]);
    let (code, report) = run("altered.p7m", &altered);
    assert_eq!(code, Some(1));
    for one in report["signatures"].as_array().unwrap() {
        let found = [&one["indication"], &one["sub_indication"]];
        assert_eq!(found, ["TOTAL-FAILED", "HASH_FAILURE"], "{report:#}");
    }
}
