//! The demo's trusted lists: read by us, and judged by others.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use openssl::x509::X509;
use reqwest::{StatusCode, header};
use signing::verify::{Indication, ServiceKind, TrustAnchors, verify_beside};
use signing::{
    Digest,
    csc::{CscClient, CscConfig, Quirks},
    ports::{ListSource as _, Qtsp as _, SigningMode, StatusError},
    preservation::HttpStatus,
};
use signing_trust_lists::TrustList;
use tokio::process::Command;

use crate::support::Service;

async fn lists(service: &Service) -> (TrustList, TrustList) {
    let signer = X509::from_pem(service.qtsp.list_signer_pem().as_bytes()).unwrap();
    let lists = TrustList::read(&service.get("/lotl.xml").await, &[signer]).unwrap();
    let territory = service.qtsp.list_territory();
    let pointer = lists.pointers_to(territory).next().unwrap();
    assert_eq!(pointer.location, service.url("/list.xml"));
    let national = service.get("/list.xml").await;
    let national = TrustList::read(&national, &pointer.signers).unwrap();
    (lists, national)
}

#[tokio::test]
async fn the_lists_lead_to_the_provider_and_are_renewed_in_order() {
    let mut service = Service::start().await;
    let (of_lists, national) = lists(&service).await;
    assert!(of_lists.of_lists && national.edition.next_update.is_some());
    let kinds: Vec<_> = national.services.iter().map(|service| service.kind).collect();
    assert_eq!(kinds, [ServiceKind::QualifiedCertificates, ServiceKind::QualifiedTimeStamps]);
    assert!(national.services[0].provider.contains("NOT QUALIFIED"));

    let client = reqwest::Client::new();
    let first = client.get(service.url("/list.xml")).send().await.unwrap();
    let tag = first.headers()[header::ETAG].clone();
    let again = client.get(service.url("/list.xml")).header(header::IF_NONE_MATCH, tag.clone());
    assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);

    // As a hub asks, which takes no address of this network from outside.
    let source = HttpStatus::new(true).unwrap();
    let location = service.url("/list.xml");
    let newer = source.newer(&location, None).await.unwrap().unwrap();
    assert_eq!(newer.tag.as_deref(), tag.to_str().ok());
    assert_eq!(newer.bytes, service.get("/list.xml").await);
    assert_eq!(source.newer(&location, newer.tag.as_deref()).await.unwrap(), None);
    assert!(source.newer(&service.url("/none.xml"), None).await.is_err());
    let refused = HttpStatus::new(false).unwrap().newer(&location, None).await;
    assert!(matches!(refused, Err(StatusError::Address(_))), "{refused:?}");

    service.clock.advance(TimeDelta::days(8));
    let (_, renewed) = lists(&service).await;
    assert!(renewed.edition.sequence > national.edition.sequence);
    let again = client.get(service.url("/list.xml")).header(header::IF_NONE_MATCH, tag);
    assert_eq!(again.send().await.unwrap().status(), StatusCode::OK);
    service.restart().await;
    assert!(lists(&service).await.1.edition.sequence >= renewed.edition.sequence);
}

#[tokio::test]
async fn r_sign_31_a_signature_of_the_demo_is_trusted_by_its_list() {
    let service = Service::start().await;
    let (_, national) = lists(&service).await;
    let quirks = Quirks { mode: SigningMode::Cms, ..Quirks::default() };
    let whole = CscClient::new(CscConfig { quirks, ..service.qtsp.csc_config() }).unwrap();
    let credential = service.issue().await;
    whole.send_otp(&credential.id).await.unwrap();
    let code = service.outbox.last_code();
    let cms = whole.sign_hash(&credential.id, &code, None, &Digest::of(b"text")).await.unwrap();
    let now = service.clock.get();
    let report = verify_beside(&cms, b"text", &national.anchors(), now);
    let signature = &report.signatures[0];
    assert_eq!(signature.indication, Indication::TotalPassed, "{:#}", report.to_json());
    let source = signature.chain.source.as_ref().unwrap();
    assert_eq!(source.service, "Accordo DEMO Issuing CA");
    assert_eq!(source.edition, *national.edition);
    let nobody = verify_beside(&cms, b"text", &TrustAnchors::from_lists(Vec::new()), now);
    assert!(!nobody.trust_given);
}

#[tokio::test]
async fn outsiders_accept_the_lists_and_refuse_an_altered_one() {
    let service = Service::start().await;
    let lotl = service.write("lotl.xml", &service.get("/lotl.xml").await);
    let list = service.write("list.xml", &service.get("/list.xml").await);
    let signer = service.write("signer.pem", service.qtsp.list_signer_pem().as_bytes());
    let (_, national) = lists(&service).await;
    let altered = std::fs::read_to_string(&list).unwrap();
    let altered = altered.replacen("Svcstatus/granted", "Svcstatus/withdrawn", 1);
    let altered = service.write("altered.xml", altered.as_bytes());

    let xmlsec = |file: PathBuf| {
        let mut command = Command::new("xmlsec1");
        command.args(["--verify", "--enabled-key-data", "x509", "--insecure"]);
        for attribute in ["Signature", "SignedProperties"] {
            let space = if attribute == "Signature" {
                "http://www.w3.org/2000/09/xmldsig#"
            } else {
                "http://uri.etsi.org/01903/v1.3.2#"
            };
            command.args(["--id-attr:Id", &format!("{space}:{attribute}")]);
        }
        async move { command.arg(file).output().await.unwrap() }
    };
    for file in [&lotl, &list] {
        let output = xmlsec(file.clone()).await;
        assert!(output.status.success(), "{output:?}");
    }
    assert!(!xmlsec(altered.clone()).await.status.success());

    let pyhanko = std::env::var_os("ACCORDO_PYHANKO").map(PathBuf::from);
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pyhanko = pyhanko.unwrap_or_else(|| own.join("../../.venv/bin/pyhanko"));
    let python = |list: PathBuf| {
        let mut command = Command::new(pyhanko.with_file_name("python3"));
        command.arg(own.join("tests/services/trust_lists.py")).args([&signer, &lotl, &list]);
        async move { command.output().await.unwrap() }
    };
    let output = python(list).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for told in ["list ZZ", "authority ", "time "] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(said.contains(&national.services[0].name), "{said}");
    let output = python(altered).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("Invalid XML signature"), "{said}");
}
