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
