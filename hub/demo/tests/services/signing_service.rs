//! The remote signature: our CSC client against the demo provider.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use chrono::TimeDelta;
use serde_json::{Value, json};
use signing::{
    Digest,
    csc::{CscClient, CscConfig, Quirks, Version},
    ports::{Qtsp as _, QtspError, SigningMode, Tsa as _},
};
use tokio::process::Command;

use crate::support::{RETURN, Service, openssl};

const MESSAGE: &[u8] = b"the signed attributes";

fn digest() -> Digest {
    Digest::of(MESSAGE)
}

/// A code that is not `code`.
fn other(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

#[tokio::test]
async fn a_document_is_signed_and_an_outsider_agrees() {
    let service = Service::start().await;
    let info = service.csc.info().await.unwrap();
    assert_eq!(info.specs, "2.0.0.2");
    assert!(info.methods.iter().any(|method| method == "signatures/signHash"));

    let credential = service.issue().await;
    assert_eq!(service.csc.credentials(true).await.unwrap(), std::slice::from_ref(&credential.id));
    service.csc.send_otp(&credential.id).await.unwrap();
    let (to, text, key) = service.outbox.messages.lock().unwrap()[0].clone();
    assert_eq!(to, "+393331234567");
    assert!(text.contains("N/2026/000123") && text.contains("non qualificata"), "{text}");
    assert!(key.contains(&credential.id));

    let code = service.outbox.last_code();
    let signature = service.csc.sign_hash(&credential.id, &code, None, &digest()).await.unwrap();
    service.write_chain(&credential);
    service.write("message", MESSAGE);
    service.write("signature", &signature);
    let (ok, key) =
        openssl(service.dir.path(), &["x509", "-in", "signer.pem", "-pubkey", "-noout"]).await;
    assert!(ok);
    service.write("key.pem", key.as_bytes());
    let verify = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"];
    let (ok, said) = openssl(service.dir.path(), &verify).await;
    assert!(ok && said.contains("Verified OK"), "{said}");
    assert!(service.csc.credentials(true).await.unwrap().is_empty());
    assert_eq!(service.csc.credentials(false).await.unwrap(), [credential.id]);
}

/// A client that knows the provider's other ways.
fn client(service: &Service, quirks: Quirks) -> CscClient {
    CscClient::new(CscConfig { quirks, ..service.qtsp.csc_config() }).unwrap()
}

#[tokio::test]
async fn the_older_version_signs_too() {
    let service = Service::start().await;
    let older = Quirks { version: Version::V1, client_in_header: true, ..Quirks::default() };
    let older = client(&service, older);
    let credential = older.issue(&service.request()).await.unwrap();
    assert_eq!(older.credentials(true).await.unwrap(), std::slice::from_ref(&credential.id));
    older.send_otp(&credential.id).await.unwrap();
    let code = service.outbox.last_code();
    let wrong = older.sign_hash(&credential.id, &other(&code), None, &digest()).await;
    assert!(matches!(wrong, Err(QtspError::WrongOtp)), "{wrong:?}");
    let signature = older.sign_hash(&credential.id, &code, None, &digest()).await.unwrap();
    let newer = service.csc.sign_hash(&credential.id, &code, None, &digest()).await.unwrap();
    assert_eq!(newer, signature, "the same provider, asked in two versions");
}

#[tokio::test]
async fn the_provider_can_make_the_whole_cms() {
    let service = Service::start().await;
    let whole = client(&service, Quirks { mode: SigningMode::Cms, ..Quirks::default() });
    let credential = service.issue().await;
    whole.send_otp(&credential.id).await.unwrap();
    let code = service.outbox.last_code();
    let cms = whole.sign_hash(&credential.id, &code, None, &digest()).await.unwrap();
    assert_eq!(whole.sign_hash(&credential.id, &code, None, &digest()).await.unwrap(), cms);
    let another = whole.sign_hash(&credential.id, &code, None, &Digest::of(b"another")).await;
    assert!(matches!(another, Err(QtspError::CredentialUsed)), "{another:?}");

    let [root, issuing, _] = service.write_chain(&credential);
    let issuers = [root, issuing].map(|path| std::fs::read(path).unwrap()).concat();
    service.write("issuers.pem", &issuers);
    service.write("message", MESSAGE);
    service.write("signature.p7s", &cms);
    let verify = |content| {
        ["cms", "-verify", "-binary", "-inform", "DER", "-in", "signature.p7s", "-content", content]
            .into_iter()
            .chain(["-CAfile", "issuers.pem", "-purpose", "any"])
            .collect::<Vec<_>>()
    };
    let (ok, said) = openssl(service.dir.path(), &verify("message")).await;
    assert!(ok && said.contains("successful"), "{said}");
    assert!(!openssl(service.dir.path(), &verify("root.pem")).await.0);
}

#[tokio::test]
async fn r_sign_35_the_provider_stamps_what_it_is_asked_to() {
    let service = Service::start().await;
    for version in [Version::V2, Version::V1] {
        let csc = client(&service, Quirks { version, ..Quirks::default() });
        service.write("token.der", &csc.timestamp(&digest()).await.unwrap());
        service.write("root.pem", service.qtsp.root_pem().as_bytes());
        let hash = digest().to_string();
        let verify = ["ts", "-verify", "-digest", &hash, "-in", "token.der", "-token_in"];
        let verify = [&verify[..], &["-CAfile", "root.pem"]].concat();
        let (ok, said) = openssl(service.dir.path(), &verify).await;
        assert!(ok && said.contains("Verification: OK"), "{version:?} {said}");
    }
}

/// What is tried, in order, with one code that was sent; the last result decides.
#[derive(Clone, Copy, Debug)]
enum Try {
    Right,
    Wrong,
    Wait(i64),
    NewCode,
    OldCode,
}

#[tokio::test]
async fn r_sign_30_a_wrong_code_is_counted_and_an_old_one_refused() {
    use Try::{NewCode, OldCode, Right, Wait, Wrong};
    let service = Service::start().await;
    let cases: [(&[Try], &str); 9] = [
        (&[Right], "signed"),
        (&[Wrong], "wrong"),
        (&[Wrong, Wrong, Right], "signed"),
        (&[Wrong, Wrong, Wrong], "blocked"),
        (&[Wrong, Wrong, Wrong, Right], "blocked"),
        // A new code is no new chance.
        (&[Wrong, Wrong, NewCode, Wrong], "blocked"),
        (&[NewCode, OldCode], "wrong"),
        (&[Wait(5 * 60), Right], "blocked"),
        (&[Wait(5 * 60), NewCode, Right], "signed"),
    ];
    for (tries, expected) in cases {
        let (credential, first) = service.ready().await;
        let mut code = first.clone();
        let mut outcome = "";
        for step in tries {
            let given = match step {
                Right => code.clone(),
                Wrong => other(&code),
                OldCode if first != code => first.clone(),
                OldCode => other(&code),
                Wait(seconds) => {
                    service.clock.advance(TimeDelta::seconds(*seconds));
                    continue;
                }
                NewCode => {
                    service.csc.send_otp(&credential).await.unwrap();
                    code = service.outbox.last_code();
                    continue;
                }
            };
            outcome = match service.csc.sign_hash(&credential, &given, None, &digest()).await {
                Ok(_) => "signed",
                Err(QtspError::WrongOtp) => "wrong",
                Err(QtspError::OtpBlocked) => "blocked",
                Err(error) => panic!("{tries:?}: {error}"),
            };
        }
        assert_eq!(outcome, expected, "{tries:?}");
        if expected == "blocked" && !matches!(tries, [Wait(_), ..]) {
            let again = service.csc.send_otp(&credential).await;
            assert!(matches!(again, Err(QtspError::OtpBlocked)), "{tries:?} {again:?}");
        }
    }
}

#[tokio::test]
async fn r_sign_30_a_credential_signs_once() {
    let service = Service::start().await;
    let (credential, code) = service.ready().await;
    let signature = service.csc.sign_hash(&credential, &code, None, &digest()).await.unwrap();

    let again = service.csc.sign_hash(&credential, &code, None, &digest()).await.unwrap();
    assert_eq!(again, signature, "a lost answer can be asked for again");
    let another = service.csc.sign_hash(&credential, &code, None, &Digest::of(b"another")).await;
    assert!(matches!(another, Err(QtspError::CredentialUsed)), "{another:?}");
    let code = service.csc.send_otp(&credential).await;
    assert!(matches!(code, Err(QtspError::CredentialUsed)), "{code:?}");

    let record = service.data().join(format!("credentials/{credential}.json"));
    let record = std::fs::read_to_string(record).unwrap();
    assert!(!record.contains("PRIVATE KEY"), "the used key is gone");
    assert!(record.contains("\"key\":null"));
}

#[tokio::test]
async fn r_sign_30_two_at_once_get_one_signature() {
    let service = Service::start().await;
    for _ in 0..10 {
        let (credential, code) = service.ready().await;
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        let (one, two) = tokio::join!(
            service.csc.sign_hash(&credential, &code, None, &one),
            service.csc.sign_hash(&credential, &code, None, &two),
        );
        assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1, "{one:?} {two:?}");
    }
}

