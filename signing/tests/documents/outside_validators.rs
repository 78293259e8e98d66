//! What others say about our documents. A validator that is missing fails the test.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    process::Signed,
    sample::{FIELDS, Layout},
};

/// pyHanko's command line: `ACCORDO_PYHANKO`, the workspace's own environment, or the PATH.
pub fn pyhanko() -> PathBuf {
    if let Some(given) = std::env::var_os("ACCORDO_PYHANKO") {
        return given.into();
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/pyhanko");
    if own.exists() { own } else { "pyhanko".into() }
}

/// The interpreter that has pyHanko, for what its command line cannot do.
pub fn python() -> PathBuf {
    match pyhanko().parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => folder.join("python"),
        None => "python3".into(),
    }
}

pub fn run(command: &mut Command) -> String {
    let program = command.get_program().to_owned();
    let output = command.output().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{program:?} refuses: {said}");
    said
}

#[test]
fn pyhanko_pdfsig_and_qpdf_accept_three_signers() {
    for layout in [Layout::Table, Layout::ObjectStreams] {
        let signed = Signed::new(layout);
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root.pem");
        std::fs::write(&root, signed.authority.root.cert.to_pem().unwrap()).unwrap();
        let (long_term, archived) = (signed.long_term(), signed.archived());
        for (name, pdf) in [("b-t", signed.pdf()), ("b-lt", &long_term), ("b-lta", &archived)] {
            let file = folder.path().join(format!("{name}.pdf"));
            std::fs::write(&file, pdf).unwrap();

            run(Command::new("qpdf").arg("--check").arg(&file));

            let said = run(Command::new("pdfsig").arg("-nocert").arg(&file));
            let valid = said.matches("Signature is Valid.").count();
            // Poppler knows no document time stamps: it neither accepts nor refuses them.
            assert_eq!(valid, FIELDS.len(), "{layout:?} {name}: {said}");

            let said = run(Command::new(pyhanko())
                .args(["sign", "validate", "--pretty-print", "--no-revocation-check", "--trust"])
                .arg(&root)
                .arg(&file));
            let trusted = said.matches("The signature is judged VALID.").count();
            assert_eq!(trusted, FIELDS.len(), "{layout:?} {name}: {said}");
        }
    }
}

#[test]
fn pyhanko_finds_the_archived_document_valid_without_asking_anybody() {
    let signed = Signed::new(Layout::ObjectStreams);
    let folder = tempfile::tempdir().unwrap();
    let (root, file) = (folder.path().join("root.pem"), folder.path().join("archived.pdf"));
    std::fs::write(&root, signed.authority.root.cert.to_pem().unwrap()).unwrap();
    std::fs::write(&file, signed.archived()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents/ades_lta.py");
    let said = run(Command::new(python()).arg(script).arg(&root).arg(&file));
    assert_eq!(said.matches("AdESPassed.OK").count(), FIELDS.len(), "{said}");
}
