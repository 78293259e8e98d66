//! Certificates and their status, as OpenSSL sees them.

use std::sync::Arc;

use accordo_demo::qtsp::DemoQtsp;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::support::{Outbox, Service, openssl};

/// Writes the chain of a new credential and both revocation lists; the credential's id.
async fn prepared(service: &Service) -> String {
    let credential = service.issue().await;
    service.write_chain(&credential);
    let mut lists = Vec::new();
    for issuer in ["root", "issuing"] {
        let der = service.get(&format!("/{issuer}.crl")).await;
        service.write(&format!("{issuer}.crl"), &der);
        let list = openssl::x509::X509Crl::from_der(&der).unwrap();
        lists.extend(list.to_pem().unwrap());
    }
    service.write("lists.pem", &lists);
    credential.id
}

const VERIFY: [&str; 9] = [
    "verify",
    "-x509_strict",
    "-crl_check_all",
    "-CRLfile",
    "lists.pem",
    "-CAfile",
    "root.pem",
    "-untrusted",
    "issuing.pem",
];

#[tokio::test]
async fn the_chain_is_sound_and_says_what_it_is() {
    let service = Service::start().await;
    prepared(&service).await;
    let dir = service.dir.path();
    let verify = [&VERIFY[..], &["signer.pem"]].concat();
    let (ok, said) = openssl(dir, &verify).await;
    assert!(ok, "{said}");

    for certificate in ["root.pem", "issuing.pem", "signer.pem"] {
        let print =
            ["x509", "-in", certificate, "-noout", "-text", "-nameopt", "utf8,sep_comma_plus"];
        let (ok, text) = openssl(dir, &print).await;
        assert!(ok);
        assert!(text.matches("DEMO – NOT QUALIFIED / NON QUALIFICATO").count() >= 2, "{text}");
        if certificate != "signer.pem" {
            continue;
        }
        let expected = [
            "serialNumber=TINIT-DMCNLC80A41H501X",
            "CN=Anna Lucía D'Àmico",
            "X509v3 Key Usage: critical\n                Non Repudiation\n",
            "1.3.6.1.4.1.99999.1.1",
            "qcStatements",
            &format!("OCSP - URI:{}", service.url("/ocsp")),
            &format!("CA Issuers - URI:{}", service.url("/issuing.cer")),
            &format!("URI:{}", service.url("/issuing.crl")),
            &format!("CPS: {}", service.url("/cps")),
        ];
        for part in expected {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }
    let parse = ["x509", "-in", "signer.pem", "-noout", "-ext", "qcStatements"];
    let (_, text) = openssl(dir, &parse).await;
    assert!(text.contains("qcStatements"), "{text}");

    assert_eq!(service.get("/root.pem").await, service.qtsp.root_pem().into_bytes());
    assert_eq!(service.get("/root.cer").await, service.qtsp.root_der());
    for page in ["/cps", "/pds"] {
        let page = String::from_utf8(service.get(page).await).unwrap();
        assert!(page.contains("NON QUALIFICATO"));
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_told_by_list_and_responder() {
    let service = Service::start().await;
    let credential = prepared(&service).await;
    let dir = service.dir.path().to_owned();
    let url = service.url("/ocsp");
    let ask = [
        "ocsp",
        "-issuer",
        "issuing.pem",
        "-cert",
        "signer.pem",
        "-url",
        &url,
        "-CAfile",
        "root.pem",
        "-respout",
        "response.der",
    ];
    let (ok, said) = openssl(&dir, &ask).await;
    assert!(
        ok && said.contains("Response verify OK") && said.contains("signer.pem: good"),
        "{said}"
    );
    assert!(!said.contains("WARNING"), "the nonce is given back: {said}");

    let check = ["crl", "-inform", "DER", "-in", "issuing.crl", "-noout", "-CAfile", "issuing.pem"];
    let (ok, said) = openssl(&dir, &check).await;
    assert!(ok && said.contains("verify OK"), "{said}");

    assert!(service.qtsp.revoke(&credential).unwrap());
    assert!(!service.qtsp.revoke("nobody").unwrap());
    let (_, said) = openssl(&dir, &ask).await;
    assert!(said.contains("signer.pem: revoked"), "{said}");
    let list = openssl::x509::X509Crl::from_der(&service.get("/issuing.crl").await).unwrap();
    let root = std::fs::read(dir.join("root.crl")).unwrap();
    let root = openssl::x509::X509Crl::from_der(&root).unwrap();
    service.write("lists.pem", &[list.to_pem().unwrap(), root.to_pem().unwrap()].concat());
    let verify = [&VERIFY[..], &["signer.pem"]].concat();
    let (ok, said) = openssl(&dir, &verify).await;
    assert!(!ok && said.contains("revoked"), "{said}");

    let unknown = [
        "ocsp",
        "-issuer",
        "issuing.pem",
        "-serial",
        "0x1234",
        "-url",
        &url,
        "-CAfile",
        "root.pem",
    ];
    let (_, said) = openssl(&dir, &unknown).await;
    assert!(said.contains("unknown"), "{said}");
}

#[tokio::test]
async fn a_status_can_be_asked_by_get_with_either_hash() {
    let service = Service::start().await;
    prepared(&service).await;
    let dir = service.dir.path();
    for hash in ["-sha1", "-sha256"] {
        let make = [
            "ocsp",
            hash,
            "-issuer",
            "issuing.pem",
            "-cert",
            "signer.pem",
            "-no_nonce",
            "-reqout",
            "request.der",
        ];
        assert!(openssl(dir, &make).await.0);
        let request = STANDARD.encode(std::fs::read(dir.join("request.der")).unwrap());
        let request = request.replace('/', "%2F").replace('+', "%2B");
        service.write("response.der", &service.get(&format!("/ocsp/{request}")).await);
        let read = [
            "ocsp",
            hash,
            "-respin",
            "response.der",
            "-issuer",
            "issuing.pem",
            "-cert",
            "signer.pem",
            "-CAfile",
            "root.pem",
        ];
        let (ok, said) = openssl(dir, &read).await;
        assert!(ok && said.contains("signer.pem: good"), "{said}");
    }
    let rubbish = service.get("/ocsp/rubbish").await;
    assert_eq!(rubbish, [0x30, 3, 0x0a, 1, 1], "malformedRequest");
}

#[tokio::test]
async fn a_new_address_keeps_the_keys_and_the_old_signatures() {
    let service = Service::start().await;
    prepared(&service).await;
    let origin = "http://localhost:18080";
    let outbox = Arc::new(Outbox::default());
    let moved = DemoQtsp::new(&service.data(), origin, outbox, service.clock.now()).unwrap();
    assert_eq!(moved.root_der(), service.qtsp.root_der());
    let issuing = std::fs::read(service.data().join("authority/issuing.cer")).unwrap();
    let issuing = openssl::x509::X509::from_der(&issuing).unwrap();
    let text = String::from_utf8(issuing.to_text().unwrap()).unwrap();
    assert!(text.contains("http://localhost:18080/demo/qtsp/root.crl"), "{text}");
    service.write("issuing.pem", &issuing.to_pem().unwrap());
    let verify = [&VERIFY[..], &["signer.pem"]].concat();
    let (ok, said) = openssl(service.dir.path(), &verify).await;
    assert!(ok, "{said}");
}