#[tokio::test]
async fn nothing_is_forgotten_by_a_restart() {
    let mut service = Service::start().await;
    let root = service.qtsp.root_pem();
    let credential = service.issue().await.id;
    service.restart().await;
    assert_eq!(service.qtsp.root_pem(), root);
    service.csc.send_otp(&credential).await.unwrap();
    let code = service.outbox.last_code();
    service.restart().await;
    let wrong = service.csc.sign_hash(&credential, &other(&code), None, &digest()).await;
    assert!(matches!(wrong, Err(QtspError::WrongOtp)), "{wrong:?}");
    service.restart().await;
    let wrong = service.csc.sign_hash(&credential, &other(&code), None, &digest()).await;
    assert!(matches!(wrong, Err(QtspError::WrongOtp)), "{wrong:?}");
    service.restart().await;
    let signature = service.csc.sign_hash(&credential, &code, None, &digest()).await.unwrap();
    service.restart().await;
    assert_eq!(
        service.csc.sign_hash(&credential, &code, None, &digest()).await.unwrap(),
        signature
    );

    let (credential, code) = service.ready().await;
    for _ in 0..3 {
        service.restart().await;
        let _ = service.csc.sign_hash(&credential, &other(&code), None, &digest()).await;
    }
    service.restart().await;
    let blocked = service.csc.sign_hash(&credential, &code, None, &digest()).await;
    assert!(matches!(blocked, Err(QtspError::OtpBlocked)), "{blocked:?}");
}

