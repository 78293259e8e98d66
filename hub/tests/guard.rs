//! The demo guard of DESIGN §6.6, on real processes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509Name};
use support::{Hub, free_port, get, hub, said};

/// A production hub's settings; `csc` and `root` as given.
fn production(folder: &Path, csc: &str, root: &Path, database: &str) -> PathBuf {
    std::fs::write(folder.join("secret"), "secret").unwrap();
    let (folder, root) = (folder.display(), root.display());
    let text = format!(
        "mode = 'production'\n[database]\nurl = '{database}'\n\
         [signing]\ntrust = ['{root}']\n\
         [signing.csc]\nbase_url = '{csc}'\nclient_id = 'accordo'\n\
         client_secret_file = '{folder}/secret'\n[[signing.tsa]]\nurl = 'https://tsa.example.com'\n"
    );
    let file = Path::new(&folder.to_string()).join("production.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// A root that is no demo's.
fn root(folder: &Path) -> PathBuf {
    let key = PKey::generate_ed25519().unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "Example Root").unwrap();
    let name = name.build();
    let mut root = X509::builder().unwrap();
    root.set_subject_name(&name).unwrap();
    root.set_issuer_name(&name).unwrap();
    root.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    root.set_not_after(&Asn1Time::days_from_now(10).unwrap()).unwrap();
    root.set_pubkey(&key).unwrap();
    root.sign(&key, MessageDigest::null()).unwrap();
    let file = folder.join("root.pem");
    std::fs::write(&file, root.build().to_pem().unwrap()).unwrap();
    file
}

const REAL: &str = "https://qtsp.example.com";

#[test]
fn a_demo_listens_on_loopback_only_and_nobody_is_a_demo_by_default() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    for (arguments, why) in [
        (vec!["serve", "--demo", "--listen", "0.0.0.0:0", "--data", &data], "loopback"),
        (vec!["serve", "--demo", "--listen", "[::]:0", "--data", &data], "loopback"),
        (vec!["serve", "--data", &data], "say which hub"),
    ] {
        let output = hub(&arguments);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(why), "{}", said(&output));
        assert!(!Path::new(&data).exists(), "nothing was made");
    }
}

#[test]
fn a_demo_stays_a_demo_and_production_stays_production() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, real) = (dir.path().join("demo"), dir.path().join("real"));
    let root = root(dir.path());

    let serving = Hub::start(&demo);
    let demo_root = demo.join("demo-root.pem");
    assert!(demo_root.exists());
    let second = hub(&["serve", "--demo", "--listen", "127.0.0.1:0", "--data", path(&demo)]);
    assert!(said(&second).contains("another hub serves"), "{}", said(&second));
    let backup = dir.path().join("demo.tar");
    assert!(hub(&["backup", path(&backup), "--data", path(&demo)]).status.success());
    assert!(serving.stop().success());

    // Production refuses everything of a demo, whatever leads to it.
    let of_demo = format!("sqlite://{}", demo.join("accordo.db").display());
    let before = std::fs::read(demo.join("accordo.db")).unwrap();
    let other = dir.path().join("other");
    for (data, csc, root, database, why) in [
        (&other, REAL, &root, of_demo.as_str(), "database of a demo"),
        (&demo, REAL, &root, "", "a demo's data folder"),
        (&other, "http://127.0.0.1:8080/demo/qtsp", &root, "", "demo trust service"),
        (&other, REAL, &demo_root, "", "root of a demo"),
    ] {
        let config = production(dir.path(), csc, root, database);
        let place = ["--config", path(&config), "--data", path(data)];
        let output = hub(&[&["serve", "--listen", "127.0.0.1:0"], &place[..]].concat());
        assert_eq!(output.status.code(), Some(1), "{why}");
        let text = said(&output);
        assert!(text.contains("demo guard") && text.contains(why), "{why}: {text}");
    }
    assert_eq!(std::fs::read(demo.join("accordo.db")).unwrap(), before);

    // A production hub runs without any demo part ...
    let config = production(dir.path(), REAL, &root, "");
    let binary = Path::new(env!("CARGO_BIN_EXE_hub"));
    let serving = Hub::start_with(binary, &real, free_port(), &["--config", path(&config)]);
    for address in ["/dev/outbox", "/dev/outbox.json", "/demo/qtsp/", "/demo/idp/authorize"] {
        let answer = get(serving.listen, address).unwrap();
        assert!(answer.starts_with("HTTP/1.1 404"), "{address}: {answer}");
    }
    assert!(get(serving.listen, "/healthz").unwrap().starts_with("HTTP/1.1 200"));
    assert!(serving.stop().success());

    // ... and no demo touches what it left, nor does a demo's backup get into it.
    let place = ["--demo", "--listen", "127.0.0.1:0", "--data", path(&real)];
    let archive = dir.path().join("real.tar");
    for arguments in [
        [&["serve"], &place[..]].concat(),
        [&["backup", path(&archive)], &place[..]].concat(),
        [&["restore", path(&backup)], &place[..]].concat(),
        [&["verify-journals"], &place[..]].concat(),
        vec!["restore", path(&backup), "--config", path(&config), "--data", path(&real)],
    ] {
        let output = hub(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(said(&output).contains("demo guard"), "{arguments:?}: {}", said(&output));
    }
    assert!(!archive.exists() && !real.join("demo-qtsp").exists());
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