#[tokio::test]
async fn the_keys_can_be_read_by_their_owner_alone() {
    fn check(path: &Path) {
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        if path.is_dir() {
            path.read_dir().unwrap().for_each(|entry| check(&entry.unwrap().path()));
        }
    }
    let service = Service::start().await;
    service.issue().await;
    check(&service.data());
    let keys = service.data().join("authority").read_dir().unwrap();
    let keys = keys
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "key"));
    assert_eq!(keys.count(), 4);
}

#[tokio::test]
async fn what_the_provider_cannot_do_is_told_apart() {
    let service = Service::start().await;
    let mut config = service.qtsp.csc_config();
    config.client_secret.push('x');
    let refused = CscClient::new(config).unwrap().issue(&service.request()).await;
    assert!(matches!(refused, Err(QtspError::Refused(_))), "{refused:?}");

    let mut request = service.request();
    request.subject.fiscal_code = "short".into();
    let refused = service.csc.issue(&request).await;
    assert!(matches!(refused, Err(QtspError::Refused(_))), "{refused:?}");

    let nobody = CscClient::new(CscConfig::new("http://127.0.0.1:9", "a", "b")).unwrap();
    let silent = nobody.issue(&service.request()).await;
    assert!(matches!(silent, Err(QtspError::Unreachable(_))), "{silent:?}");

    for unknown in ["", "0", "../client", "00000000000000000000000000000000"] {
        let unknown = service.csc.send_otp(unknown).await;
        assert!(matches!(unknown, Err(QtspError::CredentialUsed)), "{unknown:?}");
    }

    let credential = service.issue().await.id;
    service.outbox.is_down.store(true, Ordering::SeqCst);
    let down = service.csc.send_otp(&credential).await;
    assert!(matches!(down, Err(QtspError::Unreachable(_))), "{down:?}");
    service.outbox.is_down.store(false, Ordering::SeqCst);
    service.csc.send_otp(&credential).await.unwrap();

    service.clock.advance(TimeDelta::hours(1));
    let expired = service.csc.send_otp(&credential).await;
    assert!(matches!(expired, Err(QtspError::CredentialUsed)), "{expired:?}");
}

#[test]
fn secrets_are_not_sent_in_the_clear() {
    let cases = [
        ("https://firma.example.it", true),
        ("http://localhost:8080/demo/qtsp", true),
        ("http://127.0.0.1:8080", true),
        ("http://firma.example.it", false),
        ("http://localhost.example.it", false),
        ("ftp://localhost", false),
        ("firma", false),
    ];
    for (address, accepted) in cases {
        let client = CscClient::new(CscConfig::new(address, "id", "secret"));
        assert_eq!(client.is_ok(), accepted, "{address}");
    }
    let config = CscConfig::new("https://firma.example.it", "id", "confidential");
    assert!(!format!("{config:?}").contains("confidential"));
}

/// Calls a method as the raw protocol has it.
async fn call(service: &Service, token: &str, method: &str, body: &Value) -> (u16, Value) {
    let response = reqwest::Client::new()
        .post(service.url(method))
        .bearer_auth(token)
        .json(body)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null))
}

/// An access token, got as the raw protocol has it.
async fn access_token(service: &Service) -> String {
    let config = service.qtsp.csc_config();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &config.client_id),
        ("client_secret", &config.client_secret),
    ];
    let http = reqwest::Client::new();
    let response = http.post(service.url("/oauth2/token")).form(&form).send().await.unwrap();
    let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_authorisation_is_for_its_hash_alone_in_both_versions() {
    const HASH: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    const OTHER: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let service = Service::start().await;
    let (credential, code) = service.ready().await;
    let (status, _) = call(&service, "guess", "/csc/v2/credentials/list", &json!({})).await;
    assert_eq!(status, 401);

    let token = access_token(&service).await;
    let token = token.as_str();
    let authorize = json!({
        "credentialID": credential, "numSignatures": 1, "hash": [HASH], "OTP": code,
    });
    let (status, answer) = call(&service, token, "/csc/v1/credentials/authorize", &authorize).await;
    assert_eq!(status, 200, "{answer}");
    let sign = |hash: &str| {
        json!({
            "credentialID": credential, "SAD": answer["SAD"], "hashes": [hash],
            "signAlgo": "1.2.840.10045.4.3.2",
        })
    };
    let (status, refused) =
        call(&service, token, "/csc/v2/signatures/signHash", &sign(OTHER)).await;
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_request")), "{refused}");
    let (_, signed) = call(&service, token, "/csc/v2/signatures/signHash", &sign(HASH)).await;
    assert!(signed["signatures"][0].is_string(), "{signed}");
    let (_, again) = call(&service, token, "/csc/v2/signatures/signHash", &sign(HASH)).await;
    assert_eq!(again, signed);

    service.clock.advance(TimeDelta::hours(1));
    let (status, _) = call(&service, token, "/csc/v2/credentials/list", &json!({})).await;
    assert_eq!(status, 401, "a token ends");
}

/// Another implementation of the client, in the older version of the protocol, with its own
/// validation of the PDF that comes out. `make test` installs it.
#[tokio::test]
async fn the_client_of_pyhanko_can_sign() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pyhanko = std::env::var_os("ACCORDO_PYHANKO").map(PathBuf::from);
    let pyhanko = pyhanko.unwrap_or_else(|| root.join(".venv/bin/pyhanko"));
    let service = Service::start().await;
    let config = service.qtsp.csc_config();
    let page = [config.client_id.as_str(), &config.client_secret, RETURN];
    let trust = service.write("root.pem", service.qtsp.root_pem().as_bytes());
    for way in [&[][..], &page[..]] {
        let (credential, code) = service.ready().await;
        let output = Command::new(pyhanko.with_file_name("python3"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/csc_client.py"))
            .args([&service.url(""), &access_token(&service).await, &credential, &code])
            .arg(&trust)
            .args(way)
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{way:?} {said}{failed}");
        assert!(said.contains("TINIT-DMCNLC80A41H501X"), "{said}");
    }
}
